"""A server is killed in the middle of a bulk plan: another one resumes it from the journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from forked_processes import ForkServer
from killing import KillScenario, open_kill_scenario

from tavus_mcp.journal.journal import JournalStore

PERSONA_COUNT = 6


@pytest.fixture(scope="module")
def scenario(
    tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer
) -> Iterator[KillScenario]:
    with open_kill_scenario(fork_server, tmp_path_factory.mktemp("killed")) as opened:
        yield opened


def read_greetings(scenario: KillScenario, ids: list[str]) -> list[Any]:
    return [(scenario.store.get("persona", persona_id) or {}).get("greeting") for persona_id in ids]


@pytest.mark.parametrize("drops_request", [False, True], ids=["took effect", "never arrived"])
@pytest.mark.parametrize("moment", [8, 14, 23])
def test_another_server_resumes_where_the_killed_one_stopped(
    scenario: KillScenario, moment: int, drops_request: bool
) -> None:
    """The moments are arrivals and ends of requests; at each, no persona is changed twice."""
    ids = [scenario.create_persona() for _ in range(PERSONA_COUNT)]
    change = {"persona_ids": ids, "values": {"/greeting": f"Hello {moment}."}}
    plan = scenario.call_tool("plan_bulk_change", **change)
    scenario.kill_during_call(
        moment, 0.0, "apply_plan", pause=True, drop_request=drops_request, plan_id=plan["plan_id"]
    )
    assert read_greetings(scenario, ids).count("Hi.") > 0
    resumed = scenario.call_tool("apply_plan", plan_id=plan["plan_id"])
    assert resumed["status"] == "applied"
    assert read_greetings(scenario, ids) == [f"Hello {moment}."] * PERSONA_COUNT
    undo = scenario.call_tool("plan_bulk_change", undo_of=plan["plan_id"])
    scenario.call_tool("apply_plan", plan_id=undo["plan_id"])
    assert read_greetings(scenario, ids) == ["Hi."] * PERSONA_COUNT
    journal = JournalStore.open(scenario.journal_path)
    assert journal.verify() == []
    journal.close()
