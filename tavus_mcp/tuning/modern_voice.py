"""The voice in today's words: engines that are gone, ids in the wrong field, older settings."""

from __future__ import annotations

from typing import Any

from tavus_mcp.catalog import EngineFacts, VoiceSetting
from tavus_mcp.checker.rules.voice_settings import (
    engine_of,
    has_legacy_speed_scale,
    is_tavus_voice,
    legacy_speed_to_factor,
    voice_ids,
)
from tavus_mcp.models.base import number, text
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.tuning.translating import flag_for_manual_change, remove_with_reason, translate
from tavus_mcp.tuning.working_copy import WorkingCopy

_TTS = "/layers/tts"
_SETTINGS = f"{_TTS}/voice_settings"
_SPEED = f"{_SETTINGS}/speed"


def modernize_voice(working_copy: WorkingCopy) -> None:
    """Say the voice in today's words."""
    engine = working_copy.catalog.tts_engines.find(text(working_copy.at(f"{_TTS}/tts_engine")))
    if engine and engine.status == "retired" and engine.successor:
        _replace_engine(working_copy, engine)
    else:
        _move_provider_voice(working_copy)
    for facts in working_copy.catalog.fields("tts"):
        if facts.status == "retired" and working_copy.is_set(f"{_TTS}/{facts.name}"):
            remove_with_reason(working_copy, "leftover", f"{_TTS}/{facts.name}")
    _convert_quoted_numbers(working_copy)
    _convert_speed_word(working_copy)
    _update_older_settings(working_copy)


def _replace_engine(working_copy: WorkingCopy, old_engine: EngineFacts) -> None:
    """Replace an engine that is gone; its voices, models and keys mean nothing to another."""
    new = working_copy.catalog.tts_engines.find(old_engine.successor or "")
    if new is None:
        return
    words = {"old": old_engine.id, "new": new.id}
    translate(working_copy, "tts_engine", f"{_TTS}/tts_engine", new.id, **words)
    leftover = ["external_voice_id", "api_key"]
    if not is_tavus_voice(voice_ids(working_copy.document)[1], working_copy.catalog):
        leftover.append("voice_id")
    if working_copy.at(f"{_TTS}/tts_model_name") not in new.known_models:
        leftover.append("tts_model_name")
    for name in leftover:
        if working_copy.is_set(f"{_TTS}/{name}"):
            remove_with_reason(working_copy, "leftover", f"{_TTS}/{name}")
    known = {setting.name for setting in new.voice_settings(new.default_model)}
    settings = working_copy.at(_SETTINGS)
    for name in list(settings) if isinstance(settings, dict) else ():
        if name not in known:
            remove_with_reason(
                working_copy, "foreign_setting", _SETTINGS + pointer_of([name]), new=new.id
            )


def _move_provider_voice(working_copy: WorkingCopy) -> None:
    """Move a provider's voice to the field that takes one."""
    external, voice = voice_ids(working_copy.document)
    if not voice or is_tavus_voice(voice, working_copy.catalog):
        return
    if external:
        remove_with_reason(working_copy, "unheard_voice", f"{_TTS}/voice_id")
        return
    translate(working_copy, "provider_voice", f"{_TTS}/external_voice_id", voice)
    remove_with_reason(working_copy, "provider_voice", f"{_TTS}/voice_id")


def _convert_quoted_numbers(working_copy: WorkingCopy) -> None:
    """Turn numbers in quotes into numbers, where the engine takes them."""
    for setting, value in _match_settings(working_copy):
        written = text(value).removeprefix("-").replace(".", "", 1)
        if setting.type != "number" or not (written.isascii() and written.isdecimal()):
            continue
        meant = float(text(value))
        least = meant if setting.minimum is None else setting.minimum
        most = meant if setting.maximum is None else setting.maximum
        if least <= meant <= most:
            path = f"{_SETTINGS}/{setting.name}"
            translate(working_copy, "word_for_value", path, meant, old=setting.name)


def _convert_speed_word(working_copy: WorkingCopy) -> None:
    """Turn a speed in words into a number of the engine in use."""
    steps = working_copy.catalog.translations["speed_word"].values
    step = steps.get(text(working_copy.at(_SPEED)).lower())
    engine = engine_of(working_copy.document, working_copy.catalog)
    if step is None:
        return
    if engine and engine.status == "current" and "speed" not in _setting_names(engine):
        remove_with_reason(working_copy, "foreign_setting", _SPEED, new=engine.id)
    elif step == 0:
        remove_with_reason(working_copy, "speed_usual", _SPEED)
    else:
        older = has_legacy_speed_scale(working_copy.document, working_copy.catalog)
        translate(
            working_copy, "speed_word", _SPEED, step if older else legacy_speed_to_factor(step)
        )


def _update_older_settings(working_copy: WorkingCopy) -> None:
    """Take the engine's default model where settings of an older one are stored."""
    engine = engine_of(working_copy.document, working_copy.catalog)
    matched = list(_match_settings(working_copy))
    legacy = next((one for one, _ in matched if one.status == "legacy"), None)
    if engine is None or engine.default_model is None:
        return
    words = {"old": (legacy and legacy.model_family) or "", "new": engine.default_model}
    if legacy:
        translate(
            working_copy, "sonic_model", f"{_TTS}/tts_model_name", engine.default_model, **words
        )
        _convert_older_speed(working_copy, words)
    else:
        _update_older_model(working_copy, engine)
    for setting, _ in _match_settings(working_copy):
        if setting.status == "unsupported":
            remove_with_reason(
                working_copy, "emotion_setting", f"{_SETTINGS}/{setting.name}", **words
            )


def _update_older_model(working_copy: WorkingCopy, engine: EngineFacts) -> None:
    """Carry over a speed that the model in use cannot mean; flag a model of an older family."""
    model, newest = text(working_copy.at(f"{_TTS}/tts_model_name")), engine.default_model
    settings = [one for one, _ in _match_settings(working_copy) if one.name == "speed"]
    speed = number(working_copy.at(_SPEED))
    if (
        settings
        and not has_legacy_speed_scale(working_copy.document, working_copy.catalog)
        and speed is not None
    ):
        if speed == 0:
            remove_with_reason(working_copy, "speed_usual", _SPEED)
        elif -1 <= speed < 0:
            translate(
                working_copy,
                "speed_below",
                _SPEED,
                legacy_speed_to_factor(speed),
                new=model or str(newest),
            )
    if model in engine.known_models and engine.voice_settings(model) != engine.voice_settings(
        newest
    ):
        path = f"{_TTS}/tts_model_name"
        flag_for_manual_change(working_copy, "older_voice_model", path, old=model, new=str(newest))


def _convert_older_speed(working_copy: WorkingCopy, words: dict[str, str]) -> None:
    """Carry a speed of -1 to 1 over to a scale around the usual pace."""
    speed = number(working_copy.at(_SPEED))
    if speed is None:
        return
    if speed == 0 or not -1 <= speed <= 1:
        remove_with_reason(
            working_copy, "speed_usual" if speed == 0 else "foreign_setting", _SPEED, **words
        )
    else:
        translate(working_copy, "sonic_speed", _SPEED, legacy_speed_to_factor(speed), **words)


def _match_settings(working_copy: WorkingCopy) -> list[tuple[VoiceSetting, Any]]:
    """Return each stored setting with what the engine and model in effect say of it."""
    engine = engine_of(working_copy.document, working_copy.catalog)
    settings = working_copy.at(_SETTINGS)
    if engine is None or not isinstance(settings, dict):
        return []
    model = text(working_copy.at(f"{_TTS}/tts_model_name")) or engine.default_model
    known = engine.voice_settings(model)
    return [
        (one, settings[one.name]) for one in known if working_copy.is_set(f"{_SETTINGS}/{one.name}")
    ]


def _setting_names(engine: EngineFacts) -> set[str]:
    return {setting.name for setting in engine.voice_setting}
