"""What does not fit the schema of a persona: unknown fields, wrong types, values in quotes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.facts import FieldAlias
from tavus_mcp.checker.fixes import HintPart, UnprintedValue, move_field, remove, set_at, unset_at
from tavus_mcp.checker.rule import Violation
from tavus_mcp.checker.rules.persona import find_language_code
from tavus_mcp.checker.rules.stt import to_conversational_flow
from tavus_mcp.deprecations.turn_taking import legacy_fields
from tavus_mcp.models.base import JsonObject, is_set
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import get_at, pointer_of, pointer_tokens
from tavus_mcp.models.layers import Layers
from tavus_mcp.models.persona import Persona
from tavus_mcp.models.validation_errors import SchemaError, parse_errors

UNKNOWN_FIELD = "unknown-field"
SHAPE = "shape"
VALUE_AS_TEXT = "value-as-text"
SCHEMA_RULES = (UNKNOWN_FIELD, SHAPE, VALUE_AS_TEXT)
"""What findings about the schema are called, beside the rules."""
_SOURCE = "D:create-persona"
_SCALARS = {"bool_type": "true or false", "float_type": "a number", "int_type": "a whole number"}
_TRUE_TEXTS = frozenset({"true", "t", "yes", "y", "on", "1"})
_MISSING = object()


def check_schema(document: PersonaDocument, catalog: Catalog) -> list[RuleFinding]:
    """Return a finding for each field that is unknown or has a wrong type or value."""
    data = _without_blanks(document.writable_fields())
    try:
        Persona.model_validate(data, strict=True)
    except ValidationError as error:
        strict = parse_errors(error, _schema(), error_types=_SCALARS)
    else:
        return []
    wrong = _find_mistakes(data)
    places = {item.path for item in wrong}
    quoted = [item for item in strict if item.path not in places and isinstance(item.value, str)]
    return [
        *(_build_finding(item, document, catalog) for item in wrong),
        *(_quoted_value_finding(item, document) for item in quoted),
    ]


def _find_mistakes(data: JsonObject) -> list[SchemaError]:
    try:
        Persona.model_validate(data)
    except ValidationError as error:
        return parse_errors(error, _schema())
    return []


def _build_finding(
    mistake: SchemaError, document: PersonaDocument, catalog: Catalog
) -> RuleFinding:
    if mistake.error_type == "extra_forbidden":
        hit, target = _unknown_field_violation(mistake, document, catalog)
        return hit.finding(
            "warning",
            document,
            rule=UNKNOWN_FIELD,
            source=_SOURCE,
            blocks_write=True,
            intended_path=target,
        )
    hit = _invalid_value_violation(mistake)
    return hit.finding("error", document, rule=SHAPE, source=_SOURCE, blocks_write=True)


def _quoted_value_finding(mistake: SchemaError, document: PersonaDocument) -> RuleFinding:
    """Say that a number, true or false came in quotes, as older examples of the docs show it."""
    message = f"This is a text; without quotation marks it is {_SCALARS[mistake.error_type]}."
    value = _parse_scalar(mistake)
    hit = Violation(
        mistake.path,
        message,
        unset_at(mistake.path) if value is None else set_at(mistake.path, value),
    )
    source = "D:patch-persona, J:persona/tts"
    return hit.finding("warning", document, rule=VALUE_AS_TEXT, source=source)


def _parse_scalar(mistake: SchemaError) -> bool | float | None:
    """Return what a text in quotes says, or None when it is no number that JSON has."""
    said = str(mistake.value).strip().lower()
    if mistake.error_type == "bool_type":
        return said in _TRUE_TEXTS
    number = float(said)
    if not math.isfinite(number):
        return None
    return int(number) if mistake.error_type == "int_type" else number


def _unknown_field_violation(
    mistake: SchemaError, document: PersonaDocument, catalog: Catalog
) -> tuple[Violation, str | None]:
    """Name what to use instead of an unknown field, and move what it holds when that fits."""
    *above, name = pointer_tokens(mistake.path)
    habit = _find_field_alias(above, name, catalog)
    target = habit.to.format(name=name) if habit and habit.to else None
    if habit is None:
        target = _find_other_pointer(above, name)
    if habit:
        told = f"unknown field here: {habit.why}."
    elif target:
        told = f"unknown field here; it belongs to {target.rpartition('/')[0] or 'the persona'}."
    else:
        told = mistake.message if mistake.message.endswith("?") else f"{mistake.message}."
        target = pointer_of([*above, mistake.suggestion]) if mistake.suggestion else None
    value = _convert_value(mistake.value, habit, catalog)
    if target is None or not _is_valid_at(target, value, document):
        where = f"Say it at {target} instead, and remove it here: " if target else "Remove it: "
        return Violation(mistake.path, _capitalize_first(told), where, remove(mistake.path)), target
    parent = target.rpartition("/")[0]
    if parent == mistake.path.rpartition("/")[0] and value is mistake.value:
        return Violation(
            mistake.path, _capitalize_first(told), "Rename it: ", move_field(mistake.path, target)
        ), target
    there = _build_set_calls(document, target, UnprintedValue(value), catalog)
    return Violation(
        mistake.path, _capitalize_first(told), "Move it: ", remove(mistake.path), ", then ", *there
    ), target


def _build_set_calls(
    document: PersonaDocument, target: str, value: UnprintedValue, catalog: Catalog
) -> tuple[HintPart, ...]:
    """Return the calls that set a value; where only a patch can, with the layer that is missing."""
    there = set_at(target, value)
    layer, _, name = target.rpartition("/")
    if there.tool == "configure_conversational_flow" and legacy_fields(document, catalog):
        return to_conversational_flow(document, catalog, {}, **{name: value})
    if there.tool == "patch_persona" and layer.count("/") == 2 and document.at(layer) is None:
        return (set_at(layer, {name: value}),)
    return (there,)


def _find_field_alias(parents: Sequence[str], name: str, catalog: Catalog) -> FieldAlias | None:
    """Return what is known of a field that people send from elsewhere."""
    where = {(): "", ("layers",): ""}.get(
        tuple(parents), parents[-1] if len(parents) == 2 else None
    )
    for habit in catalog.field_aliases():
        if name in habit.names and where in habit.where:
            return habit
    return None


def _convert_value(value: Any, alias: FieldAlias | None, catalog: Catalog) -> Any:
    """Return a value in the form its new place takes."""
    form = alias.form if alias else None
    if form == "language-codes" and isinstance(value, str):
        code = find_language_code(value, catalog)
        return [code] if code else value
    if form == "text" and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value


def _find_other_pointer(parents: Sequence[str], name: str) -> str | None:
    """Return the one place where a field of this name belongs, when there is one."""
    places = [
        pointer
        for pointer in _pointers_by_name().get(name, ())
        if pointer_tokens(pointer)[:-1] != tuple(parents)
    ]
    return places[0] if len(places) == 1 else None


@cache
def _pointers_by_name() -> dict[str, list[str]]:
    """Every field of the persona and its layers by its name."""
    found: dict[str, list[str]] = {}
    for pointer in _iter_pointers():
        found.setdefault(pointer_tokens(pointer)[-1], []).append(pointer)
    return found


def _iter_pointers() -> Iterator[str]:
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


def _is_valid_at(target: str, value: Any, document: PersonaDocument) -> bool:
    """Tell whether a value may stand at a free place."""
    if is_set(get_at(document.data, target)):
        return False
    nested = value
    for token in reversed(pointer_tokens(target)):
        nested = {token: nested}
    return not _find_mistakes(nested)


def _invalid_value_violation(mistake: SchemaError) -> Violation:
    """Say what a value must be, and what it most likely means."""
    value = _guess_value(mistake)
    what = (
        f"{mistake.message}; this is a text with JSON in it"
        if _is_json(mistake, value)
        else mistake.message
    )
    message = _capitalize_first(what if what.endswith("?") else f"{what}.")
    if value is _MISSING:
        gone = mistake.path.rpartition("/")[0] if mistake.error_type == "missing" else mistake.path
        return Violation(mistake.path, message, "Give a right one, or remove it: ", unset_at(gone))
    choice = value == mistake.suggestion
    return Violation(
        mistake.path, message, set_at(mistake.path, value if choice else UnprintedValue(value))
    )


def _guess_value(mistake: SchemaError) -> Any:
    """Return the value that was most likely meant."""
    value: Any = _MISSING
    if mistake.error_type == "literal_error" and mistake.suggestion:
        return mistake.suggestion
    if mistake.error_type in ("model_type", "model_attributes_type", "dict_type", "list_type"):
        value = _parse_json_container(mistake.value)
        if (
            value is _MISSING
            and mistake.error_type == "list_type"
            and isinstance(mistake.value, str)
        ):
            value = [mistake.value]
    elif mistake.error_type == "string_type" and type(mistake.value) in (int, float):
        value = str(mistake.value)
    if value is _MISSING:
        return _MISSING
    nested = value
    for token in reversed(pointer_tokens(mistake.path)):
        if token.isdecimal():
            return _MISSING
        nested = {token: nested}
    return _MISSING if _find_mistakes(nested) else value


def _is_json(mistake: SchemaError, value: Any) -> bool:
    return (
        isinstance(mistake.value, str)
        and isinstance(value, (dict, list))
        and value != [mistake.value]
    )


def _parse_json_container(value: Any) -> Any:
    """Return what a text says as JSON, when it is an object or a list."""
    try:
        read = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return _MISSING
    return read if isinstance(read, (dict, list)) else _MISSING


def _capitalize_first(text: str) -> str:
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
