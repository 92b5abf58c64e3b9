"""Which revision a call was held with: as far as the journal can tell, and no further."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from ended_conversations import keep, talk
from hypothesis import given
from hypothesis import strategies as st
from mcp_client import Desk

from tavus_mcp.conversations.revision_timeline import (
    BEFORE_JOURNAL,
    UNKNOWN_REVISION,
    RevisionTimeline,
    format_moment,
)
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

START = datetime(2040, 1, 1, tzinfo=UTC)
NOON = START.timestamp()


def at(minutes: float) -> float:
    return NOON + 60 * minutes


def line(kind: Any, minutes: float, revision: str = "", **more: Any) -> JournalEntry:
    when = (START + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")
    return JournalEntry(kind, "p1", when, revision=revision, seq=int(minutes * 10), **more)


def live(name: str, minutes: float | None) -> PersonaDocument:
    stamp = format_moment(at(minutes)) if minutes is not None else None
    return PersonaDocument({"persona_id": "p1", "persona_name": name, "updated_at": stamp})


ADA, EVA = live("Ada", None).revision, live("Eva", None).revision


def test_a_call_belongs_to_the_revision_between_two_writes() -> None:
    lines = [line("seen", 0, "a"), line("intent", 10, "a"), line("outcome", 10.1, ADA)]
    told = RevisionTimeline.from_entries(lines, live("Ada", 10.02), at(60))
    assert told.revision_at(at(-1)) == BEFORE_JOURNAL
    assert told.revision_at(at(5)) == "a"
    assert told.revision_at(at(10.05)) == ADA  # Tavus says that it was changed at 10.02
    assert told.revision_at(at(59)) == ADA
    assert told.revision_at(None) == UNKNOWN_REVISION
    assert told.spans("a") == [(at(0), at(10))]
    assert told.spans(ADA) == [(pytest.approx(at(10.02), abs=1), None)]
    assert not told.changed_externally


def test_what_was_changed_elsewhere_leaves_a_gap_up_to_where_it_was_seen() -> None:
    lines = [line("outcome", 0, "a"), line("seen", 30, "b"), line("outcome", 30.1, EVA)]
    told = RevisionTimeline.from_entries(lines, live("Eva", 30.1), at(60))
    assert told.revision_at(at(0)) == "a"
    assert told.revision_at(at(15)) == UNKNOWN_REVISION
    assert told.revision_at(at(30)) == "b"


def test_the_live_persona_says_since_when_it_stands() -> None:
    """Seen elsewhere at minute 30; Tavus says that it was changed at minute 12."""
    lines = [line("outcome", 0, "a"), line("seen", 30, EVA)]
    told = RevisionTimeline.from_entries(lines, live("Eva", 12), at(60))
    assert told.revision_at(at(11)) == UNKNOWN_REVISION
    assert told.revision_at(at(13)) == EVA
    assert not told.changed_externally


@pytest.mark.parametrize("stamp", [20.0, None, -5.0])
def test_a_change_after_the_last_line_is_noticed_and_its_gap_is_open(stamp: float | None) -> None:
    """A stamp before the last line contradicts it (two clocks): then it proves nothing."""
    told = RevisionTimeline.from_entries([line("outcome", 0, ADA)], live("Eva", stamp), at(60))
    assert told.changed_externally
    assert told.revision_at(at(0)) == ADA
    assert told.revision_at(at(15)) == UNKNOWN_REVISION
    assert told.revision_at(at(25)) == (EVA if stamp == 20.0 else UNKNOWN_REVISION)


def test_without_a_journal_the_live_persona_is_known_since_its_last_change() -> None:
    told = RevisionTimeline.from_entries([], live("Eva", 10), at(60))
    assert told.revision_at(at(9)) == BEFORE_JOURNAL
    assert told.revision_at(at(11)) == EVA


def test_plans_and_failed_writes_are_no_revisions() -> None:
    plan = line("plan", 10, detail={"base": ADA, "kind": "change"})
    failed = [line("intent", 20, ADA), line("outcome", 20.1, "", status="failed", ref=200)]
    told = RevisionTimeline.from_entries(
        [line("outcome", 0, ADA), plan, *failed], live("Ada", 0), at(60)
    )
    assert {sighting.revision for sighting in told.observations} == {ADA}
    assert told.revision_at(at(30)) == ADA


def test_a_revision_that_was_undone_and_came_back_stands_twice() -> None:
    lines = [line("outcome", 0, "a"), line("intent", 10, "a"), line("outcome", 10.1, ADA)]
    lines += [line("intent", 20, ADA), line("outcome", 20.1, "a")]
    told = RevisionTimeline.from_entries(lines, None, at(60))
    assert told.spans("a") == [(at(0), at(10)), (at(20.1), at(20.1))]
    assert told.revision_at(at(5)) == told.revision_at(at(25)) == "a"
    assert told.current_revision == ""


steps = st.lists(
    st.tuples(st.sampled_from(["seen", "intent", "outcome"]), st.sampled_from(["a", "b", ADA])),
    max_size=8,
)


@given(steps, st.integers(-10, 100), st.permutations(range(8)))
def test_a_call_never_gets_a_revision_that_no_sighting_beside_it_tells(
    told: list[tuple[str, str]], minute: int, order: list[int]
) -> None:
    lines = [line(kind, 10 * place, name) for place, (kind, name) in enumerate(told)]
    mixed = [lines[place] for place in order if place < len(lines)]
    timeline = RevisionTimeline.from_entries(mixed, live("Ada", None), at(90))
    found = timeline.revision_at(at(minute))
    earlier = [name for place, (_, name) in enumerate(told) if 10 * place <= minute]
    if minute < 90:
        assert found in ({earlier[-1], UNKNOWN_REVISION} if earlier else {BEFORE_JOURNAL})
    assert timeline == RevisionTimeline.from_entries(lines, live("Ada", None), at(90))


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """A clock that goes on an hour with each look at it, from a year when nothing else happens."""
    hours = itertools.count()
    return lambda: START + timedelta(hours=next(hours))


async def lines_of(desk: Desk, persona_id: str) -> list[tuple[str, str]]:
    told = await desk.facts("list_revisions", persona_id=persona_id)
    return [(row["revision"], row["at"]) for row in told["revisions"]]


def stamped(store: Store, persona_id: str, moment: datetime) -> None:
    """Let the persona read as if it had been changed last at this moment, by Tavus's clock."""
    row = store.get("persona", persona_id)
    assert row is not None
    store.put("persona", persona_id, row | {"updated_at": moment.isoformat()})


@pytest.mark.anyio
async def test_calls_are_measured_by_the_revision_they_were_held_with(
    opening: Opening, store: Store, tavus: httpx2.AsyncClient, clock: Callable[[], datetime]
) -> None:
    async with opening(clock=clock) as desk:
        persona_id = await desk.create(greeting="One.")
        await desk.facts("update_persona", persona_id=persona_id, greeting="Two.", dry_run=True)
        await desk.facts("update_persona", persona_id=persona_id, greeting="Two.")
        plan = await desk.facts("update_persona", persona_id=persona_id, name="X", dry_run=True)
        planned = datetime.fromisoformat(plan["expires_at"]) - timedelta(hours=1)
        (second, changed), (first, made) = await lines_of(desk, persona_id)
        change = [{"op": "add", "path": "/greeting", "value": "Three."}]
        await tavus.patch(f"/v2/personas/{persona_id}", json=change)
        elsewhere = datetime.fromisoformat(changed) + timedelta(days=1, hours=12)
        stamped(store, persona_id, elsewhere)
        third = (await desk.facts("get_persona", persona_id=persona_id))["revision"]
        times = {
            "before the journal": datetime.fromisoformat(made) - timedelta(hours=3),
            first: datetime.fromisoformat(made) + timedelta(minutes=90),
            second: planned + timedelta(minutes=1),
            "unknown": elsewhere - timedelta(hours=12),
            third: elsewhere + timedelta(minutes=1),
        }
        for number, moment in enumerate(times.values()):
            keep(store, f"c{number}", moment.isoformat(), talk(number), persona_id=persona_id)
        told = await desk.facts("measure_conversations", persona_id=persona_id)
        groups = {row["revision"]: row for row in told["revisions"]}
        assert {name: row["calls"] for name, row in groups.items()} == dict.fromkeys(times, 1)
        assert told["revisions"][0]["revision"] == third
        assert groups[third]["current"] is True
        assert "until" not in groups[third]
        assert groups[first]["until"] < groups[second]["until"]
        assert any("changed elsewhere after the last line" in note for note in told["notes"])
        one = await desk.facts("measure_conversations", persona_id=f"{persona_id}@{first}")
        assert [row["revision"] for row in one["revisions"]] == [first]
        said = await desk.refusal("measure_conversations", persona_id=f"{persona_id}@{first[:-1]}")
        assert first in said
        assert "list_revisions" in said


@pytest.mark.anyio
async def test_the_calls_of_a_deleted_persona_can_still_be_measured(
    desk: Desk, tavus: httpx2.AsyncClient, store: Store
) -> None:
    persona_id = await desk.create()
    later = datetime.now(UTC) + timedelta(minutes=1)
    keep(store, "c1", later.isoformat(), talk(1), persona_id=persona_id)
    await desk.delete(persona_id)
    told = await desk.facts("measure_conversations", persona_id=persona_id)
    assert [row["calls"] for row in told["revisions"]] == [1]
    assert "The persona is gone." in told["notes"]
