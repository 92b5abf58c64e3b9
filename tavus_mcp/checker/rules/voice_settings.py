"""Rules about voice_settings, which depend on the engine and its model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog, EngineFacts, VoiceSetting
from tavus_mcp.checker.fixes import FixCall, configure, unset_fields
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint, Match, within_catalog_limits
from tavus_mcp.models.base import indexed_texts, is_set, number, text
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import find_nearest

_SETTINGS = "/layers/tts/voice_settings"
_LEGACY_SPEED_MODELS = {"sonic-1", "sonic-2"}  # their speed is from -1 to 1
_LEGACY_SPEED_SPAN = 0.2  # factor from the usual speed to 1 on the older scale, minus 1

# Common names of emotions that have another name at Cartesia.
_EMOTION_ALIASES = {
    **dict.fromkeys(("happiness", "happy", "joy", "cheerful", "excited", "positive"), "positivity"),
    "angry": "anger",
    "sad": "sadness",
    "surprised": "surprise",
    "curious": "curiosity",
}


def voice_ids(document: PersonaDocument) -> tuple[str, str]:
    """Return external_voice_id and voice_id; the first one that is set is used."""
    layer = document.layer("tts")
    return text(layer.get("external_voice_id")), text(layer.get("voice_id"))


def is_tavus_voice(voice: str, catalog: Catalog) -> bool:
    """Return True if a voice id has the form of a Tavus Voice."""
    facts = catalog.field("tts", "voice_id")
    return bool(facts and facts.pattern and re.search(facts.pattern, voice))


def engine_of(document: PersonaDocument, catalog: Catalog) -> EngineFacts | None:
    """Return the engine in effect; None if Tavus chooses one or the catalog does not list it."""
    layer = document.layer("tts")
    if is_set(layer.get("tts_engine")):
        return catalog.tts_engines.find(text(layer.get("tts_engine")))
    external, voice = voice_ids(document)
    if not layer or (not external and is_tavus_voice(voice, catalog)):
        return None
    return next((engine for engine in catalog.tts_engines if engine.default), None)


def has_legacy_speed_scale(document: PersonaDocument, catalog: Catalog) -> bool:
    """Return True if the model in effect has a speed from -1 to 1 (docs: troubleshooting)."""
    return bool(
        {setting.model_family for setting, _ in _settings_with_facts(document, catalog)}
        & _LEGACY_SPEED_MODELS
    )


def legacy_speed_to_factor(speed: float) -> float:
    """Convert a speed from -1 to 1 to a factor of the usual speed; the scale is our estimate."""
    return round(1 + speed * _LEGACY_SPEED_SPAN, 2)


@rule("voice-setting-of-other-engine", "warning", source="J:persona/tts")
def of_other_engine(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A setting that the engine does not have is ignored."""
    engine = engine_of(document, catalog)
    if engine is None or engine.status not in ("current", "recommended"):
        return
    for name, _ in _stored_settings(document):
        owners = [
            owner.id for owner in catalog.tts_engines if name in _setting_names(owner.voice_setting)
        ]
        if owners and engine.id not in owners:
            yield Violation(
                f"{_SETTINGS}/{name}",
                f"{engine.id} has no {name}; it is a setting of {', '.join(owners)}.",
                unset_fields("tts", name),
            )


@rule("voice-setting-of-other-model", "warning", source="J:persona/tts")
def of_other_model(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The models of one engine have different settings."""
    engine = engine_of(document, catalog)
    if engine is None:
        return
    names = _setting_names(engine.voice_settings(_effective_model(document, engine)))
    for name, _ in _stored_settings(document) if names else ():
        if name in _setting_names(engine.voice_setting) - names:
            yield Violation(
                f"{_SETTINGS}/{name}",
                f"{name} is a setting of other models of {engine.id} than the one in use.",
                *_fix_foreign_setting(document, engine, name),
            )


@rule("voice-setting-unsupported", "warning", source="J:persona/tts")
def unsupported_setting(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """For sonic-3 emotion is no voice setting: tts_emotion_control governs it."""
    for setting, _ in _settings_with_facts(document, catalog):
        if setting.status == "unsupported":
            yield Violation(
                f"{_SETTINGS}/{setting.name}",
                f"{setting.name} is not set here for {setting.owner}; "
                "tts_emotion_control governs it.",
                configure("tts", tts_emotion_control=True, unset=[setting.name]),
            )


def _setting_paths(
    document: PersonaDocument, catalog: Catalog
) -> Iterator[tuple[str, VoiceSetting]]:
    for setting, _ in _settings_with_facts(document, catalog):
        yield f"{_SETTINGS}/{setting.name}", setting


@rule(
    "voice-setting-out-of-range", "error", source="J:persona/tts, D:persona/tts", blocks_write=True
)
@within_catalog_limits(
    _setting_paths,
    "{name} must be from {facts.minimum} to {facts.maximum} for {facts.owner}.",
)
def out_of_range(match: Match) -> Hint:
    """Each engine has a range of its own for its numeric settings."""
    return (configure("tts", **{match.name: match.nearest()}),)


@rule("voice-speed-in-words", "error", source="D:persona/tts, OAS")
def speed_in_words(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Examples of the docs still have words for speed, although it takes numbers only."""
    path = f"{_SETTINGS}/speed"
    speed = catalog.translations["speed_word"].values.get(document.text(path).lower())
    if speed is None:
        return
    factor = speed if has_legacy_speed_scale(document, catalog) else legacy_speed_to_factor(speed)
    nearest: Hint = ("Near to it comes ", configure("tts", speed=factor))
    default: Hint = ("The usual speed is the default: ", unset_fields("tts", "speed"))
    yield Violation(path, "speed is a word; numbers are taken.", *(nearest if speed else default))


@rule("voice-speed-excludes-ssml", "info", source="J:persona/tts")
def speed_excludes_ssml(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A global speed disables speed tags in the text."""
    for setting, value in _settings_with_facts(document, catalog):
        is_sonic_speed = setting.name == "speed" and setting.model_family == "sonic-3"
        if is_sonic_speed and number(value) is not None:
            yield Violation(
                f"{_SETTINGS}/speed",
                "One speed for the whole conversation rules out inline speech tags (SSML).",
                "To vary the speed by tags: ",
                unset_fields("tts", "speed"),
            )


@rule("voice-emotion-unknown", "warning", source="D:create-persona")
def emotion_unknown(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Older Cartesia models have five emotions, each with three levels."""
    for setting, value in _settings_with_facts(document, catalog):
        if setting.name != "emotion" or not setting.names:
            continue
        entries = [
            (index, entry, _match_emotion(entry, setting)) for index, entry in indexed_texts(value)
        ]
        known = list(dict.fromkeys(match for _, _, match in entries if match))
        fix = configure("tts", emotion=known) if known else unset_fields("tts", "emotion")
        for index, entry, match in entries:
            if entry != match:
                yield Violation(
                    f"{_SETTINGS}/emotion/{index}",
                    f"No such emotion; there are {', '.join(setting.names)}, each alone or with "
                    f":{', :'.join(setting.levels)}.",
                    fix,
                )


@rule("tts-model-older", "info", source="J:changelog, J:troubleshooting, D:create-persona")
def model_older(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A stored model, with settings of its own, stays in use when the default changes."""
    path = "/layers/tts/tts_model_name"
    engine = engine_of(document, catalog)
    model = document.text(path)
    if engine and engine.default_model and _is_older(engine, model):
        yield Violation(
            path,
            f"{engine.default_model} is the "
            f"default{catalog.default_since(path, engine.default_model)}; "
            f"the voice_settings of {model} are legacy.",
            _use_newest_model(document, engine, model),
            "; it takes speed and volume, and tts_emotion_control instead of emotion",
        )


def _is_older(engine: EngineFacts, model: str) -> bool:
    """Return True if a model has voice settings that the default model does not have."""
    newest, settings = engine.default_model, engine.voice_settings(model)
    is_known = bool(newest) and model in engine.known_models
    return is_known and bool(settings) and settings != engine.voice_settings(newest)


def _use_newest_model(document: PersonaDocument, engine: EngineFacts, model: str) -> FixCall:
    """Return the call that sets the default model and removes the settings of the older one."""
    legacy = _setting_names(engine.voice_settings(model))
    names = [name for name, _ in _stored_settings(document) if name in legacy]
    unset = {"unset": names} if names else {}
    return configure("tts", tts_model_name=engine.default_model, **unset)


def _fix_foreign_setting(document: PersonaDocument, engine: EngineFacts, name: str) -> Hint:
    """Return the call for a setting that the model in use does not have."""
    model, newest = _effective_model(document, engine) or "", engine.default_model
    if _is_older(engine, model) and name in _setting_names(engine.voice_settings(newest)):
        return f"{newest} takes it: ", _use_newest_model(document, engine, model)
    return (unset_fields("tts", name),)


def _match_emotion(entry: str, setting: VoiceSetting) -> str | None:
    """Return the allowed spelling of an emotion, the closest one, or None."""
    name, _, level = entry.partition(":")
    meant = _EMOTION_ALIASES.get(name.strip().lower(), name)
    emotion = meant if meant in setting.names else find_nearest(meant, setting.names)
    if emotion is None or not level:
        return emotion
    level = level if level in setting.levels else find_nearest(level, setting.levels) or ""
    return f"{emotion}:{level}" if level else emotion


def _stored_settings(document: PersonaDocument) -> list[tuple[str, Any]]:
    settings = document.value(_SETTINGS)
    items = settings.items() if isinstance(settings, dict) else ()
    return [(name, value) for name, value in items if is_set(value)]


def _settings_with_facts(
    document: PersonaDocument, catalog: Catalog
) -> Iterator[tuple[VoiceSetting, Any]]:
    """Yield each stored setting with the facts of the engine and model in effect."""
    engine = engine_of(document, catalog)
    known = engine.voice_settings(_effective_model(document, engine)) if engine else ()
    for name, value in _stored_settings(document):
        yield from ((setting, value) for setting in known if setting.name == name)


def _effective_model(document: PersonaDocument, engine: EngineFacts | None) -> str | None:
    stored = document.text("/layers/tts/tts_model_name")
    return stored or (engine.default_model if engine else None)


def _setting_names(settings: tuple[VoiceSetting, ...]) -> set[str]:
    return {setting.name for setting in settings}
