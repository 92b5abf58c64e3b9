"""From a complaint in plain words to the right call: by tune_persona, or by the tools' words."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from mcp_client import ToolClient
from mcp_types import TextContent
from scoring import ranked

from tavus_mcp.catalog import load_catalog
from tavus_mcp.catalog.goals import GOALS

pytestmark = pytest.mark.anyio
CASES: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("complaints.toml").read_text(encoding="utf-8")
)
CATALOG = load_catalog()


def cases(kind: str) -> Any:
    return pytest.mark.parametrize("case", CASES[kind], ids=lambda case: case["complaint"])


async def asked(tool_client: ToolClient, persona_id: str, complaint: str) -> str:
    given = {"persona_id": persona_id, "complaint": complaint}
    (message,) = (await tool_client.client.get_prompt("tune_persona", given)).messages
    assert isinstance(message.content, TextContent)
    return message.content.text


def call(persona_id: str, case: dict[str, Any]) -> str:
    """Return the call that should follow, as it is written in a prompt."""
    languages = f", languages={case['languages']}" if "languages" in case else ""
    if "speak_languages" in case["goals"] and not languages:
        languages = ", languages=[...]"
    return f"suggest_tuning(persona_id='{persona_id}', goals={case['goals']}{languages})"


@cases("tuning")
async def test_a_complaint_leads_to_exactly_this_call(
    tool_client: ToolClient, case: dict[str, Any]
) -> None:
    text = await asked(tool_client, "p5317866", case["complaint"])
    assert f"1. Call {call('p5317866', case)}." in text
    assert text.count("suggest_tuning(") == 1
    others = [goal for goal in GOALS if goal not in case["goals"]]
    assert f"choose among: {', '.join(others)}." in text


@cases("tuning")
async def test_that_call_plans_just_what_mends_it(
    tool_client: ToolClient, case: dict[str, Any]
) -> None:
    persona_id = await tool_client.create_persona(**CASES["persona"])
    asked = {"persona_id": persona_id, "goals": case["goals"]}
    if "languages" in case:
        asked["languages"] = case["languages"]
    if "asks" in case:
        assert f"/{case['asks']}: " in await tool_client.expect_error("suggest_tuning", **asked)
        return
    plan = await tool_client.expect_result("suggest_tuning", **asked)
    assert plan["status"] == "planned"
    assert sorted({change["path"] for change in plan["changes"]}) == case["paths"]
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert (await tool_client.expect_result("suggest_tuning", **asked))["status"] == "unchanged"


@cases("other")
async def test_a_complaint_that_tuning_does_not_mend_leads_to_another_call(
    tool_client: ToolClient, case: dict[str, Any]
) -> None:
    text = await asked(tool_client, "p5317866", case["complaint"])
    assert f"1. Call {case['call'].format(id='p5317866')}." in text
    assert "suggest_tuning(" not in text


@cases("unclear")
async def test_where_no_phrase_fits_every_goal_is_offered_with_its_meaning(
    tool_client: ToolClient, case: dict[str, Any]
) -> None:
    text = await asked(tool_client, "p5317866", case["complaint"])
    for facts in CATALOG.complaints():
        assert f"- {facts.name}: {facts.means}" in text
    assert "suggest_tuning(persona_id='p5317866', goals=[...])" in text


async def test_a_complaint_may_point_to_tuning_and_to_another_call(tool_client: ToolClient) -> None:
    text = await asked(tool_client, "p1", "it interrupts people and mispronounces our name")
    assert "goals=['interrupt_less']" in text
    assert "They also point to configure_tts(persona_id=..., pronunciation_dictionary_id=" in text


@cases("tool")
async def test_the_words_of_the_tools_lead_to_the_right_one(
    tool_client: ToolClient, case: dict[str, Any]
) -> None:
    """The scoring is told in scoring.py."""
    best = ranked(case["complaint"], list((await tool_client.client.list_tools()).tools))
    assert set(case["tools"]) <= set(best[:3]), best[:5]


def test_there_are_at_least_thirty_complaints_and_one_for_every_goal() -> None:
    assert len(CASES["tuning"]) >= 30
    assert {goal for case in CASES["tuning"] for goal in case["goals"]} == set(GOALS)
