"""How the rules look at a document: whatever stands there, nothing raises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog, ChangelogEntry
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument

_END_OF_LIFE_KINDS = frozenset({"superseded", "deprecated", "retired"})


def is_set(value: object) -> bool:
    """Tell whether a field holds something; old reads show unset ones as empty texts or lists."""
    return value is not None and value not in ("", [], {})


def value_at(document: PersonaDocument, pointer: str) -> Any:
    """Return what stands at a pointer, or None: ``Document.at`` without lists, looked up once."""
    return document.values_by_pointer.get(pointer)


def layer_of(document: PersonaDocument, name: str) -> JsonObject:
    """Return a layer, empty when there is none."""
    layers = document.data.get("layers")
    layer = layers.get(name) if isinstance(layers, dict) else None
    return layer if isinstance(layer, dict) else {}


def text(value: object) -> str:
    """Return a text without the blanks around it, or an empty one for anything else."""
    return value.strip() if isinstance(value, str) else ""


def number(value: object) -> float | None:
    """Return a number; true and false are none, although Python counts them."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value


def indexed_texts(value: object) -> Iterator[tuple[int, str]]:
    """Yield the texts of a list with their places; anything else has none."""
    if isinstance(value, list):
        yield from ((index, item) for index, item in enumerate(value) if isinstance(item, str))


def languages(document: PersonaDocument) -> list[str]:
    """Return the language codes of a persona."""
    return [code for _, code in indexed_texts(value_at(document, "/languages")) if code]


def has_custom_llm(document: PersonaDocument) -> bool:
    """Tell whether an endpoint of one's own thinks, so that hosted limits do not hold."""
    return bool(text(value_at(document, "/layers/llm/base_url")))


def strip_quotes(value: str) -> str:
    """Return a text without blanks and quotation marks around it, as copying leaves them."""
    return value.strip(" \t\r\n\"'`\u00a0\u2018\u2019\u201c\u201d\u201e")


def recommended_llm(catalog: Catalog) -> str:
    """Return the hosted language model that Tavus fills in."""
    return next((model.id for model in catalog.llm_models() if model.default), "...")


def effective_perception_model(document: PersonaDocument, catalog: Catalog) -> str:
    """Return the perception model in effect: the stored one, else the default."""
    stored = text(value_at(document, "/layers/perception/perception_model"))
    return stored or next((one.id for one in catalog.perception_models() if one.default), "")


def deprecated_since(
    catalog: Catalog, path: str, value: str | None = None, *, preposition: str = "since"
) -> str:
    """Return ``" since DATE"`` for a field or value that was given up, else an empty text."""
    found: ChangelogEntry | None = None
    for change in catalog.changelog():
        if change.kind in _END_OF_LIFE_KINDS and (change.path, change.value) == (path, value):
            found = change
    if found is None:
        return ""
    return f" {preposition} {'about ' if found.approximate else ''}{found.date.isoformat()}"


def default_since(catalog: Catalog, path: str, value: str) -> str:
    """Return ``" since DATE"`` for what became the default, else an empty text."""
    for change in catalog.changelog():
        if change.kind == "default" and (change.path, change.value) == (path, value):
            return f" since {change.date.isoformat()}"
    return ""
