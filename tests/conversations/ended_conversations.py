"""Calls that were held: transcripts with chosen times, and how the sandbox is told of them."""

from __future__ import annotations

import itertools
import random
from typing import Any

import httpx2

from tavus_mcp.sandbox.store import Store

Entry = dict[str, Any]
STOCK = "p1af207b8189"
REPLICA = "r90bbd427f71"


def said(role: str, start: float, duration: float, content: str = "one two three") -> Entry:
    return {
        "role": role,
        "content": content,
        "seconds_from_start": start,
        "duration": duration,
        "timestamp": 1_790_000_000.0 + start,
    }


def talk(seed: int, gap: float = 1.0, turns: int = 12) -> list[Entry]:
    """Return a transcript in which the agent waits ``gap`` seconds, give or take."""
    chance = random.Random(seed)  # noqa: S311 - made-up times
    at, entries = 0.5, []
    for role in itertools.islice(itertools.cycle(("user", "assistant")), turns):
        wait = gap if role == "assistant" else 0.75
        at += wait * chance.uniform(0.7, 1.3)
        lasts = chance.uniform(2, 5)
        entries.append(said(role, round(at, 3), round(lasts, 3)))
        at += lasts
    return entries


def event(kind: str, **properties: Any) -> Entry:
    return {
        "event_type": kind,
        "message_type": kind.partition(".")[0],
        "properties": properties,
        "timestamp": "2026-11-01T10:00:00.000000+00:00",
    }


def verbose(entries: object, **more: Any) -> Entry:
    """Return a conversation as it is read with ``verbose``."""
    ready = event("application.transcription_ready", transcript=entries)
    return {"conversation_id": "c1", "status": "ended", "events": [ready], **more}


async def begin(tavus: httpx2.AsyncClient, persona_id: str = STOCK, **fields: Any) -> str:
    """Start a call in the sandbox; return its id."""
    body = {"persona_id": persona_id, "replica_id": REPLICA, **fields}
    reply = await tavus.post("/v2/conversations", json=body)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["conversation_id"])


async def hold(
    tavus: httpx2.AsyncClient,
    entries: list[Entry] | None = None,
    persona_id: str = STOCK,
    **told: Any,
) -> str:
    """Start a call and end it as if this had been said; return its id."""
    conversation_id = await begin(tavus, persona_id)
    body = {"transcript": entries or [], **told}
    reply = await tavus.post(f"/_sandbox/calls/{conversation_id}", json=body)
    assert reply.is_success, reply.text
    return conversation_id


def keep(
    store: Store, conversation_id: str, created_at: object, entries: list[Entry], **more: Any
) -> None:
    """Put an ended call of a chosen time into the sandbox."""
    row = {
        "conversation_id": conversation_id,
        "conversation_name": "",
        "status": "ended",
        "persona_id": STOCK,
        "replica_id": REPLICA,
        "created_at": created_at,
        "updated_at": created_at,
        "events": verbose(entries)["events"],
        "words": "persona",
        **more,
    }
    store.put("conversation", conversation_id, row)
