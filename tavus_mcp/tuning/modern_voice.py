"""The voice in today's words: engines that are gone, ids in the wrong field, older settings."""

from __future__ import annotations

from typing import Any

from tavus_mcp.catalog import EngineFacts, VoiceSetting
from tavus_mcp.checker.lookups import number, text
from tavus_mcp.checker.rules.voice_settings import (
    engine_of,
    has_legacy_speed_scale,
    is_tavus_voice,
    legacy_speed_to_factor,
    voice_ids,
)
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.tuning.translating import by_hand, give_up, translate
from tavus_mcp.tuning.working_copy import Draft

_TTS = "/layers/tts"
_SETTINGS = f"{_TTS}/voice_settings"
_SPEED = f"{_SETTINGS}/speed"


def modernize(draft: Draft) -> None:
    """Say the voice in today's words."""
    engine = draft.catalog.tts_engine(text(draft.at(f"{_TTS}/tts_engine")))
    if engine and engine.status == "retired" and engine.successor:
        _other_engine(draft, engine)
    else:
        _provider_voice(draft)
    for facts in draft.catalog.fields("tts"):
        if facts.status == "retired" and draft.is_set(f"{_TTS}/{facts.name}"):
            give_up(draft, "leftover", f"{_TTS}/{facts.name}")
    _numbers(draft)
    _speed_word(draft)
    _older_settings(draft)


def _other_engine(draft: Draft, gone: EngineFacts) -> None:
    """Replace an engine that is gone; its voices, models and keys mean nothing to another."""
    new = draft.catalog.tts_engine(gone.successor or "")
    if new is None:
        return
    words = {"old": gone.id, "new": new.id}
    translate(draft, "tts_engine", f"{_TTS}/tts_engine", new.id, **words)
    leftover = ["external_voice_id", "api_key"]
    if not is_tavus_voice(voice_ids(draft.document)[1], draft.catalog):
        leftover.append("voice_id")
    if draft.at(f"{_TTS}/tts_model_name") not in new.known_models:
        leftover.append("tts_model_name")
    for name in leftover:
        if draft.is_set(f"{_TTS}/{name}"):
            give_up(draft, "leftover", f"{_TTS}/{name}")
    known = {setting.name for setting in new.voice_settings(new.default_model)}
    settings = draft.at(_SETTINGS)
    for name in list(settings) if isinstance(settings, dict) else ():
        if name not in known:
            give_up(draft, "foreign_setting", _SETTINGS + pointer_of([name]), new=new.id)


def _provider_voice(draft: Draft) -> None:
    """Move a provider's voice to the field that takes one."""
    external, voice = voice_ids(draft.document)
    if not voice or is_tavus_voice(voice, draft.catalog):
        return
    if external:
        give_up(draft, "unheard_voice", f"{_TTS}/voice_id")
        return
    translate(draft, "provider_voice", f"{_TTS}/external_voice_id", voice)
    give_up(draft, "provider_voice", f"{_TTS}/voice_id")


def _numbers(draft: Draft) -> None:
    """Turn numbers in quotes into numbers, where the engine takes them."""
    for setting, value in _matched(draft):
        written = text(value).removeprefix("-").replace(".", "", 1)
        if setting.type != "number" or not (written.isascii() and written.isdecimal()):
            continue
        meant = float(text(value))
        least = meant if setting.minimum is None else setting.minimum
        most = meant if setting.maximum is None else setting.maximum
        if least <= meant <= most:
            path = f"{_SETTINGS}/{setting.name}"
            translate(draft, "word_for_value", path, meant, old=setting.name)


def _speed_word(draft: Draft) -> None:
    """Turn a speed in words into a number of the engine in use."""
    steps = draft.catalog.translation("speed_word").values
    step = steps.get(text(draft.at(_SPEED)).lower())
    engine = engine_of(draft.document, draft.catalog)
    if step is None:
        return
    if engine and engine.status == "current" and "speed" not in _names(engine):
        give_up(draft, "foreign_setting", _SPEED, new=engine.id)
    elif step == 0:
        give_up(draft, "speed_usual", _SPEED)
    else:
        older = has_legacy_speed_scale(draft.document, draft.catalog)
        translate(draft, "speed_word", _SPEED, step if older else legacy_speed_to_factor(step))


def _older_settings(draft: Draft) -> None:
    """Take the engine's default model where settings of an older one are stored."""
    engine = engine_of(draft.document, draft.catalog)
    matched = list(_matched(draft))
    legacy = next((one for one, _ in matched if one.status == "legacy"), None)
    if engine is None or engine.default_model is None:
        return
    words = {"old": (legacy and legacy.model_family) or "", "new": engine.default_model}
    if legacy:
        translate(draft, "sonic_model", f"{_TTS}/tts_model_name", engine.default_model, **words)
        _older_speed(draft, words)
    else:
        _older_model(draft, engine)
    for setting, _ in _matched(draft):
        if setting.status == "unsupported":
            give_up(draft, "emotion_setting", f"{_SETTINGS}/{setting.name}", **words)


def _older_model(draft: Draft, engine: EngineFacts) -> None:
    """Carry over a speed that the model in use cannot mean; flag a model of an older family."""
    model, newest = text(draft.at(f"{_TTS}/tts_model_name")), engine.default_model
    settings = [one for one, _ in _matched(draft) if one.name == "speed"]
    speed = number(draft.at(_SPEED))
    if settings and not has_legacy_speed_scale(draft.document, draft.catalog) and speed is not None:
        if speed == 0:
            give_up(draft, "speed_usual", _SPEED)
        elif -1 <= speed < 0:
            translate(
                draft,
                "speed_below",
                _SPEED,
                legacy_speed_to_factor(speed),
                new=model or str(newest),
            )
    if model in engine.known_models and engine.voice_settings(model) != engine.voice_settings(
        newest
    ):
        path = f"{_TTS}/tts_model_name"
        by_hand(draft, "older_voice_model", path, old=model, new=str(newest))


def _older_speed(draft: Draft, words: dict[str, str]) -> None:
    """Carry a speed of -1 to 1 over to a scale around the usual pace."""
    speed = number(draft.at(_SPEED))
    if speed is None:
        return
    if speed == 0 or not -1 <= speed <= 1:
        give_up(draft, "speed_usual" if speed == 0 else "foreign_setting", _SPEED, **words)
    else:
        translate(draft, "sonic_speed", _SPEED, legacy_speed_to_factor(speed), **words)


def _matched(draft: Draft) -> list[tuple[VoiceSetting, Any]]:
    """Return each stored setting with what the engine and model in effect say of it."""
    engine = engine_of(draft.document, draft.catalog)
    settings = draft.at(_SETTINGS)
    if engine is None or not isinstance(settings, dict):
        return []
    model = text(draft.at(f"{_TTS}/tts_model_name")) or engine.default_model
    known = engine.voice_settings(model)
    return [(one, settings[one.name]) for one in known if draft.is_set(f"{_SETTINGS}/{one.name}")]


def _names(engine: EngineFacts) -> set[str]:
    return {setting.name for setting in engine.voice_setting}
