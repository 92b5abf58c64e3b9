"""Older spellings that have one certain meaning today are sent as today's; all are said.

What is uncertain is sent as it was given, and the rules of the checker name its successor.
"""

from __future__ import annotations

import copy
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.rules.voice_settings import is_tavus_voice
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import get_at

_DOCUMENT_FIELDS = ("document_ids", "document_tags")

AUDIO_ONLY = RuleFinding(
    severity="warning",
    path="/audio_only",
    message="Not a field of a persona, so it was not sent.",
    hint="Give audio_only=true when a conversation is created; the persona stays in full mode.",
    rule="audio-only",
    source="J:changelog",
)
PLAIN_OBJECT = RuleFinding(
    severity="info",
    path="",
    message="Tavus takes a JSON Patch, not a plain object; it was turned into one.",
    hint="update_persona and the configure_* tools set fields by name.",
    rule="plain-object-patch",
    source="D:patch-persona",
)


def use_current_spelling(
    before: JsonObject, after: JsonObject, catalog: Catalog
) -> tuple[JsonObject, list[RuleFinding]]:
    """Return ``after`` with what changed spelled as today, and a finding for each respelling."""
    result = copy.deepcopy(after)
    found: list[RuleFinding] = []
    if get_at(before, "/layers/tts/voice_id") != get_at(result, "/layers/tts/voice_id"):
        found += _move_provider_voice(before, result, catalog)
    layers = result.get("layers")
    if isinstance(layers, dict):
        found += _move_document_fields(before, result, layers)
    return result, found


def _move_provider_voice(
    before: JsonObject, data: JsonObject, catalog: Catalog
) -> list[RuleFinding]:
    tts = get_at(data, "/layers/tts")
    voice = tts.get("voice_id") if isinstance(tts, dict) else None
    if not isinstance(voice, str) or not voice or is_tavus_voice(voice, catalog):
        return []
    external = tts.get("external_voice_id")
    given = None if external == get_at(before, "/layers/tts/external_voice_id") else external
    del tts["voice_id"]
    tts["external_voice_id"] = given if given and given != voice else voice
    if tts["external_voice_id"] != voice:
        message = "A provider's voice id belongs in external_voice_id, which is set; left out."
    else:
        message = (
            "This is a provider's voice id (Tavus voices are v and hex); sent as external_voice_id."
        )
    return [
        RuleFinding(
            severity="info",
            path="/layers/tts/voice_id",
            message=message,
            hint="external_voice_id is for Cartesia and ElevenLabs ids, voice_id for Tavus Voices.",
            rule="provider-voice-id",
            source="P:voices",
        )
    ]


def _move_document_fields(
    before: JsonObject, data: JsonObject, layers: dict[str, Any]
) -> list[RuleFinding]:
    found = []
    for name in _DOCUMENT_FIELDS:
        if name not in layers:
            continue
        value = layers.pop(name)
        stored = bool(data.get(name)) and value == get_at(before, f"/layers/{name}")
        if not stored:
            data[name] = value
        found.append(
            RuleFinding(
                severity="info",
                path=f"/layers/{name}",
                message=f"{name} belongs to the persona, not to its layers; "
                + (f"/{name} is set, so it was left out." if stored else f"sent as /{name}."),
                rule="misplaced-documents",
                source="D:create-persona",
            )
        )
    return found
