"""When a step or an advice applies, by the names that the catalog's recipes use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tavus_mcp.catalog import Advice, Catalog, EngineFacts, Step
from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES
from tavus_mcp.checker.rules.voice_settings import engine_of
from tavus_mcp.models.base import number, text
from tavus_mcp.tuning import turns
from tavus_mcp.tuning.working_copy import PROMPT, WorkingCopy

_TEMPERATURE = "/layers/llm/extra_body/temperature"
_TOP_P = "/layers/llm/extra_body/top_p"


def applies(working_copy: WorkingCopy, step_or_advice: Step | Advice) -> bool:
    """Tell whether a step or an advice is for a persona like this."""
    return (
        all(CONDITIONS[name](working_copy) for name in step_or_advice.when)
        and all(working_copy.is_set(pointer) for pointer in step_or_advice.needs)
        and not any(working_copy.is_set(pointer) for pointer in step_or_advice.unless_set)
    )


def language_codes(working_copy: WorkingCopy) -> list[str]:
    """Return the known languages that the persona is to speak: those it has and those asked for.

    A language stored by its name counts like its code.
    """
    named = (*working_copy.document.languages, *working_copy.languages)
    known = (working_copy.catalog.languages.find(name.strip()) for name in named)
    return list(dict.fromkeys(language.code for language in known if language))


def supports_languages(engine: str, codes: list[str], catalog: Catalog) -> bool:
    """Tell whether an engine hears languages, and can follow a change of them."""
    facts = catalog.stt_engines.find(engine)
    if facts is None:
        return True  # nothing is known of it, so nothing is held against it
    support = catalog.stt_support.find(engine)
    misses = support is not None and support.complete and not set(codes) <= set(support.codes)
    return not misses and (facts.multilingual or len(codes) < 2)


def _has_custom_llm(working_copy: WorkingCopy) -> bool:
    return working_copy.document.has_custom_llm


def _has_hosted_llm(working_copy: WorkingCopy) -> bool:
    return not working_copy.document.has_custom_llm


def _accepts_temperature(working_copy: WorkingCopy) -> bool:
    """Some providers refuse the field; where it is set already, it is taken.

    Who is steered by top_p alone stays so: one of the two is enough.
    """
    taken = number(working_copy.at(_TEMPERATURE)) is not None
    return taken or (_has_hosted_llm(working_copy) and not working_copy.is_set(_TOP_P))


def _find_tts_engine(working_copy: WorkingCopy) -> EngineFacts | None:
    return engine_of(working_copy.document, working_copy.catalog)


def _uses_tts_engine(name: str) -> Callable[[WorkingCopy], bool]:
    def is_it(draft: WorkingCopy) -> bool:
        engine = _find_tts_engine(draft)
        return engine is not None and engine.id == name

    return is_it


def _uses_sonic_3(working_copy: WorkingCopy) -> bool:
    engine = _find_tts_engine(working_copy)
    if engine is None or not engine.default:
        return False
    settings = engine.voice_settings(_voice_model(working_copy, engine))
    return any(one.model_family == "sonic-3" for one in settings)


def _uses_older_sonic(working_copy: WorkingCopy) -> bool:
    engine = _find_tts_engine(working_copy)
    if engine is None or not engine.default:
        return False
    families = {
        one.model_family for one in engine.voice_settings(_voice_model(working_copy, engine))
    }
    return bool(families & {"sonic-1", "sonic-2"})


def _has_fast_speech(working_copy: WorkingCopy) -> bool:
    """Older Sonic models count from -1 to 1, or take words (docs: persona/tts)."""
    speed = working_copy.at("/layers/tts/voice_settings/speed")
    return (number(speed) or 0) > 0 or text(speed).lower() in ("fast", "fastest")


def _voice_model(working_copy: WorkingCopy, engine: EngineFacts) -> str | None:
    return text(working_copy.at("/layers/tts/tts_model_name")) or engine.default_model


def _has_vision(working_copy: WorkingCopy) -> bool:
    return working_copy.catalog.effective_perception_model(working_copy.document).startswith(
        "raven"
    )


def _uses_older_raven(working_copy: WorkingCopy) -> bool:
    stored = working_copy.catalog.effective_perception_model(working_copy.document)
    facts = working_copy.catalog.perception_models.find(stored)
    return stored.startswith("raven") and facts is not None and facts.status in DISCOURAGED_STATUSES


def _is_perception_off(working_copy: WorkingCopy) -> bool:
    return working_copy.catalog.effective_perception_model(working_copy.document) == "off"


def _has_emotion_recognition(working_copy: WorkingCopy) -> bool:
    return text(working_copy.at("/layers/perception/emotion_recognition")).lower() != "limited"


def _has_idle_engagement(working_copy: WorkingCopy) -> bool:
    return turns.effective_value(working_copy, f"{turns.FLOW}/idle_engagement") not in (None, "off")


def _has_low_interruptibility(working_copy: WorkingCopy) -> bool:
    return turns.effective_value(working_copy, f"{turns.FLOW}/replica_interruptibility") == "low"


def _has_non_english_language(working_copy: WorkingCopy) -> bool:
    return any(code != "en" for code in language_codes(working_copy))


def _has_single_parakeet_language(working_copy: WorkingCopy) -> bool:
    """Only who is sure to speak one language can be given an engine for few."""
    spoken = language_codes(working_copy)
    return (
        len(spoken) == 1 and spoken[0] in working_copy.catalog.stt_support["tavus-parakeet"].codes
    )


def _has_documents(working_copy: WorkingCopy) -> bool:
    return working_copy.is_set("/document_ids") or working_copy.is_set("/document_tags")


def _has_no_documents(working_copy: WorkingCopy) -> bool:
    return not _has_documents(working_copy)


def _has_long_prompt(working_copy: WorkingCopy) -> bool:
    guidance = working_copy.catalog.context_guidance()
    tokens = guidance.estimate_tokens(working_copy.at(PROMPT), working_copy.at("/context"))
    return tokens > guidance.comfortable_tokens


def _negate(condition: Callable[[WorkingCopy], bool]) -> Callable[[WorkingCopy], bool]:
    return lambda draft: not condition(draft)


CONDITIONS: Mapping[str, Callable[[WorkingCopy], bool]] = {
    "own_llm": _has_custom_llm,
    "hosted": _has_hosted_llm,
    "takes_temperature": _accepts_temperature,
    "cartesia": _uses_tts_engine("cartesia"),
    "elevenlabs": _uses_tts_engine("elevenlabs"),
    "azure": _uses_tts_engine("azure"),
    "not_azure": _negate(_uses_tts_engine("azure")),
    "sonic_3": _uses_sonic_3,
    "older_sonic": _uses_older_sonic,
    "hurried": _has_fast_speech,
    "sees": _has_vision,
    "unseen": _is_perception_off,
    "older_raven": _uses_older_raven,
    "not_older_raven": _negate(_uses_older_raven),
    "reads_emotion": _has_emotion_recognition,
    "speaks_up": _has_idle_engagement,
    "hard_to_interrupt": _has_low_interruptibility,
    "foreign": _has_non_english_language,
    "one_language_heard": _has_single_parakeet_language,
    "documents": _has_documents,
    "no_documents": _has_no_documents,
    "long_prompt": _has_long_prompt,
}
"""Every condition a recipe may name."""
