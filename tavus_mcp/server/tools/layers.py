"""The toolset ``layers``: what each layer offers, and changing it field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import MISSING

from tavus_mcp.app import App
from tavus_mcp.checker.check import allowed_rules
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import DeprecatedField, JsonObject, NonEmptyStr
from tavus_mcp.models.changes import DropFunction, PutFunction
from tavus_mcp.models.layers import (
    LAYER_NAMES,
    ActiveListening,
    EmotionRecognition,
    FunctionName,
    FunctionParameters,
    Hotwords,
    IdleEngagement,
    Level,
    PerceptionModel,
    Queries,
    Ratio,
    Sensitivity,
    SttEngine,
    TtsEngine,
    TurnModel,
    VoiceIsolation,
    layer_arguments,
)
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.parts.tool_names import find_attached_names
from tavus_mcp.personas.secret_references import (
    REFERENCE_CONTAINERS,
    literal_key_findings,
    resolve_key_argument,
    resolve_placeholders,
)
from tavus_mcp.personas.update import UpdateRequest, update
from tavus_mcp.server.field_changes import (
    argument_values,
    build_set_fields,
    removable_fields,
    unset_pointers,
)
from tavus_mcp.server.results import LayerDescription
from tavus_mcp.server.shared_parameters import (
    TEXT,
    AllowPrivateUrl,
    ApiKey,
    ApiKeyRef,
    DryRun,
    IfRevision,
    MergedObject,
    PersonaIdParameter,
    Text,
    Unset,
    doc,
)
from tavus_mcp.server.toolset import Toolset
from tavus_mcp.text import suggest_similar

layers = Toolset("layers")

_FUNCTION_LISTS = {
    ("llm", "visual"): "/layers/llm/tools",
    ("llm", "audio"): "/layers/llm/tools",
    ("perception", "visual"): "/layers/perception/visual_tools",
    ("perception", "audio"): "/layers/perception/audio_tools",
}
_LEGACY_FUNCTION_LISTS = (
    "/layers/perception/screen_tools",
    "/layers/perception/perception_tools",
)
ElevenLabs = doc("ElevenLabs")


async def _change_layer(app: App, layer: str, arguments: Mapping[str, Any]) -> Receipt:
    """Set and remove fields of a layer; ``arguments`` are the locals of its ``configure_*`` tool.

    Secrets that are named by ``api_key_ref`` or ``{secret:name}`` are resolved here.
    """
    pointers = layer_arguments(layer)
    values = argument_values(arguments, pointers)
    findings = literal_key_findings(values)
    if "api_key" in pointers:
        literal, reference = arguments["api_key"], arguments["api_key_ref"]
        values |= resolve_key_argument(app, literal, reference, pointers["api_key"])
    containers = [pointer for name, pointer in pointers.items() if name in REFERENCE_CONTAINERS]
    values |= resolve_placeholders(
        app, {pointer: values[pointer] for pointer in containers if pointer in values}
    )
    request = UpdateRequest(
        f"configure_{layer}",
        arguments["persona_id"],
        build_set_fields(values, unset_pointers(arguments["unset"], removable_fields(layer))),
        dry_run=arguments["dry_run"],
        if_revision=arguments["if_revision"],
        allow=allowed_rules(private_url=arguments.get("allow_private_url", False)),
        findings=findings,
    )
    return await update(app, request)


@layers.read("Describe layer")
async def describe_layer(
    app: App,
    layer: Annotated[
        Literal[LAYER_NAMES],  # type: ignore[valid-type]  # the names are one tuple
        doc("Layer to describe"),
    ],
    field: Annotated[str | None, doc("Only this field, with its models or engines")] = None,
) -> LayerDescription:
    """Options of a layer: fields, values, ranges, defaults, models with speed, deprecations."""
    if field is None:
        return LayerDescription(layer=app.catalog.describe(layer))
    described = app.catalog.describe_field(layer, field)
    if described is None:
        names = app.catalog.field_names(layer)
        problem = f"/field: {layer} has no such field{suggest_similar(field, names)}"
        raise InvalidArgument([f"{problem} It has: {', '.join(names)}."])
    return LayerDescription(layer=described)


@layers.change("Configure LLM", aliases={"llm_model": "model"})
async def configure_llm(
    app: App,
    persona_id: PersonaIdParameter,
    model: Annotated[
        str | MISSING, doc("Hosted id or the custom LLM's own", min_length=1)
    ] = MISSING,
    base_url: Annotated[
        Text | MISSING, doc("Custom LLM, OpenAI-compatible, without route")
    ] = MISSING,
    api_key_ref: ApiKeyRef | MISSING = MISSING,
    api_key: ApiKey | MISSING = MISSING,
    temperature: Annotated[float | MISSING, doc("Sampling temperature", ge=0, le=2)] = MISSING,
    top_p: Annotated[float | MISSING, doc("Nucleus sampling", ge=0, le=1)] = MISSING,
    speculative_inference: Annotated[
        bool | MISSING, doc("Start to answer while the user still speaks")
    ] = MISSING,
    headers: Annotated[
        JsonObject | MISSING, doc("Merged by key; {secret:x} puts TAVUS_SECRET_X in")
    ] = MISSING,
    extra_body: MergedObject | MISSING = MISSING,
    default_query: MergedObject | MISSING = MISSING,
    allow_private_url: AllowPrivateUrl = False,
    unset: Unset = [],  # noqa: B006 - read, never changed
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Change the LLM layer: model, endpoint, sampling. Only what is given changes."""
    return await _change_layer(app, "llm", locals())


@layers.change("Configure TTS", aliases={"engine": "tts_engine"}, spread=("voice_settings",))
async def configure_tts(
    app: App,
    persona_id: PersonaIdParameter,
    tts_engine: Annotated[TtsEngine | MISSING, doc("Provider of the voice")] = MISSING,
    external_voice_id: Annotated[
        str | MISSING, doc("Voice id of the provider", min_length=1)
    ] = MISSING,
    voice_id: Annotated[str | MISSING, doc("Tavus Voice id: v and hex", min_length=1)] = MISSING,
    tts_model_name: Annotated[str | MISSING, doc("Model of the provider", min_length=1)] = MISSING,
    api_key_ref: ApiKeyRef | MISSING = MISSING,
    api_key: ApiKey | MISSING = MISSING,
    tts_emotion_control: Annotated[
        bool | MISSING, doc("The LLM sets emotions of the voice")
    ] = MISSING,
    speed: Annotated[
        float | MISSING, doc("1 is usual; sonic, sonic-1: -1 to 1, 0 is usual")
    ] = MISSING,
    volume: Annotated[float | MISSING, doc("sonic-3")] = MISSING,
    emotion: Annotated[
        list[NonEmptyStr] | MISSING, doc("Cartesia, like positivity:high")
    ] = MISSING,
    stability: Annotated[Ratio | MISSING, doc("ElevenLabs; higher is steadier")] = MISSING,
    similarity_boost: Annotated[Ratio | MISSING, ElevenLabs] = MISSING,
    style: Annotated[Ratio | MISSING, ElevenLabs] = MISSING,
    use_speaker_boost: Annotated[bool | MISSING, ElevenLabs] = MISSING,
    pronunciation_dictionary_id: Annotated[
        str | MISSING, doc("Dictionary of how words are spoken")
    ] = MISSING,
    playht_user_id: Annotated[str | MISSING, DeprecatedField] = MISSING,
    unset: Unset = [],  # noqa: B006 - read, never changed
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Change the TTS layer: engine, voice, speed, tone. Only what is given changes."""
    return await _change_layer(app, "tts", locals())


@layers.change("Configure STT", aliases={"engine": "stt_engine"})
async def configure_stt(
    app: App,
    persona_id: PersonaIdParameter,
    stt_engine: Annotated[SttEngine | MISSING, doc("Default tavus-auto")] = MISSING,
    hotwords: Annotated[
        Hotwords | MISSING, doc("Words to expect, comma-separated", **TEXT)
    ] = MISSING,
    participant_pause_sensitivity: Annotated[Sensitivity | MISSING, DeprecatedField] = MISSING,
    participant_interrupt_sensitivity: Annotated[Sensitivity | MISSING, DeprecatedField] = MISSING,
    smart_turn_detection: Annotated[bool | MISSING, DeprecatedField] = MISSING,
    unset: Unset = [],  # noqa: B006 - read, never changed
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Change speech recognition. For turn-taking use configure_conversational_flow."""
    return await _change_layer(app, "stt", locals())


@layers.change("Configure perception")
async def configure_perception(
    app: App,
    persona_id: PersonaIdParameter,
    perception_model: Annotated[PerceptionModel | MISSING, doc("off: it sees nothing")] = MISSING,
    visual_awareness_queries: Annotated[
        Queries | MISSING, doc("Asked of the camera about once a second")
    ] = MISSING,
    audio_awareness_queries: Annotated[
        Queries | MISSING, doc("Asked of the user's voice")
    ] = MISSING,
    perception_analysis_queries: Annotated[
        Queries | MISSING, doc("Asked once, after the call")
    ] = MISSING,
    screen_awareness_queries: Annotated[
        Queries | MISSING, doc("Asked of a shared screen")
    ] = MISSING,
    visual_tool_prompt: Annotated[Text | MISSING, doc("When to call visual functions")] = MISSING,
    audio_tool_prompt: Annotated[Text | MISSING, doc("When to call audio functions")] = MISSING,
    emotion_recognition: Annotated[
        EmotionRecognition | MISSING, doc("auto: limited under EU policy")
    ] = MISSING,
    ambient_awareness: Annotated[bool | MISSING, DeprecatedField] = MISSING,
    ambient_awareness_queries: Annotated[Queries | MISSING, DeprecatedField] = MISSING,
    unset: Unset = [],  # noqa: B006 - read, never changed
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Change what it notices in camera, screen and voice. Lists are replaced whole."""
    return await _change_layer(app, "perception", locals())


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
    turn_detection_model: Annotated[TurnModel | MISSING, doc("Decides when a turn ends")] = MISSING,
    turn_taking_patience: Annotated[Level | MISSING, doc("high: waits longer to answer")] = MISSING,
    replica_interruptibility: Annotated[Level | MISSING, doc("high: easy to interrupt")] = MISSING,
    voice_isolation: Annotated[
        VoiceIsolation | MISSING, doc("near: hears only the nearest speaker")
    ] = MISSING,
    idle_engagement: Annotated[
        IdleEngagement | MISSING, doc("Speaks up when the user is silent")
    ] = MISSING,
    wake_phrase: Annotated[Text | MISSING, doc("Answers only after hearing it")] = MISSING,
    sleep_phrase: Annotated[Text | MISSING, doc("Stops answering; needs a wake_phrase")] = MISSING,
    turn_commitment: Annotated[Level | MISSING, DeprecatedField] = MISSING,
    active_listening: Annotated[ActiveListening | MISSING, DeprecatedField] = MISSING,
    unset: Unset = [],  # noqa: B006 - read, never changed
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Change turn-taking: patience, interruptions, background voices, silence."""
    return await _change_layer(app, "conversational_flow", locals())


@layers.change("Set function tool", spread=("function", "tool"))
async def set_function_tool(
    app: App,
    persona_id: PersonaIdParameter,
    name: Annotated[FunctionName, doc("Replaces a function of this name")],
    description: Annotated[Text | MISSING, doc("When to call it")] = MISSING,
    parameters: Annotated[
        FunctionParameters | MISSING, doc("JSON Schema of its arguments")
    ] = MISSING,
    layer: Annotated[Literal["llm", "perception"], doc("Layer that calls it")] = "llm",
    modality: Annotated[
        Literal["visual", "audio"], doc("In perception: what triggers it")
    ] = "visual",
    type: Annotated[Literal["function"], DeprecatedField] = "function",  # noqa: A002 - the field's name
    strict: Annotated[bool | MISSING, DeprecatedField] = MISSING,
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Add or replace one inline function (legacy: now registry tools); your app executes it."""
    pointer = _FUNCTION_LISTS[layer, modality]
    parts = {"name": name, "description": description, "parameters": parameters, "strict": strict}
    function = {key: value for key, value in parts.items() if value is not MISSING}
    change = PutFunction(pointer, {"type": type, "function": function})
    request = UpdateRequest(
        "set_function_tool",
        persona_id,
        change,
        dry_run=dry_run,
        if_revision=if_revision,
        look_up=lambda app, before: find_attached_names(app, before, name),
    )
    return await update(app, request)


@layers.change("Remove function tool")
async def remove_function_tool(
    app: App,
    persona_id: PersonaIdParameter,
    name: Annotated[str, doc("Name of the function")],
    layer: Annotated[Literal["llm", "perception"] | None, doc("Default: wherever it is")] = None,
    dry_run: DryRun = False,
    if_revision: IfRevision = None,
) -> Receipt:
    """Remove one function from the LLM or perception layer."""
    lists = [*dict.fromkeys(_FUNCTION_LISTS.values()), *_LEGACY_FUNCTION_LISTS]
    searched = [path for path in lists if layer is None or path.startswith(f"/layers/{layer}/")]
    change = DropFunction(searched, name)
    request = UpdateRequest(
        "remove_function_tool", persona_id, change, dry_run=dry_run, if_revision=if_revision
    )
    return await update(app, request)
