"""A server is killed in the middle of a bulk plan: the journal tells, and another one goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from killing import KillScenario, open_kill_scenario

from tavus_mcp.journal.journal import JournalStore

PERSONAS = 6


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillScenario]:
    with pytest.MonkeyPatch.context() as patching:
        for name in ("TAVUS_MCP_SANDBOX", "TAVUS_MCP_READ_ONLY", "TAVUS_MCP_TOOLSETS"):
            patching.delenv(name, raising=False)
        with open_kill_scenario(tmp_path_factory.mktemp("killed")) as opened:
            yield opened


def read_greetings(place: KillScenario, ids: list[str]) -> list[Any]:
    return [(place.store.get("persona", persona_id) or {}).get("greeting") for persona_id in ids]


@pytest.mark.parametrize("drops", [False, True], ids=["took effect", "never arrived"])
@pytest.mark.parametrize("moment", [8, 14, 23])
def test_another_server_resumes_where_the_killed_one_stopped(
    scenario: KillScenario, moment: int, drops: bool
) -> None:
    """The moments are arrivals and ends of requests; whichever it is, none is changed twice."""
    ids = [scenario.create_persona() for _ in range(PERSONAS)]
    asked = {"persona_ids": ids, "values": {"/greeting": f"Hello {moment}."}}
    plan = scenario.call_tool("plan_bulk_change", **asked)
    scenario.kill_during_call(
        moment, 0.0, "apply_plan", pause=True, drop_request=drops, plan_id=plan["plan_id"]
    )
    assert read_greetings(scenario, ids).count("Hi.") > 0
    resumed = scenario.call_tool("apply_plan", plan_id=plan["plan_id"])
    assert resumed["status"] == "applied"
    assert read_greetings(scenario, ids) == [f"Hello {moment}."] * PERSONAS
    back = scenario.call_tool("plan_bulk_change", undo_of=plan["plan_id"])
    scenario.call_tool("apply_plan", plan_id=back["plan_id"])
    assert read_greetings(scenario, ids) == ["Hi."] * PERSONAS
    journal = JournalStore.open(scenario.journal_path)
    assert journal.verify() == []
    journal.close()
