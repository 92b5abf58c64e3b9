"""What does not fit the schema of a persona: unknown fields, wrong types, values in quotes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.facts import Habit
from tavus_mcp.checker.fixes import Call, Stored, moved, put, remove, unset
from tavus_mcp.checker.lookups import is_set
from tavus_mcp.checker.rule import Hit
from tavus_mcp.checker.rules.persona import language_code
from tavus_mcp.checker.rules.stt import said_today, turn_taking
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.json_patch import find, pointer_of, tokens
from tavus_mcp.models.layers import Layers
from tavus_mcp.models.persona import Persona
from tavus_mcp.models.validation_errors import Mistake, mistakes

UNKNOWN_FIELD = "unknown-field"
SHAPE = "shape"
VALUE_AS_TEXT = "value-as-text"
NAMES = (UNKNOWN_FIELD, SHAPE, VALUE_AS_TEXT)
"""What findings about the schema are called, beside the rules."""
_SOURCE = "D:create-persona"
_SCALARS = {"bool_type": "true or false", "float_type": "a number", "int_type": "a whole number"}
_YES = frozenset({"true", "t", "yes", "y", "on", "1"})
_MISSING = object()


def misfits(document: Document, catalog: Catalog) -> list[Finding]:
    """Return a finding for each field that is unknown or has a wrong type or value."""
    data = _without_blanks(document.written())
    try:
        Persona.model_validate(data, strict=True)
    except ValidationError as error:
        strict = mistakes(error, _schema(), kinds=_SCALARS)
    else:
        return []
    wrong = _mistakes(data)
    places = {item.path for item in wrong}
    quoted = [item for item in strict if item.path not in places and isinstance(item.value, str)]
    return [
        *(_finding(item, document, catalog) for item in wrong),
        *(_as_text(item, document) for item in quoted),
    ]


def _mistakes(data: JsonObject) -> list[Mistake]:
    try:
        Persona.model_validate(data)
    except ValidationError as error:
        return mistakes(error, _schema())
    return []


def _finding(item: Mistake, document: Document, catalog: Catalog) -> Finding:
    if item.kind == "extra_forbidden":
        hit, target = _unknown(item, document, catalog)
        return hit.finding(
            "warning", document, rule=UNKNOWN_FIELD, source=_SOURCE, blocks=True, meant=target
        )
    hit = _wrong(item)
    return hit.finding("error", document, rule=SHAPE, source=_SOURCE, blocks=True)


def _as_text(item: Mistake, document: Document) -> Finding:
    """Say that a number, true or false came in quotes, as older examples of the docs show it."""
    message = f"This is a text; without quotation marks it is {_SCALARS[item.kind]}."
    value = _scalar(item)
    hit = Hit(item.path, message, unset(item.path) if value is None else put(item.path, value))
    source = "D:patch-persona, J:persona/tts"
    return hit.finding("warning", document, rule=VALUE_AS_TEXT, source=source)


def _scalar(item: Mistake) -> bool | float | None:
    """Return what a text in quotes says, or None when it is no number that JSON has."""
    said = str(item.value).strip().lower()
    if item.kind == "bool_type":
        return said in _YES
    number = float(said)
    if not math.isfinite(number):
        return None
    return int(number) if item.kind == "int_type" else number


def _unknown(item: Mistake, document: Document, catalog: Catalog) -> tuple[Hit, str | None]:
    """Name what to use instead of an unknown field, and move what it holds when that fits."""
    *above, name = tokens(item.path)
    habit = _habit(above, name, catalog)
    target = habit.to.format(name=name) if habit and habit.to else None
    if habit is None:
        target = _elsewhere(above, name)
    if habit:
        told = f"unknown field here: {habit.why}."
    elif target:
        told = f"unknown field here; it belongs to {target.rpartition('/')[0] or 'the persona'}."
    else:
        told = item.what if item.what.endswith("?") else f"{item.what}."
        target = pointer_of([*above, item.close]) if item.close else None
    value = _turned(item.value, habit, catalog)
    if target is None or not _fits(target, value, document):
        where = f"Say it at {target} instead, and remove it here: " if target else "Remove it: "
        return Hit(item.path, _capital(told), where, remove(item.path)), target
    parent = target.rpartition("/")[0]
    if parent == item.path.rpartition("/")[0] and value is item.value:
        return Hit(item.path, _capital(told), "Rename it: ", moved(item.path, target)), target
    there = _set_at(document, target, Stored(value), catalog)
    return Hit(item.path, _capital(told), "Move it: ", remove(item.path), ", then ", *there), target


def _set_at(
    document: Document, target: str, value: Stored, catalog: Catalog
) -> tuple[str | Call, ...]:
    """Return the calls that set a value; where only a patch can, with the layer that is missing."""
    there = put(target, value)
    layer, _, name = target.rpartition("/")
    if there.tool == "configure_conversational_flow" and any(turn_taking(document, catalog)):
        return said_today(document, catalog, {}, **{name: value})
    if there.tool == "patch_persona" and layer.count("/") == 2 and document.at(layer) is None:
        return (put(layer, {name: value}),)
    return (there,)


def _habit(above: Sequence[str], name: str, catalog: Catalog) -> Habit | None:
    """Return what is known of a field that people send from elsewhere."""
    where = {(): "", ("layers",): ""}.get(tuple(above), above[-1] if len(above) == 2 else None)
    for habit in catalog.habits():
        if name in habit.names and where in habit.where:
            return habit
    return None


def _turned(value: Any, habit: Habit | None, catalog: Catalog) -> Any:
    """Return a value in the form its new place takes."""
    form = habit.form if habit else None
    if form == "language-codes" and isinstance(value, str):
        code = language_code(value, catalog)
        return [code] if code else value
    if form == "text" and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value


def _elsewhere(above: Sequence[str], name: str) -> str | None:
    """Return the one place where a field of this name belongs, when there is one."""
    places = [
        pointer for pointer in _places().get(name, ()) if tokens(pointer)[:-1] != tuple(above)
    ]
    return places[0] if len(places) == 1 else None


@cache
def _places() -> dict[str, list[str]]:
    """Every field of the persona and its layers by its name."""
    found: dict[str, list[str]] = {}
    for pointer in _pointers():
        found.setdefault(tokens(pointer)[-1], []).append(pointer)
    return found


def _pointers() -> Iterator[str]:
    yield from (f"/{name}" for name in Persona.model_fields)
    schema = _schema()
    for layer in Layers.model_fields:
        yield f"/layers/{layer}"
        inner = schema["$defs"]["Layers"]["properties"][layer]
        fields = schema["$defs"].get(inner.get("$ref", "").rsplit("/", 1)[-1], {})
        known = fields.get("properties", {})
        yield from (
            f"/layers/{layer}/{name}" for name, it in known.items() if not it.get("deprecated")
        )


def _fits(target: str, value: Any, document: Document) -> bool:
    """Tell whether a value may stand at a free place."""
    if is_set(find(document.data, target)):
        return False
    nested = value
    for token in reversed(tokens(target)):
        nested = {token: nested}
    return not _mistakes(nested)


def _wrong(item: Mistake) -> Hit:
    """Say what a value must be, and what it most likely means."""
    value = _meant(item)
    what = f"{item.what}; this is a text with JSON in it" if _is_json(item, value) else item.what
    message = _capital(what if what.endswith("?") else f"{what}.")
    if value is _MISSING:
        gone = item.path.rpartition("/")[0] if item.kind == "missing" else item.path
        return Hit(item.path, message, "Give a right one, or remove it: ", unset(gone))
    choice = value == item.close
    return Hit(item.path, message, put(item.path, value if choice else Stored(value)))


def _meant(item: Mistake) -> Any:
    """Return the value that was most likely meant."""
    value: Any = _MISSING
    if item.kind == "literal_error" and item.close:
        return item.close
    if item.kind in ("model_type", "model_attributes_type", "dict_type", "list_type"):
        value = _parsed(item.value)
        if value is _MISSING and item.kind == "list_type" and isinstance(item.value, str):
            value = [item.value]
    elif item.kind == "string_type" and type(item.value) in (int, float):
        value = str(item.value)
    if value is _MISSING:
        return _MISSING
    nested = value
    for token in reversed(tokens(item.path)):
        if token.isdecimal():
            return _MISSING
        nested = {token: nested}
    return _MISSING if _mistakes(nested) else value


def _is_json(item: Mistake, value: Any) -> bool:
    return isinstance(item.value, str) and isinstance(value, (dict, list)) and value != [item.value]


def _parsed(value: Any) -> Any:
    """Return what a text says as JSON, when it is an object or a list."""
    try:
        read = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return _MISSING
    return read if isinstance(read, (dict, list)) else _MISSING


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _without_blanks(data: JsonObject) -> JsonObject:
    """Drop nulls and the empty strings that older dashboards stored for unset fields."""
    return {
        key: _without_blanks(value) if isinstance(value, dict) else value
        for key, value in data.items()
        if value is not None and value != ""
    }


@cache
def _schema() -> JsonObject:
    return Persona.model_json_schema()
