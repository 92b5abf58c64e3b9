"""Which revision a persona had during a conversation, as far as the journal tells."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from ended_conversations import build_transcript, store_ended_conversation
from hypothesis import given
from hypothesis import strategies as st
from mcp_client import ToolClient

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
    from conftest import ToolClientFactory

START = datetime(2040, 1, 1, tzinfo=UTC)
NOON = START.timestamp()


def seconds_at(minutes: float) -> float:
    return NOON + 60 * minutes


def build_entry(kind: Any, minutes: float, revision: str = "", **more: Any) -> JournalEntry:
    when = (START + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")
    return JournalEntry(kind, "p1", when, revision=revision, seq=int(minutes * 10), **more)


def build_live_document(name: str, minutes: float | None) -> PersonaDocument:
    stamp = format_moment(seconds_at(minutes)) if minutes is not None else None
    return PersonaDocument({"persona_id": "p1", "persona_name": name, "updated_at": stamp})


ADA, EVA = build_live_document("Ada", None).revision, build_live_document("Eva", None).revision


def test_a_conversation_is_assigned_the_revision_between_two_writes() -> None:
    entries = [
        build_entry("seen", 0, "a"),
        build_entry("intent", 10, "a"),
        build_entry("outcome", 10.1, ADA),
    ]
    timeline = RevisionTimeline.from_entries(
        entries, build_live_document("Ada", 10.02), seconds_at(60)
    )
    assert timeline.revision_at(seconds_at(-1)) == BEFORE_JOURNAL
    assert timeline.revision_at(seconds_at(5)) == "a"
    assert timeline.revision_at(seconds_at(10.05)) == ADA  # Tavus says that it was changed at 10.02
    assert timeline.revision_at(seconds_at(59)) == ADA
    assert timeline.revision_at(None) == UNKNOWN_REVISION
    assert timeline.spans("a") == [(seconds_at(0), seconds_at(10))]
    assert timeline.spans(ADA) == [(pytest.approx(seconds_at(10.02), abs=1), None)]
    assert not timeline.changed_externally


def test_an_outside_change_leaves_a_gap_until_it_was_observed() -> None:
    entries = [
        build_entry("outcome", 0, "a"),
        build_entry("seen", 30, "b"),
        build_entry("outcome", 30.1, EVA),
    ]
    timeline = RevisionTimeline.from_entries(
        entries, build_live_document("Eva", 30.1), seconds_at(60)
    )
    assert timeline.revision_at(seconds_at(0)) == "a"
    assert timeline.revision_at(seconds_at(15)) == UNKNOWN_REVISION
    assert timeline.revision_at(seconds_at(30)) == "b"


def test_the_live_persona_states_since_when_its_revision_applies() -> None:
    """The journal observed the revision at minute 30; Tavus dates the change at minute 12."""
    entries = [build_entry("outcome", 0, "a"), build_entry("seen", 30, EVA)]
    timeline = RevisionTimeline.from_entries(
        entries, build_live_document("Eva", 12), seconds_at(60)
    )
    assert timeline.revision_at(seconds_at(11)) == UNKNOWN_REVISION
    assert timeline.revision_at(seconds_at(13)) == EVA
    assert not timeline.changed_externally


@pytest.mark.parametrize("stamp", [20.0, None, -5.0])
def test_a_change_after_the_last_entry_leaves_an_open_gap(stamp: float | None) -> None:
    """A time before the last entry contradicts it (two clocks), so it proves nothing."""
    timeline = RevisionTimeline.from_entries(
        [build_entry("outcome", 0, ADA)], build_live_document("Eva", stamp), seconds_at(60)
    )
    assert timeline.changed_externally
    assert timeline.revision_at(seconds_at(0)) == ADA
    assert timeline.revision_at(seconds_at(15)) == UNKNOWN_REVISION
    assert timeline.revision_at(seconds_at(25)) == (EVA if stamp == 20.0 else UNKNOWN_REVISION)


def test_without_a_journal_the_live_persona_is_known_since_its_last_change() -> None:
    timeline = RevisionTimeline.from_entries([], build_live_document("Eva", 10), seconds_at(60))
    assert timeline.revision_at(seconds_at(9)) == BEFORE_JOURNAL
    assert timeline.revision_at(seconds_at(11)) == EVA


def test_plans_and_failed_writes_create_no_revisions() -> None:
    plan = build_entry("plan", 10, detail={"base": ADA, "kind": "change"})
    failed = [
        build_entry("intent", 20, ADA),
        build_entry("outcome", 20.1, "", status="failed", ref=200),
    ]
    timeline = RevisionTimeline.from_entries(
        [build_entry("outcome", 0, ADA), plan, *failed],
        build_live_document("Ada", 0),
        seconds_at(60),
    )
    assert {observation.revision for observation in timeline.observations} == {ADA}
    assert timeline.revision_at(seconds_at(30)) == ADA


def test_a_revision_that_was_undone_and_restored_is_listed_twice() -> None:
    entries = [
        build_entry("outcome", 0, "a"),
        build_entry("intent", 10, "a"),
        build_entry("outcome", 10.1, ADA),
    ]
    entries += [build_entry("intent", 20, ADA), build_entry("outcome", 20.1, "a")]
    timeline = RevisionTimeline.from_entries(entries, None, seconds_at(60))
    assert timeline.spans("a") == [
        (seconds_at(0), seconds_at(10)),
        (seconds_at(20.1), seconds_at(20.1)),
    ]
    assert timeline.revision_at(seconds_at(5)) == timeline.revision_at(seconds_at(25)) == "a"
    assert timeline.current_revision == ""


steps = st.lists(
    st.tuples(st.sampled_from(["seen", "intent", "outcome"]), st.sampled_from(["a", "b", ADA])),
    max_size=8,
)


@given(steps, st.integers(-10, 100), st.permutations(range(8)))
def test_a_conversation_is_never_assigned_a_revision_without_adjacent_evidence(
    observations: list[tuple[str, str]], minute: int, order: list[int]
) -> None:
    entries = [
        build_entry(kind, 10 * place, name) for place, (kind, name) in enumerate(observations)
    ]
    shuffled = [entries[place] for place in order if place < len(entries)]
    timeline = RevisionTimeline.from_entries(
        shuffled, build_live_document("Ada", None), seconds_at(90)
    )
    found = timeline.revision_at(seconds_at(minute))
    earlier = [name for place, (_, name) in enumerate(observations) if 10 * place <= minute]
    if minute < 90:
        assert found in ({earlier[-1], UNKNOWN_REVISION} if earlier else {BEFORE_JOURNAL})
    assert timeline == RevisionTimeline.from_entries(
        entries, build_live_document("Ada", None), seconds_at(90)
    )


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """A clock that advances by an hour at each reading, in a year without other events."""
    hours = itertools.count()
    return lambda: START + timedelta(hours=next(hours))


async def list_revision_times(tool_client: ToolClient, persona_id: str) -> list[tuple[str, str]]:
    result = await tool_client.expect_result("list_revisions", persona_id=persona_id)
    return [(row["revision"], row["at"]) for row in result["revisions"]]


def set_updated_at(store: Store, persona_id: str, moment: datetime) -> None:
    """Set the time of the last change of a persona, on the clock of Tavus."""
    row = store.get("persona", persona_id)
    assert row is not None
    store.put("persona", persona_id, row | {"updated_at": moment.isoformat()})


async def store_conversation_per_revision(
    client: ToolClient, store: Store, sandbox_client: httpx2.AsyncClient
) -> list[str]:
    """Change a persona, once by another client; store a conversation before and after each change.

    Returns the id of the persona, and the names of the groups of conversations by time.
    """
    persona_id = await client.create_persona(greeting="One.")
    update = {"persona_id": persona_id, "greeting": "Two."}
    await client.expect_result("update_persona", **update, dry_run=True)
    await client.expect_result("update_persona", **update)
    plan = await client.expect_result(
        "update_persona", persona_id=persona_id, name="X", dry_run=True
    )
    planned_at = datetime.fromisoformat(plan["expires_at"]) - timedelta(hours=1)
    (second, changed), (first, created) = await list_revision_times(client, persona_id)
    patch = [{"op": "add", "path": "/greeting", "value": "Three."}]
    await sandbox_client.patch(f"/v2/personas/{persona_id}", json=patch)
    external_change_at = datetime.fromisoformat(changed) + timedelta(days=1, hours=12)
    set_updated_at(store, persona_id, external_change_at)
    third = (await client.expect_result("get_persona", persona_id=persona_id))["revision"]
    times = {
        "before the journal": datetime.fromisoformat(created) - timedelta(hours=3),
        first: datetime.fromisoformat(created) + timedelta(minutes=90),
        second: planned_at + timedelta(minutes=1),
        "unknown": external_change_at - timedelta(hours=12),
        third: external_change_at + timedelta(minutes=1),
    }
    for number, moment in enumerate(times.values()):
        transcript = build_transcript(number)
        store_ended_conversation(
            store, f"c{number}", moment.isoformat(), transcript, persona_id=persona_id
        )
    return [persona_id, *times]


@pytest.mark.anyio
async def test_conversations_are_measured_by_their_revision(
    open_tool_client: ToolClientFactory,
    store: Store,
    sandbox_client: httpx2.AsyncClient,
    clock: Callable[[], datetime],
) -> None:
    async with open_tool_client(clock=clock) as client:
        persona_id, *names = await store_conversation_per_revision(client, store, sandbox_client)
        result = await client.expect_result("measure_conversations", persona_id=persona_id)
    _, first, second, _, third = names
    groups = {row["revision"]: row for row in result["revisions"]}
    assert {name: row["calls"] for name, row in groups.items()} == dict.fromkeys(names, 1)
    assert result["revisions"][0]["revision"] == third
    assert groups[third]["current"] is True
    assert "until" not in groups[third]
    assert groups[first]["until"] < groups[second]["until"]
    assert any("changed elsewhere after the last line" in note for note in result["notes"])


@pytest.mark.anyio
async def test_the_conversations_of_one_revision_are_measured(
    open_tool_client: ToolClientFactory,
    store: Store,
    sandbox_client: httpx2.AsyncClient,
    clock: Callable[[], datetime],
) -> None:
    async with open_tool_client(clock=clock) as client:
        persona_id, _, first, *_ = await store_conversation_per_revision(
            client, store, sandbox_client
        )
        result = await client.expect_result(
            "measure_conversations", persona_id=f"{persona_id}@{first}"
        )
        message = await client.expect_error(
            "measure_conversations", persona_id=f"{persona_id}@{first[:-1]}"
        )
    assert [row["revision"] for row in result["revisions"]] == [first]
    assert first in message
    assert "list_revisions" in message


@pytest.mark.anyio
async def test_the_calls_of_a_deleted_persona_can_still_be_measured(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    later = datetime.now(UTC) + timedelta(minutes=1)
    store_ended_conversation(
        store, "c1", later.isoformat(), build_transcript(1), persona_id=persona_id
    )
    await tool_client.delete_persona(persona_id)
    result = await tool_client.expect_result("measure_conversations", persona_id=persona_id)
    assert [row["calls"] for row in result["revisions"]] == [1]
    assert "The persona does not exist any more." in result["notes"]
