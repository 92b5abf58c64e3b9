"""Rules about the perception layer: what Raven sees and hears."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog, FieldFacts
from tavus_mcp.checker.fixes import (
    FixCall,
    UnprintedValue,
    alternative_fix,
    configure,
    move_field,
    patch,
    unset_fields,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.models.base import indexed_texts, is_set
from tavus_mcp.models.document import PersonaDocument

_LAYER = "/layers/perception"
_MODEL = f"{_LAYER}/perception_model"
_MAX_ADVISED_QUERIES = 10
_ANALYSIS_QUERIES = "perception_analysis_queries"
# Where questions may stand for now, or after the fix of another finding.
_VISUAL_QUERY_FIELDS = (
    "ambient_awareness_queries",
    "queries",
    "awareness_queries",
    "visual_queries",
)
_USE_RAVEN = configure("perception", perception_model="raven-1")


@rule("perception-model-legacy", "warning", source="J:changelog, P:pal/perception")
def model_legacy(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Raven-0 sees only, and the model before it is gone."""
    facts = catalog.perception_models.find(document.text(_MODEL))
    if facts and facts.successor:
        yield Violation(
            _MODEL,
            f"{facts.id} is {facts.status}{catalog.deprecated_since(_MODEL, facts.id)}.",
            configure("perception", perception_model=facts.successor),
        )


@rule("perception-queries-unused", "warning", source="J:persona/perception")
def queries_unused(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Without Raven nobody answers the questions."""
    if _has_raven(document, catalog):
        return
    for name, _ in _fields_ending_in(document, "_queries"):
        yield Violation(
            f"{_LAYER}/{name}",
            f"{name} has no effect: the perception model is no Raven.",
            _USE_RAVEN,
            ", or ",
            alternative_fix(unset_fields("perception", name)),
        )


@rule("perception-tools-unused", "warning", source="J:persona/perception")
def tools_unused(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Without Raven nothing calls the functions."""
    if _has_raven(document, catalog):
        return
    for name, _ in _fields_ending_in(document, "_tools", "_prompt"):
        yield Violation(
            f"{_LAYER}/{name}",
            f"{name} has no effect: perception tools need Raven.",
            _USE_RAVEN,
            ", or ",
            alternative_fix(unset_fields("perception", name)),
        )


@rule("perception-audio-needs-raven-1", "warning", source="J:persona/perception")
def audio_needs_raven_1(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Raven-0 is deaf."""
    if document.text(_MODEL) != "raven-0":
        return
    for name in ("audio_awareness_queries", "audio_tools", "audio_tool_prompt"):
        if document.is_set(f"{_LAYER}/{name}"):
            yield Violation(
                f"{_LAYER}/{name}",
                f"{name} has no effect: raven-0 sees but does not hear.",
                _USE_RAVEN,
            )


@rule("perception-ambient-awareness", "warning", source="SEED, J:persona/perception")
def ambient_awareness(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The switch is in early examples and in no docs page; what it does is not known."""
    wanted = document.value(f"{_LAYER}/ambient_awareness")
    if wanted is None:
        return
    names = ("visual_awareness_queries", *_VISUAL_QUERY_FIELDS)
    asked = any(document.is_set(f"{_LAYER}/{name}") for name in names)
    queries = {"perception_model": "raven-1", "visual_awareness_queries": ["<QUERY>"]}
    today = queries if wanted and not asked else {}
    yield Violation(
        f"{_LAYER}/ambient_awareness",
        "ambient_awareness stands in no docs page; today it is Raven with questions.",
        configure("perception", **today, unset=["ambient_awareness"]),
    )


@rule("perception-field-legacy", "warning", source="J:troubleshooting")
def field_legacy(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Old names are still accepted, but only the new ones are cared for."""
    for facts in _legacy_fields(catalog):
        path, successor = f"{_LAYER}/{facts.name}", facts.successor
        if not document.is_set(path):
            continue
        if successor is None:
            yield Violation(
                path,
                f"{facts.name} was removed; nothing reads it.",
                unset_fields("perception", facts.name),
            )
            continue
        taken = document.is_set(f"{_LAYER}/{successor}")
        yield Violation(
            path,
            f"{facts.name} is an older name of {successor}"
            + (", which is also set." if taken else "."),
            *_move_to_successor(document, catalog, successor),
        )


@rule("perception-entry-too-long", "error", source="J:persona/perception", blocks_write=True)
def entry_too_long(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus answers an error for entries over its limit."""
    _, limit = _entry_limits(catalog)
    for path, length in _entry_lengths(document):
        if length > limit:
            yield Violation(
                path,
                f"{length:,} characters, and Raven takes at most {limit:,}.",
                "Shorten it, best below 1,000: ",
                _shorten_entry(document, catalog, path),
            )


@rule("perception-entry-long", "warning", source="P:pal/perception-tool")
def entry_long(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Two pages name two limits; below the smaller one is safe."""
    advised, limit = _entry_limits(catalog)
    for path, length in _entry_lengths(document):
        if advised < length <= limit:
            yield Violation(
                path,
                f"{length:,} characters; one page of the docs allows {advised:,} only.",
                "Shorten it: ",
                _shorten_entry(document, catalog, path),
            )


@rule("perception-prompt-without-tools", "warning", source="J:persona/perception")
def prompt_without_tools(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The text says when to call functions, and there are none."""
    if document.is_set("/tool_ids") or not _has_raven(document, catalog):
        return  # registry tools may be of origin vision or audio
    for kind in ("visual", "audio"):
        prompt, tools = f"{kind}_tool_prompt", f"{kind}_tools"
        if document.is_set(f"{_LAYER}/{prompt}") and not _is_set_under_any_name(
            document, catalog, tools
        ):
            yield Violation(
                f"{_LAYER}/{prompt}",
                f"{prompt} says when to call functions, and {tools} has none.",
                unset_fields("perception", prompt),
                ", or add one with set_function_tool",
            )


@rule("perception-tools-without-prompt", "info", source="J:persona/perception")
def tools_without_prompt(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Raven calls a function more surely when it is told when."""
    for kind in ("visual", "audio") if _has_raven(document, catalog) else ():
        prompt, tools = f"{kind}_tool_prompt", f"{kind}_tools"
        if document.is_set(f"{_LAYER}/{tools}") and not _is_set_under_any_name(
            document, catalog, prompt
        ):
            yield Violation(
                f"{_LAYER}/{tools}",
                f"No {prompt} says when these functions are to be called.",
                configure("perception", **{prompt: "<WHEN_TO_CALL>"}),
            )


@rule("perception-many-queries", "info", source="J:persona/perception")
def many_queries(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Every question is asked about once a second, and every answer fills the prompt."""
    for name, value in _fields_ending_in(document, "_awareness_queries"):
        if isinstance(value, list) and len(value) > _MAX_ADVISED_QUERIES:
            yield Violation(
                f"{_LAYER}/{name}",
                f"{len(value)} questions are asked again and again; few and concrete ones work "
                "best.",
                "What is needed only after the call belongs in perception_analysis_queries: ",
                _fix_list(document, catalog, name),
            )


@rule("perception-query-repeated", "info", source="J:persona/perception")
def query_repeated(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The same question twice costs twice and answers once."""
    for name, value in _fields_ending_in(document, "_queries"):
        seen: set[str] = set()
        for index, query in indexed_texts(value):
            if query.strip().lower() in seen:
                yield Violation(
                    f"{_LAYER}/{name}/{index}",
                    "The same question stands here twice.",
                    "List each once: ",
                    _fix_list(document, catalog, name),
                )
            seen.add(query.strip().lower())


@rule("perception-emotion-full", "info", source="N1")
def emotion_full(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Reading emotions is restricted in the European Union."""
    if document.value(f"{_LAYER}/emotion_recognition") == "full":
        yield Violation(
            f"{_LAYER}/emotion_recognition",
            "Emotions are read in full, also in conversations under policy eu.",
            "Limit it there only: ",
            configure("perception", emotion_recognition="auto"),
        )


def _has_raven(document: PersonaDocument, catalog: Catalog) -> bool:
    """Tell whether Raven looks; an older model has a rule of its own, which replaces it."""
    facts = catalog.perception_models.find(catalog.effective_perception_model(document))
    return facts is None or facts.id != "off"


def _fields_ending_in(document: PersonaDocument, *endings: str) -> list[tuple[str, Any]]:
    """Return the fields that are set and whose names end in one of these ways."""
    stored = document.layer("perception").items()
    return [(name, value) for name, value in stored if name.endswith(endings) and is_set(value)]


def _legacy_fields(catalog: Catalog) -> list[FieldFacts]:
    ended_names = ("deprecated", "retired")
    return [facts for facts in catalog.fields("perception") if facts.status in ended_names]


def _move_to_successor(
    document: PersonaDocument, catalog: Catalog, successor: str
) -> tuple[str | FixCall, ...]:
    """Return the call that gives all that stands under older names of a field to the new one.

    It is the same for each of them, so that none is left to override, or to be dropped.
    """
    target = f"{_LAYER}/{successor}"
    names = [one.name for one in _legacy_fields(catalog) if one.successor == successor]
    older = {name: document.value(f"{_LAYER}/{name}") for name in names}
    older = {name: value for name, value in older.items() if is_set(value)}
    values = [value for value in (document.value(target), *older.values()) if is_set(value)]
    if successor == "visual_awareness_queries":
        listed = [one for value in values if isinstance(value, list) for one in value]
        return (
            configure(
                "perception", **{successor: _fix_entries(catalog, listed)}, unset=list(older)
            ),
        )
    if len(values) == 1:
        return (move_field(f"{_LAYER}/{next(iter(older))}", target),)
    gone = [{"op": "remove", "path": f"{_LAYER}/{name}"} for name in older]
    return "Keep both: ", patch(
        {"op": "add", "path": target, "value": _merge_values(values)}, *gone
    )


def _merge_values(values: list[Any]) -> Any:
    """Return what stood under several names as one: each entry, or each text, once."""
    if all(isinstance(value, str) for value in values):
        return UnprintedValue("\n\n".join(dict.fromkeys(values)))
    listed = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return UnprintedValue([one for index, one in enumerate(listed) if one not in listed[:index]])


def _entry_limits(catalog: Catalog) -> tuple[int, int]:
    """Return how long an entry should and may be."""
    facts = catalog.field("perception", "visual_awareness_queries")
    limit = (facts and facts.max_length) or 10_000
    return (facts and facts.advised_length) or limit, limit


def _entry_lengths(document: PersonaDocument) -> Iterator[tuple[str, int]]:
    """Yield the length of each text that Raven is given."""
    for name, value in _fields_ending_in(document, "_queries", "_prompt"):
        if isinstance(value, str):
            yield f"{_LAYER}/{name}", len(value)
        for index, entry in indexed_texts(value):
            yield f"{_LAYER}/{name}/{index}", len(entry)


def _shorten_entry(document: PersonaDocument, catalog: Catalog, path: str) -> FixCall:
    """Return the call that shortens a text, or what is too long in a list."""
    name, _, index = path.removeprefix(f"{_LAYER}/").partition("/")
    if not index:
        return configure("perception", **{name: "<SHORTER_TEXT>"})
    return _fix_list(document, catalog, name)


def _fix_list(document: PersonaDocument, catalog: Catalog, name: str) -> FixCall:
    """Return the call that mends all of a list at once: each entry once, not too long, not too
    many; what is seen can be asked after the call.
    """
    tidy = _fix_entries(catalog, document.value(f"{_LAYER}/{name}"))
    if not name.endswith("_awareness_queries"):
        return configure("perception", **{name: tidy})
    kept, rest = {name: tidy[:_MAX_ADVISED_QUERIES]}, tidy[_MAX_ADVISED_QUERIES:]
    if rest and name == "visual_awareness_queries":
        later = _fix_entries(catalog, document.value(f"{_LAYER}/{_ANALYSIS_QUERIES}") or [])
        kept[_ANALYSIS_QUERIES] = [*later, *(one for one in rest if one not in later)]
    return configure("perception", **kept)


def _fix_entries(catalog: Catalog, values: list[Any]) -> list[Any]:
    """Return entries each once, with a choice for what is longer than it should be."""
    advised, _ = _entry_limits(catalog)
    once: dict[str, str] = {}
    for _, entry in indexed_texts(values):
        once.setdefault(entry.strip().lower(), entry)
    return [
        UnprintedValue(one) if len(one) <= advised else "<SHORTER_TEXT>" for one in once.values()
    ]


def _is_set_under_any_name(document: PersonaDocument, catalog: Catalog, name: str) -> bool:
    """Tell whether a field is set, under its own name or an older one."""
    older = [one.name for one in _legacy_fields(catalog) if one.successor == name]
    return any(document.is_set(f"{_LAYER}/{one}") for one in (name, *older))
