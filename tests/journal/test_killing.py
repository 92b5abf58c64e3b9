"""Killed at any moment, a server leaves a journal that verifies and tells the truth."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from killing import KillScenario, open_kill_scenario

from tavus_mcp.journal.journal import JournalStore

MOMENTS = 100
READ, SENT, TOOK_EFFECT = 1, 2, 3
"""Of the moments of a change (two for each of: read, write, read back) those named here."""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillScenario]:
    with pytest.MonkeyPatch.context() as patching:
        for name in ("TAVUS_MCP_SANDBOX", "TAVUS_MCP_READ_ONLY", "TAVUS_MCP_TOOLSETS"):
            patching.delenv(name, raising=False)
        with open_kill_scenario(tmp_path_factory.mktemp("killed")) as opened:
            yield opened


def is_journal_intact(place: KillScenario) -> bool:
    if not place.journal_path.exists():
        return True
    journal = JournalStore.open(place.journal_path)
    try:
        return journal.verify() == []
    finally:
        journal.close()


def list_statuses(place: KillScenario, persona_id: str, tool: str) -> list[str]:
    """Return the statuses of a tool's changes as a fresh server tells them."""
    rows = place.call_tool("list_revisions", persona_id=persona_id)["revisions"]
    return [row["status"] for row in rows if row["tool"] == tool]


def build_changes(number: int) -> list[tuple[str, dict[str, Any], str]]:
    """Return changes that differ in how they show, and where each one shows."""
    text = f"Hello {number}."
    return [
        ("update_persona", {"greeting": text}, "greeting"),
        ("update_persona", {"context": text}, "context"),
        ("update_persona", {"unset": ["greeting"]}, "greeting"),
        ("configure_stt", {"hotwords": text}, "layers"),
    ]


def test_a_server_killed_at_any_of_a_hundred_moments_leaves_a_correct_journal(
    scenario: KillScenario,
) -> None:
    """Required by us: between a request and its answer anything may end."""
    chance = random.Random(20260728)  # noqa: S311 - the same moments in each run
    seen = {True: 0, False: 0}
    for number in range(MOMENTS):
        tool, change, field = chance.choice(build_changes(number))
        persona_id = scenario.create_persona()
        before = (scenario.store.get("persona", persona_id) or {}).get(field)
        moment = chance.choice((READ, SENT, SENT, SENT, TOOK_EFFECT, TOOK_EFFECT, 4, 5))
        held = moment in (SENT, TOOK_EFFECT) and chance.random() < 0.6
        scenario.kill_during_call(
            moment,
            chance.uniform(0, 0.012),
            tool,
            pause=held,
            drop_request=held and moment == SENT and chance.random() < 0.6,
            persona_id=persona_id,
            **change,
        )
        there = (scenario.store.get("persona", persona_id) or {}).get(field) != before
        assert is_journal_intact(scenario)
        statuses = list_statuses(scenario, persona_id, tool)
        assert len(statuses) <= 1
        assert (statuses == ["applied"]) is there, (number, moment, statuses)
        seen[there] += 1
    assert min(seen.values()) >= MOMENTS // 10, "both ends must have been looked at"


def test_a_key_that_never_arrived_is_not_reported_as_applied(scenario: KillScenario) -> None:
    persona_id = scenario.create_persona()
    scenario.kill_during_call(
        SENT,
        0.0,
        "configure_tts",
        pause=True,
        drop_request=True,
        persona_id=persona_id,
        api_key="el-9b1f0c2d77",
    )
    assert "api_key" not in (scenario.store.get("persona", persona_id) or {})["layers"]["tts"]
    assert list_statuses(scenario, persona_id, "configure_tts") == ["unknown"]


def test_a_deletion_that_took_effect_is_reported_as_applied(scenario: KillScenario) -> None:
    persona_id = scenario.create_persona()
    plan = scenario.call_tool("delete_persona", persona_id=persona_id)
    scenario.kill_during_call(TOOK_EFFECT, 0.0, "apply_plan", pause=True, plan_id=plan["plan_id"])
    assert scenario.store.get("persona", persona_id) is None
    assert list_statuses(scenario, persona_id, "delete_persona") == ["applied"]


def test_a_deletion_that_never_arrived_is_not_reported_as_applied_and_uses_its_plan(
    scenario: KillScenario,
) -> None:
    persona_id = scenario.create_persona()
    plan = scenario.call_tool("delete_persona", persona_id=persona_id)
    scenario.kill_during_call(
        SENT, 0.0, "apply_plan", pause=True, drop_request=True, plan_id=plan["plan_id"]
    )
    assert scenario.store.get("persona", persona_id) is not None
    assert list_statuses(scenario, persona_id, "delete_persona") == ["unknown"]
    with scenario.fork_server.fork() as server:
        server.start_call("apply_plan", {"plan_id": plan["plan_id"]})
        assert server.wait_for_result()["isError"]
    assert scenario.store.get("persona", persona_id) is not None


def test_a_creation_that_took_effect_is_recorded_and_happens_once(
    scenario: KillScenario,
) -> None:
    name = "Made just before the end"
    scenario.kill_during_call(
        1, 0.0, "create_persona", pause=True, name=name, system_prompt="You help."
    )
    made = [row for row in scenario.store.all("persona") if row["persona_name"] == name]
    assert len(made) == 1
    assert is_journal_intact(scenario)
    journal = JournalStore.open(scenario.journal_path)
    (*_, last) = journal.entries()
    journal.close()
    assert (last.kind, last.tool) == ("intent", "create_persona")
