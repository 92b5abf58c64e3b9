"""Rules about voice_settings: each engine, and each model of one, takes others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog, EngineFacts, VoiceSetting
from tavus_mcp.checker.fixes import Call, configure, drop
from tavus_mcp.checker.lookups import at, entries, is_set, layer_of, number, since, text
from tavus_mcp.checker.rule import Hit, rule
from tavus_mcp.models.document import Document
from tavus_mcp.text import find_nearest

_SETTINGS = "/layers/tts/voice_settings"
_OLDER_SCALE = {"sonic-1", "sonic-2"}  # models whose speed runs from -1 to 1
_SHARE = 0.2  # how far one end of the older scale is from the usual pace

# What people call the emotions that Cartesia names otherwise.
_FEELINGS = {
    **dict.fromkeys(("happiness", "happy", "joy", "cheerful", "excited", "positive"), "positivity"),
    "angry": "anger",
    "sad": "sadness",
    "surprised": "surprise",
    "curious": "curiosity",
}


def voices(document: Document) -> tuple[str, str]:
    """Return external_voice_id and voice_id; the first one that is set is heard."""
    layer = layer_of(document, "tts")
    return text(layer.get("external_voice_id")), text(layer.get("voice_id"))


def is_tavus_voice(voice: str, catalog: Catalog) -> bool:
    """Tell whether a voice id looks like one of Tavus's own."""
    facts = catalog.field("tts", "voice_id")
    return bool(facts and facts.pattern and re.search(facts.pattern, voice))


def engine_of(document: Document, catalog: Catalog) -> EngineFacts | None:
    """Return the engine in effect; None where Tavus picks one or it is not known."""
    layer = layer_of(document, "tts")
    if is_set(layer.get("tts_engine")):
        return catalog.tts_engine(text(layer.get("tts_engine")))
    external, voice = voices(document)
    if not layer or (not external and is_tavus_voice(voice, catalog)):
        return None
    return next((engine for engine in catalog.tts_engines() if engine.default), None)


def on_older_scale(document: Document, catalog: Catalog) -> bool:
    """Tell whether the model in effect counts speed from -1 to 1 (docs: troubleshooting)."""
    return bool({setting.model_family for setting, _ in _matched(document, catalog)} & _OLDER_SCALE)


def pace(place: float) -> float:
    """Return a place on the older scale of -1 to 1 as a factor of the usual pace, as we take it."""
    return round(1 + place * _SHARE, 2)


@rule("voice-setting-of-other-engine", "warning", source="J:persona/tts")
def of_other_engine(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """A setting that the engine does not know changes nothing."""
    engine = engine_of(document, catalog)
    if engine is None or engine.status not in ("current", "recommended"):
        return
    for name, _ in _given(document):
        owners = [one.id for one in catalog.tts_engines() if name in _names(one.voice_setting)]
        if owners and engine.id not in owners:
            yield Hit(
                f"{_SETTINGS}/{name}",
                f"{engine.id} has no {name}; it is a setting of {', '.join(owners)}.",
                drop("tts", name),
            )


@rule("voice-setting-of-other-model", "warning", source="J:persona/tts")
def of_other_model(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Settings differ between the models of an engine, too."""
    engine = engine_of(document, catalog)
    model = _model(document, engine)
    if engine is None or not (taken := engine.voice_settings(model)):
        return
    for name, _ in _given(document):
        if name in _names(engine.voice_setting) and name not in _names(taken):
            yield Hit(
                f"{_SETTINGS}/{name}",
                f"{name} is a setting of other models of {engine.id} than the one in use.",
                *_taken_by_newest(document, engine, name),
            )


@rule("voice-setting-unsupported", "warning", source="J:persona/tts")
def unsupported(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Emotion of sonic-3 is not a voice setting but a mechanism of its own."""
    for setting, _ in _matched(document, catalog):
        if setting.status == "unsupported":
            yield Hit(
                f"{_SETTINGS}/{setting.name}",
                f"{setting.name} is not set here for {setting.model_family or 'this engine'}; "
                "tts_emotion_control governs it.",
                configure("tts", tts_emotion_control=True, unset=[setting.name]),
            )


@rule("voice-setting-out-of-range", "error", source="J:persona/tts, D:persona/tts", refuses=True)
def out_of_range(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Each engine takes its numbers within its own range."""
    for setting, value in _matched(document, catalog):
        given = number(value)
        if given is None or setting.minimum is None or setting.maximum is None:
            continue
        nearest_to = min(max(given, setting.minimum), setting.maximum)
        if given != nearest_to:
            yield Hit(
                f"{_SETTINGS}/{setting.name}",
                f"{setting.name} must be from {setting.minimum} to {setting.maximum} for "
                f"{setting.model_family or 'this engine'}.",
                configure(
                    "tts", **{setting.name: min(max(given, setting.minimum), setting.maximum)}
                ),
            )


@rule("voice-speed-in-words", "error", source="D:persona/tts, OAS")
def speed_in_words(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The docs' own examples still show words, against the ranges beside them."""
    steps = catalog.translation("speed_word").values
    place = steps.get(text(at(document, f"{_SETTINGS}/speed")).lower())
    if place is None:
        return
    scale = place if on_older_scale(document, catalog) else pace(place)
    near = ("Near to it comes ", configure("tts", speed=scale))
    usual = ("The usual speed is the default: ", drop("tts", "speed"))
    message = "speed is a word; numbers are taken."
    yield Hit(f"{_SETTINGS}/speed", message, *(near if place else usual))


@rule("voice-speed-excludes-ssml", "info", source="J:persona/tts")
def speed_excludes_ssml(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """One global speed switches off the finer way."""
    for setting, value in _matched(document, catalog):
        if setting.name != "speed" or number(value) is None:
            continue
        if setting.model_family == "sonic-3":
            yield Hit(
                f"{_SETTINGS}/speed",
                "One speed for the whole conversation rules out inline speech tags (SSML).",
                "To vary the speed by tags: ",
                drop("tts", "speed"),
            )


@rule("voice-emotion-unknown", "warning", source="D:create-persona")
def emotion_unknown(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Older Cartesia models know five emotions and three levels."""
    for setting, value in _matched(document, catalog):
        if setting.name != "emotion" or not setting.names:
            continue
        known = [_felt(entry, setting) for _, entry in entries(value)]
        for (index, entry), felt in zip(entries(value), known, strict=True):
            if entry == felt:
                continue
            yield Hit(
                f"{_SETTINGS}/emotion/{index}",
                f"No such emotion; there are {', '.join(setting.names)}, each alone or with "
                f":{', :'.join(setting.levels)}.",
                configure("tts", emotion=list(dict.fromkeys(filter(None, known))))
                if any(known)
                else drop("tts", "emotion"),
            )


@rule("tts-model-older", "info", source="J:changelog, J:troubleshooting, D:create-persona")
def model_older(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """A model that was the default once stays where it is stored, with settings of its own."""
    engine = engine_of(document, catalog)
    stored = text(at(document, "/layers/tts/tts_model_name"))
    newest = engine and engine.default_model
    if engine is None or not newest or stored not in engine.known_models:
        return
    if _is_older(engine, stored):
        yield Hit(
            "/layers/tts/tts_model_name",
            f"{newest} is the default{since(catalog, '/layers/tts/tts_model_name', newest)}; "
            f"the voice_settings of {stored} are legacy.",
            _to_newest(document, engine, stored),
            "; it takes speed and volume, and tts_emotion_control instead of emotion",
        )


def _is_older(engine: EngineFacts, model: str) -> bool:
    """Tell whether a model has settings of its own that the newest one does not know."""
    newest, old = engine.default_model, engine.voice_settings(model)
    known = bool(newest) and model in engine.known_models
    return known and bool(old) and old != engine.voice_settings(newest)


def _to_newest(document: Document, engine: EngineFacts, model: str) -> Call:
    """Return the call that takes the newest model, without the settings of the older one."""
    old = _names(engine.voice_settings(model))
    given = [name for name, _ in _given(document) if name in old]
    unset = {"unset": given} if given else {}
    return configure("tts", tts_model_name=engine.default_model, **unset)


def _taken_by_newest(
    document: Document, engine: EngineFacts, name: str
) -> tuple[str, Call] | tuple[Call]:
    """Return the call for a setting that the model in use does not know."""
    model = _model(document, engine) or ""
    if _is_older(engine, model) and name in _names(engine.voice_settings(engine.default_model)):
        return f"{engine.default_model} takes it: ", _to_newest(document, engine, model)
    return (drop("tts", name),)


def _felt(entry: str, setting: VoiceSetting) -> str | None:
    """Return an emotion as it is taken, the closest one to it, or nothing."""
    name, _, level = entry.partition(":")
    meant = _FEELINGS.get(name.strip().lower(), name)
    close = meant if meant in setting.names else find_nearest(meant, setting.names)
    if close is None or not level:
        return close
    level = level if level in setting.levels else find_nearest(level, setting.levels) or ""
    return f"{close}:{level}" if level else close


def _given(document: Document) -> list[tuple[str, Any]]:
    settings = at(document, _SETTINGS)
    found = settings.items() if isinstance(settings, dict) else ()
    return [(name, value) for name, value in found if is_set(value)]


def _matched(document: Document, catalog: Catalog) -> Iterator[tuple[VoiceSetting, Any]]:
    """Yield each given setting with what the engine and model in effect say of it."""
    engine = engine_of(document, catalog)
    known = engine.voice_settings(_model(document, engine)) if engine else ()
    for name, value in _given(document):
        yield from ((setting, value) for setting in known if setting.name == name)


def _model(document: Document, engine: EngineFacts | None) -> str | None:
    stored = text(at(document, "/layers/tts/tts_model_name"))
    return stored or (engine.default_model if engine else None)


def _names(settings: tuple[VoiceSetting, ...]) -> set[str]:
    return {setting.name for setting in settings}


RULES = (
    of_other_engine,
    of_other_model,
    unsupported,
    out_of_range,
    speed_in_words,
    speed_excludes_ssml,
    emotion_unknown,
    model_older,
)
