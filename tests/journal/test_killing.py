"""Killed at any moment, a server leaves a journal that verifies and tells the truth."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from killing import World, world

from tavus_mcp.journal.journal import JournalStore

MOMENTS = 100
READ, SENT, TOOK_EFFECT = 1, 2, 3
"""Of the moments of a change (two for each of: read, write, read back) those named here."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patching:
        for name in ("TAVUS_MCP_SANDBOX", "TAVUS_MCP_READ_ONLY", "TAVUS_MCP_TOOLSETS"):
            patching.delenv(name, raising=False)
        with world(tmp_path_factory.mktemp("killed")) as opened:
            yield opened


def whole(place: World) -> bool:
    if not place.journal.exists():
        return True
    journal = JournalStore.open(place.journal)
    try:
        return journal.verify() == []
    finally:
        journal.close()


def told(place: World, persona_id: str, tool: str) -> list[str]:
    """Return the statuses of a tool's changes as a fresh server tells them."""
    rows = place.ask("list_revisions", persona_id=persona_id)["revisions"]
    return [row["status"] for row in rows if row["tool"] == tool]


def changes(number: int) -> list[tuple[str, dict[str, Any], str]]:
    """Return changes that differ in how they show, and where each one shows."""
    text = f"Hello {number}."
    return [
        ("update_persona", {"greeting": text}, "greeting"),
        ("update_persona", {"context": text}, "context"),
        ("update_persona", {"unset": ["greeting"]}, "greeting"),
        ("configure_stt", {"hotwords": text}, "layers"),
    ]


def test_a_server_killed_at_a_hundred_moments_leaves_a_journal_that_tells_the_truth(
    place: World,
) -> None:
    """Required by us: between a request and its answer anything may end."""
    chance = random.Random(20260728)  # noqa: S311 - the same moments in each run
    seen = {True: 0, False: 0}
    for number in range(MOMENTS):
        tool, change, field = chance.choice(changes(number))
        persona_id = place.persona()
        before = (place.store.get("persona", persona_id) or {}).get(field)
        moment = chance.choice((READ, SENT, SENT, SENT, TOOK_EFFECT, TOOK_EFFECT, 4, 5))
        held = moment in (SENT, TOOK_EFFECT) and chance.random() < 0.6
        place.killed(
            moment,
            chance.uniform(0, 0.012),
            tool,
            held=held,
            drops=held and moment == SENT and chance.random() < 0.6,
            persona_id=persona_id,
            **change,
        )
        there = (place.store.get("persona", persona_id) or {}).get(field) != before
        assert whole(place)
        statuses = told(place, persona_id, tool)
        assert len(statuses) <= 1
        assert (statuses == ["applied"]) is there, (number, moment, statuses)
        seen[there] += 1
    assert min(seen.values()) >= MOMENTS // 10, "both ends must have been looked at"


def test_a_key_that_never_arrived_is_not_told_as_applied(place: World) -> None:
    persona_id = place.persona()
    place.killed(
        SENT,
        0.0,
        "configure_tts",
        held=True,
        drops=True,
        persona_id=persona_id,
        api_key="el-9b1f0c2d77",
    )
    assert "api_key" not in (place.store.get("persona", persona_id) or {})["layers"]["tts"]
    assert told(place, persona_id, "configure_tts") == ["unknown"]


def test_a_deletion_that_took_effect_is_told_as_applied(place: World) -> None:
    persona_id = place.persona()
    plan = place.ask("delete_persona", persona_id=persona_id)
    place.killed(TOOK_EFFECT, 0.0, "apply_plan", held=True, plan_id=plan["plan_id"])
    assert place.store.get("persona", persona_id) is None
    assert told(place, persona_id, "delete_persona") == ["applied"]


def test_a_deletion_that_never_arrived_is_not_told_as_applied_and_its_plan_is_used(
    place: World,
) -> None:
    persona_id = place.persona()
    plan = place.ask("delete_persona", persona_id=persona_id)
    place.killed(SENT, 0.0, "apply_plan", held=True, drops=True, plan_id=plan["plan_id"])
    assert place.store.get("persona", persona_id) is not None
    assert told(place, persona_id, "delete_persona") == ["unknown"]
    with place.hatchery.server() as server:
        server.begin("apply_plan", {"plan_id": plan["plan_id"]})
        assert server.result()["isError"]
    assert place.store.get("persona", persona_id) is not None


def test_a_creation_that_took_effect_is_in_the_journal_and_made_once(place: World) -> None:
    name = "Made just before the end"
    place.killed(1, 0.0, "create_persona", held=True, name=name, system_prompt="You help.")
    made = [row for row in place.store.all("persona") if row["persona_name"] == name]
    assert len(made) == 1
    assert whole(place)
    journal = JournalStore.open(place.journal)
    (*_, last) = journal.entries()
    journal.close()
    assert (last.kind, last.tool) == ("intent", "create_persona")
