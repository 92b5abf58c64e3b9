"""A server is killed in the middle of a bulk plan: the journal tells, and another one goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from killing import World, world

from tavus_mcp.journal.journal import JournalStore

PERSONAS = 6


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patching:
        for name in ("TAVUS_MCP_SANDBOX", "TAVUS_MCP_READ_ONLY", "TAVUS_MCP_TOOLSETS"):
            patching.delenv(name, raising=False)
        with world(tmp_path_factory.mktemp("killed")) as opened:
            yield opened


def greetings(place: World, ids: list[str]) -> list[Any]:
    return [(place.store.get("persona", persona_id) or {}).get("greeting") for persona_id in ids]


@pytest.mark.parametrize("drops", [False, True], ids=["took effect", "never arrived"])
@pytest.mark.parametrize("moment", [8, 14, 23])
def test_another_server_goes_on_where_the_killed_one_was(
    place: World, moment: int, drops: bool
) -> None:
    """The moments are arrivals and ends of requests; whichever it is, none is changed twice."""
    ids = [place.persona() for _ in range(PERSONAS)]
    asked = {"persona_ids": ids, "values": {"/greeting": f"Hello {moment}."}}
    plan = place.ask("plan_bulk_change", **asked)
    place.killed(moment, 0.0, "apply_plan", held=True, drops=drops, plan_id=plan["plan_id"])
    assert greetings(place, ids).count("Hi.") > 0
    resumed = place.ask("apply_plan", plan_id=plan["plan_id"])
    assert resumed["status"] == "applied"
    assert greetings(place, ids) == [f"Hello {moment}."] * PERSONAS
    back = place.ask("plan_bulk_change", undo_of=plan["plan_id"])
    place.ask("apply_plan", plan_id=back["plan_id"])
    assert greetings(place, ids) == ["Hi."] * PERSONAS
    journal = JournalStore.open(place.journal)
    assert journal.verify() == []
    journal.close()
