"""Rules about the perception layer: what Raven sees and hears."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog, FieldFacts
from tavus_mcp.models.document import Document
from tavus_mcp.usecases.rules.calls import Call, Stored, configure, drop, moved
from tavus_mcp.usecases.rules.look import (
    at,
    ended,
    entries,
    is_set,
    layer_of,
    raven,
    text,
)
from tavus_mcp.usecases.rules.rule import Hit, rule

_LAYER = "/layers/perception"
_MODEL = f"{_LAYER}/perception_model"
_MANY_QUERIES = 10
_USE_RAVEN = configure("perception", perception_model="raven-1")


@rule("perception-model-legacy", "warning", source="J:changelog, P:pal/perception")
def model_legacy(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Raven-0 sees only, and the model before it is gone."""
    facts = catalog.perception_model(text(at(document, _MODEL)))
    if facts and facts.successor:
        yield Hit(
            _MODEL,
            f"{facts.id} is {facts.status}{ended(catalog, _MODEL, facts.id)}.",
            configure("perception", perception_model=facts.successor),
        )


@rule("perception-queries-unused", "warning", source="J:persona/perception")
def queries_unused(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Without Raven nobody answers the questions."""
    if _sees(document, catalog):
        return
    for name, _ in _stored(document, "_queries"):
        yield Hit(
            f"{_LAYER}/{name}",
            f"{name} has no effect: the perception model is no Raven.",
            _USE_RAVEN,
            f", or {drop('perception', name)}",
        )


@rule("perception-tools-unused", "warning", source="J:persona/perception")
def tools_unused(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Without Raven nothing calls the functions."""
    if _sees(document, catalog):
        return
    for name, _ in _stored(document, "_tools", "_prompt"):
        yield Hit(
            f"{_LAYER}/{name}",
            f"{name} has no effect: perception tools need Raven.",
            _USE_RAVEN,
            f", or {drop('perception', name)}",
        )


@rule("perception-audio-needs-raven-1", "warning", source="J:persona/perception")
def audio_needs_raven_1(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Raven-0 is deaf."""
    if text(at(document, _MODEL)) != "raven-0":
        return
    for name in ("audio_awareness_queries", "audio_tools", "audio_tool_prompt"):
        if is_set(at(document, f"{_LAYER}/{name}")):
            yield Hit(
                f"{_LAYER}/{name}",
                f"{name} has no effect: raven-0 sees but does not hear.",
                _USE_RAVEN,
            )


@rule("perception-ambient-awareness", "warning", source="SEED, J:persona/perception")
def ambient_awareness(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The switch is in early examples and in no docs page; what it does is not known."""
    wanted = at(document, f"{_LAYER}/ambient_awareness")
    if wanted is None:
        return
    asked = is_set(at(document, f"{_LAYER}/visual_awareness_queries"))
    queries = {} if asked else {"visual_awareness_queries": ["<QUERY>"]}
    today = {"perception_model": "raven-1", **queries} if wanted else {}
    yield Hit(
        f"{_LAYER}/ambient_awareness",
        "ambient_awareness stands in no docs page; today it is Raven with questions.",
        configure("perception", **today, unset=["ambient_awareness"]),
    )


@rule("perception-field-legacy", "warning", source="J:troubleshooting")
def field_legacy(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Old names are still accepted, but only the new ones are cared for."""
    for facts in _aliases(catalog):
        path, successor = f"{_LAYER}/{facts.name}", facts.successor
        if not is_set(at(document, path)):
            continue
        if successor is None:
            yield Hit(
                path,
                f"{facts.name} was removed; nothing reads it.",
                drop("perception", facts.name),
            )
            continue
        taken = is_set(at(document, f"{_LAYER}/{successor}"))
        yield Hit(
            path,
            f"{facts.name} is an older name of {successor}"
            + (", which is also set." if taken else "."),
            _moved(document, facts.name, successor, taken=taken),
        )


@rule("perception-entry-too-long", "error", source="J:persona/perception", refuses=True)
def entry_too_long(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Tavus answers an error for entries over its limit."""
    _, limit = _limits(catalog)
    for path, length in _lengths(document):
        if length > limit:
            yield Hit(
                path,
                f"{length:,} characters, and Raven takes at most {limit:,}.",
                "Shorten it, best below 1,000: ",
                _shorter(document, path),
            )


@rule("perception-entry-long", "warning", source="P:pal/perception-tool")
def entry_long(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Two pages name two limits; below the smaller one is safe."""
    advised, limit = _limits(catalog)
    for path, length in _lengths(document):
        if advised < length <= limit:
            yield Hit(
                path,
                f"{length:,} characters; one page of the docs allows {advised:,} only.",
                "Shorten it: ",
                _shorter(document, path),
            )


@rule("perception-prompt-without-tools", "warning", source="J:persona/perception")
def prompt_without_tools(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The text says when to call functions, and there are none."""
    if is_set(at(document, "/tool_ids")) or not _sees(document, catalog):
        return  # registry tools may be of origin vision or audio
    for kind in ("visual", "audio"):
        prompt, tools = f"{kind}_tool_prompt", f"{kind}_tools"
        if is_set(at(document, f"{_LAYER}/{prompt}")) and not _any(document, tools):
            yield Hit(
                f"{_LAYER}/{prompt}",
                f"{prompt} says when to call functions, and {tools} has none.",
                drop("perception", prompt),
                ", or add one with set_function_tool",
            )


@rule("perception-tools-without-prompt", "info", source="J:persona/perception")
def tools_without_prompt(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Raven calls a function more surely when it is told when."""
    for kind in ("visual", "audio") if _sees(document, catalog) else ():
        prompt, tools = f"{kind}_tool_prompt", f"{kind}_tools"
        if is_set(at(document, f"{_LAYER}/{tools}")) and not is_set(
            at(document, f"{_LAYER}/{prompt}")
        ):
            yield Hit(
                f"{_LAYER}/{tools}",
                f"No {prompt} says when these functions are to be called.",
                configure("perception", **{prompt: "<WHEN_TO_CALL>"}),
            )


@rule("perception-many-queries", "info", source="J:persona/perception")
def many_queries(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Every question is asked about once a second, and every answer fills the prompt."""
    for name, value in _stored(document, "_awareness_queries"):
        if isinstance(value, list) and len(value) > _MANY_QUERIES:
            yield Hit(
                f"{_LAYER}/{name}",
                f"{len(value)} questions are asked again and again; few and concrete ones work "
                "best.",
                "What is needed only after the call belongs in perception_analysis_queries: ",
                _fewer(document, name, value),
            )


@rule("perception-query-repeated", "info", source="J:persona/perception")
def query_repeated(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The same question twice costs twice and answers once."""
    for name, value in _stored(document, "_queries"):
        seen: set[str] = set()
        for index, query in entries(value):
            if query.strip().lower() in seen:
                yield Hit(
                    f"{_LAYER}/{name}/{index}",
                    "The same question stands here twice.",
                    "List each once: ",
                    configure("perception", **{name: [Stored(one) for one in _once(value)]}),
                )
            seen.add(query.strip().lower())


@rule("perception-emotion-full", "info", source="N1")
def emotion_full(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Reading emotions is restricted in the European Union."""
    if at(document, f"{_LAYER}/emotion_recognition") == "full":
        yield Hit(
            f"{_LAYER}/emotion_recognition",
            "Emotions are read in full, also in conversations under policy eu.",
            "Limit it there only: ",
            configure("perception", emotion_recognition="auto"),
        )


def _sees(document: Document, catalog: Catalog) -> bool:
    """Tell whether Raven looks; an older model has a rule of its own, which replaces it."""
    facts = catalog.perception_model(raven(document, catalog))
    return facts is None or facts.id != "off"


def _stored(document: Document, *endings: str) -> list[tuple[str, Any]]:
    """Return the fields that are set and whose names end in one of these ways."""
    stored = layer_of(document, "perception").items()
    return [(name, value) for name, value in stored if name.endswith(endings) and is_set(value)]


def _aliases(catalog: Catalog) -> list[FieldFacts]:
    ended_names = ("deprecated", "retired")
    return [facts for facts in catalog.fields("perception") if facts.status in ended_names]


def _moved(document: Document, name: str, successor: str, *, taken: bool) -> Call:
    """Return the call that moves a field to its new name, or drops it when that one is taken."""
    if taken:
        return drop("perception", name)
    if name == "ambient_awareness_queries":
        value = Stored(at(document, f"{_LAYER}/{name}"))
        return configure("perception", **{successor: value}, unset=[name])
    return moved(f"{_LAYER}/{name}", f"{_LAYER}/{successor}")


def _limits(catalog: Catalog) -> tuple[int, int]:
    """Return how long an entry should and may be."""
    facts = catalog.field("perception", "visual_awareness_queries")
    limit = (facts and facts.max_length) or 10_000
    return (facts and facts.advised_length) or limit, limit


def _lengths(document: Document) -> Iterator[tuple[str, int]]:
    """Yield the length of each text that Raven is given."""
    for name, value in _stored(document, "_queries", "_prompt"):
        if isinstance(value, str):
            yield f"{_LAYER}/{name}", len(value)
        for index, entry in entries(value):
            yield f"{_LAYER}/{name}/{index}", len(entry)


def _shorter(document: Document, path: str) -> Call:
    """Return the call that shortens a text, or one in a list."""
    name, _, index = path.removeprefix(f"{_LAYER}/").partition("/")
    if not index:
        return configure("perception", **{name: "<SHORTER_TEXT>"})
    listed = enumerate(at(document, f"{_LAYER}/{name}"))
    shorter = ["<SHORTER_TEXT>" if at == int(index) else Stored(one) for at, one in listed]
    return configure("perception", **{name: shorter})


def _fewer(document: Document, name: str, value: list[Any]) -> Call:
    """Return the call that keeps the first questions; what is seen can be asked after the call."""
    kept = {name: [Stored(one) for one in value[:_MANY_QUERIES]]}
    if name == "visual_awareness_queries":
        later = [one for _, one in entries(at(document, f"{_LAYER}/perception_analysis_queries"))]
        both = dict.fromkeys([*later, *(one for _, one in entries(value[_MANY_QUERIES:]))])
        kept["perception_analysis_queries"] = [Stored(one) for one in both]
    return configure("perception", **kept)


def _once(value: list[Any]) -> list[Any]:
    seen: dict[str, Any] = {}
    for _, query in entries(value):
        seen.setdefault(query.strip().lower(), query)
    return list(seen.values())


def _any(document: Document, tools: str) -> bool:
    return is_set(at(document, f"{_LAYER}/{tools}"))


RULES = (
    model_legacy,
    queries_unused,
    tools_unused,
    audio_needs_raven_1,
    ambient_awareness,
    field_legacy,
    entry_too_long,
    entry_long,
    prompt_without_tools,
    tools_without_prompt,
    many_queries,
    query_repeated,
    emotion_full,
)
