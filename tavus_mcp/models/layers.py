"""The layers of a persona, field by field, in the vocabulary of ``/v2/personas``.

Sources are the pages of the Tavus docs named in each class; "vendor" is the vendor's published
client package. Fields marked legacy still work or are still accepted; ``catalog`` names what
replaces them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import MISSING, BeforeValidator, Field

from tavus_mcp.models.base import DeprecatedField, JsonObject, NonEmptyStr, OpenModel, StrictModel

FUNCTION_NAME = r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$"
"""Names a model can call (docs: pal/llm-tool)."""

FunctionName = Annotated[str, Field(pattern=FUNCTION_NAME)]


class FunctionSpec(StrictModel):
    """The function itself: its name, when to call it, and its parameters as a JSON Schema."""

    name: FunctionName
    description: str | MISSING = MISSING
    parameters: JsonObject | MISSING = MISSING
    strict: bool | MISSING = MISSING


class FunctionTool(StrictModel):
    """One inline tool as the layers hold it: ``{"type": "function", "function": {...}}``."""

    type: Literal["function"] = "function"
    function: FunctionSpec


Level = Literal["low", "medium", "high"]
Sensitivity = Literal["superlow", "verylow", "low", "medium", "high"]
Ratio = Annotated[float, Field(ge=0, le=1)]
RavenEntry = Annotated[str, Field(min_length=1, max_length=10_000)]
Queries = list[RavenEntry]


def _hyphenate(value: object) -> object:
    """Two docs pages spell it two ways; one is sent (docs: persona/conversational-flow)."""
    return "time-based" if value == "timebased" else value


def _join_words(value: object) -> object:
    """Hot words are one string of hints (docs: persona/stt); a list of words is joined."""
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return ", ".join(value)
    return value


TurnModel = Annotated[
    Literal["sparrow-2", "sparrow-1", "sparrow-0", "time-based"], BeforeValidator(_hyphenate)
]
Hotwords = Annotated[str, BeforeValidator(_join_words)]


class LlmLayer(StrictModel):
    """Which model thinks (docs: persona/llm, pal/llm).

    ``api_key_ref`` names a key of the server's environment; the name itself is never sent.
    """

    model: NonEmptyStr | MISSING = MISSING
    base_url: NonEmptyStr | MISSING = MISSING
    api_key: NonEmptyStr | MISSING = MISSING
    api_key_ref: NonEmptyStr | MISSING = MISSING
    speculative_inference: bool | MISSING = MISSING
    headers: dict[str, str] | MISSING = MISSING
    extra_body: JsonObject | MISSING = MISSING
    default_query: JsonObject | MISSING = MISSING
    tools: list[FunctionTool] | MISSING = MISSING
    disable_vision: Annotated[bool, DeprecatedField] | MISSING = MISSING
    enable_llm_proxy: Annotated[bool, DeprecatedField] | MISSING = MISSING
    model_name: Annotated[NonEmptyStr, DeprecatedField] | MISSING = MISSING
    is_custom: Annotated[bool, DeprecatedField] | MISSING = MISSING
    endpoint: Annotated[NonEmptyStr, DeprecatedField] | MISSING = MISSING


class VoiceSettings(StrictModel):
    """How the voice sounds; ranges differ by engine, see the catalog (docs: persona/tts)."""

    speed: Annotated[float, Field(ge=-1, le=2)] | MISSING = MISSING
    volume: Annotated[float, Field(ge=0, le=2)] | MISSING = MISSING
    emotion: list[NonEmptyStr] | MISSING = MISSING
    stability: Ratio | MISSING = MISSING
    similarity_boost: Ratio | MISSING = MISSING
    style: Ratio | MISSING = MISSING
    use_speaker_boost: bool | MISSING = MISSING


TtsEngine = Literal["cartesia", "elevenlabs", "azure", "playht", "tavus-auto"]


class TtsLayer(StrictModel):
    """Which voice speaks (docs: persona/tts, voices)."""

    tts_engine: TtsEngine | MISSING = MISSING
    external_voice_id: NonEmptyStr | MISSING = MISSING
    voice_id: NonEmptyStr | MISSING = MISSING
    api_key: NonEmptyStr | MISSING = MISSING
    api_key_ref: NonEmptyStr | MISSING = MISSING
    tts_model_name: NonEmptyStr | MISSING = MISSING
    tts_emotion_control: bool | MISSING = MISSING
    voice_settings: VoiceSettings | MISSING = MISSING
    pronunciation_dictionary_id: str | MISSING = MISSING
    playht_user_id: Annotated[NonEmptyStr, DeprecatedField] | MISSING = MISSING


SttEngine = Literal[
    "tavus-auto",
    "tavus-parakeet",
    "tavus-soniox",
    "tavus-whisper",
    "tavus-deepgram-medical",
    "tavus-advanced",
    "tavus-turbo",
]


class SttLayer(StrictModel):
    """How speech is heard; the last three fields are Sparrow-0's and legacy (docs: persona/stt)."""

    stt_engine: SttEngine | MISSING = MISSING
    hotwords: Hotwords | MISSING = MISSING
    participant_pause_sensitivity: Annotated[Sensitivity, DeprecatedField] | MISSING = MISSING
    participant_interrupt_sensitivity: Annotated[Sensitivity, DeprecatedField] | MISSING = MISSING
    smart_turn_detection: Annotated[bool, DeprecatedField] | MISSING = MISSING


class PerceptionLayer(StrictModel):
    """What the replica sees and hears in the user (docs: persona/perception, pal/perception)."""

    perception_model: Literal["raven-1", "raven-0", "basic", "off"] | MISSING = MISSING
    visual_awareness_queries: Queries | MISSING = MISSING
    audio_awareness_queries: Queries | MISSING = MISSING
    perception_analysis_queries: Queries | MISSING = MISSING
    screen_awareness_queries: Queries | MISSING = MISSING
    visual_tool_prompt: str | MISSING = MISSING
    visual_tools: list[FunctionTool] | MISSING = MISSING
    audio_tool_prompt: str | MISSING = MISSING
    audio_tools: list[FunctionTool] | MISSING = MISSING
    screen_tools: list[FunctionTool] | MISSING = MISSING
    emotion_recognition: Literal["full", "limited", "auto"] | MISSING = MISSING
    # legacy spellings (docs: troubleshooting) and the seed's switch
    ambient_awareness: Annotated[bool, DeprecatedField] | MISSING = MISSING
    ambient_awareness_queries: Annotated[Queries, DeprecatedField] | MISSING = MISSING
    perception_tool_prompt: Annotated[str, DeprecatedField] | MISSING = MISSING
    perception_tools: Annotated[list[FunctionTool], DeprecatedField] | MISSING = MISSING
    tool_prompt: Annotated[str, DeprecatedField] | MISSING = MISSING


class ConversationalFlowLayer(StrictModel):
    """Who speaks when (docs: persona/conversational-flow)."""

    turn_detection_model: TurnModel | MISSING = MISSING
    turn_taking_patience: Level | MISSING = MISSING
    replica_interruptibility: Level | MISSING = MISSING
    voice_isolation: Literal["near", "off"] | MISSING = MISSING
    idle_engagement: Literal["off", "patient", "eager"] | MISSING = MISSING
    wake_phrase: NonEmptyStr | MISSING = MISSING
    sleep_phrase: NonEmptyStr | MISSING = MISSING
    turn_commitment: Annotated[Level, DeprecatedField] | MISSING = MISSING
    active_listening: (
        Annotated[Literal["off", "low", "medium", "high"], DeprecatedField] | MISSING
    ) = MISSING
    noise_cancellation: Annotated[bool | NonEmptyStr | JsonObject, DeprecatedField] | MISSING = (
        MISSING
    )
    idle_end_behavior: Annotated[bool | NonEmptyStr | JsonObject, DeprecatedField] | MISSING = (
        MISSING
    )


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
    sts: Annotated[JsonObject, DeprecatedField] | MISSING = MISSING
    mcp: Annotated[JsonObject, DeprecatedField] | MISSING = MISSING


LAYER_NAMES: tuple[str, ...] = tuple(Layers.model_fields)
"""The names of all layers, in the order they are shown."""
