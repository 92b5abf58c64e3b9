"""Calls made up from a persona, stored like any other: for trying out how calls are measured.

They are inventions (see ``talking``), and each says so in its ``conversation_name``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tavus_mcp.models.conversation import SIMULATED_NAME_PREFIX
from tavus_mcp.sandbox.ids import mint
from tavus_mcp.sandbox.routes.conversations import call_events, finish, new_row
from tavus_mcp.sandbox.simulator import Call, Turn, talk
from tavus_mcp.sandbox.store import Row, Store

MOST = 200
"""How many calls are made at once, at most."""
DEFAULT_COUNT, DEFAULT_SEED = 20, 1


class NoCalls(ValueError):
    """No calls can be made up; the text says why, and what to do."""


def make_calls(
    store: Store,
    persona_id: str,
    *,
    count: int = DEFAULT_COUNT,
    seed: int = DEFAULT_SEED,
    named_by: str = "persona_id",
) -> list[str]:
    """Make up so many calls of a persona and store them, all or none; return their ids.

    They are read in the vocabulary of ``named_by``, ``persona_id`` or ``pal_id``. Raises
    ``NoCalls`` for an unknown persona, one without a replica, or a count out of range.
    """
    if not 1 <= count <= MOST:
        raise NoCalls(f"the number of calls must be 1 to {MOST}")
    persona = _persona(store, persona_id)
    calls = [talk(persona, seed=seed, number=number) for number in range(1, count + 1)]
    with store.writing():
        return [
            _stored(store, call, _birth(persona, f"seed {seed}, call {number}", named_by))
            for number, call in enumerate(calls, 1)
        ]


def _persona(store: Store, persona_id: str) -> Row:
    persona = store.get("persona", persona_id)
    if persona is None:
        raise NoCalls(
            "no persona of this sandbox has that persona_id; list the personas to see their ids"
        )
    if not persona.get("default_replica_id"):
        raise NoCalls(
            "this persona has no replica, so nobody could call it; give it a default_replica_id"
        )
    return persona


def _birth(persona: Row, which: str, named_by: str) -> Row:
    sent = {
        named_by: persona["persona_id"],
        "conversation_name": f"{SIMULATED_NAME_PREFIX} ({which})",
    }
    return new_row(sent, sent, persona["persona_id"], persona["default_replica_id"])


def _stored(store: Store, call: Call, row: Row) -> str:
    begun = datetime.fromisoformat(row["created_at"])
    told = call_events(
        row,
        [_entry(turn, begun) for turn in call.turns],
        analysis=call.analysis,
        reason=call.reason,
        ended_at=(begun + timedelta(seconds=call.seconds)).isoformat(timespec="microseconds"),
    )
    finish(store, row, told)
    return str(row["conversation_id"])


def _entry(turn: Turn, begun: datetime) -> dict[str, Any]:
    """Return a turn as a transcript tells it (docs: webhooks, changelog of 22 May 2026)."""
    entry = {
        "role": turn.role,
        "content": turn.content,
        "timestamp": round(begun.timestamp() + turn.seconds_from_start, 3),
        "seconds_from_start": turn.seconds_from_start,
        "duration": turn.duration,
    }
    return entry | {"inference_id": mint("inference")} if turn.role == "assistant" else entry
