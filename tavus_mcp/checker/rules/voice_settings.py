"""Rules about voice_settings, which depend on the engine and its model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog, VoiceSetting
from tavus_mcp.catalog.voice import (
    VOICE_SETTINGS,
    effective_voice_model,
    engine_of,
    has_legacy_speed_scale,
    is_older_model,
    setting_names,
    settings_in_effect,
    stored_voice_settings,
)
from tavus_mcp.checker.conversion_fixes import conversion_calls
from tavus_mcp.checker.fixes import Alternative, UnprintedValue, configure, unset_fields
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint, clamp
from tavus_mcp.checker.rules.values import name_value
from tavus_mcp.deprecations.voice import convert_speed_word, use_newest_model
from tavus_mcp.models.base import indexed_texts, number
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import find_nearest

# How the hint of a speed in words begins, by the translation of its conversion.
_SPEED_HINTS = {
    "speed_word": "The nearest number: ",
    "speed_usual": "The usual pace is the default, so remove it: ",
    "foreign_setting": "The engine has no speed, so remove it: ",
}
_FASTEST_LEGACY_SPEED = 1.0
_SPEED = f"{VOICE_SETTINGS}/speed"
_SPEED_SCALE = "1 is the usual pace"
_LEGACY_SPEED_SCALE = "-1 is the slowest pace, 0 the usual and 1 the fastest"
# Common names of emotions that have another name at Cartesia.
_EMOTION_ALIASES = {
    **dict.fromkeys(("happiness", "happy", "joy", "cheerful", "excited", "positive"), "positivity"),
    "angry": "anger",
    "sad": "sadness",
    "surprised": "surprise",
    "curious": "curiosity",
}


@rule("voice-setting-of-other-engine", "warning", source="J:persona/tts")
def of_other_engine(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A setting that the engine does not have is ignored."""
    engine = engine_of(document, catalog)
    if engine is None or engine.status not in ("current", "recommended"):
        return
    for name, _ in stored_voice_settings(document):
        owners = [
            owner.id for owner in catalog.tts_engines if name in setting_names(owner.voice_setting)
        ]
        if owners and engine.id not in owners:
            yield Violation(
                f"{VOICE_SETTINGS}/{name}",
                f"{engine.id} has no setting {name}, so it has no effect; {' and '.join(owners)} "
                f"{'has' if len(owners) == 1 else 'have'} it.",
                unset_fields("tts", name),
            )


@rule("voice-setting-of-other-model", "warning", source="J:persona/tts")
def of_other_model(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The models of one engine have different settings."""
    engine = engine_of(document, catalog)
    if engine is None:
        return
    names = setting_names(engine.voice_settings(effective_voice_model(document, engine)))
    for name, _ in stored_voice_settings(document) if names else ():
        if name in setting_names(engine.voice_setting) - names:
            yield Violation(
                f"{VOICE_SETTINGS}/{name}",
                f"The model in use has no setting {name}, so it has no effect; other models of "
                f"{engine.id} have it.",
                *_fix_foreign_setting(document, catalog, name),
            )


@rule("voice-setting-unsupported", "warning", source="J:persona/tts")
def unsupported_setting(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """For sonic-3 emotion is no voice setting: tts_emotion_control governs it."""
    for setting, _ in settings_in_effect(document, catalog):
        if setting.status == "unsupported":
            yield Violation(
                f"{VOICE_SETTINGS}/{setting.name}",
                f"{setting.owner} has no setting {setting.name}; tts_emotion_control replaces it.",
                unset_fields("tts", setting.name),
            )


@rule(
    "voice-setting-out-of-range", "error", source="J:persona/tts, D:persona/tts", blocks_write=True
)
def out_of_range(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Each engine has a range of its own for its numeric settings."""
    for setting, value in settings_in_effect(document, catalog):
        given = number(value)
        if given is None or clamp(given, setting) == given:
            continue
        is_speed = setting.name == "speed"
        scale = f": {_describe_speed_scale(document, catalog)}" if is_speed else ""
        yield Violation(
            f"{VOICE_SETTINGS}/{setting.name}",
            f"{setting.name} must be from {setting.minimum} to {setting.maximum} for "
            f"{_owner_of(setting, document, catalog)}{scale}.",
            configure("tts", **{setting.name: clamp(given, setting)}),
            _describe_pace(given) if is_speed and has_legacy_speed_scale(document, catalog) else "",
        )


@rule(
    "voice-setting-unusual",
    "warning",
    source="C:volume-speed-emotion, J:persona/tts",
    no_fix_reason="Tavus documents no range, so the value may be meant.",
)
def unusual_setting(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Where Tavus documents no range, that of the provider shows which numbers are mistakes."""
    for setting, value in settings_in_effect(document, catalog):
        given, low, high = number(value), setting.usual_minimum, setting.usual_maximum
        if given is None or low is None or high is None or not _is_unusual(setting, value):
            continue
        meaning = _SPEED_SCALE if setting.name == "speed" else "1 is the usual loudness"
        yield Violation(
            f"{VOICE_SETTINGS}/{setting.name}",
            f"The provider documents {setting.name} from {low} to {high}: {meaning}.",
            "Choose a number in this range: ",
            Alternative(configure("tts", **{setting.name: min(max(given, low), high)})),
        )


@rule(
    "voice-speed-fastest",
    "warning",
    source="J:troubleshooting, D:persona/tts",
    no_fix_reason="Only a person knows which pace is meant.",
)
def speed_fastest(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """1 is the usual pace for other models, and the fastest one for the older Sonic models."""
    is_fastest = document.number(_SPEED) == _FASTEST_LEGACY_SPEED
    if is_fastest and has_legacy_speed_scale(document, catalog):
        yield Violation(
            _SPEED,
            f"Speed 1.0 is the fastest pace of this model: {_LEGACY_SPEED_SCALE}.",
            "If the usual pace is meant: ",
            Alternative(unset_fields("tts", "speed")),
        )


@rule("voice-speed-in-words", "error", source="D:persona/tts, OAS")
def speed_in_words(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Examples of the docs still have words for speed, although it takes numbers only."""
    for operation in convert_speed_word(document, catalog):
        if _is_model_unknown(document, catalog):
            yield Violation(
                operation.path,
                "speed must be a number; its scale depends on the model, which is not known here.",
                "For the usual pace, remove it: ",
                unset_fields("tts", "speed"),
            )
            continue
        yield Violation(
            operation.path,
            f"speed must be a number: {_describe_speed_scale(document, catalog)}.",
            _SPEED_HINTS[operation.text],
            *conversion_calls([operation]),
        )


@rule("voice-speed-excludes-ssml", "info", source="J:persona/tts")
def speed_excludes_ssml(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A global speed disables speed tags in the text."""
    for setting, value in settings_in_effect(document, catalog):
        is_sonic_speed = setting.name == "speed" and setting.model_family == "sonic-3"
        if is_sonic_speed and number(value) is not None and not _is_unusual(setting, value):
            yield Violation(
                f"{VOICE_SETTINGS}/speed",
                "With one speed for the whole conversation, inline speech tags (SSML) have no "
                "effect.",
                "To change the pace by tags instead: ",
                unset_fields("tts", "speed"),
            )


@rule("voice-emotion-other-name", "warning", source="D:create-persona")
def emotion_other_name(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Older Cartesia models have five emotions, whose names differ from common words."""
    for setting, value in _emotion_settings(document, catalog):
        names = {entry: _emotion_name(entry, setting) for _, entry in indexed_texts(value)}
        renamed = list(
            dict.fromkeys(name or UnprintedValue(entry) for entry, name in names.items())
        )
        for index, entry in indexed_texts(value):
            if names[entry] not in (None, entry):
                yield Violation(
                    f"{VOICE_SETTINGS}/emotion/{index}",
                    f"This emotion has another name: {names[entry]}.",
                    configure("tts", emotion=renamed),
                )


@rule(
    "voice-emotion-unknown",
    "warning",
    source="D:create-persona",
    no_fix_reason="The emotion may be new: Tavus decides.",
)
def emotion_unknown(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Older Cartesia models have five emotions, each with three levels."""
    for setting, value in _emotion_settings(document, catalog):
        for index, entry in indexed_texts(value):
            if _emotion_name(entry, setting) is None:
                nearest = find_nearest(entry.partition(":")[0], setting.names)
                yield Violation(
                    f"{VOICE_SETTINGS}/emotion/{index}",
                    f"{name_value(entry, 'emotion')} is not known here; Tavus decides whether it "
                    "takes it.",
                    f"Nearest: {nearest}. "
                    * bool(nearest)
                    + f"Known: {', '.join(setting.names)}, each alone or with "
                    f":{', :'.join(setting.levels)}.",
                )


@rule("tts-model-older", "info", source="J:changelog, J:troubleshooting, D:create-persona")
def model_older(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A stored model, with settings of its own, stays in use when the default changes."""
    path = "/layers/tts/tts_model_name"
    engine = engine_of(document, catalog)
    model = document.text(path)
    if engine and engine.default_model and is_older_model(engine, model):
        has_speed = document.is_set(_SPEED)
        ssml_loss = "; a set speed turns inline speech tags (SSML) off" if has_speed else ""
        yield Violation(
            path,
            f"{model} is an older model; {engine.default_model} is the "
            f"default{catalog.default_since(path, engine.default_model)}.",
            *conversion_calls(use_newest_model(document, catalog)),
            f"; {engine.default_model} has speed and volume, and tts_emotion_control instead of "
            f"emotion{ssml_loss}",
        )


def _fix_foreign_setting(document: PersonaDocument, catalog: Catalog, name: str) -> Hint:
    """Return the call for a setting that the model in use does not have."""
    engine = engine_of(document, catalog)
    is_older = engine and is_older_model(engine, effective_voice_model(document, engine) or "")
    if engine and is_older and name in setting_names(engine.voice_settings(engine.default_model)):
        newest = conversion_calls(use_newest_model(document, catalog))
        return f"{engine.default_model} takes it: ", *newest
    return (unset_fields("tts", name),)


def _emotion_settings(
    document: PersonaDocument, catalog: Catalog
) -> Iterator[tuple[VoiceSetting, Any]]:
    for setting, value in settings_in_effect(document, catalog):
        if setting.name == "emotion" and setting.names:
            yield setting, value


def _emotion_name(entry: str, setting: VoiceSetting) -> str | None:
    """Return the name that an emotion certainly has, with its level; None if it is not known."""
    name, separator, level = entry.partition(":")
    word, level = name.strip().lower(), level.strip().lower()
    emotion = _EMOTION_ALIASES.get(word, word)
    if emotion not in setting.names or (separator and level not in setting.levels):
        return None
    return f"{emotion}:{level}" if separator else emotion


def _is_model_unknown(document: PersonaDocument, catalog: Catalog) -> bool:
    engine = engine_of(document, catalog)
    model = effective_voice_model(document, engine)
    return bool(engine and model and engine.known_models and not engine.knows_model(model))


def _is_unusual(setting: VoiceSetting, value: Any) -> bool:
    """Return True for a number outside the range of the provider."""
    given, low, high = number(value), setting.usual_minimum, setting.usual_maximum
    return None not in (given, low, high) and not low <= given <= high  # type: ignore[operator]


def _describe_pace(given: float) -> str:
    """Return what the limit of speed means on the older scale, for a speed beyond it."""
    return f"; that is the {'fastest' if given > 0 else 'slowest'} pace, 0 is the usual one"


def _owner_of(setting: VoiceSetting, document: PersonaDocument, catalog: Catalog) -> str:
    """Return the name of the model, or the engine, whose setting this is."""
    engine = engine_of(document, catalog)
    return setting.model_family or (engine.id if engine else "this engine")


def _describe_speed_scale(document: PersonaDocument, catalog: Catalog) -> str:
    return _LEGACY_SPEED_SCALE if has_legacy_speed_scale(document, catalog) else _SPEED_SCALE
