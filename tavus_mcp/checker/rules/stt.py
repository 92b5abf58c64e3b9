"""Rules about the STT layer: engine, languages, hot words, and the turn-taking it once had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tavus_mcp.catalog import Catalog, FieldFacts
from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES
from tavus_mcp.checker.fixes import FixCall, UnprintedValue, configure, unset_fields
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.models.base import indexed_texts, is_set, text
from tavus_mcp.models.document import PersonaDocument

_ENGINE = "/layers/stt/stt_engine"
# Tavus fills in "near" with the layer; before, everybody in the room was heard.
_KEEP_ISOLATION_OFF = {"voice_isolation": "off"}
_NO_FIELDS: Mapping[str, Any] = {}


@rule("stt-engine-deprecated", "warning", source="J:persona/stt, D:get-persona")
def engine_deprecated(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Older engines still listen, but the docs advise against or no longer list them."""
    facts = catalog.stt_engines.find(document.text(_ENGINE))
    if facts and facts.successor:
        what = "no longer in the docs" if facts.status == "unknown" else facts.status
        yield Violation(
            _ENGINE,
            f"{facts.id} is {what}.",
            configure("stt", stt_engine=facts.successor),
        )


@rule("stt-language-not-heard", "warning", source="J:persona/stt")
def language_not_supported(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An engine that does not know a language writes down something else."""
    if missing := _unsupported_languages(document, catalog):
        yield Violation(
            _ENGINE,
            f"{document.value(_ENGINE)} does not hear {', '.join(missing)}, which the "
            f"persona is to "
            "speak.",
            "Let Tavus choose by language: ",
            configure("stt", stt_engine="tavus-auto"),
        )


@rule("stt-not-multilingual", "warning", source="J:persona/stt, J:language-support")
def not_multilingual(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Following a speaker from one language to another takes an engine that can."""
    facts = catalog.stt_engines.find(document.text(_ENGINE))
    if facts and (facts.successor or _unsupported_languages(document, catalog)):
        return  # another engine is needed in any case
    if facts and not facts.multilingual and len(set(document.languages)) > 1:
        able = [one.id for one in catalog.stt_engines if one.multilingual]
        yield Violation(
            _ENGINE,
            f"The persona has several languages, and {facts.id} cannot follow a change of them.",
            configure("stt", stt_engine=able[0]),
            f"; able are {', '.join(able)}",
        )


@rule("stt-hotwords-list", "warning", source="J:persona/stt, V:pal.py")
def hotwords_list(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """One schema says list, all others say text."""
    words = document.value("/layers/stt/hotwords")
    if isinstance(words, list):
        yield Violation(
            "/layers/stt/hotwords",
            "hotwords is one text of hints, not a list.",
            configure(
                "stt", hotwords=UnprintedValue(", ".join(word for _, word in indexed_texts(words)))
            ),
        )


@rule("stt-turn-taking-overridden", "warning", source="D:persona/conversational-flow")
def turn_taking_overridden(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """What is overridden looks as if it could be tuned."""
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
    """Turn-taking moved to a layer of its own, partly on an inverted scale."""
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
) -> tuple[str | FixCall, ...]:
    """Return the calls that say in conversational_flow all that stt's legacy fields mean.

    They come as one, in whichever finding: once any field of the layer is in use, what is left in
    stt means nothing. Where the layer was not in use, voice isolation stays off. ``more`` is set
    with them and holds over what they mean, which holds over ``defaults``.
    """
    if flow_overrides_stt(document, catalog):
        return (configure("conversational_flow", **{**defaults, **overrides}),)
    stored = list(legacy_turn_taking(document, catalog))
    gone = [unset_fields("stt", *(facts.name for facts, _ in stored))] if stored else []
    meant: dict[str, Any] = {**defaults}
    for facts, value in stored:
        meant |= _successor_field(facts, value)
    if meant and not document.layer("conversational_flow"):
        meant |= _KEEP_ISOLATION_OFF
    if not meant | overrides:
        return tuple(gone)
    there = configure("conversational_flow", **(meant | overrides))
    return (there, " and ", *gone) if gone else (there,)


def legacy_turn_taking(
    document: PersonaDocument, catalog: Catalog
) -> Iterator[tuple[FieldFacts, Any]]:
    """Yield the legacy turn-taking fields that are stored, with their values."""
    for facts in catalog.fields("stt"):
        value = document.value(f"/layers/stt/{facts.name}")
        if facts.status == "legacy" and is_set(value):
            yield facts, value


def flow_overrides_stt(document: PersonaDocument, catalog: Catalog) -> bool:
    """Tell whether conversational_flow is in use with a model that overrides this layer."""
    flow = document.layer("conversational_flow")
    stored = catalog.turn_models.find(text(flow.get("turn_detection_model")))
    return bool(flow) and not (stored and stored.status in DISCOURAGED_STATUSES)


def _successor_field(facts: FieldFacts, value: Any) -> dict[str, Any]:
    """Return the field of conversational_flow that says the same, if any does."""
    name = (facts.successor or "").partition(".")[2]
    today = facts.successor_values.get(str(value).lower())
    return {name: today} if name and today is not None else {}


def _unsupported_languages(document: PersonaDocument, catalog: Catalog) -> list[str]:
    """Return the languages of the persona that its engine is known not to hear."""
    engine = document.text(_ENGINE)
    support = catalog.stt_support.find(engine)
    if support is None or not support.complete:
        return []
    spoken = {one.code for one in catalog.languages} & set(document.languages)
    return sorted(spoken - set(support.codes))
