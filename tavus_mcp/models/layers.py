"""The layers of a persona, field by field, in the vocabulary of ``/v2/personas``.

Sources are the pages of the Tavus docs named in each class; "vendor" is the vendor's published
client package. Deprecated fields still work or are still accepted; ``catalog`` names their
replacements. Each field of a configurable layer is an argument of its ``configure_*`` tool, unless
its metadata says otherwise (``models.argument_mapping``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Annotated, Literal

from pydantic import MISSING, BeforeValidator, Field

from tavus_mcp.models.argument_mapping import (
    FieldAccess,
    MemberArguments,
    iterate_arguments,
    nested_model,
    patch_only_fields,
)
from tavus_mcp.models.base import (
    DeprecatedField,
    JsonObject,
    NonEmptyStr,
    OpenModel,
    StrictModel,
    known_values,
)

FUNCTION_NAME = r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$"
"""Names a model can call (docs: pal/llm-tool)."""

FunctionName = Annotated[str, Field(pattern=FUNCTION_NAME)]


_SCHEMA_KEYWORDS: Mapping[str, type] = {
    "properties": dict,
    "items": dict,
    "required": list,
    "enum": list,
}
"""Keywords of JSON Schema that hosts send as JSON text, with the type that each of them has."""


def _decode_schema_text(value: object) -> object:
    """Return a JSON Schema with the keywords decoded that came as JSON text, at any depth."""
    if not isinstance(value, dict):
        return value
    schema: JsonObject = dict(value)
    for keyword, expected_type in _SCHEMA_KEYWORDS.items():
        if isinstance(schema.get(keyword), str):
            with suppress(ValueError, RecursionError):
                decoded = json.loads(schema[keyword])
                schema[keyword] = decoded if isinstance(decoded, expected_type) else value[keyword]
    if isinstance(schema.get("properties"), dict):
        properties = schema["properties"].items()
        schema["properties"] = {
            name: _decode_schema_text(_decode_member(member)) for name, member in properties
        }
    if isinstance(schema.get("items"), dict):
        schema["items"] = _decode_schema_text(schema["items"])
    return schema


def _decode_member(member: object) -> object:
    """Return the schema of one property, decoded if it came as JSON text."""
    with suppress(ValueError, RecursionError):
        decoded = json.loads(member) if isinstance(member, str) else member
        return decoded if isinstance(decoded, dict) else member
    return member


FunctionParameters = Annotated[JsonObject, BeforeValidator(_decode_schema_text)]
"""The JSON Schema of a function's arguments."""


class FunctionSpec(StrictModel):
    """The function itself: its name, when to call it, and its parameters as a JSON Schema."""

    name: FunctionName
    description: str | MISSING = MISSING
    parameters: FunctionParameters | MISSING = MISSING
    strict: bool | MISSING = MISSING


class FunctionTool(StrictModel):
    """One inline tool as the layers hold it: ``{"type": "function", "function": {...}}``."""

    type: Literal["function"] = "function"
    function: FunctionSpec


PATCH_ONLY = FieldAccess.PATCH_ONLY
Level = Annotated[str, known_values("low", "medium", "high")]
Sensitivity = Annotated[str, known_values("superlow", "verylow", "low", "medium", "high")]
Ratio = Annotated[float, Field(ge=0, le=1)]
RavenEntry = Annotated[str, Field(min_length=1, max_length=10_000)]
Queries = list[RavenEntry]


def _hyphenate(value: object) -> object:
    """Two docs pages spell it two ways; one is sent (docs: persona/conversational-flow)."""
    return "time-based" if value == "timebased" else value


def _join_words(value: object) -> object:
    """Hot words are one string of hints (docs: persona/stt); a list of words is joined.

    The list may come as JSON text.
    """
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return ", ".join(value)
    return value


TurnModel = Annotated[
    str,
    known_values("sparrow-2", "sparrow-1", "sparrow-0", "time-based"),
    BeforeValidator(_hyphenate),
]
Hotwords = Annotated[str, BeforeValidator(_join_words)]


class LlmLayer(StrictModel):
    """Which model thinks (docs: persona/llm, pal/llm).

    ``api_key_ref`` names a key of the server's environment; the name itself is never sent.
    """

    model: NonEmptyStr | MISSING = MISSING
    base_url: NonEmptyStr | MISSING = MISSING
    api_key: NonEmptyStr | MISSING = MISSING
    api_key_ref: Annotated[NonEmptyStr | MISSING, FieldAccess.SECRET_NAME] = MISSING
    speculative_inference: bool | MISSING = MISSING
    headers: dict[str, str] | MISSING = MISSING
    extra_body: Annotated[JsonObject | MISSING, MemberArguments(("temperature", "top_p"))] = MISSING
    default_query: JsonObject | MISSING = MISSING
    tools: Annotated[
        list[FunctionTool] | MISSING, PATCH_ONLY, Field(description="Legacy OpenAI functions")
    ] = MISSING
    disable_vision: Annotated[bool | MISSING, DeprecatedField, PATCH_ONLY] = MISSING
    enable_llm_proxy: Annotated[bool | MISSING, DeprecatedField, PATCH_ONLY] = MISSING
    model_name: Annotated[NonEmptyStr | MISSING, DeprecatedField, PATCH_ONLY] = MISSING
    is_custom: Annotated[bool | MISSING, DeprecatedField, PATCH_ONLY] = MISSING
    endpoint: Annotated[NonEmptyStr | MISSING, DeprecatedField, PATCH_ONLY] = MISSING


class VoiceSettings(StrictModel):
    """How the voice sounds; ranges differ by engine, see the catalog (docs: persona/tts)."""

    speed: float | MISSING = MISSING
    volume: float | MISSING = MISSING
    emotion: list[NonEmptyStr] | MISSING = MISSING
    stability: Ratio | MISSING = MISSING
    similarity_boost: Ratio | MISSING = MISSING
    style: Ratio | MISSING = MISSING
    use_speaker_boost: bool | MISSING = MISSING


TtsEngine = Annotated[str, known_values("cartesia", "elevenlabs", "azure", "playht", "tavus-auto")]


class TtsLayer(StrictModel):
    """Which voice speaks (docs: persona/tts, voices)."""

    tts_engine: TtsEngine | MISSING = MISSING
    external_voice_id: NonEmptyStr | MISSING = MISSING
    voice_id: NonEmptyStr | MISSING = MISSING
    api_key: NonEmptyStr | MISSING = MISSING
    api_key_ref: Annotated[NonEmptyStr | MISSING, FieldAccess.SECRET_NAME] = MISSING
    tts_model_name: NonEmptyStr | MISSING = MISSING
    tts_emotion_control: bool | MISSING = MISSING
    voice_settings: VoiceSettings | MISSING = MISSING
    pronunciation_dictionary_id: str | MISSING = MISSING
    playht_user_id: Annotated[NonEmptyStr | MISSING, DeprecatedField] = MISSING


SttEngine = Annotated[
    str,
    known_values(
        "tavus-auto",
        "tavus-parakeet",
        "tavus-soniox",
        "tavus-whisper",
        "tavus-deepgram-medical",
        "tavus-advanced",
        "tavus-turbo",
    ),
]


class SttLayer(StrictModel):
    """How speech is heard; the last three fields are Sparrow-0's and legacy (docs: persona/stt)."""

    stt_engine: SttEngine | MISSING = MISSING
    hotwords: Hotwords | MISSING = MISSING
    participant_pause_sensitivity: Annotated[Sensitivity | MISSING, DeprecatedField] = MISSING
    participant_interrupt_sensitivity: Annotated[Sensitivity | MISSING, DeprecatedField] = MISSING
    smart_turn_detection: Annotated[bool | MISSING, DeprecatedField] = MISSING


PerceptionModel = Annotated[str, known_values("raven-1", "raven-0", "basic", "off")]
EmotionRecognition = Annotated[str, known_values("full", "limited", "auto")]


class PerceptionLayer(StrictModel):
    """What the replica sees and hears in the user (docs: persona/perception, pal/perception)."""

    perception_model: PerceptionModel | MISSING = MISSING
    visual_awareness_queries: Queries | MISSING = MISSING
    audio_awareness_queries: Queries | MISSING = MISSING
    perception_analysis_queries: Queries | MISSING = MISSING
    screen_awareness_queries: Queries | MISSING = MISSING
    visual_tool_prompt: str | MISSING = MISSING
    visual_tools: Annotated[list[FunctionTool] | MISSING, PATCH_ONLY] = MISSING
    audio_tool_prompt: str | MISSING = MISSING
    audio_tools: Annotated[list[FunctionTool] | MISSING, PATCH_ONLY] = MISSING
    screen_tools: Annotated[list[FunctionTool] | MISSING, PATCH_ONLY] = MISSING
    emotion_recognition: EmotionRecognition | MISSING = MISSING
    # legacy spellings (docs: troubleshooting) and the seed's switch
    ambient_awareness: Annotated[bool | MISSING, DeprecatedField] = MISSING
    ambient_awareness_queries: Annotated[Queries | MISSING, DeprecatedField] = MISSING
    perception_tool_prompt: Annotated[str | MISSING, DeprecatedField, PATCH_ONLY] = MISSING
    perception_tools: Annotated[list[FunctionTool] | MISSING, DeprecatedField, PATCH_ONLY] = MISSING
    tool_prompt: Annotated[str | MISSING, DeprecatedField, PATCH_ONLY] = MISSING


VoiceIsolation = Annotated[str, known_values("near", "off")]
IdleEngagement = Annotated[str, known_values("off", "patient", "eager")]
ActiveListening = Annotated[str, known_values("off", "low", "medium", "high")]


class ConversationalFlowLayer(StrictModel):
    """Who speaks when (docs: persona/conversational-flow)."""

    turn_detection_model: TurnModel | MISSING = MISSING
    turn_taking_patience: Level | MISSING = MISSING
    replica_interruptibility: Level | MISSING = MISSING
    voice_isolation: VoiceIsolation | MISSING = MISSING
    idle_engagement: IdleEngagement | MISSING = MISSING
    wake_phrase: NonEmptyStr | MISSING = MISSING
    sleep_phrase: NonEmptyStr | MISSING = MISSING
    turn_commitment: Annotated[Level | MISSING, DeprecatedField] = MISSING
    active_listening: Annotated[ActiveListening | MISSING, DeprecatedField] = MISSING
    noise_cancellation: Annotated[
        bool | NonEmptyStr | JsonObject | MISSING, DeprecatedField, PATCH_ONLY
    ] = MISSING
    idle_end_behavior: Annotated[
        bool | NonEmptyStr | JsonObject | MISSING, DeprecatedField, PATCH_ONLY
    ] = MISSING


class ConferencingLayer(StrictModel):
    """The persona's identity in meetings; Tavus wants it patched alone (vendor: meetings)."""

    username: NonEmptyStr | MISSING = MISSING
    allowlist: list[str] | MISSING = MISSING
    whitelabel: bool | MISSING = MISSING


class CapabilitiesLayer(StrictModel):
    """Switches of the hosted agent (vendor)."""

    mcp_enabled: bool | MISSING = MISSING
    search_enabled: bool | MISSING = MISSING
    activity_log_enabled: bool | MISSING = MISSING
    search_results_prompt_injection_prevention_enabled: bool | MISSING = MISSING


class KnowledgeBaseLayer(StrictModel):
    """How documents are searched during a call (vendor: knowledge; changelog)."""

    rag_score_threshold: float | MISSING = MISSING
    rag_n_chunks: Annotated[int, Field(ge=0)] | MISSING = MISSING
    rag_surrounding_chunk_radius: Annotated[int, Field(ge=0)] | MISSING = MISSING
    rag_search_quality: NonEmptyStr | MISSING = MISSING
    enable_rag_observability_app_messages: bool | MISSING = MISSING
    use_procedure_goalchain: bool | MISSING = MISSING


class TransportLayer(OpenModel):
    """How audio and video travel (docs: livekit, echo-mode); a free object otherwise."""

    transport_type: NonEmptyStr | MISSING = MISSING
    input_settings: JsonObject | MISSING = MISSING


class Layers(StrictModel):
    """Every layer a persona may carry (docs: create-persona; vendor)."""

    llm: LlmLayer | MISSING = MISSING
    tts: TtsLayer | MISSING = MISSING
    stt: SttLayer | MISSING = MISSING
    perception: PerceptionLayer | MISSING = MISSING
    conversational_flow: ConversationalFlowLayer | MISSING = MISSING
    conferencing: ConferencingLayer | MISSING = MISSING
    capabilities: CapabilitiesLayer | MISSING = MISSING
    knowledge_base: KnowledgeBaseLayer | MISSING = MISSING
    transport: TransportLayer | MISSING = MISSING
    sts: Annotated[JsonObject | MISSING, DeprecatedField] = MISSING
    mcp: Annotated[JsonObject | MISSING, DeprecatedField] = MISSING


LAYER_NAMES: tuple[str, ...] = tuple(Layers.model_fields)
"""The names of all layers, in the order they are shown."""

CONFIGURABLE_LAYERS = frozenset({"llm", "tts", "stt", "perception", "conversational_flow"})
"""The layers that have a tool ``configure_LAYER``."""


@cache
def layer_arguments(layer: str) -> Mapping[str, str]:
    """Return the JSON Pointer that each argument of ``configure_LAYER`` sets.

    Members of objects come first, in which order receipts list them. Layers without such a tool
    have no arguments.
    """
    model = nested_model(Layers.model_fields[layer]) if layer in CONFIGURABLE_LAYERS else None
    pairs = iterate_arguments(model, f"/layers/{layer}") if model else ()
    return dict(sorted(pairs, key=lambda pair: pair[1].count("/"), reverse=True))


@cache
def layer_patch_only_fields(layer: str) -> frozenset[str]:
    """Return the fields of a configurable layer that its tool does not set."""
    model = nested_model(Layers.model_fields[layer])
    return patch_only_fields(model) if model else frozenset()
