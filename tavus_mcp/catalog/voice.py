"""Which speech engine, model and voice settings are in effect for a persona."""

from __future__ import annotations

import re
from typing import Any

from tavus_mcp.catalog.catalog import Catalog
from tavus_mcp.catalog.facts import EngineFacts, VoiceSetting
from tavus_mcp.models.base import is_set, text
from tavus_mcp.models.document import PersonaDocument

TTS = "/layers/tts"
VOICE_SETTINGS = f"{TTS}/voice_settings"
_LEGACY_SPEED_MODELS = {"sonic-1", "sonic-2"}  # models whose speed runs from -1 to 1
_LEGACY_SPEED_SPAN = 0.2  # difference between the usual pace and either end of that scale


def voice_ids(document: PersonaDocument) -> tuple[str, str]:
    """Return external_voice_id and voice_id; the first one that is set takes effect."""
    return document.text(f"{TTS}/external_voice_id"), document.text(f"{TTS}/voice_id")


def is_tavus_voice(voice: str, catalog: Catalog) -> bool:
    """Return True if a voice id has the form of a Tavus Voice."""
    facts = catalog.field("tts", "voice_id")
    return bool(facts and facts.pattern and re.search(facts.pattern, voice))


def engine_of(document: PersonaDocument, catalog: Catalog) -> EngineFacts | None:
    """Return the engine in effect; None if Tavus chooses one, or it is unknown."""
    layer = document.layer("tts")
    if is_set(layer.get("tts_engine")):
        engine = catalog.tts_engines.find(text(layer.get("tts_engine")))
        return None if engine and engine.is_automatic else engine
    external, voice = voice_ids(document)
    if not layer or (not external and is_tavus_voice(voice, catalog)):
        return None
    return next((engine for engine in catalog.tts_engines if engine.default), None)


def effective_voice_model(document: PersonaDocument, engine: EngineFacts | None) -> str | None:
    """Return the stored model of the voice, else the default of the engine."""
    return document.text(f"{TTS}/tts_model_name") or (engine.default_model if engine else None)


def stored_voice_settings(document: PersonaDocument) -> list[tuple[str, Any]]:
    """Return name and value of each voice setting that is set."""
    settings = document.value(VOICE_SETTINGS)
    items = settings.items() if isinstance(settings, dict) else ()
    return [(name, value) for name, value in items if is_set(value)]


def settings_in_effect(
    document: PersonaDocument, catalog: Catalog
) -> list[tuple[VoiceSetting, Any]]:
    """Return each stored setting that engine and model in effect know, with its facts."""
    stored = stored_voice_settings(document)
    engine = engine_of(document, catalog) if stored else None
    known = engine.voice_settings(effective_voice_model(document, engine)) if engine else ()
    return [(setting, value) for name, value in stored for setting in known if setting.name == name]


def setting_names(settings: tuple[VoiceSetting, ...]) -> set[str]:
    """Return the names of voice settings."""
    return {setting.name for setting in settings}


def is_older_model(engine: EngineFacts, model: str) -> bool:
    """Return True if a model has settings of its own that the engine's default does not take."""
    settings = engine.voice_settings(model)
    return (
        bool(engine.default_model and settings)
        and model in engine.known_models
        and settings != engine.voice_settings(engine.default_model)
    )


def has_legacy_speed_scale(document: PersonaDocument, catalog: Catalog) -> bool:
    """Return True if the model in effect counts speed from -1 to 1 (docs: troubleshooting)."""
    families = {setting.model_family for setting, _ in settings_in_effect(document, catalog)}
    return bool(families & _LEGACY_SPEED_MODELS)


def legacy_speed_to_factor(speed: float) -> float:
    """Return a speed of the scale from -1 to 1 as a factor of the usual pace.

    Tavus documents no relation of the two scales; the ends are taken as a fifth slower and faster.
    """
    return round(1 + speed * _LEGACY_SPEED_SPAN, 2)
