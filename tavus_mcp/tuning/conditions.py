"""The conditions of steps and advice, by the names that ``goals.toml`` uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tavus_mcp.catalog import Advice, Catalog, Step
from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES
from tavus_mcp.catalog.voice import engine_of
from tavus_mcp.deprecations.turn_taking import FLOW
from tavus_mcp.models.base import number, text
from tavus_mcp.tuning.turn_taking import effective_value
from tavus_mcp.tuning.working_copy import PROMPT, WorkingCopy

_TEMPERATURE = "/layers/llm/extra_body/temperature"
_TOP_P = "/layers/llm/extra_body/top_p"
_SPEED = "/layers/tts/voice_settings/speed"
NEGATION = "not_"


def applies(working_copy: WorkingCopy, step_or_advice: Step | Advice) -> bool:
    """Return whether a step or an advice is for a persona like this one."""
    return (
        all(_holds(name, working_copy) for name in step_or_advice.when)
        and all(working_copy.is_set(pointer) for pointer in step_or_advice.needs)
        and not any(working_copy.is_set(pointer) for pointer in step_or_advice.unless_set)
    )


def _holds(name: str, working_copy: WorkingCopy) -> bool:
    if name in CONDITIONS:
        return CONDITIONS[name](working_copy)
    return not CONDITIONS[name.removeprefix(NEGATION)](working_copy)


def language_codes(working_copy: WorkingCopy) -> list[str]:
    """Return the codes of the stored and the requested languages; unknown ones are left out."""
    named = (*working_copy.document.languages, *working_copy.languages)
    known = (working_copy.catalog.languages.find(name.strip()) for name in named)
    return list(dict.fromkeys(language.code for language in known if language))


def supports_languages(engine: str, codes: list[str], catalog: Catalog) -> bool:
    """Return whether an engine recognises all languages, and changes of language if there are two.

    Of an engine that the catalog does not know this is assumed.
    """
    facts = catalog.stt_engines.find(engine)
    if facts is None:
        return True
    support = catalog.stt_support.find(engine)
    misses = support is not None and support.complete and not set(codes) <= set(support.codes)
    return not misses and (facts.multilingual or len(codes) < 2)


Condition = Callable[[WorkingCopy], bool]


def _accepts_temperature(working_copy: WorkingCopy) -> bool:
    """Return whether temperature may be set: some providers of custom models refuse it.

    A stored temperature shows that it is accepted. A persona that is steered by ``top_p`` alone
    stays so, because one of the two is enough (docs: create-persona).
    """
    if number(working_copy.at(_TEMPERATURE)) is not None:
        return True
    return not working_copy.document.has_custom_llm and not working_copy.is_set(_TOP_P)


def _uses_tts_engine(name: str) -> Condition:
    def uses_it(working_copy: WorkingCopy) -> bool:
        engine = engine_of(working_copy.document, working_copy.catalog)
        return engine is not None and engine.id == name

    return uses_it


def _has_engine_chosen_by_tavus(working_copy: WorkingCopy) -> bool:
    """Return whether the voice or the replica decides which engine speaks."""
    stated = text(working_copy.at("/layers/tts/tts_engine"))
    facts = working_copy.catalog.tts_engines.find(stated)
    is_chosen_by_tavus = not stated or (facts is not None and facts.is_automatic)
    return is_chosen_by_tavus and engine_of(working_copy.document, working_copy.catalog) is None


def _uses_sonic(*families: str) -> Condition:
    def uses_it(working_copy: WorkingCopy) -> bool:
        engine = engine_of(working_copy.document, working_copy.catalog)
        if engine is None or not engine.default:
            return False
        model = text(working_copy.at("/layers/tts/tts_model_name")) or engine.default_model
        settings = engine.voice_settings(model)
        return any(setting.model_family in families for setting in settings)

    return uses_it


def _has_fast_speech(working_copy: WorkingCopy) -> bool:
    """Return whether older Sonic models hurry: they count from -1 to 1, or take words."""
    speed = working_copy.at(_SPEED)
    return (number(speed) or 0) > 0 or text(speed).lower() in ("fast", "fastest")


def _has_speed_in_words(working_copy: WorkingCopy) -> bool:
    return working_copy.is_set(_SPEED) and number(working_copy.at(_SPEED)) is None


def _perception_model(working_copy: WorkingCopy) -> str:
    return working_copy.catalog.effective_perception_model(working_copy.document)


def _has_vision(working_copy: WorkingCopy) -> bool:
    return _perception_model(working_copy).startswith("raven")


def _uses_older_raven(working_copy: WorkingCopy) -> bool:
    facts = working_copy.catalog.perception_models.find(_perception_model(working_copy))
    discouraged = facts is not None and facts.status in DISCOURAGED_STATUSES
    return discouraged and _has_vision(working_copy)


def _has_emotion_recognition(working_copy: WorkingCopy) -> bool:
    return text(working_copy.at("/layers/perception/emotion_recognition")).lower() != "limited"


def _has_flow_value(name: str, *values: str | None) -> Condition:
    return lambda working_copy: effective_value(working_copy, f"{FLOW}/{name}") in values


def _has_non_english_language(working_copy: WorkingCopy) -> bool:
    return any(code != "en" for code in language_codes(working_copy))


def _has_single_parakeet_language(working_copy: WorkingCopy) -> bool:
    """Return whether the persona speaks exactly one language, and the narrow engine hears it."""
    spoken = language_codes(working_copy)
    return (
        len(spoken) == 1 and spoken[0] in working_copy.catalog.stt_support["tavus-parakeet"].codes
    )


def _has_documents(working_copy: WorkingCopy) -> bool:
    return working_copy.is_set("/document_ids") or working_copy.is_set("/document_tags")


def _has_long_prompt(working_copy: WorkingCopy) -> bool:
    guidance = working_copy.catalog.context_guidance()
    tokens = guidance.estimate_tokens(working_copy.at(PROMPT), working_copy.at("/context"))
    return tokens > guidance.comfortable_tokens


CONDITIONS: Mapping[str, Condition] = {
    "custom_llm": lambda working_copy: working_copy.document.has_custom_llm,
    "accepts_temperature": _accepts_temperature,
    "cartesia": _uses_tts_engine("cartesia"),
    "elevenlabs": _uses_tts_engine("elevenlabs"),
    "azure": _uses_tts_engine("azure"),
    "sonic_3": _uses_sonic("sonic-3"),
    "older_sonic": _uses_sonic("sonic-1", "sonic-2"),
    "engine_chosen_by_tavus": _has_engine_chosen_by_tavus,
    "fast_speech": _has_fast_speech,
    "speed_in_words": _has_speed_in_words,
    "vision": _has_vision,
    "perception_off": lambda working_copy: _perception_model(working_copy) == "off",
    "older_raven": _uses_older_raven,
    "emotion_recognition": _has_emotion_recognition,
    "idle_engagement_off": _has_flow_value("idle_engagement", None, "off"),
    "low_interruptibility": _has_flow_value("replica_interruptibility", "low"),
    "voice_isolation_off": _has_flow_value("voice_isolation", "off"),
    # absent: the model that Tavus adds with the first field of the layer
    "sparrow_2": _has_flow_value("turn_detection_model", None, "sparrow-2"),
    "non_english": _has_non_english_language,
    "single_parakeet_language": _has_single_parakeet_language,
    "documents": _has_documents,
    "long_prompt": _has_long_prompt,
}
"""What ``when`` of a step or an advice may name; ``not_`` before a name negates it."""
