"""What other people wrote into calls does not fill the answer, however long it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from ended_conversations import STOCK, event, keep, said, talk
from mcp_client import SECRET, Desk, text_of

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio
LONG = "blah " * 100_000
START = datetime(2040, 1, 1, tzinfo=UTC)


async def test_long_texts_of_a_call_are_cut_with_their_length(desk: Desk, store: Store) -> None:
    """Found by an attack: one turn of 3 MB was answered whole."""
    entries = [said("user", 3.0 * number, 1.0, LONG) for number in range(3)]
    entries.append(said(LONG, 20.0, 1.0, "x" * 1_495 + SECRET))
    keep(store, "c1", "2026-11-01T10:00:00Z", entries, conversation_name=LONG)
    row = store.get("conversation", "c1") or {}
    row["events"].append(event("system.shutdown", shutdown_reason=LONG))
    row["events"].append(event("application.perception_unavailable", reason=LONG))
    store.put("conversation", "c1", row)
    result = await desk.call("get_conversation", conversation_id="c1")
    assert not result.is_error
    assert len(text_of(result)) < 10_000
    assert "[cut: 500000 characters in all]" in text_of(result)
    assert SECRET[:5] not in text_of(result)
    listed = await desk.call("list_conversations")
    assert len(text_of(listed)) < 1_000


async def test_turns_of_a_usual_length_are_shown_whole(desk: Desk, store: Store) -> None:
    words = "one two three " * 100
    keep(store, "c1", "2026-11-01T10:00:00Z", [said("user", 1.0, 50.0, words)])
    told = await desk.facts("get_conversation", conversation_id="c1")
    assert told["turns"][0]["content"] == words


async def test_the_most_frequent_reasons_are_told_and_the_others_counted(
    desk: Desk, store: Store
) -> None:
    """Found by an attack: each call may give a reason of its own."""
    for number in range(40):
        entries = talk(number, turns=2)
        keep(store, f"c{number}", "2026-11-01T10:00:00Z", entries)
        row = store.get("conversation", f"c{number}") or {}
        why = "again" if number < 5 else f"why {number} {'x' * 70}"
        row["events"].append(event("system.shutdown", shutdown_reason=why))
        row["events"].append(event("application.perception_unavailable", reason=why))
        store.put("conversation", f"c{number}", row)
    (group,) = (await desk.facts("measure_conversations", persona_id=STOCK))["revisions"]
    for told in (group["shutdown_reasons"], group["perception"]["unavailable"]):
        assert len(told) == 11
        assert told["again"] == 5
        assert told["others"] == 40 - 5 - 9


async def test_the_newest_revisions_are_told_and_the_others_counted(
    opening: Opening, store: Store
) -> None:
    """Found by an attack: fifty revisions made 59 kB."""
    now = [START]
    async with opening(clock=lambda: now[0]) as desk:
        persona_id = await desk.create()
        names = []
        for number in range(12):
            now[0] += timedelta(minutes=10)
            receipt = await desk.facts(
                "update_persona", persona_id=persona_id, greeting=f"Hello {number}."
            )
            names.append(receipt["revision"])
            row = store.get("persona", persona_id) or {}
            store.put("persona", persona_id, {**row, "updated_at": now[0].isoformat()})
            now[0] += timedelta(minutes=10)
            moment = (now[0] - timedelta(minutes=1)).isoformat()
            keep(store, f"c{number}", moment, talk(number), persona_id=persona_id)
        told = await desk.facts("measure_conversations", persona_id=persona_id)
        shown = [row["revision"] for row in told["revisions"]]
        assert len(shown) == 8
        assert shown == names[::-1][:8]
        assert any("4 more" in note for note in told["notes"])
        whole = f"{persona_id}@{names[0]}"
        (group,) = (await desk.facts("measure_conversations", persona_id=whole))["revisions"]
    assert (group["revision"], group["calls"]) == (names[0], 1)
    assert len(json.dumps(told)) < 20_000
