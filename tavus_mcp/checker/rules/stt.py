"""Rules about the STT layer: engine, languages, hotwords and its legacy turn-taking fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.conversion_fixes import conversion_calls
from tavus_mcp.checker.fixes import configure, unset_fields
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint, Match, discouraged_choice
from tavus_mcp.deprecations.conversion import Operations, assign
from tavus_mcp.deprecations.fields import join_hotwords, replace_stt_engine
from tavus_mcp.deprecations.turn_taking import (
    FLOW,
    convert_turn_taking,
    flow_overrides_stt,
    is_flow_used,
    legacy_fields,
    pin_defaults,
    replace_turn_taking,
    source_path,
)
from tavus_mcp.models.document import PersonaDocument

_ENGINE = "/layers/stt/stt_engine"


@rule("stt-engine-deprecated", "info", source="J:persona/stt, D:get-persona")
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
    return conversion_calls(replace_stt_engine(match.document, match.catalog))


@rule("stt-language-not-heard", "warning", source="J:persona/stt")
def language_not_supported(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An engine transcribes a language that it does not support as something else."""
    if missing := _unsupported_languages(document, catalog):
        yield Violation(
            _ENGINE,
            f"{document.text(_ENGINE)} does not recognise {', '.join(missing)}, which the persona "
            "speaks.",
            "Let Tavus choose the engine by language: ",
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
        f"The persona has several languages, and {facts.id} cannot follow when the speaker "
        "changes the language.",
        configure("stt", stt_engine=engines[0]),
        f"; engines that can: {', '.join(engines)}",
    )


@rule("stt-hotwords-list", "warning", source="J:persona/stt, V:pal.py")
def hotwords_list(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """One schema of Tavus types hotwords as a list, all others as a text."""
    path = "/layers/stt/hotwords"
    if isinstance(document.value(path), list):
        yield Violation(
            path,
            "hotwords is one text, not a list.",
            *conversion_calls(join_hotwords(document, catalog)),
        )


@rule("stt-turn-taking-overridden", "warning", source="D:persona/conversational-flow")
def turn_taking_overridden(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The conversational_flow layer overrides the turn-taking fields of the stt layer."""
    if not flow_overrides_stt(document, catalog):
        return
    for facts in legacy_fields(document, catalog):
        yield Violation(
            source_path(facts),
            f"{facts.name} has no effect: the conversational_flow layer overrides it.",
            unset_fields("stt", facts.name),
            f"; set {facts.successor} instead",
        )


@rule("stt-turn-taking-legacy", "info", source="D:persona/conversational-flow, J:changelog")
def turn_taking_legacy(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Turn-taking moved to conversational_flow; some of its fields have an inverted scale."""
    if flow_overrides_stt(document, catalog):
        return
    fields = legacy_fields(document, catalog)
    for facts in fields:
        path = source_path(facts)
        note = f" {facts.note}" if facts.note else ""
        others = [field.name for field in fields if field is not facts]
        moves = "moves" if len(others) == 1 else "move"
        yield Violation(
            path,
            f"{facts.name} is legacy{catalog.deprecated_since(path)}; today's field is "
            f"{facts.successor}.{note}"
            + (f" {' and '.join(others)} {moves} with it." if others else ""),
            *_convert_turn_taking(document, catalog),
        )


def to_conversational_flow(
    document: PersonaDocument,
    catalog: Catalog,
    defaults: Mapping[str, Any] = MappingProxyType({}),
    **overrides: Any,
) -> Hint:
    """Return the calls that set fields of conversational_flow, with all that stt holds for it.

    The turn-taking fields of stt are moved together, whichever finding asks for it: once
    conversational_flow is in use, the fields left in stt have no effect. ``overrides`` take
    precedence over the moved values, these over ``defaults``.
    """
    decided = {f"{FLOW}/{name}" for name in overrides}
    moved: Operations = []
    if not flow_overrides_stt(document, catalog):
        moved = replace_turn_taking(document, catalog, decided, activate=True)
        assigned = {operation.path for operation in moved if operation.kind == "set"}
        if decided and not assigned and not is_flow_used(document):
            moved += pin_defaults(catalog, decided)
    operations = [*_assign_fields(defaults), *moved, *_assign_fields(overrides)]
    last = {operation.path: operation for operation in operations}
    return conversion_calls(last.values())


def _assign_fields(values: Mapping[str, Any]) -> Operations:
    return [assign("turn_taking", f"{FLOW}/{name}", value) for name, value in values.items()]


def _convert_turn_taking(document: PersonaDocument, catalog: Catalog) -> Hint:
    """Return the calls of the conversion; what it keeps is offered to be replaced."""
    operations = convert_turn_taking(document, catalog)
    if any(operation.kind == "keep" for operation in operations):
        operations = replace_turn_taking(document, catalog, activate=True)
    return conversion_calls(operations)


def _unsupported_languages(document: PersonaDocument, catalog: Catalog) -> list[str]:
    """Return the languages of the persona that its engine is known not to support."""
    engine = document.text(_ENGINE)
    support = catalog.stt_support.find(engine)
    if support is None or not support.complete:
        return []
    known = {language.code for language in catalog.languages}
    return sorted(known & set(document.languages) - set(support.codes))
