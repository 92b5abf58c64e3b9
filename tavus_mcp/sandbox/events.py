"""What a finished call left behind: a replay of its callbacks (docs: webhooks; live reports)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tavus_mcp.sandbox.ids import now
from tavus_mcp.sandbox.store import Row

ENDED_BY_REQUEST = "end_conversation_endpoint_hit"


def call_events(
    conversation: Row,
    transcript: Sequence[Any] = (),
    *,
    analysis: str = "",
    reason: str = ENDED_BY_REQUEST,
    ended_at: str = "",
) -> list[Row]:
    """Return the events of a call in the order they are sent.

    With ``ended_at`` the replica joined as the call was created; without it all of it is now.
    """
    last = ended_at or now()
    first = conversation["created_at"] if ended_at else last
    replica_id = conversation["replica_id"]
    told: list[tuple[str, Row]] = [
        ("system.replica_joined", {"replica_id": replica_id}),
        ("system.pal_joined", {"replica_id": replica_id, "face_id": replica_id}),
        ("system.shutdown", {"shutdown_reason": reason}),
        ("application.transcription_ready", {"transcript": list(transcript)}),
        (
            ("application.perception_analysis", {"analysis": analysis})
            if analysis
            else ("application.perception_unavailable", {"reason": "no_vision_history"})
        ),
    ]
    return [
        _event(conversation, kind, properties, first if kind.endswith("_joined") else last)
        for kind, properties in told
    ]


def _event(conversation: Row, kind: str, properties: Row, at: str) -> Row:
    return {
        "properties": properties,
        "conversation_id": conversation["conversation_id"],
        "webhook_url": conversation["callback_url"],
        "event_type": kind,
        "message_type": kind.partition(".")[0],
        "timestamp": at,
    }
