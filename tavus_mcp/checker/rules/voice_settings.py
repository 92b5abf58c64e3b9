"""Rules about voice_settings: each engine, and each model of one, takes others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog, EngineFacts, VoiceSetting
from tavus_mcp.checker.fixes import FixCall, configure, unset_fields
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.models.base import indexed_texts, is_set, number, text
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import find_nearest

_SETTINGS = "/layers/tts/voice_settings"
_LEGACY_SPEED_MODELS = {"sonic-1", "sonic-2"}  # models whose speed runs from -1 to 1
_LEGACY_SPEED_SPAN = 0.2  # how far one end of the older scale is from the usual pace

# What people call the emotions that Cartesia names otherwise.
_EMOTION_ALIASES = {
    **dict.fromkeys(("happiness", "happy", "joy", "cheerful", "excited", "positive"), "positivity"),
    "angry": "anger",
    "sad": "sadness",
    "surprised": "surprise",
    "curious": "curiosity",
}


def voice_ids(document: PersonaDocument) -> tuple[str, str]:
    """Return external_voice_id and voice_id; the first one that is set is heard."""
    layer = document.layer("tts")
    return text(layer.get("external_voice_id")), text(layer.get("voice_id"))


def is_tavus_voice(voice: str, catalog: Catalog) -> bool:
    """Tell whether a voice id looks like one of Tavus's own."""
    facts = catalog.field("tts", "voice_id")
    return bool(facts and facts.pattern and re.search(facts.pattern, voice))


def engine_of(document: PersonaDocument, catalog: Catalog) -> EngineFacts | None:
    """Return the engine in effect; None where Tavus picks one or it is not known."""
    layer = document.layer("tts")
    if is_set(layer.get("tts_engine")):
        return catalog.tts_engines.find(text(layer.get("tts_engine")))
    external, voice = voice_ids(document)
    if not layer or (not external and is_tavus_voice(voice, catalog)):
        return None
    return next((engine for engine in catalog.tts_engines if engine.default), None)


def has_legacy_speed_scale(document: PersonaDocument, catalog: Catalog) -> bool:
    """Tell whether the model in effect counts speed from -1 to 1 (docs: troubleshooting)."""
    return bool(
        {setting.model_family for setting, _ in _settings_with_facts(document, catalog)}
        & _LEGACY_SPEED_MODELS
    )


def legacy_speed_to_factor(speed: float) -> float:
    """Return a place on the older scale of -1 to 1 as a factor of the usual pace, as we take it."""
    return round(1 + speed * _LEGACY_SPEED_SPAN, 2)


@rule("voice-setting-of-other-engine", "warning", source="J:persona/tts")
def of_other_engine(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A setting that the engine does not know changes nothing."""
    engine = engine_of(document, catalog)
    if engine is None or engine.status not in ("current", "recommended"):
        return
    for name, _ in _stored_settings(document):
        owners = [
            one.id for one in catalog.tts_engines if name in _setting_names(one.voice_setting)
        ]
        if owners and engine.id not in owners:
            yield Violation(
                f"{_SETTINGS}/{name}",
                f"{engine.id} has no {name}; it is a setting of {', '.join(owners)}.",
                unset_fields("tts", name),
            )


@rule("voice-setting-of-other-model", "warning", source="J:persona/tts")
def of_other_model(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Settings differ between the models of an engine, too."""
    engine = engine_of(document, catalog)
    model = _effective_model(document, engine)
    if engine is None or not (taken := engine.voice_settings(model)):
        return
    for name, _ in _stored_settings(document):
        if name in _setting_names(engine.voice_setting) and name not in _setting_names(taken):
            yield Violation(
                f"{_SETTINGS}/{name}",
                f"{name} is a setting of other models of {engine.id} than the one in use.",
                *_fix_foreign_setting(document, engine, name),
            )


@rule("voice-setting-unsupported", "warning", source="J:persona/tts")
def unsupported_setting(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Emotion of sonic-3 is not a voice setting but a mechanism of its own."""
    for setting, _ in _settings_with_facts(document, catalog):
        if setting.status == "unsupported":
            yield Violation(
                f"{_SETTINGS}/{setting.name}",
                f"{setting.name} is not set here for {setting.model_family or 'this engine'}; "
                "tts_emotion_control governs it.",
                configure("tts", tts_emotion_control=True, unset=[setting.name]),
            )


@rule(
    "voice-setting-out-of-range", "error", source="J:persona/tts, D:persona/tts", blocks_write=True
)
def out_of_range(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Each engine takes its numbers within its own range."""
    for setting, value in _settings_with_facts(document, catalog):
        given = number(value)
        if given is None or setting.minimum is None or setting.maximum is None:
            continue
        nearest_to = min(max(given, setting.minimum), setting.maximum)
        if given != nearest_to:
            yield Violation(
                f"{_SETTINGS}/{setting.name}",
                f"{setting.name} must be from {setting.minimum} to {setting.maximum} for "
                f"{setting.model_family or 'this engine'}.",
                configure(
                    "tts", **{setting.name: min(max(given, setting.minimum), setting.maximum)}
                ),
            )


@rule("voice-speed-in-words", "error", source="D:persona/tts, OAS")
def speed_in_words(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The docs' own examples still show words, against the ranges beside them."""
    steps = catalog.translations["speed_word"].values
    place = steps.get(document.text(f"{_SETTINGS}/speed").lower())
    if place is None:
        return
    scale = place if has_legacy_speed_scale(document, catalog) else legacy_speed_to_factor(place)
    near = ("Near to it comes ", configure("tts", speed=scale))
    usual = ("The usual speed is the default: ", unset_fields("tts", "speed"))
    message = "speed is a word; numbers are taken."
    yield Violation(f"{_SETTINGS}/speed", message, *(near if place else usual))


@rule("voice-speed-excludes-ssml", "info", source="J:persona/tts")
def speed_excludes_ssml(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """One global speed switches off the finer way."""
    for setting, value in _settings_with_facts(document, catalog):
        if setting.name != "speed" or number(value) is None:
            continue
        if setting.model_family == "sonic-3":
            yield Violation(
                f"{_SETTINGS}/speed",
                "One speed for the whole conversation rules out inline speech tags (SSML).",
                "To vary the speed by tags: ",
                unset_fields("tts", "speed"),
            )


@rule("voice-emotion-unknown", "warning", source="D:create-persona")
def emotion_unknown(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Older Cartesia models know five emotions and three levels."""
    for setting, value in _settings_with_facts(document, catalog):
        if setting.name != "emotion" or not setting.names:
            continue
        known = [_match_emotion(entry, setting) for _, entry in indexed_texts(value)]
        for (index, entry), felt in zip(indexed_texts(value), known, strict=True):
            if entry == felt:
                continue
            yield Violation(
                f"{_SETTINGS}/emotion/{index}",
                f"No such emotion; there are {', '.join(setting.names)}, each alone or with "
                f":{', :'.join(setting.levels)}.",
                configure("tts", emotion=list(dict.fromkeys(filter(None, known))))
                if any(known)
                else unset_fields("tts", "emotion"),
            )


@rule("tts-model-older", "info", source="J:changelog, J:troubleshooting, D:create-persona")
def model_older(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A model that was the default once stays where it is stored, with settings of its own."""
    engine = engine_of(document, catalog)
    stored = document.text("/layers/tts/tts_model_name")
    newest = engine and engine.default_model
    if engine is None or not newest or stored not in engine.known_models:
        return
    if _is_older(engine, stored):
        yield Violation(
            "/layers/tts/tts_model_name",
            f"{newest} is the "
            f"default{catalog.default_since('/layers/tts/tts_model_name', newest)}; "
            f"the voice_settings of {stored} are legacy.",
            _use_newest_model(document, engine, stored),
            "; it takes speed and volume, and tts_emotion_control instead of emotion",
        )


def _is_older(engine: EngineFacts, model: str) -> bool:
    """Tell whether a model has settings of its own that the newest one does not know."""
    newest, old = engine.default_model, engine.voice_settings(model)
    known = bool(newest) and model in engine.known_models
    return known and bool(old) and old != engine.voice_settings(newest)


def _use_newest_model(document: PersonaDocument, engine: EngineFacts, model: str) -> FixCall:
    """Return the call that takes the newest model, without the settings of the older one."""
    old = _setting_names(engine.voice_settings(model))
    given = [name for name, _ in _stored_settings(document) if name in old]
    unset = {"unset": given} if given else {}
    return configure("tts", tts_model_name=engine.default_model, **unset)


def _fix_foreign_setting(
    document: PersonaDocument, engine: EngineFacts, name: str
) -> tuple[str, FixCall] | tuple[FixCall]:
    """Return the call for a setting that the model in use does not know."""
    model = _effective_model(document, engine) or ""
    if _is_older(engine, model) and name in _setting_names(
        engine.voice_settings(engine.default_model)
    ):
        return f"{engine.default_model} takes it: ", _use_newest_model(document, engine, model)
    return (unset_fields("tts", name),)


def _match_emotion(entry: str, setting: VoiceSetting) -> str | None:
    """Return an emotion as it is taken, the closest one to it, or nothing."""
    name, _, level = entry.partition(":")
    meant = _EMOTION_ALIASES.get(name.strip().lower(), name)
    close = meant if meant in setting.names else find_nearest(meant, setting.names)
    if close is None or not level:
        return close
    level = level if level in setting.levels else find_nearest(level, setting.levels) or ""
    return f"{close}:{level}" if level else close


def _stored_settings(document: PersonaDocument) -> list[tuple[str, Any]]:
    settings = document.value(_SETTINGS)
    found = settings.items() if isinstance(settings, dict) else ()
    return [(name, value) for name, value in found if is_set(value)]


def _settings_with_facts(
    document: PersonaDocument, catalog: Catalog
) -> Iterator[tuple[VoiceSetting, Any]]:
    """Yield each given setting with what the engine and model in effect say of it."""
    engine = engine_of(document, catalog)
    known = engine.voice_settings(_effective_model(document, engine)) if engine else ()
    for name, value in _stored_settings(document):
        yield from ((setting, value) for setting in known if setting.name == name)


def _effective_model(document: PersonaDocument, engine: EngineFacts | None) -> str | None:
    stored = document.text("/layers/tts/tts_model_name")
    return stored or (engine.default_model if engine else None)


def _setting_names(settings: tuple[VoiceSetting, ...]) -> set[str]:
    return {setting.name for setting in settings}
