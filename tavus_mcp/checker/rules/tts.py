"""Rules about the TTS layer: engine, voice and model."""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.voice import engine_of, is_tavus_voice, voice_ids
from tavus_mcp.checker.conversion_fixes import conversion_calls
from tavus_mcp.checker.fixes import (
    Alternative,
    FixCall,
    UnprintedValue,
    configure,
    set_at,
    unset_at,
    unset_fields,
)
from tavus_mcp.checker.placeholders import is_placeholder_id
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint, Match, discouraged_choice, no_effect
from tavus_mcp.checker.value_forms import PROVIDER_VOICES, find_model_family
from tavus_mcp.deprecations.conversion import assign
from tavus_mcp.deprecations.voice import (
    EXTERNAL_VOICE,
    move_provider_voice,
    remove_retired_fields,
    replace_engine,
    tavus_voice,
)
from tavus_mcp.models.document import PersonaDocument

_ENGINE = "/layers/tts/tts_engine"
_MODEL = "/layers/tts/tts_model_name"
_DICTIONARY = "/layers/tts/pronunciation_dictionary_id"


@rule("tts-engine-retired", "error", source="J:changelog")
@discouraged_choice(
    _ENGINE,
    Catalog.tts_engines,
    {"retired": "{facts.id} was removed by Tavus{since}."},
    preposition="on",
)
def engine_retired(match: Match) -> Hint:
    """Tavus removed the engine: it cannot speak."""
    operations = replace_engine(match.document, match.catalog)
    if not tavus_voice(match.document, match.catalog):
        chosen = assign("tts_engine", EXTERNAL_VOICE, "<EXTERNAL_VOICE_ID>")
        operations = [item for item in operations if item.path != EXTERNAL_VOICE]
        operations.insert(1, chosen)
    calls = conversion_calls(operations)
    return "Choose another engine and one of its voices: ", *calls, "; or elevenlabs, or azure"


@rule("tts-playht-field", "info", source="J:changelog, V:pal.py")
def playht_field(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Fields of PlayHT have no effect: Tavus removed that engine."""
    if document.text(_ENGINE) == "playht":
        return  # the fix of tts-engine-retired removes the field
    for operation in remove_retired_fields(document, catalog):
        yield Violation(
            operation.path,
            f"{operation.path.rpartition('/')[2]} belonged to PlayHT, which Tavus removed"
            f"{catalog.deprecated_since(operation.path, preposition='on')}.",
            *conversion_calls([operation]),
        )


@rule("tts-provider-voice-in-voice-id", "warning", source="P:voices, J:persona/tts")
def provider_voice_in_voice_id(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """voice_id used to hold the id of a provider's voice; today it names a Tavus Voice."""
    external, voice = voice_ids(document)
    engine = catalog.tts_engines.find(document.text(_ENGINE))
    if is_placeholder_id(voice) or (engine and engine.status == "retired"):
        return  # there is no voice to move
    if voice and not external and not is_tavus_voice(voice, catalog):
        yield Violation(
            "/layers/tts/voice_id",
            "voice_id is for a Tavus Voice (v and hex digits); this looks like a provider's id.",
            *conversion_calls(move_provider_voice(document, catalog)),
        )


@rule("tts-tavus-voice-in-external", "warning", source="P:voices")
def tavus_voice_in_external(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The provider does not know the voices of Tavus."""
    external, _ = voice_ids(document)
    if is_tavus_voice(external, catalog):
        yield Violation(
            "/layers/tts/external_voice_id",
            "external_voice_id is for a provider's id; this looks like a Tavus Voice.",
            _to_voice_id(external),
        )


@rule("tts-both-voices", "warning", source="N1")
def both_voices(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """With both voice ids set, voice_id is ignored."""
    external, voice = voice_ids(document)
    if not (external and voice):
        return
    hint: Hint = (
        unset_fields("tts", "voice_id"),
        ", or, for the Tavus Voice, ",
        Alternative(unset_fields("tts", "external_voice_id")),
    )
    if is_tavus_voice(external, catalog):
        hint = (_to_voice_id(external),)
    yield Violation(
        "/layers/tts/voice_id",
        "Both voice ids are set; external_voice_id takes precedence, so voice_id has no effect.",
        *hint,
    )


@rule("tts-voice-of-other-engine", "warning", source="J:persona/tts")
def voice_of_other_engine(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An engine has its own voices only: another engine needs another voice."""
    external, _ = voice_ids(document)
    engine = engine_of(document, catalog)
    provider = _find_provider(external)
    if engine and provider and engine.id in PROVIDER_VOICES and provider != engine.id:
        unset = {"unset": names} if (names := _engine_dependent_fields(document)) else {}
        yield Violation(
            "/layers/tts/external_voice_id",
            f"This looks like a voice of {provider}, but the engine is {engine.id}.",
            configure("tts", tts_engine=provider, **unset),
            f", or a voice of {engine.id}: ",
            Alternative(configure("tts", external_voice_id="<EXTERNAL_VOICE_ID>")),
        )


@rule("tts-engine-without-voice", "info", source="N1")
def engine_without_voice(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An engine without a voice does not determine how the persona sounds."""
    if engine_of(document, catalog) and document.is_set(_ENGINE) and not any(voice_ids(document)):
        yield Violation(
            _ENGINE,
            "An engine is set without a voice, so the default voice of the replica speaks.",
            "For a voice of this engine: ",
            configure("tts", external_voice_id="<EXTERNAL_VOICE_ID>"),
        )


def _is_tavus_voice_used(document: PersonaDocument, catalog: Catalog) -> bool:
    external, voice = voice_ids(document)
    return not external and is_tavus_voice(voice, catalog)


@rule("tts-tavus-voice-with-engine", "info", source="P:voices")
@no_effect(
    (_ENGINE, _MODEL),
    when=_is_tavus_voice_used,
    because="{name} has no effect: Tavus chooses engine and model for a Tavus Voice.",
)
def tavus_voice_with_engine(match: Match) -> Hint:
    """A Tavus Voice determines its engine and model."""
    return (match.unset(),)


@rule(
    "tts-key-unneeded",
    "info",
    source="J:persona/tts",
    no_fix_reason="The voice may be a private one, and a key that was removed cannot come back.",
)
def key_unneeded(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A key that is not needed can leak."""
    engine = engine_of(document, catalog)
    if document.is_set("/layers/tts/api_key") and engine and engine.status == "current":
        yield Violation(
            "/layers/tts/api_key",
            f"{engine.id} needs a key for private voices only.",
            "If the voice is public: ",
            Alternative(unset_fields("tts", "api_key")),
        )


@rule(
    "tts-dictionary-key-scope",
    "info",
    source="J:persona/tts",
    no_fix_reason="The scope is set in the account of the provider.",
)
def dictionary_key_scope(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus stores the dictionary in the account of the key, so the key must allow it."""
    engine = engine_of(document, catalog)
    if not engine or engine.id != "elevenlabs" or not document.is_set("/layers/tts/api_key"):
        return
    if document.is_set(_DICTIONARY):
        yield Violation(
            _DICTIONARY,
            "Your ElevenLabs key needs the scope to write pronunciation dictionaries.",
            "Give the key this scope in your ElevenLabs account.",
        )


@rule("tts-dictionary-empty", "info", source="J:pronunciation-dictionaries")
def dictionary_empty(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An empty id removes the dictionary; it does not name one."""
    if document.value(_DICTIONARY) == "":
        yield Violation(
            _DICTIONARY,
            "The dictionary id is empty, so no dictionary is used.",
            "Remove it: ",
            unset_at(_DICTIONARY),
            ", or set one: ",
            Alternative(set_at(_DICTIONARY, "<DICTIONARY_ID>")),
        )


@rule("tts-model-not-allowed", "error", source="J:persona/tts", blocks_write=True)
def model_not_allowed(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Voices of Azure name their model in their id; a separate model is refused."""
    engine = engine_of(document, catalog)
    for name in engine.forbids if engine else ():
        path = f"/layers/tts/{name}"
        if engine and document.is_set(path):
            message = f"Tavus refuses {name} for {engine.id}."
            yield Violation(path, message, "Remove it: ", unset_at(path))


@rule("tts-model-of-other-engine", "error", source="J:persona/tts")
def model_of_other_engine(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An engine runs its own models only."""
    engine, model = engine_of(document, catalog), document.text(_MODEL)
    if not model or engine is None or not engine.known_models:
        return
    family = find_model_family(model)
    for owner in catalog.tts_engines:
        if owner.id in (engine.id, _find_provider(voice_ids(document)[0])):
            continue  # if the voice is the owner's as well, it is the engine that is wrong
        if family in map(find_model_family, owner.known_models):
            yield Violation(
                _MODEL,
                f"This is a model of {owner.id}, but the engine is {engine.id}.",
                "Remove it: ",
                unset_at(_MODEL),
                f"; or choose one of {', '.join(engine.known_models)}; or change the engine: ",
                Alternative(configure("tts", tts_engine=owner.id)),
            )


@rule("tts-model-english-only", "warning", source="E:overview/models")
def model_english_only(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Some models of ElevenLabs speak English only."""
    engine, model = engine_of(document, catalog), document.text(_MODEL)
    multilingual = engine.english_only.get(model) if engine else None
    foreign = [code for code in document.languages if code.lower().partition("-")[0] != "en"]
    if multilingual and foreign:
        yield Violation(
            _MODEL,
            f"{model} speaks English only, and the persona has other languages.",
            "A model of the same kind for many languages: ",
            configure("tts", tts_model_name=multilingual),
        )


def _to_voice_id(external: str) -> FixCall:
    return configure("tts", voice_id=UnprintedValue(external), unset=["external_voice_id"])


def _find_provider(voice: str) -> str | None:
    """Return the engine whose voice ids have this form."""
    return next((name for name, ids in PROVIDER_VOICES.items() if ids.fullmatch(voice)), None)


def _engine_dependent_fields(document: PersonaDocument) -> list[str]:
    """Return the fields that are set and do not apply to another engine."""
    names = ("tts_model_name", "voice_settings")
    return [name for name in names if document.is_set(f"/layers/tts/{name}")]
