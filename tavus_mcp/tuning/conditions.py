"""When a step or an advice applies, by the names that the catalog's recipes use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tavus_mcp.catalog import Advice, Catalog, EngineFacts, Step
from tavus_mcp.catalog.facts import DISCOURAGED
from tavus_mcp.checker.lookups import effective_perception_model, has_custom_llm, number, text
from tavus_mcp.checker.lookups import languages as stored_languages
from tavus_mcp.checker.rules.voice_settings import engine_of
from tavus_mcp.tuning import turns
from tavus_mcp.tuning.working_copy import PROMPT, Draft

_TEMPERATURE = "/layers/llm/extra_body/temperature"
_TOP_P = "/layers/llm/extra_body/top_p"


def applies(draft: Draft, one: Step | Advice) -> bool:
    """Tell whether a step or an advice is for a persona like this."""
    return (
        all(CONDITIONS[name](draft) for name in one.when)
        and all(draft.is_set(pointer) for pointer in one.needs)
        and not any(draft.is_set(pointer) for pointer in one.lacks)
    )


def codes(draft: Draft) -> list[str]:
    """Return the known languages that the persona is to speak: those it has and those asked for.

    A language stored by its name counts like its code.
    """
    named = (*stored_languages(draft.document), *draft.languages)
    known = (draft.catalog.language(name.strip()) for name in named)
    return list(dict.fromkeys(language.code for language in known if language))


def hears(engine: str, spoken: list[str], catalog: Catalog) -> bool:
    """Tell whether an engine hears languages, and can follow a change of them."""
    facts = catalog.stt_engine(engine)
    if facts is None:
        return True  # nothing is known of it, so nothing is held against it
    support = next((one for one in catalog.stt_support() if one.engine == engine), None)
    misses = support is not None and support.complete and not set(spoken) <= set(support.codes)
    return not misses and (facts.multilingual or len(spoken) < 2)


def _own_llm(draft: Draft) -> bool:
    return has_custom_llm(draft.document)


def _hosted(draft: Draft) -> bool:
    return not has_custom_llm(draft.document)


def _takes_temperature(draft: Draft) -> bool:
    """Some providers refuse the field; where it is set already, it is taken.

    Who is steered by top_p alone stays so: one of the two is enough.
    """
    taken = number(draft.at(_TEMPERATURE)) is not None
    return taken or (_hosted(draft) and not draft.is_set(_TOP_P))


def _engine(draft: Draft) -> EngineFacts | None:
    return engine_of(draft.document, draft.catalog)


def _is_engine(name: str) -> Callable[[Draft], bool]:
    def is_it(draft: Draft) -> bool:
        engine = _engine(draft)
        return engine is not None and engine.id == name

    return is_it


def _sonic_3(draft: Draft) -> bool:
    engine = _engine(draft)
    if engine is None or not engine.default:
        return False
    settings = engine.voice_settings(_voice_model(draft, engine))
    return any(one.model_family == "sonic-3" for one in settings)


def _older_sonic(draft: Draft) -> bool:
    engine = _engine(draft)
    if engine is None or not engine.default:
        return False
    families = {one.model_family for one in engine.voice_settings(_voice_model(draft, engine))}
    return bool(families & {"sonic-1", "sonic-2"})


def _hurried(draft: Draft) -> bool:
    """Older Sonic models count from -1 to 1, or take words (docs: persona/tts)."""
    speed = draft.at("/layers/tts/voice_settings/speed")
    return (number(speed) or 0) > 0 or text(speed).lower() in ("fast", "fastest")


def _voice_model(draft: Draft, engine: EngineFacts) -> str | None:
    return text(draft.at("/layers/tts/tts_model_name")) or engine.default_model


def _sees(draft: Draft) -> bool:
    return effective_perception_model(draft.document, draft.catalog).startswith("raven")


def _older_raven(draft: Draft) -> bool:
    stored = effective_perception_model(draft.document, draft.catalog)
    facts = draft.catalog.perception_model(stored)
    return stored.startswith("raven") and facts is not None and facts.status in DISCOURAGED


def _unseen(draft: Draft) -> bool:
    return effective_perception_model(draft.document, draft.catalog) == "off"


def _reads_emotion(draft: Draft) -> bool:
    return text(draft.at("/layers/perception/emotion_recognition")).lower() != "limited"


def _speaks_up(draft: Draft) -> bool:
    return turns.present(draft, f"{turns.FLOW}/idle_engagement") not in (None, "off")


def _hard_to_interrupt(draft: Draft) -> bool:
    return turns.present(draft, f"{turns.FLOW}/replica_interruptibility") == "low"


def _foreign(draft: Draft) -> bool:
    return any(code != "en" for code in codes(draft))


def _one_language_heard(draft: Draft) -> bool:
    """Only who is sure to speak one language can be given an engine for few."""
    spoken = codes(draft)
    narrow = [one for one in draft.catalog.stt_support() if one.engine == "tavus-parakeet"]
    return len(spoken) == 1 and any(spoken[0] in one.codes for one in narrow)


def _documents(draft: Draft) -> bool:
    return draft.is_set("/document_ids") or draft.is_set("/document_tags")


def _no_documents(draft: Draft) -> bool:
    return not _documents(draft)


def _long_prompt(draft: Draft) -> bool:
    guidance = draft.catalog.context_guidance()
    written = (draft.at(PROMPT), draft.at("/context"))
    length = sum(len(part) for part in written if isinstance(part, str))
    return length // guidance.characters_per_token > guidance.comfortable_tokens


def _not(condition: Callable[[Draft], bool]) -> Callable[[Draft], bool]:
    return lambda draft: not condition(draft)


CONDITIONS: Mapping[str, Callable[[Draft], bool]] = {
    "own_llm": _own_llm,
    "hosted": _hosted,
    "takes_temperature": _takes_temperature,
    "cartesia": _is_engine("cartesia"),
    "elevenlabs": _is_engine("elevenlabs"),
    "azure": _is_engine("azure"),
    "not_azure": _not(_is_engine("azure")),
    "sonic_3": _sonic_3,
    "older_sonic": _older_sonic,
    "hurried": _hurried,
    "sees": _sees,
    "unseen": _unseen,
    "older_raven": _older_raven,
    "not_older_raven": _not(_older_raven),
    "reads_emotion": _reads_emotion,
    "speaks_up": _speaks_up,
    "hard_to_interrupt": _hard_to_interrupt,
    "foreign": _foreign,
    "one_language_heard": _one_language_heard,
    "documents": _documents,
    "no_documents": _no_documents,
    "long_prompt": _long_prompt,
}
"""Every condition a recipe may name."""
