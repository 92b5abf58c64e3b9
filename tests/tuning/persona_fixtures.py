"""Personas stored in the sandbox directly, as if they were created without this server."""

from __future__ import annotations

from typing import Any

from mcp_client import ToolClient
from tuning_fixtures import BASE

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
FLOW_IN_USE = {"turn_detection_model": "sparrow-2", "voice_isolation": "near"}
"""A layer that decides turn-taking, with the documented defaults of today."""

CREATED_AT = "2025-09-01T10:00:00.000Z"


def store_persona(store: Store, **fields: Any) -> str:
    """Put a persona into the sandbox's store without validation; return its id."""
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
    given = {name: value for name, value in row.items() if value is not None}
    stored = normalize_persona(given)
    if "audio_only" in given:  # no field of a persona, so it is not normalised
        stored["audio_only"] = given["audio_only"]
    with store.write_transaction():
        store.put("persona", PERSONA_ID, stored)
    return PERSONA_ID


def build_flow_layer(**fields: str) -> dict[str, Any]:
    """Return layers with a conversational flow that is in use."""
    return {"conversational_flow": {**FLOW_IN_USE, **fields}}


def read_stored_persona(store: Store) -> dict[str, Any]:
    """Return the stored persona without its time of update."""
    row = dict(store.get("persona", PERSONA_ID) or {})
    row.pop("updated_at")
    return row


async def suggest_tuning(tool_client: ToolClient, *goals: str, **more: Any) -> dict[str, Any]:
    """Return the structured answer of suggest_tuning."""
    return await tool_client.expect_result(
        "suggest_tuning", persona_id=PERSONA_ID, goals=list(goals), **more
    )


def values_by_path(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the new value of each changed path; None for a removal."""
    return {change["path"]: change.get("after") for change in answer["changes"]}


def find_sentences(answer: dict[str, Any], phrase: str = "") -> list[str]:
    """Return the findings that contain a phrase, each as one sentence."""
    sentences = (
        f"{finding['path']}: {finding['message']} {finding.get('hint', '')}"
        for finding in answer["findings"]
    )
    return [sentence for sentence in sentences if phrase in sentence]
