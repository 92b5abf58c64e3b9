"""Simulate calls of a persona and store them like any other conversation.

The ``conversation_name`` of each says that it is simulated; see the package for what that means.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tavus_mcp.models.conversation import SIMULATED_NAME_PREFIX
from tavus_mcp.sandbox.ids import generate_id
from tavus_mcp.sandbox.routes.conversations import (
    build_conversation_row,
    call_events,
    finish_conversation,
)
from tavus_mcp.sandbox.simulator import SimulatedCall, Turn, simulate_call
from tavus_mcp.sandbox.store import Row, Store

MAX_SIMULATED_CALLS = 200
"""Limit of one request."""
DEFAULT_COUNT, DEFAULT_SEED = 20, 1


class SimulationError(ValueError):
    """Calls cannot be simulated; the text says why and what to do."""


def make_calls(
    store: Store,
    persona_id: str,
    *,
    count: int = DEFAULT_COUNT,
    seed: int = DEFAULT_SEED,
    id_field: str = "persona_id",
) -> list[str]:
    """Simulate ``count`` calls of a persona and store all or none of them; return their ids.

    ``id_field``, ``persona_id`` or ``pal_id``, selects the vocabulary in which they are read.
    Raises ``SimulationError`` for an unknown persona, one without a replica, or a count out of
    range.
    """
    if not 1 <= count <= MAX_SIMULATED_CALLS:
        raise SimulationError(f"the number of calls must be 1 to {MAX_SIMULATED_CALLS}")
    persona = _require_persona(store, persona_id)
    calls = [simulate_call(persona, seed=seed, number=number) for number in range(1, count + 1)]
    with store.write_transaction():
        return [
            _store_call(store, call, _build_row(persona, f"seed {seed}, call {number}", id_field))
            for number, call in enumerate(calls, 1)
        ]


def _require_persona(store: Store, persona_id: str) -> Row:
    persona = store.get("persona", persona_id)
    if persona is None:
        raise SimulationError(
            "no persona of this sandbox has that persona_id; list the personas to see their ids"
        )
    if not persona.get("default_replica_id"):
        raise SimulationError(
            "this persona has no replica, so it cannot be called; give it a default_replica_id"
        )
    return persona


def _build_row(persona: Row, label: str, id_field: str) -> Row:
    sent = {
        id_field: persona["persona_id"],
        "conversation_name": f"{SIMULATED_NAME_PREFIX} ({label})",
    }
    return build_conversation_row(sent, sent, persona["persona_id"], persona["default_replica_id"])


def _store_call(store: Store, call: SimulatedCall, row: Row) -> str:
    begun = datetime.fromisoformat(row["created_at"])
    events = call_events(
        row,
        [_transcript_entry(turn, begun) for turn in call.turns],
        analysis=call.analysis,
        reason=call.reason,
        ended_at=(begun + timedelta(seconds=call.seconds)).isoformat(timespec="microseconds"),
    )
    finish_conversation(store, row, events)
    return str(row["conversation_id"])


def _transcript_entry(turn: Turn, started_at: datetime) -> dict[str, Any]:
    """Return a turn as an entry of a transcript (docs: webhooks, changelog of 22 May 2026)."""
    entry = {
        "role": turn.role,
        "content": turn.content,
        "timestamp": round(started_at.timestamp() + turn.seconds_from_start, 3),
        "seconds_from_start": turn.seconds_from_start,
        "duration": turn.duration,
    }
    return entry | {"inference_id": generate_id("inference")} if turn.role == "assistant" else entry
