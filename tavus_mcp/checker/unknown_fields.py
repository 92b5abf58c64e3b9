"""What an unknown field of a persona probably means: the one answer that all tools give.

In this order: the table of foreign names (``catalog.foreign_fields``), the same name in another
spelling (``systemPrompt``), the only other field of this name, and the nearest name. Where nothing
is near, nothing is guessed; a name is never taken for an id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Any

from pydantic import ValidationError

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.foreign_fields import (
    ForeignField,
    find_foreign_field,
    spell_in_snake_case,
)
from tavus_mcp.checker.rules.persona import find_language_code
from tavus_mcp.checker.value_forms import may_be_value
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.json_patch import pointer_of, pointer_tokens
from tavus_mcp.models.layers import LAYER_NAMES, Layers
from tavus_mcp.models.persona import Persona
from tavus_mcp.models.validation_errors import child_schema
from tavus_mcp.text import find_nearest

_ID_ENDINGS = ("_id", "_ids")
_MIN_LIKENESS = 0.72
_MAX_DEPTH = 6
"""How deep the objects of foreign documents are read."""


@dataclass(frozen=True)
class Meaning:
    """What an unknown field means.

    ``reason`` ends a sentence, empty if only the spelling led here. ``values`` are the fields that
    the value belongs to, by JSON Pointer, converted to their form. ``unplaced`` names the members
    of an object value that a persona has no field for.
    """

    reason: str
    values: tuple[tuple[str, Any], ...] = ()
    unplaced: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The JSON Pointers of the fields."""
        return tuple(pointer for pointer, _ in self.values)


def describe_meaning(meaning: Meaning, render_target: Callable[[str], str] = repr) -> str:
    """Return what an unknown field means and what to give instead, as the end of a sentence.

    The sentence begins with "unknown field". ``render_target`` renders a JSON Pointer in the terms
    of the caller.
    """
    targets = " and ".join(map(render_target, meaning.targets))
    if not meaning.reason:
        return f"; did you mean {targets}?"
    return f" here: {meaning.reason}" + (f". Give {targets} instead" if targets else "")


def find_meaning(pointer: str, value: Any, catalog: Catalog) -> Meaning | None:
    """Return what the unknown field at a pointer means, or None when nothing is near."""
    *parents, name = pointer_tokens(pointer)
    known = find_known_meaning(pointer, value, catalog)
    if known is not None:
        return known
    nearest = find_nearest_field(name, field_names(parents))
    return Meaning("", ((pointer_of([*parents, nearest]), value),)) if nearest else None


def find_known_meaning(pointer: str, value: Any, catalog: Catalog) -> Meaning | None:
    """Return what the unknown field at a pointer means, or None if only its spelling could tell."""
    *parents, name = pointer_tokens(pointer)
    return _find_known_meaning(parents, name, value, catalog, _MAX_DEPTH)


def find_nearest_field(name: str, fields: Iterable[str]) -> str | None:
    """Return the field whose name is nearest, or None; a name is never taken for an id.

    Names that only share letters, such as voice_temperature and is_template, are not near.
    """
    nearest = find_nearest(name, fields)
    if nearest is None:
        return None
    is_name_for_id = name.lower().endswith(("name", "names")) and nearest.endswith(_ID_ENDINGS)
    is_alike = SequenceMatcher(None, name.lower(), nearest).ratio() >= _MIN_LIKENESS
    return nearest if is_alike and not is_name_for_id else None


def _find_known_meaning(
    parents: Sequence[str], name: str, value: Any, catalog: Catalog, depth: int
) -> Meaning | None:
    entry = find_foreign_field(parents, name, value)
    if entry is not None:
        return _meaning_of_entry(entry, name, value, catalog, depth)
    snake_case = spell_in_snake_case(name)
    if snake_case != name and snake_case in field_names(parents):
        return Meaning("", ((pointer_of([*parents, snake_case]), value),))
    target = _find_other_pointer(parents, name) or _find_other_pointer(parents, snake_case)
    return _meaning_elsewhere(target, value, catalog, depth) if target else None


def _meaning_of_entry(
    entry: ForeignField, name: str, value: Any, catalog: Catalog, depth: int
) -> Meaning:
    if entry.layer is not None and isinstance(value, dict) and depth:
        parents = ["layers", entry.layer] if entry.layer else []
        values, unplaced = _place_members(parents, value, catalog, depth - 1)
        return Meaning(entry.why, values, unplaced)
    if entry.to is None:
        return Meaning(entry.why)
    target = entry.to.format(name=spell_in_snake_case(name))
    return Meaning(entry.why, ((target, _convert_value(value, entry, catalog)),))


def _meaning_elsewhere(target: str, value: Any, catalog: Catalog, depth: int) -> Meaning:
    """Return the meaning of a field that stands in the wrong object."""
    parent = target.rpartition("/")[0]
    reason = f"it belongs to {parent or 'the persona itself'}"
    tokens = pointer_tokens(target)
    if isinstance(value, dict) and len(tokens) == 2 and depth:
        is_layer = fits(target, value) and not any(
            find_foreign_field(tokens, name, member) for name, member in value.items()
        )
        if is_layer:
            return Meaning(reason, ((target, value),))
        return Meaning(reason, *_place_members(list(tokens), value, catalog, depth - 1))
    return Meaning(reason, ((target, value),))


def _place_members(
    parents: Sequence[str], members: JsonObject, catalog: Catalog, depth: int
) -> tuple[tuple[tuple[str, Any], ...], tuple[str, ...]]:
    """Return the fields that the members of an object belong to, and the names of the others."""
    placed: dict[str, Any] = {}
    unplaced: list[str] = []
    for name, value in members.items():
        values, inner = _place_member(parents, name, value, catalog, depth)
        unplaced += [f"{name}/{member}" for member in inner] if values else [name]
        for target, item in values:
            placed.setdefault(target, item)
    return tuple(placed.items()), tuple(unplaced)


def _place_member(
    parents: Sequence[str], name: str, value: Any, catalog: Catalog, depth: int
) -> tuple[list[tuple[str, Any]], tuple[str, ...]]:
    """Return the fields that one member belongs to, and the names in it that have none.

    A name that means something else in other products, such as voice_id, goes by the table.
    """
    meaning: Meaning | None = Meaning("", ((pointer_of([*parents, name]), value),))
    if name not in field_names(parents) or find_foreign_field(parents, name, value):
        meaning = _find_known_meaning(parents, name, value, catalog, depth)
    if meaning is None:
        return [], ()
    values = [pair for pair in meaning.values if fits(*pair) and may_be_value(*pair, catalog)]
    return values, meaning.unplaced


def _convert_value(value: Any, entry: ForeignField, catalog: Catalog) -> Any:
    """Return a value in the form that the meant field takes."""
    if entry.spellings and isinstance(value, str):
        value = entry.spellings.get(value, value)
    match entry.form, value:
        case "language-codes", str():
            code = find_language_code(value, catalog)
            return [code] if code else value
        case "text", list() if all(isinstance(item, str) for item in value):
            return ", ".join(value)
        case "list", str():
            return [value]
        case "system-message", list():
            return _system_message(value) or value
        case "functions", list():
            return [_wrap_function(item) for item in value]
    return value


def _system_message(messages: list[Any]) -> str:
    """Return the text of the system messages of a chat, or an empty text."""
    texts = [
        item["content"]
        for item in messages
        if isinstance(item, dict)
        and item.get("role") in ("system", "developer")
        and isinstance(item.get("content"), str)
    ]
    return "\n\n".join(texts)


def _wrap_function(tool: Any) -> Any:
    """Return a flat function, as some APIs of OpenAI take it, in the form of a persona."""
    is_flat = isinstance(tool, dict) and tool.get("type") == "function" and "function" not in tool
    if not is_flat or "name" not in tool:
        return tool
    return {
        "type": "function",
        "function": {key: value for key, value in tool.items() if key != "type"},
    }


def fits(pointer: str, value: Any) -> bool:
    """Return True if the schema of a persona takes a value at a pointer."""
    nested = value
    for token in reversed(pointer_tokens(pointer)):
        nested = {token: nested}
    try:
        Persona.model_validate(nested)
    except ValidationError:
        return False
    return True


def _find_other_pointer(parents: Sequence[str], name: str) -> str | None:
    """Return the only other field of this name, if there is exactly one."""
    pointers = [
        pointer
        for pointer in _pointers_by_name().get(name, ())
        if pointer_tokens(pointer)[:-1] != tuple(parents)
    ]
    return pointers[0] if len(pointers) == 1 else None


@cache
def _pointers_by_name() -> dict[str, list[str]]:
    """Return the JSON Pointers of the fields of the persona and its layers, by name."""
    pointers: dict[str, list[str]] = {}
    for pointer in _iter_pointers():
        pointers.setdefault(pointer_tokens(pointer)[-1], []).append(pointer)
    return pointers


def _iter_pointers() -> Iterator[str]:
    yield from (f"/{name}" for name in Persona.model_fields)
    for layer in Layers.model_fields:
        yield f"/layers/{layer}"
        properties = field_schema(["layers", layer]).get("properties", {})
        for name, schema in properties.items():
            if not schema.get("deprecated"):
                yield f"/layers/{layer}/{name}"


def field_names(parents: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the fields that an object of a persona has."""
    if list(parents) == ["layers"]:
        return LAYER_NAMES
    return tuple(field_schema(parents).get("properties", {}))


def field_schema(tokens: Sequence[str]) -> JsonObject:
    """Return the schema of a field of a persona, empty if it is not known."""
    root = _persona_schema()
    node: JsonObject | None = root
    for token in tokens:
        key = int(token) if token.isdecimal() else token
        node = child_schema(node, key, root) if node is not None else None
    return node or {}


@cache
def _persona_schema() -> JsonObject:
    return Persona.model_json_schema()
