"""What guides, prompts, findings and instructions name is on the served surface."""

from __future__ import annotations

import pytest
from mcp_client import Desk
from naming import calls_in, goals_in, mistakes, tools_named

from tavus_mcp.catalog import load_catalog
from tavus_mcp.catalog.goals import GOALS

pytestmark = pytest.mark.anyio
CATALOG = load_catalog()


@pytest.mark.parametrize("topic", CATALOG.guide_topics())
async def test_every_tool_argument_and_goal_that_a_guide_names_exists(
    desk: Desk, topic: str
) -> None:
    guide = CATALOG.guide(topic)
    assert mistakes(guide, (await desk.client.list_tools()).tools) == []


async def test_what_the_instructions_name_exists(desk: Desk) -> None:
    told = desk.client.instructions
    assert told is not None
    assert mistakes(told, (await desk.client.list_tools()).tools) == []
    assert {"suggest_tuning", "measure_conversations"} <= tools_named(told)


def test_the_guide_to_tuning_names_every_goal() -> None:
    guide = CATALOG.guide("tuning")
    assert [goal for goal in GOALS if f"`{goal}`" not in guide] == []


async def test_the_names_are_really_looked_for(desk: Desk) -> None:
    """The looking itself: what is wrong is found, what is right is not."""
    tools = (await desk.client.list_tools()).tools
    text = "configure_lmm and `configure_llm(persona_id, modle=1)`, goals=['sing', 'cost_less']"
    assert mistakes(text, tools) == [
        "no tool configure_lmm",
        "configure_llm takes no modle",
        "no goal sing",
    ]
    assert list(calls_in("get_persona(persona_id='p1', layers=[...])")) == [
        ("get_persona", {"persona_id", "layers"})
    ]
    assert goals_in("goals=[...]") == set()
