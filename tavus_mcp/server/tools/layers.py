"""The toolset ``layers``: what each layer offers, and changing it field by field."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import MISSING, Field

from tavus_mcp.app import App
from tavus_mcp.checker.check import PRIVATE_URLS
from tavus_mcp.models.base import DeprecatedField, JsonObject, NonEmptyStr
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.layers import (
    LAYER_NAMES,
    Hotwords,
    Level,
    Queries,
    Ratio,
    Sensitivity,
    SttEngine,
    TtsEngine,
    TurnModel,
)
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.personas.secret_references import (
    literal_key_findings,
    resolve_key_argument,
    resolve_placeholders,
)
from tavus_mcp.personas.update import UpdateRequest, update
from tavus_mcp.server.field_arguments import argument_pointers, argument_values, unset_pointers
from tavus_mcp.server.parameters import (
    AllowPrivateUrl,
    ApiKey,
    ApiKeyRef,
    DryRun,
    IfRevision,
    MergedObject,
    PersonaIdParameter,
    Unset,
)
from tavus_mcp.server.results import LayerDescription
from tavus_mcp.server.toolset import Toolset

layers = Toolset("layers")

_LLM_POINTERS = argument_pointers(
    {"temperature": "/extra_body/temperature", "top_p": "/extra_body/top_p"},
    "model",
    "base_url",
    "api_key",
    "speculative_inference",
    "headers",
    "extra_body",
    "default_query",
    layer="llm",
)
_REFERENCE_CONTAINER_POINTERS = tuple(
    _LLM_POINTERS[name] for name in ("headers", "extra_body", "default_query")
)
_VOICE_SETTING_NAMES = ("speed", "volume", "emotion", "stability", "similarity_boost", "style")
_TTS_POINTERS = argument_pointers(
    {name: f"/voice_settings/{name}" for name in (*_VOICE_SETTING_NAMES, "use_speaker_boost")},
    "tts_engine",
    "external_voice_id",
    "voice_id",
    "api_key",
    "tts_model_name",
    "tts_emotion_control",
    "pronunciation_dictionary_id",
    "playht_user_id",
    layer="tts",
)
_STT_POINTERS = argument_pointers(
    {},
    "stt_engine",
    "hotwords",
    "participant_pause_sensitivity",
    "participant_interrupt_sensitivity",
    "smart_turn_detection",
    layer="stt",
)
_PERCEPTION_POINTERS = argument_pointers(
    {},
    "perception_model",
    "visual_awareness_queries",
    "audio_awareness_queries",
    "perception_analysis_queries",
    "screen_awareness_queries",
    "visual_tool_prompt",
    "audio_tool_prompt",
    "emotion_recognition",
    "ambient_awareness",
    "ambient_awareness_queries",
    layer="perception",
)
_FLOW_POINTERS = argument_pointers(
    {},
    "turn_detection_model",
    "turn_taking_patience",
    "replica_interruptibility",
    "voice_isolation",
    "idle_engagement",
    "wake_phrase",
    "sleep_phrase",
    "turn_commitment",
    "active_listening",
    layer="conversational_flow",
)
_VOICE_SETTINGS_POINTER = "/layers/tts/voice_settings"
ElevenLabs = Field(description="ElevenLabs")


@layers.read("Describe layer")
async def describe_layer(
    app: App,
    layer: Annotated[
        Literal[LAYER_NAMES],  # type: ignore[valid-type]  # the names are one tuple
        Field(description="Layer to describe"),
    ],
) -> LayerDescription:
    """Options of a layer: fields, values, ranges, defaults, models with speed, deprecations."""
    return LayerDescription(layer=app.catalog.describe(layer))


@layers.change("Configure LLM", aliases={"llm_model": "model"})
async def configure_llm(
    app: App,
    persona_id: PersonaIdParameter,
    model: Annotated[str, Field(min_length=1, description="Hosted id or the custom LLM's own")]
    | MISSING = MISSING,
    base_url: Annotated[str, Field(description="Custom LLM, OpenAI-compatible, without route")]
    | MISSING = MISSING,
    api_key_ref: ApiKeyRef | MISSING = MISSING,
    api_key: ApiKey | MISSING = MISSING,
    temperature: Annotated[float, Field(ge=0, le=2, description="Randomness")] | MISSING = MISSING,
    top_p: Annotated[float, Field(ge=0, le=1, description="Nucleus")] | MISSING = MISSING,
    speculative_inference: Annotated[bool, Field(description="Start before the user has ended")]
    | MISSING = MISSING,
    headers: Annotated[
        JsonObject, Field(description="Merged by key; {secret:x} puts TAVUS_SECRET_X in")
    ]
    | MISSING = MISSING,
    extra_body: MergedObject | MISSING = MISSING,
    default_query: MergedObject | MISSING = MISSING,
    allow_private_url: AllowPrivateUrl = False,
    unset: Unset = [],  # noqa: B006 - read, never changed
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Change which model thinks and how; only what is given changes."""
    values = argument_values(locals(), _LLM_POINTERS)
    remarks = literal_key_findings(values)
    values |= resolve_key_argument(app, api_key, api_key_ref, _LLM_POINTERS["api_key"])
    values |= resolve_placeholders(
        app, {place: values[place] for place in _REFERENCE_CONTAINER_POINTERS if place in values}
    )
    asked = UpdateRequest(
        "configure_llm",
        persona_id,
        SetFields(values, unset_pointers(unset, _LLM_POINTERS)),
        dry_run=dry_run,
        if_revision=if_revision,
        allow=PRIVATE_URLS if allow_private_url else frozenset(),
        findings=remarks,
    )
    return await update(app, asked)


@layers.change("Configure TTS", aliases={"engine": "tts_engine"}, spread=("voice_settings",))
async def configure_tts(
    app: App,
    persona_id: PersonaIdParameter,
    tts_engine: Annotated[TtsEngine, Field(description="Who provides the voice")]
    | MISSING = MISSING,
    external_voice_id: Annotated[str, Field(min_length=1, description="Voice id of the provider")]
    | MISSING = MISSING,
    voice_id: Annotated[str, Field(min_length=1, description="Tavus Voice id: v and hex")]
    | MISSING = MISSING,
    tts_model_name: Annotated[str, Field(min_length=1, description="Model of the provider")]
    | MISSING = MISSING,
    api_key_ref: ApiKeyRef | MISSING = MISSING,
    api_key: ApiKey | MISSING = MISSING,
    tts_emotion_control: Annotated[bool, Field(description="Let the LLM colour the voice")]
    | MISSING = MISSING,
    speed: Annotated[float, Field(description="ElevenLabs 0.7 to 1.2, sonic-1 -1 to 1")]
    | MISSING = MISSING,
    volume: Annotated[float, Field(description="sonic-3")] | MISSING = MISSING,
    emotion: Annotated[list[NonEmptyStr], Field(description="Cartesia, like positivity:high")]
    | MISSING = MISSING,
    stability: Annotated[Ratio, ElevenLabs] | MISSING = MISSING,
    similarity_boost: Annotated[Ratio, ElevenLabs] | MISSING = MISSING,
    style: Annotated[Ratio, ElevenLabs] | MISSING = MISSING,
    use_speaker_boost: Annotated[bool, ElevenLabs] | MISSING = MISSING,
    pronunciation_dictionary_id: Annotated[str, Field(description="How names are spoken")]
    | MISSING = MISSING,
    playht_user_id: Annotated[str, DeprecatedField] | MISSING = MISSING,
    unset: Unset = [],  # noqa: B006 - read, never changed
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Change which voice speaks and how it sounds; only what is given changes."""
    values = argument_values(locals(), _TTS_POINTERS)
    remarks = literal_key_findings(values)
    values |= resolve_key_argument(app, api_key, api_key_ref, _TTS_POINTERS["api_key"])
    asked = UpdateRequest(
        "configure_tts",
        persona_id,
        SetFields(
            values,
            unset_pointers(unset, {**_TTS_POINTERS, "voice_settings": _VOICE_SETTINGS_POINTER}),
        ),
        dry_run=dry_run,
        if_revision=if_revision,
        findings=remarks,
    )
    return await update(app, asked)


@layers.change("Configure STT", aliases={"engine": "stt_engine"})
async def configure_stt(
    app: App,
    persona_id: PersonaIdParameter,
    stt_engine: Annotated[SttEngine, Field(description="Default tavus-auto")] | MISSING = MISSING,
    hotwords: Annotated[Hotwords, Field(description="Words to expect, comma-separated")]
    | MISSING = MISSING,
    participant_pause_sensitivity: Annotated[Sensitivity, DeprecatedField] | MISSING = MISSING,
    participant_interrupt_sensitivity: Annotated[Sensitivity, DeprecatedField] | MISSING = MISSING,
    smart_turn_detection: Annotated[bool, DeprecatedField] | MISSING = MISSING,
    unset: Unset = [],  # noqa: B006 - read, never changed
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Change how speech is heard. For turn-taking use configure_conversational_flow."""
    asked = UpdateRequest(
        "configure_stt",
        persona_id,
        SetFields(argument_values(locals(), _STT_POINTERS), unset_pointers(unset, _STT_POINTERS)),
        dry_run=dry_run,
        if_revision=if_revision,
    )
    return await update(app, asked)


@layers.change("Configure perception")
async def configure_perception(
    app: App,
    persona_id: PersonaIdParameter,
    perception_model: Annotated[
        Literal["raven-1", "raven-0", "basic", "off"], Field(description="off: it sees nothing")
    ]
    | MISSING = MISSING,
    visual_awareness_queries: Annotated[
        Queries, Field(description="Asked of the camera about once a second")
    ]
    | MISSING = MISSING,
    audio_awareness_queries: Annotated[Queries, Field(description="Asked of the user's voice")]
    | MISSING = MISSING,
    perception_analysis_queries: Annotated[Queries, Field(description="Asked once, after the call")]
    | MISSING = MISSING,
    screen_awareness_queries: Annotated[Queries, Field(description="Asked of a shared screen")]
    | MISSING = MISSING,
    visual_tool_prompt: Annotated[str, Field(description="When to call visual functions")]
    | MISSING = MISSING,
    audio_tool_prompt: Annotated[str, Field(description="When to call audio functions")]
    | MISSING = MISSING,
    emotion_recognition: Annotated[
        Literal["full", "limited", "auto"], Field(description="auto: limited under EU policy")
    ]
    | MISSING = MISSING,
    ambient_awareness: Annotated[bool, DeprecatedField] | MISSING = MISSING,
    ambient_awareness_queries: Annotated[Queries, DeprecatedField] | MISSING = MISSING,
    unset: Unset = [],  # noqa: B006 - read, never changed
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Change what it sees and hears in the user. Lists are replaced whole."""
    asked = UpdateRequest(
        "configure_perception",
        persona_id,
        SetFields(
            argument_values(locals(), _PERCEPTION_POINTERS),
            unset_pointers(unset, _PERCEPTION_POINTERS),
        ),
        dry_run=dry_run,
        if_revision=if_revision,
    )
    return await update(app, asked)


@layers.change(
    "Configure conversational flow",
    aliases={
        "pal_interruptibility": "replica_interruptibility",
        "face_interruptibility": "replica_interruptibility",
    },
)
async def configure_conversational_flow(
    app: App,
    persona_id: PersonaIdParameter,
    turn_detection_model: Annotated[TurnModel, Field(description="Who decides when a turn ends")]
    | MISSING = MISSING,
    turn_taking_patience: Annotated[Level, Field(description="high: waits longer to answer")]
    | MISSING = MISSING,
    replica_interruptibility: Annotated[Level, Field(description="high: easy to interrupt")]
    | MISSING = MISSING,
    voice_isolation: Annotated[
        Literal["near", "off"], Field(description="near: ignores other voices and noise")
    ]
    | MISSING = MISSING,
    idle_engagement: Annotated[
        Literal["off", "patient", "eager"], Field(description="Speaks up when the user is silent")
    ]
    | MISSING = MISSING,
    wake_phrase: Annotated[NonEmptyStr, Field(description="Answers only after hearing it")]
    | MISSING = MISSING,
    sleep_phrase: Annotated[NonEmptyStr, Field(description="Stops answering; needs a wake_phrase")]
    | MISSING = MISSING,
    turn_commitment: Annotated[Level, DeprecatedField] | MISSING = MISSING,
    active_listening: Annotated[Literal["off", "low", "medium", "high"], DeprecatedField]
    | MISSING = MISSING,
    unset: Unset = [],  # noqa: B006 - read, never changed
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Change who speaks when: patience, interruptions, background voices, silence."""
    asked = UpdateRequest(
        "configure_conversational_flow",
        persona_id,
        SetFields(argument_values(locals(), _FLOW_POINTERS), unset_pointers(unset, _FLOW_POINTERS)),
        dry_run=dry_run,
        if_revision=if_revision,
    )
    return await update(app, asked)
