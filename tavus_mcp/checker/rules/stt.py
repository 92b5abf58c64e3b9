"""Rules about the STT layer: engine, languages, hotwords and its legacy turn-taking fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tavus_mcp.catalog import Catalog, FieldFacts
from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES
from tavus_mcp.checker.fixes import HintPart, UnprintedValue, configure, unset_fields
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint, Match, discouraged_choice
from tavus_mcp.models.base import is_set, text
from tavus_mcp.models.document import PersonaDocument

_ENGINE = "/layers/stt/stt_engine"
# With the layer Tavus sets "near" by default; before, every voice near the microphone was heard.
_KEEP_ISOLATION_OFF = {"voice_isolation": "off"}
_NO_FIELDS: Mapping[str, Any] = {}


@rule("stt-engine-deprecated", "warning", source="J:persona/stt, D:get-persona")
@discouraged_choice(
    _ENGINE,
    Catalog.stt_engines,
    {
        "deprecated": "{facts.id} is deprecated.",
        "unknown": "{facts.id} is no longer in the docs.",
    },
)
def engine_deprecated(match: Match) -> Hint:
    """Older engines still work, but the docs advise against them or no longer list them."""
    return (configure("stt", stt_engine=match.facts.successor),)


@rule("stt-language-not-heard", "warning", source="J:persona/stt")
def language_not_supported(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An engine transcribes a language that it does not support as something else."""
    if missing := _unsupported_languages(document, catalog):
        yield Violation(
            _ENGINE,
            f"{document.value(_ENGINE)} does not hear {', '.join(missing)}, which the persona is "
            "to speak.",
            "Let Tavus choose by language: ",
            configure("stt", stt_engine="tavus-auto"),
        )


@rule("stt-not-multilingual", "warning", source="J:persona/stt, J:language-support")
def not_multilingual(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Only a multilingual engine can follow a speaker who changes the language."""
    facts = catalog.stt_engines.find(document.text(_ENGINE))
    if facts is None or facts.multilingual or len(set(document.languages)) < 2:
        return
    if facts.successor or _unsupported_languages(document, catalog):
        return  # these rules choose another engine as well
    engines = [engine.id for engine in catalog.stt_engines if engine.multilingual]
    yield Violation(
        _ENGINE,
        f"The persona has several languages, and {facts.id} cannot follow a change of them.",
        configure("stt", stt_engine=engines[0]),
        f"; able are {', '.join(engines)}",
    )


@rule("stt-hotwords-list", "warning", source="J:persona/stt, V:pal.py")
def hotwords_list(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """One schema of Tavus types hotwords as a list, all others as a text."""
    path = "/layers/stt/hotwords"
    if isinstance(document.value(path), list):
        words = ", ".join(word for _, word in document.entries(path))
        yield Violation(
            path,
            "hotwords is one text of hints, not a list.",
            configure("stt", hotwords=UnprintedValue(words)),
        )


@rule("stt-turn-taking-overridden", "warning", source="D:persona/conversational-flow")
def turn_taking_overridden(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The conversational_flow layer overrides the turn-taking fields of the stt layer."""
    if not flow_overrides_stt(document, catalog):
        return
    for facts, _ in legacy_turn_taking(document, catalog):
        yield Violation(
            f"/layers/stt/{facts.name}",
            f"{facts.name} has no effect: the conversational_flow layer overrides it.",
            unset_fields("stt", facts.name),
            f"; tune {facts.successor} instead",
        )


@rule("stt-turn-taking-legacy", "warning", source="D:persona/conversational-flow, J:changelog")
def turn_taking_legacy(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Turn-taking moved to conversational_flow; some of its fields have an inverted scale."""
    if flow_overrides_stt(document, catalog):
        return
    notes = [facts.note for facts, _ in legacy_turn_taking(document, catalog)]
    noted = "".join(f". {note}" for note in notes if note)
    for facts, _ in legacy_turn_taking(document, catalog):
        path = f"/layers/stt/{facts.name}"
        yield Violation(
            path,
            f"{facts.name} is legacy{catalog.deprecated_since(path)}.",
            *to_conversational_flow(document, catalog),
            noted,
        )


def to_conversational_flow(
    document: PersonaDocument,
    catalog: Catalog,
    defaults: Mapping[str, Any] = _NO_FIELDS,
    **overrides: Any,
) -> tuple[HintPart, ...]:
    """Return the calls that move all legacy turn-taking fields of stt to conversational_flow.

    They are moved together, whichever finding asks for it: once conversational_flow is in use, the
    fields left in stt have no effect. ``overrides`` take precedence over the moved values, these
    over ``defaults``. If the layer was not in use, voice isolation is set to off, as it was.
    """
    if flow_overrides_stt(document, catalog):
        return (configure("conversational_flow", **{**defaults, **overrides}),)
    legacy_fields = list(legacy_turn_taking(document, catalog))
    fields: dict[str, Any] = {**defaults}
    for facts, value in legacy_fields:
        fields |= _successor_field(facts, value)
    if fields and not document.layer("conversational_flow"):
        fields |= _KEEP_ISOLATION_OFF
    fields |= overrides
    addition = [configure("conversational_flow", **fields)] if fields else []
    if not legacy_fields:
        return tuple(addition)
    removal = unset_fields("stt", *(facts.name for facts, _ in legacy_fields))
    return (*addition, " and ", removal) if addition else (removal,)


def legacy_turn_taking(
    document: PersonaDocument, catalog: Catalog
) -> Iterator[tuple[FieldFacts, Any]]:
    """Yield the legacy turn-taking fields of stt that are set, with their values."""
    for facts in catalog.fields("stt"):
        value = document.value(f"/layers/stt/{facts.name}")
        if facts.status == "legacy" and is_set(value):
            yield facts, value


def flow_overrides_stt(document: PersonaDocument, catalog: Catalog) -> bool:
    """Return True if conversational_flow is in use with a model that overrides the stt layer."""
    flow = document.layer("conversational_flow")
    stored = catalog.turn_models.find(text(flow.get("turn_detection_model")))
    return bool(flow) and not (stored and stored.status in DISCOURAGED_STATUSES)


def _successor_field(facts: FieldFacts, value: Any) -> dict[str, Any]:
    """Return the equivalent field of conversational_flow and its value, empty if there is none."""
    name = (facts.successor or "").partition(".")[2]
    successor_value = facts.successor_values.get(str(value).lower())
    return {name: successor_value} if name and successor_value is not None else {}


def _unsupported_languages(document: PersonaDocument, catalog: Catalog) -> list[str]:
    """Return the languages of the persona that its engine is known not to support."""
    engine = document.text(_ENGINE)
    support = catalog.stt_support.find(engine)
    if support is None or not support.complete:
        return []
    known = {language.code for language in catalog.languages}
    return sorted(known & set(document.languages) - set(support.codes))
