"""Rules about the TTS layer: engine, voice and model."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import (
    FixCall,
    UnprintedValue,
    alternative_fix,
    configure,
    unset_fields,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rules.texts import is_placeholder_setting
from tavus_mcp.checker.rules.voice_settings import engine_of, is_tavus_voice, voice_ids
from tavus_mcp.models.base import is_set
from tavus_mcp.models.document import PersonaDocument

_ENGINE = "/layers/tts/tts_engine"
_MODEL = "/layers/tts/tts_model_name"
_ENGINE_SPECIFIC_FIELDS = ("voice_id", "api_key", "tts_model_name", "playht_user_id")
# How ids of each provider look; what fits none of these is left alone.
_PROVIDER_IDS = {
    "cartesia": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE),
    "elevenlabs": re.compile(r"(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9]{20}"),
    "azure": re.compile(r"[a-z]{2,3}-[A-Za-z-]{2,12}-[\w:]+Neural"),
}


@rule("tts-engine-retired", "error", source="J:changelog")
def engine_retired(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An engine that Tavus removed cannot speak."""
    facts = catalog.tts_engines.find(document.text(_ENGINE))
    if facts and facts.status == "retired":
        yield Violation(
            _ENGINE,
            f"{facts.id} was removed by "
            f"Tavus{catalog.deprecated_since(_ENGINE, facts.id, preposition='on')}.",
            "With what belonged to it: ",
            configure(
                "tts",
                tts_engine=facts.successor or "elevenlabs",
                external_voice_id="<EXTERNAL_VOICE_ID>",
                **_unset_argument(
                    [name for name in _ENGINE_SPECIFIC_FIELDS if document.layer("tts").get(name)]
                ),
            ),
            "; or elevenlabs, or azure",
        )


@rule("tts-engine-undocumented", "warning", source="N#54781446696, N#68336332586")
def engine_undocumented(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Seen in option lists of third parties only."""
    facts = catalog.tts_engines.find(document.text(_ENGINE))
    if facts and facts.status == "undocumented":
        yield Violation(
            _ENGINE,
            f"{facts.id} stands in no docs page as a speech engine.",
            "To let Tavus choose, leave the engine out: ",
            unset_fields("tts", "tts_engine"),
        )


@rule("tts-playht-field", "warning", source="J:changelog, V:pal.py")
def playht_field(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """What belonged to PlayHT has no effect since it is gone."""
    if document.text(_ENGINE) == "playht":
        return  # the engine has a rule of its own, which removes this as well
    if document.is_set("/layers/tts/playht_user_id"):
        yield Violation(
            "/layers/tts/playht_user_id",
            "playht_user_id belonged to PlayHT, which Tavus removed"
            f"{catalog.deprecated_since('/layers/tts/playht_user_id', preposition='on')}.",
            unset_fields("tts", "playht_user_id"),
        )


@rule("tts-provider-voice-in-voice-id", "warning", source="P:voices, J:persona/tts")
def provider_voice_in_voice_id(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The field was a provider's once; today it names a Tavus Voice."""
    external, voice = voice_ids(document)
    engine = catalog.tts_engines.find(document.text(_ENGINE))
    if is_placeholder_setting(voice) or (engine and engine.status == "retired"):
        return  # no voice to be kept
    if voice and not external and not is_tavus_voice(voice, catalog):
        yield Violation(
            "/layers/tts/voice_id",
            "voice_id names a Tavus Voice (v and hex digits); this looks like a provider's id.",
            configure("tts", external_voice_id=UnprintedValue(voice), unset=["voice_id"]),
        )


@rule("tts-tavus-voice-in-external", "warning", source="P:voices")
def tavus_voice_in_external(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A provider does not know the voices of Tavus."""
    external, _ = voice_ids(document)
    if is_tavus_voice(external, catalog):
        yield Violation(
            "/layers/tts/external_voice_id",
            "external_voice_id is for a provider's id; this looks like a Tavus Voice.",
            _to_voice_id(external),
        )


@rule("tts-both-voices", "warning", source="N1")
def both_voices(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Only one of two voices is heard."""
    external, voice = voice_ids(document)
    if not (external and voice):
        return
    tavus = alternative_fix(unset_fields("tts", "external_voice_id"))
    usual = (unset_fields("tts", "voice_id"), ", or, for the Tavus Voice, ", tavus)
    misplaced = is_tavus_voice(external, catalog)
    yield Violation(
        "/layers/tts/voice_id",
        "Both voice ids are set; external_voice_id wins and voice_id is ignored.",
        *((_to_voice_id(external),) if misplaced else usual),
    )


@rule("tts-voice-of-other-engine", "warning", source="J:persona/tts")
def voice_of_other_engine(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An engine knows its own voices only; changing the engine means changing the voice."""
    external, _ = voice_ids(document)
    engine = engine_of(document, catalog)
    made_for = _find_provider(external)
    if engine and made_for and engine.id in _PROVIDER_IDS and made_for != engine.id:
        yield Violation(
            "/layers/tts/external_voice_id",
            f"The id looks like a voice of {made_for}, and the engine is {engine.id}.",
            configure(
                "tts", tts_engine=made_for, **_unset_argument(_engine_dependent_fields(document))
            ),
            f", or a voice of {engine.id}: ",
            alternative_fix(configure("tts", external_voice_id="<EXTERNAL_VOICE_ID>")),
        )


@rule("tts-engine-without-voice", "info", source="N1")
def engine_without_voice(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Choosing an engine looks as if it chose how the persona sounds."""
    if document.is_set(_ENGINE) and not any(voice_ids(document)):
        yield Violation(
            _ENGINE,
            "An engine is chosen but no voice: the default voice of the replica speaks.",
            "For a voice of this engine: ",
            configure("tts", external_voice_id="<EXTERNAL_VOICE_ID>"),
        )


@rule("tts-tavus-voice-with-engine", "info", source="P:voices")
def tavus_voice_with_engine(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A Tavus Voice brings its engine and model along."""
    external, voice = voice_ids(document)
    if external or not is_tavus_voice(voice, catalog):
        return
    for name in ("tts_engine", "tts_model_name"):
        if document.is_set(f"/layers/tts/{name}"):
            yield Violation(
                f"/layers/tts/{name}",
                f"With a Tavus Voice, Tavus picks engine and model; {name} is not needed.",
                unset_fields("tts", name),
            )


@rule(
    "tts-key-unneeded",
    "info",
    source="J:persona/tts",
    no_fix_reason="The voice may be a private one, and a key that was removed cannot come back.",
)
def key_unneeded(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A key that is not needed is one more that can leak."""
    engine = engine_of(document, catalog)
    if document.is_set("/layers/tts/api_key") and engine and engine.status == "current":
        yield Violation(
            "/layers/tts/api_key",
            f"{engine.id} needs a key for private voices only.",
            "If the voice is public: ",
            alternative_fix(unset_fields("tts", "api_key")),
        )


@rule(
    "tts-dictionary-key-scope",
    "info",
    source="J:persona/tts",
    no_fix_reason="It is mended in the account of the provider.",
)
def dictionary_key_scope(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus writes the dictionary into your account of the provider."""
    engine = engine_of(document, catalog)
    given = ("api_key", "pronunciation_dictionary_id")
    if (
        engine
        and engine.id == "elevenlabs"
        and all(_is_field_set(document, name) for name in given)
    ):
        yield Violation(
            "/layers/tts/pronunciation_dictionary_id",
            "With a key of your own, ElevenLabs must let it write pronunciation dictionaries.",
            "Give the key that scope in your ElevenLabs account.",
        )


@rule("tts-dictionary-empty", "info", source="J:pronunciation-dictionaries")
def dictionary_empty(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An empty text is how a dictionary is taken off, not a dictionary."""
    if document.value("/layers/tts/pronunciation_dictionary_id") == "":
        yield Violation(
            "/layers/tts/pronunciation_dictionary_id",
            "An empty dictionary id: no dictionary is used.",
            unset_fields("tts", "pronunciation_dictionary_id"),
            ", or name one: ",
            alternative_fix(configure("tts", pronunciation_dictionary_id="<DICTIONARY_ID>")),
        )


@rule("tts-model-not-allowed", "error", source="J:persona/tts", blocks_write=True)
def model_not_allowed(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Azure voices carry their model in their id."""
    engine = engine_of(document, catalog)
    for name in engine.forbids if engine else ():
        if engine and _is_field_set(document, name):
            yield Violation(
                f"/layers/tts/{name}",
                f"{engine.id} takes no {name}.",
                unset_fields("tts", name),
            )


@rule("tts-model-of-other-engine", "error", source="J:persona/tts")
def model_of_other_engine(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An engine runs its own models only."""
    engine = engine_of(document, catalog)
    family = _model_family(document.text(_MODEL))
    if engine is None or not engine.known_models:
        return
    for other in catalog.tts_engines:
        if _find_provider(voice_ids(document)[0]) == other.id:
            continue  # it is the engine that is wrong, and its voice says so
        if other.id != engine.id and family in {
            _model_family(model) for model in other.known_models
        }:
            known = ", ".join(engine.known_models)
            yield Violation(
                _MODEL,
                f"This is a model of {other.id}, and the engine is {engine.id}.",
                unset_fields("tts", "tts_model_name"),
                f", or name one of {known}, or ",
                alternative_fix(configure("tts", tts_engine=other.id)),
            )


def _to_voice_id(external: str) -> FixCall:
    return configure("tts", voice_id=UnprintedValue(external), unset=["external_voice_id"])


def _find_provider(voice: str) -> str | None:
    """Return the engine whose ids look like this one."""
    return next((name for name, ids in _PROVIDER_IDS.items() if ids.fullmatch(voice)), None)


def _unset_argument(names: list[str]) -> dict[str, list[str]]:
    return {"unset": names} if names else {}


def _engine_dependent_fields(document: PersonaDocument) -> list[str]:
    """Return what another engine would not know: model and voice_settings."""
    settings = document.value("/layers/tts/voice_settings")
    model = ["tts_model_name"] if document.is_set(_MODEL) else []
    return model + (["voice_settings"] if is_set(settings) else [])


def _is_field_set(document: PersonaDocument, name: str) -> bool:
    return document.is_set(f"/layers/tts/{name}")


def _model_family(model: str) -> str:
    """Return what a provider's models have in common: sonic, eleven."""
    return re.split(r"[-_]", model, maxsplit=1)[0].lower()
