"""Personas as they stood at Tavus before anybody used this server."""

from __future__ import annotations

from typing import Any

from mcp_client import ToolClient
from tunable import BASE

from tavus_mcp.sandbox.persona_validation import normalize_persona
from tavus_mcp.sandbox.store import Store

PERSONA_ID = "p0123456789"
PROMPT = BASE["system_prompt"]
CUSTOM_LLM = {
    "model": "m",
    "base_url": "https://llm.example.com/v1",
    "api_key": "sk-own-0123456789",
}
ELEVENLABS = {"tts_engine": "elevenlabs", "external_voice_id": "21m00Tcm4TlvDq8ikWAM"}

CREATED_AT = "2025-09-01T10:00:00.000Z"


def store_persona(store: Store, **fields: Any) -> str:
    """Put a persona into the sandbox's store as it is; return its id."""
    row = {
        "persona_id": PERSONA_ID,
        "pipeline_mode": "full",
        "layers": {},
        **BASE,
        "default_replica_id": "rfe12d8b9597",
        "persona_type": "user",
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        **fields,
    }
    kept = {name: value for name, value in row.items() if value is not None}
    kept = {
        **normalize_persona(kept),
        **{name: kept[name] for name in kept.keys() & {"audio_only"}},
    }
    with store.write_transaction():
        store.put("persona", PERSONA_ID, kept)
    return PERSONA_ID


def read_stored_persona(store: Store) -> dict[str, Any]:
    """Return the persona as the sandbox holds it, without what changes by itself."""
    row = dict(store.get("persona", PERSONA_ID) or {})
    row.pop("updated_at")
    return row


async def suggest_tuning(tool_client: ToolClient, *goals: str, **more: Any) -> dict[str, Any]:
    """Ask for a suggestion; return the structured answer."""
    return await tool_client.expect_result(
        "suggest_tuning", persona_id=PERSONA_ID, goals=list(goals), **more
    )


def values_by_path(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what is to stand at each place that changes; None where it is removed."""
    return {change["path"]: change.get("after") for change in answer["changes"]}


def find_sentences(answer: dict[str, Any], phrase: str = "") -> list[str]:
    """Return the findings as sentences that hold some words."""
    told = [f"{one['path']}: {one['message']} {one.get('hint', '')}" for one in answer["findings"]]
    return [sentence for sentence in told if phrase in sentence]
