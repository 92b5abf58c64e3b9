"""Results stay small, however long the texts in conversations are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from ended_conversations import (
    STOCK_PERSONA_ID,
    build_event,
    build_transcript,
    build_utterance,
    store_ended_conversation,
)
from mcp_client import SECRET, ToolClient, text_of

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio
LONG = "blah " * 100_000
START = datetime(2040, 1, 1, tzinfo=UTC)


async def test_long_texts_of_a_conversation_are_truncated_and_their_length_is_stated(
    tool_client: ToolClient, store: Store
) -> None:
    """Found by an attack: one turn of 3 MB was answered whole."""
    entries = [build_utterance("user", 3.0 * number, 1.0, LONG) for number in range(3)]
    entries.append(build_utterance(LONG, 20.0, 1.0, "x" * 1_495 + SECRET))
    store_ended_conversation(store, "c1", "2026-11-01T10:00:00Z", entries, conversation_name=LONG)
    row = store.get("conversation", "c1") or {}
    row["events"].append(build_event("system.shutdown", shutdown_reason=LONG))
    row["events"].append(build_event("application.perception_unavailable", reason=LONG))
    store.put("conversation", "c1", row)
    result = await tool_client.call("get_conversation", conversation_id="c1")
    assert not result.is_error
    assert len(text_of(result)) < 10_000
    assert "[cut: 500000 characters in all]" in text_of(result)
    assert SECRET[:5] not in text_of(result)
    listed = await tool_client.call("list_conversations")
    assert len(text_of(listed)) < 1_000


async def test_turns_of_usual_length_are_returned_in_full(
    tool_client: ToolClient, store: Store
) -> None:
    words = "one two three " * 100
    store_ended_conversation(
        store, "c1", "2026-11-01T10:00:00Z", [build_utterance("user", 1.0, 50.0, words)]
    )
    result = await tool_client.expect_result("get_conversation", conversation_id="c1")
    assert result["turns"][0]["content"] == words


async def test_the_most_frequent_reasons_are_listed_and_the_others_counted(
    tool_client: ToolClient, store: Store
) -> None:
    """Found by an attack: each call may give a reason of its own."""
    for number in range(40):
        entries = build_transcript(number, turns=2)
        store_ended_conversation(store, f"c{number}", "2026-11-01T10:00:00Z", entries)
        row = store.get("conversation", f"c{number}") or {}
        why = "again" if number < 5 else f"why {number} {'x' * 70}"
        row["events"].append(build_event("system.shutdown", shutdown_reason=why))
        row["events"].append(build_event("application.perception_unavailable", reason=why))
        store.put("conversation", f"c{number}", row)
    (group,) = (
        await tool_client.expect_result("measure_conversations", persona_id=STOCK_PERSONA_ID)
    )["revisions"]
    for counts in (group["shutdown_reasons"], group["perception"]["unavailable"]):
        assert len(counts) == 11
        assert counts["again"] == 5
        assert counts["others"] == 40 - 5 - 9


async def test_the_newest_revisions_are_listed_and_the_others_counted(
    open_tool_client: ToolClientFactory, store: Store
) -> None:
    """Found by an attack: fifty revisions made 59 kB."""
    now = [START]
    async with open_tool_client(clock=lambda: now[0]) as client:
        persona_id = await client.create_persona()
        names = []
        for number in range(12):
            now[0] += timedelta(minutes=10)
            receipt = await client.expect_result(
                "update_persona", persona_id=persona_id, greeting=f"Hello {number}."
            )
            names.append(receipt["revision"])
            row = store.get("persona", persona_id) or {}
            store.put("persona", persona_id, {**row, "updated_at": now[0].isoformat()})
            now[0] += timedelta(minutes=10)
            moment = (now[0] - timedelta(minutes=1)).isoformat()
            store_ended_conversation(
                store, f"c{number}", moment, build_transcript(number), persona_id=persona_id
            )
        result = await client.expect_result("measure_conversations", persona_id=persona_id)
        revisions = [row["revision"] for row in result["revisions"]]
        assert len(revisions) == 8
        assert revisions == names[::-1][:8]
        assert any("4 more" in note for note in result["notes"])
        whole = f"{persona_id}@{names[0]}"
        (group,) = (await client.expect_result("measure_conversations", persona_id=whole))[
            "revisions"
        ]
    assert (group["revision"], group["calls"]) == (names[0], 1)
    assert len(json.dumps(result)) < 20_000
