"""A server that is killed at any moment leaves a journal that is intact and correct."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from forked_processes import ForkServer
from killing import KillScenario, open_kill_scenario

from tavus_mcp.journal.journal import JournalStore

READ, SENT, TOOK_EFFECT = 1, 2, 3
"""Some moments of a change, which has two for each of its requests: read, write, read back."""


@pytest.fixture(scope="module")
def scenario(
    tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer
) -> Iterator[KillScenario]:
    with open_kill_scenario(fork_server, tmp_path_factory.mktemp("killed")) as opened:
        yield opened


def is_journal_intact(scenario: KillScenario) -> bool:
    if not scenario.journal_path.exists():
        return True
    journal = JournalStore.open(scenario.journal_path)
    try:
        return journal.verify() == []
    finally:
        journal.close()


def list_statuses(scenario: KillScenario, persona_id: str, tool: str) -> list[str]:
    """Return the statuses of a tool's changes as a new server reports them."""
    rows = scenario.call_tool("list_revisions", persona_id=persona_id)["revisions"]
    return [row["status"] for row in rows if row.get("tool") == tool]


def build_changes(number: int) -> list[tuple[str, dict[str, Any], str]]:
    """Return changes as (tool, arguments, field of the document that changes)."""
    text = f"Hello {number}."
    return [
        ("update_persona", {"greeting": text}, "greeting"),
        ("update_persona", {"context": text}, "context"),
        ("update_persona", {"unset": ["greeting"]}, "greeting"),
        ("configure_stt", {"hotwords": text}, "layers"),
    ]


def test_a_server_killed_at_any_moment_leaves_a_correct_journal(scenario: KillScenario) -> None:
    """A server may end at any moment between a request and its answer."""
    check_kills_at_random_moments(scenario, seed=1, count=12)


@pytest.mark.extended
@pytest.mark.parametrize("seed", range(11, 16))
def test_a_server_killed_at_any_of_many_moments_leaves_a_correct_journal(
    scenario: KillScenario, seed: int
) -> None:
    check_kills_at_random_moments(scenario, seed, count=40)


def check_kills_at_random_moments(scenario: KillScenario, seed: int, count: int) -> None:
    """Kill servers during changes; the journal must say of each change whether it took effect."""
    random_source = random.Random(seed)  # noqa: S311 - the same moments in each run
    seen = {True: 0, False: 0}
    for number in range(count):
        tool, change, field = random_source.choice(build_changes(seed * 1000 + number))
        persona_id = scenario.create_persona()
        before = (scenario.store.get("persona", persona_id) or {}).get(field)
        moment = random_source.choice((READ, SENT, SENT, SENT, TOOK_EFFECT, TOOK_EFFECT, 4, 5))
        pause = moment in (SENT, TOOK_EFFECT) and random_source.random() < 0.6
        scenario.kill_during_call(
            moment,
            random_source.uniform(0, 0.012),
            tool,
            pause=pause,
            drop_request=pause and moment == SENT and random_source.random() < 0.6,
            persona_id=persona_id,
            **change,
        )
        has_changed = (scenario.store.get("persona", persona_id) or {}).get(field) != before
        assert is_journal_intact(scenario)
        statuses = list_statuses(scenario, persona_id, tool)
        assert len(statuses) <= 1
        assert (statuses == ["applied"]) is has_changed, (number, moment, statuses)
        seen[has_changed] += 1
    assert min(seen.values()) >= count // 10, "both outcomes must occur"


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
    with scenario.open_session() as session:
        session.expect_error("apply_plan", plan_id=plan["plan_id"])
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
