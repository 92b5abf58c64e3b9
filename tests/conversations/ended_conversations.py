"""Ended conversations: transcripts with chosen times, and how to store them in the sandbox."""

from __future__ import annotations

import itertools
import random
from typing import Any

import httpx2

from tavus_mcp.sandbox.store import Store

JsonObject = dict[str, Any]
STOCK_PERSONA_ID = "p1af207b8189"
REPLICA_ID = "r90bbd427f71"


def build_utterance(
    role: str, start: float, duration: float, content: str = "one two three"
) -> JsonObject:
    return {
        "role": role,
        "content": content,
        "seconds_from_start": start,
        "duration": duration,
        "timestamp": 1_790_000_000.0 + start,
    }


def build_transcript(seed: int, gap_seconds: float = 1.0, turns: int = 12) -> list[JsonObject]:
    """Return a transcript in which the agent responds after about ``gap_seconds``."""
    generator = random.Random(seed)  # noqa: S311 - made-up times
    at, entries = 0.5, []
    for role in itertools.islice(itertools.cycle(("user", "assistant")), turns):
        wait = gap_seconds if role == "assistant" else 0.75
        at += wait * generator.uniform(0.7, 1.3)
        duration = generator.uniform(2, 5)
        entries.append(build_utterance(role, round(at, 3), round(duration, 3)))
        at += duration
    return entries


def build_event(kind: str, **properties: Any) -> JsonObject:
    return {
        "event_type": kind,
        "message_type": kind.partition(".")[0],
        "properties": properties,
        "timestamp": "2026-11-01T10:00:00.000000+00:00",
    }


def build_verbose_conversation(entries: object, **more: Any) -> JsonObject:
    """Return a conversation as the API returns it with ``verbose``."""
    ready = build_event("application.transcription_ready", transcript=entries)
    return {"conversation_id": "c1", "status": "ended", "events": [ready], **more}


async def start_conversation(
    sandbox_client: httpx2.AsyncClient, persona_id: str = STOCK_PERSONA_ID, **fields: Any
) -> str:
    """Start a conversation in the sandbox; return its id."""
    body = {"persona_id": persona_id, "replica_id": REPLICA_ID, **fields}
    reply = await sandbox_client.post("/v2/conversations", json=body)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["conversation_id"])


async def create_ended_conversation(
    sandbox_client: httpx2.AsyncClient,
    entries: list[JsonObject] | None = None,
    persona_id: str = STOCK_PERSONA_ID,
    **fields: Any,
) -> str:
    """Start a conversation and end it with a transcript; return its id."""
    conversation_id = await start_conversation(sandbox_client, persona_id)
    body = {"transcript": entries or [], **fields}
    reply = await sandbox_client.post(f"/_sandbox/calls/{conversation_id}", json=body)
    assert reply.is_success, reply.text
    return conversation_id


def store_ended_conversation(
    store: Store, conversation_id: str, created_at: object, entries: list[JsonObject], **more: Any
) -> None:
    """Store an ended conversation with a chosen time in the sandbox."""
    row = {
        "conversation_id": conversation_id,
        "conversation_name": "",
        "status": "ended",
        "persona_id": STOCK_PERSONA_ID,
        "replica_id": REPLICA_ID,
        "created_at": created_at,
        "updated_at": created_at,
        "events": build_verbose_conversation(entries)["events"],
        "words": "persona",
        **more,
    }
    store.put("conversation", conversation_id, row)
