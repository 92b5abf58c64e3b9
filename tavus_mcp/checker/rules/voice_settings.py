"""Rules about voice_settings, which depend on the engine and its model."""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.catalog import Catalog, VoiceSetting
from tavus_mcp.catalog.voice import (
    VOICE_SETTINGS,
    effective_voice_model,
    engine_of,
    is_older_model,
    setting_names,
    settings_in_effect,
    stored_voice_settings,
)
from tavus_mcp.checker.conversion_fixes import conversion_calls
from tavus_mcp.checker.fixes import configure, unset_fields
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint, Match, within_catalog_limits
from tavus_mcp.deprecations.voice import convert_speed_word, use_newest_model
from tavus_mcp.models.base import indexed_texts, number
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import find_nearest

# How the hint of a speed in words begins, by the translation of its conversion.
_SPEED_HINTS = {
    "speed_word": "Near to it comes ",
    "speed_usual": "The usual speed is the default: ",
    "foreign_setting": "The engine takes no speed: ",
}
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
                f"{engine.id} has no {name}; it is a setting of {', '.join(owners)}.",
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
                f"{name} is a setting of other models of {engine.id} than the one in use.",
                *_fix_foreign_setting(document, catalog, name),
            )


@rule("voice-setting-unsupported", "warning", source="J:persona/tts")
def unsupported_setting(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """For sonic-3 emotion is no voice setting: tts_emotion_control governs it."""
    for setting, _ in settings_in_effect(document, catalog):
        if setting.status == "unsupported":
            yield Violation(
                f"{VOICE_SETTINGS}/{setting.name}",
                f"{setting.name} is not set here for {setting.owner}; "
                "tts_emotion_control governs it.",
                unset_fields("tts", setting.name),
            )


def _setting_paths(
    document: PersonaDocument, catalog: Catalog
) -> Iterator[tuple[str, VoiceSetting]]:
    for setting, _ in settings_in_effect(document, catalog):
        yield f"{VOICE_SETTINGS}/{setting.name}", setting


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
    for operation in convert_speed_word(document, catalog):
        yield Violation(
            operation.path,
            "speed is a word; numbers are taken.",
            _SPEED_HINTS[operation.text],
            *conversion_calls([operation]),
        )


@rule("voice-speed-excludes-ssml", "info", source="J:persona/tts")
def speed_excludes_ssml(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A global speed disables speed tags in the text."""
    for setting, value in settings_in_effect(document, catalog):
        is_sonic_speed = setting.name == "speed" and setting.model_family == "sonic-3"
        if is_sonic_speed and number(value) is not None:
            yield Violation(
                f"{VOICE_SETTINGS}/speed",
                "One speed for the whole conversation rules out inline speech tags (SSML).",
                "To vary the speed by tags: ",
                unset_fields("tts", "speed"),
            )


@rule("voice-emotion-unknown", "warning", source="D:create-persona")
def emotion_unknown(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Older Cartesia models have five emotions, each with three levels."""
    for setting, value in settings_in_effect(document, catalog):
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
                    f"{VOICE_SETTINGS}/emotion/{index}",
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
    if engine and engine.default_model and is_older_model(engine, model):
        yield Violation(
            path,
            f"{engine.default_model} is the "
            f"default{catalog.default_since(path, engine.default_model)}; "
            f"the voice_settings of {model} are legacy.",
            *conversion_calls(use_newest_model(document, catalog)),
            "; it takes speed and volume, and tts_emotion_control instead of emotion",
        )


def _fix_foreign_setting(document: PersonaDocument, catalog: Catalog, name: str) -> Hint:
    """Return the call for a setting that the model in use does not have."""
    engine = engine_of(document, catalog)
    is_older = engine and is_older_model(engine, effective_voice_model(document, engine) or "")
    if engine and is_older and name in setting_names(engine.voice_settings(engine.default_model)):
        newest = conversion_calls(use_newest_model(document, catalog))
        return f"{engine.default_model} takes it: ", *newest
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
