"""Conversions of the tts layer: removed engines, provider voices, older models and scales."""

from __future__ import annotations

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.voice import (
    TTS,
    VOICE_SETTINGS,
    effective_voice_model,
    engine_of,
    has_legacy_speed_scale,
    is_older_model,
    is_tavus_voice,
    legacy_speed_to_factor,
    setting_names,
    settings_in_effect,
    voice_ids,
)
from tavus_mcp.deprecations.conversion import (
    ConvertedOperation,
    Operations,
    apply_operations,
    assign,
    assign_stored,
    keep,
    remove,
)
from tavus_mcp.models.base import is_set
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import pointer_of

ENGINE = f"{TTS}/tts_engine"
MODEL = f"{TTS}/tts_model_name"
VOICE = f"{TTS}/voice_id"
EXTERNAL_VOICE = f"{TTS}/external_voice_id"
_SPEED = f"{VOICE_SETTINGS}/speed"
_ENGINE_SPECIFIC_FIELDS = (
    "external_voice_id",
    "voice_id",
    "api_key",
    "tts_model_name",
    "playht_user_id",
)


def replace_engine(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Replace a removed engine by its successor, which knows none of its voices, models or keys.

    A Tavus Voice and what the successor takes as well are kept.
    """
    old = catalog.tts_engines.find(document.text(ENGINE))
    new = catalog.tts_engines.find(old.successor) if old and old.successor else None
    if old is None or new is None or old.status != "retired":
        return []
    tts, settings = document.layer("tts"), document.value(VOICE_SETTINGS)
    operations = [assign("tts_engine", ENGINE, new.id, old=old.id, new=new.id)]
    preserved = set()
    if voice := tavus_voice(document, catalog):
        preserved.add("voice_id")
        if voice != document.text(VOICE):
            operations.append(assign_stored("swapped_voices", VOICE, voice))
    if tts.get("tts_model_name") in new.known_models:
        preserved.add("tts_model_name")
    operations += [
        remove("leftover", f"{TTS}/{name}")
        for name in _ENGINE_SPECIFIC_FIELDS
        if name not in preserved and is_set(tts.get(name))
    ]
    known = setting_names(new.voice_settings(new.default_model))
    operations += [
        remove("foreign_setting", VOICE_SETTINGS + pointer_of([name]), new=new.id)
        for name in (settings if isinstance(settings, dict) else ())
        if name not in known
    ]
    return operations


def tavus_voice(document: PersonaDocument, catalog: Catalog) -> str:
    """Return the Tavus Voice of the persona, in whichever field it is, or ""."""
    return next((voice for voice in voice_ids(document) if is_tavus_voice(voice, catalog)), "")


def move_provider_voice(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Move the voice of a provider from voice_id to external_voice_id.

    If that field holds another voice of a provider, only this one was in effect, and voice_id is
    removed. If it holds a Tavus Voice, which no provider knows, the Tavus Voice gets its field.
    """
    external, voice = voice_ids(document)
    if not voice or is_tavus_voice(voice, catalog):
        return []
    if not external:
        return [
            assign_stored("provider_voice", EXTERNAL_VOICE, voice),
            remove("provider_voice", VOICE),
        ]
    if is_tavus_voice(external, catalog):
        return [
            assign_stored("swapped_voices", VOICE, external),
            remove("swapped_voices", EXTERNAL_VOICE),
        ]
    return [remove("unheard_voice", VOICE)]


def remove_retired_fields(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Remove the fields that belonged to a removed engine."""
    paths = [f"{TTS}/{facts.name}" for facts in catalog.fields("tts") if facts.status == "retired"]
    return [remove("leftover", path) for path in paths if document.is_set(path)]


def convert_speed_word(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Convert a speed in words to a number on the scale of the model in effect.

    For a removed engine that is the scale of its successor.
    """
    words = catalog.translations["speed_word"].values
    speed = words.get(document.text(_SPEED).lower())
    if speed is None:
        return []
    document = apply_operations(document, replace_engine(document, catalog))
    engine = engine_of(document, catalog)
    if engine and engine.status == "current" and "speed" not in setting_names(engine.voice_setting):
        return [remove("foreign_setting", _SPEED, new=engine.id)]
    if speed == 0:
        return [remove("speed_usual", _SPEED)]
    is_legacy = has_legacy_speed_scale(document, catalog)
    return [assign("speed_word", _SPEED, speed if is_legacy else legacy_speed_to_factor(speed))]


def replace_older_model(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Replace a model whose settings in use are legacy; report another older model.

    Without legacy settings nothing is lost by the older model, and a newer one sounds different.
    """
    engine = engine_of(document, catalog)
    if engine is None or engine.default_model is None:
        return []
    if any(setting.status == "legacy" for setting, _ in settings_in_effect(document, catalog)):
        return use_newest_model(document, catalog)
    model = document.text(MODEL)
    if is_older_model(engine, model):
        return [keep("older_voice_model", MODEL, old=model, new=engine.default_model)]
    return []


def use_newest_model(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Return the operations that replace the model of the voice by the default of its engine.

    A speed of -1 to 1 is converted, one beyond these ends as the end itself; settings that the
    newest model does not take are removed.
    """
    engine = engine_of(document, catalog)
    if engine is None or engine.default_model is None:
        return []
    settings = settings_in_effect(document, catalog)
    families = [setting.model_family for setting, _ in settings if setting.status == "legacy"]
    old = next(filter(None, families), effective_voice_model(document, engine) or "")
    words = {"old": old, "new": engine.default_model}
    newest = engine.voice_settings(engine.default_model)
    taken = {setting.name for setting in newest if setting.status != "unsupported"}
    operations = [assign("sonic_model", MODEL, engine.default_model, **words)]
    for setting, _ in settings:
        path = f"{VOICE_SETTINGS}/{setting.name}"
        if setting.name not in taken:
            operations.append(remove("emotion_setting", path, **words))
        elif path == _SPEED and has_legacy_speed_scale(document, catalog):
            operations.append(_convert_legacy_speed(document, catalog, words))
    return operations


def _convert_legacy_speed(
    document: PersonaDocument, catalog: Catalog, words: dict[str, str]
) -> ConvertedOperation:
    """Return the operation for a speed of -1 to 1, or in words; what is neither is removed."""
    speed = document.number(_SPEED)
    if speed is None:
        named = catalog.translations["speed_word"].values
        speed = named.get(document.text(_SPEED).lower())
    if speed is None:
        return remove("foreign_setting", _SPEED, **words)
    factor = legacy_speed_to_factor(min(max(speed, -1), 1))
    if factor == 1:
        return remove("speed_usual", _SPEED)
    return assign("sonic_speed", _SPEED, factor, **words)


def convert_speed_below_zero(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Convert a speed of the scale from -1 to 1 where the model counts from the usual pace of 1.

    Above 0 a number is valid on both scales, and is left as it is.
    """
    engine, speed = engine_of(document, catalog), document.number(_SPEED)
    settings = {setting.name for setting, _ in settings_in_effect(document, catalog)}
    if engine is None or engine.default_model is None or speed is None or "speed" not in settings:
        return []
    if has_legacy_speed_scale(document, catalog) or not -1 <= speed <= 0:
        return []
    if speed == 0:
        return [remove("speed_usual", _SPEED)]
    model = document.text(MODEL) or engine.default_model
    return [assign("speed_below", _SPEED, legacy_speed_to_factor(speed), new=model)]


def remove_unsupported_settings(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Remove settings that the model does not take, such as the emotion of sonic-3."""
    engine = engine_of(document, catalog)
    words = {"old": "", "new": (engine and engine.default_model) or ""}
    return [
        remove("emotion_setting", f"{VOICE_SETTINGS}/{setting.name}", **words)
        for setting, _ in settings_in_effect(document, catalog)
        if setting.status == "unsupported"
    ]
