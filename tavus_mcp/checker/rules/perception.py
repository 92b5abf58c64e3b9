"""Rules about the perception layer: the Raven models, their queries and tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tavus_mcp.catalog import Catalog, FieldFacts
from tavus_mcp.checker.conversion_fixes import conversion_calls
from tavus_mcp.checker.fixes import (
    Alternative,
    FixCall,
    UnprintedValue,
    configure,
    move_field,
    set_at,
    unset_at,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint, Match, discouraged_choice, no_effect
from tavus_mcp.deprecations.fields import replace_perception_model
from tavus_mcp.deprecations.perception import (
    older_fields,
    rename_field,
    replace_ambient_awareness,
)
from tavus_mcp.models.base import indexed_texts, is_set
from tavus_mcp.models.document import PersonaDocument

_LAYER = "/layers/perception"
_MODEL = f"{_LAYER}/perception_model"
_MAX_ADVISED_QUERIES = 10
_ANALYSIS_QUERIES = "perception_analysis_queries"
_TOOL_FIELDS = (("visual_tool_prompt", "visual_tools"), ("audio_tool_prompt", "audio_tools"))


@rule("perception-model-legacy", "info", source="J:changelog, P:pal/perception")
@discouraged_choice(
    _MODEL,
    Catalog.perception_models,
    {"legacy": "{facts.id} is legacy{since}: it sees, and does not hear."},
)
def model_legacy(match: Match) -> Hint:
    """raven-0 processes video only."""
    return conversion_calls(replace_perception_model(match.document, match.catalog))


@rule("perception-model-retired", "warning", source="J:persona/perception, D:persona/perception")
@discouraged_choice(
    _MODEL,
    Catalog.perception_models,
    {"retired": "Tavus removed the perception model {facts.id}{since}."},
    preposition="on",
)
def model_retired(match: Match) -> Hint:
    """The model before Raven was removed: Tavus uses another one, or none."""
    return conversion_calls(replace_perception_model(match.document, match.catalog))


def _is_raven_off(document: PersonaDocument, catalog: Catalog) -> bool:
    """Return True if no Raven model is in effect; models before Raven have a rule of their own."""
    facts = catalog.perception_models.find(catalog.effective_perception_model(document))
    return facts is not None and facts.id == "off"


def _paths_ending_in(*endings: str) -> Callable[[PersonaDocument, Catalog], Iterator[str]]:
    def find_paths(document: PersonaDocument, catalog: Catalog) -> Iterator[str]:
        yield from (path for path, _ in _fields_ending_in(document, *endings))

    return find_paths


def _use_raven(match: Match) -> FixCall:
    """Return the call that sets the model, and what the tools it makes effective need with it."""
    prompts = _missing_prompts(match.document, match.catalog)
    needed = {prompt: "<WHEN_TO_CALL>" for prompt, _ in prompts}
    return configure("perception", perception_model="raven-1", **needed)


def _missing_prompts(document: PersonaDocument, catalog: Catalog) -> list[tuple[str, str]]:
    """Return the prompts that are not set beside their tools, with the fields of the tools."""
    return [
        (prompt, tools)
        for prompt, tools in _TOOL_FIELDS
        if document.is_set(f"{_LAYER}/{tools}")
        and not _is_set_under_any_name(document, catalog, prompt)
    ]


def _use_raven_or_unset(match: Match) -> Hint:
    return _use_raven(match), ", or ", Alternative(match.unset())


@rule("perception-queries-unused", "warning", source="J:persona/perception")
@no_effect(
    _paths_ending_in("_queries"),
    when=_is_raven_off,
    because="{name} has no effect, because perception is off.",
)
def queries_unused(match: Match) -> Hint:
    """Only Raven answers queries."""
    return _use_raven_or_unset(match)


@rule("perception-tools-unused", "warning", source="J:persona/perception")
@no_effect(
    _paths_ending_in("_tools", "_prompt"),
    when=_is_raven_off,
    because="{name} has no effect, because perception is off.",
)
def tools_unused(match: Match) -> Hint:
    """Only Raven calls perception tools."""
    return _use_raven_or_unset(match)


@rule("perception-audio-needs-raven-1", "warning", source="J:persona/perception")
@no_effect(
    tuple(
        f"{_LAYER}/{name}"
        for name in ("audio_awareness_queries", "audio_tools", "audio_tool_prompt")
    ),
    when=lambda document, _: document.text(_MODEL) == "raven-0",
    because="{name} has no effect, because raven-0 does not hear.",
)
def audio_needs_raven_1(match: Match) -> Hint:
    """raven-0 processes video only; audio queries and tools have no effect."""
    return (_use_raven(match),)


@rule("perception-ambient-awareness", "info", source="SEED, J:persona/perception")
def ambient_awareness(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """ambient_awareness is in early examples and in no page of the docs; its effect is unknown."""
    if operations := replace_ambient_awareness(document, catalog):
        yield Violation(
            f"{_LAYER}/ambient_awareness",
            "ambient_awareness is undocumented; Raven's visual_awareness_queries replace it.",
            *conversion_calls(
                replace(operation, value=["<QUERY>"]) if operation.kind == "set" else operation
                for operation in operations
            ),
        )


@rule("perception-field-legacy", "info", source="J:troubleshooting")
def field_legacy(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Older field names are accepted, but only the new ones are maintained."""
    for facts in older_fields(catalog):
        path, successor = f"{_LAYER}/{facts.name}", facts.successor
        if not document.is_set(path) or successor is None:
            continue
        is_taken = document.is_set(f"{_LAYER}/{successor}")
        yield Violation(
            path,
            f"{facts.name} is an older name of {successor}"
            + (", which is also set." if is_taken else "."),
            *_rename_field(document, catalog, facts),
        )


@rule("perception-field-removed", "warning", source="J:troubleshooting, D:get-persona")
def field_removed(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A field that Tavus removed has no effect."""
    for facts in older_fields(catalog):
        path = f"{_LAYER}/{facts.name}"
        if facts.successor is None and document.is_set(path):
            message = f"Tavus removed {facts.name}, so it has no effect."
            yield Violation(path, message, "Remove it: ", unset_at(path))


@rule("perception-entry-too-long", "error", source="J:persona/perception", blocks_write=True)
def entry_too_long(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus rejects entries over its limit."""
    _, limit = _entry_limits(catalog)
    for path, length in _entry_lengths(document):
        if length > limit:
            yield Violation(
                path,
                f"This text has {length:,} characters, and Raven takes at most {limit:,}.",
                "Shorten it, if possible below 1,000: ",
                _shorten_entry(document, catalog, path),
            )


@rule("perception-entry-long", "warning", source="P:pal/perception-tool")
def entry_long(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Two pages of the docs give two limits; texts below the smaller one are safe."""
    advised, limit = _entry_limits(catalog)
    for path, length in _entry_lengths(document):
        if advised < length <= limit:
            yield Violation(
                path,
                f"This text has {length:,} characters; one docs page allows only {advised:,}.",
                "Shorten it: ",
                _shorten_entry(document, catalog, path),
            )


@rule("perception-prompt-without-tools", "warning", source="J:persona/perception")
def prompt_without_tools(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A tool prompt without tools says when to call functions that do not exist."""
    if document.is_set("/tool_ids") or _is_raven_off(document, catalog):
        return  # tools of the registry can be vision or audio tools
    for prompt, tools in _TOOL_FIELDS:
        path = f"{_LAYER}/{prompt}"
        if document.is_set(path) and not _is_set_under_any_name(document, catalog, tools):
            yield Violation(
                path,
                f"{prompt} says when to call functions, but {tools} is empty.",
                unset_at(path),
                ", or add one with set_function_tool",
            )


@rule("perception-tools-without-prompt", "info", source="J:persona/perception")
def tools_without_prompt(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Raven calls functions more reliably if a prompt says when."""
    if _is_raven_off(document, catalog):
        return
    for prompt, tools in _missing_prompts(document, catalog):
        yield Violation(
            f"{_LAYER}/{tools}",
            f"{prompt} is not set, so Raven must guess when to call these functions.",
            configure("perception", **{prompt: "<WHEN_TO_CALL>"}),
        )


@rule("perception-many-queries", "info", source="J:persona/perception")
def many_queries(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Raven answers each query about once a second, and each answer is added to the prompt."""
    for path, value in _fields_ending_in(document, "_awareness_queries"):
        if isinstance(value, list) and len(value) > _MAX_ADVISED_QUERIES:
            yield Violation(
                path,
                f"Raven answers {len(value)} questions about once a second; a few concrete ones "
                "work best.",
                "Move what you need only after the call to perception_analysis_queries: ",
                _fix_list(document, catalog, path),
            )


@rule("perception-query-repeated", "info", source="J:persona/perception")
def query_repeated(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A repeated query costs twice and adds no answer."""
    for path, value in _fields_ending_in(document, "_queries"):
        seen: set[str] = set()
        for index, entry in indexed_texts(value):
            query = entry.strip().lower()
            if query in seen:
                yield Violation(
                    f"{path}/{index}",
                    "This question is in the list twice.",
                    "List each once: ",
                    _fix_list(document, catalog, path),
                )
            seen.add(query)


@rule("perception-emotion-full", "info", source="N1")
def emotion_full(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Emotion recognition is restricted in the European Union."""
    path = f"{_LAYER}/emotion_recognition"
    if document.value(path) == "full":
        yield Violation(
            path,
            "Emotion recognition is full, also in conversations under policy eu.",
            "Limit it in those conversations only: ",
            set_at(path, "auto"),
        )


def _fields_ending_in(document: PersonaDocument, *endings: str) -> list[tuple[str, Any]]:
    """Return path and value of the set fields whose names end in one of these ways."""
    return [
        (f"{_LAYER}/{name}", value)
        for name, value in document.layer("perception").items()
        if name.endswith(endings) and is_set(value)
    ]


def _rename_field(document: PersonaDocument, catalog: Catalog, facts: FieldFacts) -> Hint:
    """Return the call that moves a field to its successor; entries too long are to be shortened."""
    operations = rename_field(document, facts)
    if facts.successor == "visual_awareness_queries":
        return conversion_calls(
            replace(operation, value=_fix_entries(catalog, operation.value), is_stored=False)
            if operation.kind == "set"
            else operation
            for operation in operations
        )
    target = f"{_LAYER}/{facts.successor}"
    if not document.is_set(target):
        return (move_field(f"{_LAYER}/{facts.name}", target),)
    is_joined = operations[0].kind == "set"
    return "Keep both: " if is_joined else "Remove it: ", *conversion_calls(operations)


def _entry_limits(catalog: Catalog) -> tuple[int, int]:
    """Return the advised and the maximum length of an entry, in characters."""
    facts = catalog.field("perception", "visual_awareness_queries")
    limit = (facts and facts.max_length) or 10_000
    return (facts and facts.advised_length) or limit, limit


def _entry_lengths(document: PersonaDocument) -> Iterator[tuple[str, int]]:
    """Yield path and length of each query and each tool prompt."""
    for path, value in _fields_ending_in(document, "_queries", "_prompt"):
        if isinstance(value, str):
            yield path, len(value)
        yield from ((f"{path}/{index}", len(entry)) for index, entry in indexed_texts(value))


def _shorten_entry(document: PersonaDocument, catalog: Catalog, path: str) -> FixCall:
    """Return the call that shortens a text, or all long texts of a list."""
    field, _, index = path.rpartition("/")
    return (
        _fix_list(document, catalog, field) if index.isdecimal() else set_at(path, "<SHORTER_TEXT>")
    )


def _fix_list(document: PersonaDocument, catalog: Catalog, path: str) -> FixCall:
    """Return the call that fixes a whole list: each entry once, not too long, not too many.

    Visual queries beyond the advised number are moved to the queries after the call.
    """
    name = path.removeprefix(f"{_LAYER}/")
    entries = _fix_entries(catalog, document.value(path))
    if not name.endswith("_awareness_queries"):
        return configure("perception", **{name: entries})
    fields, surplus = {name: entries[:_MAX_ADVISED_QUERIES]}, entries[_MAX_ADVISED_QUERIES:]
    if surplus and name == "visual_awareness_queries":
        stored = document.value(f"{_LAYER}/{_ANALYSIS_QUERIES}") or []
        analysis = _fix_entries(catalog, stored)
        fields[_ANALYSIS_QUERIES] = [*analysis, *(q for q in surplus if q not in analysis)]
    return configure("perception", **fields)


def _fix_entries(catalog: Catalog, values: list[Any]) -> list[Any]:
    """Return each entry once; those over the advised length become a placeholder."""
    advised, _ = _entry_limits(catalog)
    unique: dict[str, str] = {}
    for _, entry in indexed_texts(values):
        unique.setdefault(entry.strip().lower(), entry)
    return [
        UnprintedValue(entry) if len(entry) <= advised else "<SHORTER_TEXT>"
        for entry in unique.values()
    ]


def _is_set_under_any_name(document: PersonaDocument, catalog: Catalog, name: str) -> bool:
    """Return True if a field is set under its own name or an older one."""
    older = [facts.name for facts in older_fields(catalog) if facts.successor == name]
    return any(document.is_set(f"{_LAYER}/{field}") for field in (name, *older))
