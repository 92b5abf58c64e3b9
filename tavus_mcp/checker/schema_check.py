"""Violations of the persona schema: unknown fields, wrong types, values in quotation marks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.facts import FieldAlias
from tavus_mcp.checker.fixes import UnprintedValue, move_field, remove, set_at, unset_at
from tavus_mcp.checker.rule import Violation
from tavus_mcp.checker.rule_factories import Hint
from tavus_mcp.checker.rules.persona import find_language_code
from tavus_mcp.checker.rules.stt import to_conversational_flow
from tavus_mcp.deprecations.fields import TRUE_WORDS, replace_interruptibility
from tavus_mcp.deprecations.turn_taking import legacy_fields
from tavus_mcp.models.base import JsonObject, is_set
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import pointer_of, pointer_tokens
from tavus_mcp.models.layers import Layers
from tavus_mcp.models.persona import Persona
from tavus_mcp.models.validation_errors import SchemaError, parse_errors

UNKNOWN_FIELD = "unknown-field"
SHAPE = "shape"
VALUE_AS_TEXT = "value-as-text"
SCHEMA_RULES = (UNKNOWN_FIELD, SHAPE, VALUE_AS_TEXT)
"""The rule names of findings about the schema."""
_SOURCE = "D:create-persona"
_SCALARS = {"bool_type": "true or false", "float_type": "a number", "int_type": "a whole number"}
_CONTAINER_ERRORS = frozenset({"model_type", "model_attributes_type", "dict_type", "list_type"})
_MISSING = object()


def check_schema(document: PersonaDocument, catalog: Catalog) -> list[RuleFinding]:
    """Return a finding for each field that is unknown or has a wrong type or value."""
    data = _without_blanks(document.writable_fields())
    try:
        Persona.model_validate(data, strict=True)
    except ValidationError as error:
        strict_errors = parse_errors(error, _schema(), error_types=_SCALARS)
    else:
        return []
    errors = _find_errors(data)
    paths = {error.path for error in errors}
    quoted = [e for e in strict_errors if e.path not in paths and isinstance(e.value, str)]
    return [
        *(_build_finding(error, document, catalog) for error in errors),
        *(_quoted_value_finding(error, document) for error in quoted),
    ]


def _find_errors(data: JsonObject) -> list[SchemaError]:
    try:
        Persona.model_validate(data)
    except ValidationError as error:
        return parse_errors(error, _schema())
    return []


def _build_finding(error: SchemaError, document: PersonaDocument, catalog: Catalog) -> RuleFinding:
    if error.error_type != "extra_forbidden":
        legacy = {item.path: item.value for item in replace_interruptibility(document, catalog)}
        violation = _invalid_value_violation(error, legacy.get(error.path))
        return violation.finding("error", document, rule=SHAPE, source=_SOURCE, blocks_write=True)
    violation, target = _unknown_field_violation(error, document, catalog)
    return violation.finding(
        "warning",
        document,
        rule=UNKNOWN_FIELD,
        source=_SOURCE,
        blocks_write=True,
        intended_path=target,
    )


def _quoted_value_finding(error: SchemaError, document: PersonaDocument) -> RuleFinding:
    """Report a number or boolean in quotation marks; older examples of the docs have them."""
    value = _parse_scalar(error)
    violation = Violation(
        error.path,
        f"This is a text; without quotation marks it is {_SCALARS[error.error_type]}.",
        unset_at(error.path) if value is None else set_at(error.path, value),
    )
    source = "D:patch-persona, J:persona/tts"
    return violation.finding("warning", document, rule=VALUE_AS_TEXT, source=source)


def _parse_scalar(error: SchemaError) -> bool | float | None:
    """Return the scalar that a text in quotes means, or None if JSON has no such number."""
    text = str(error.value).strip().lower()
    if error.error_type == "bool_type":
        return text in TRUE_WORDS
    number = float(text)
    if not math.isfinite(number):
        return None
    return int(number) if error.error_type == "int_type" else number


def _unknown_field_violation(
    error: SchemaError, document: PersonaDocument, catalog: Catalog
) -> tuple[Violation, str | None]:
    """Return the violation of an unknown field, and the path of the field that was meant.

    The fix moves the value there if that field takes it, and removes the unknown field.
    """
    *parents, name = pointer_tokens(error.path)
    alias = _find_field_alias(parents, name, catalog)
    message, target = _describe_unknown_field(error, alias)
    value = _convert_value(error.value, alias, catalog)
    if target is None or not _is_valid_at(target, value, document):
        lead = f"Say it at {target} instead, and remove it here: " if target else "Remove it: "
        hint: Hint = (lead, remove(error.path))
    elif _parent_of(target) == _parent_of(error.path) and value is error.value:
        hint = ("Rename it: ", move_field(error.path, target))
    else:
        calls = _build_set_calls(document, target, UnprintedValue(value), catalog)
        hint = ("Move it: ", remove(error.path), ", then ", *calls)
    return Violation(error.path, _capitalize_first(message), *hint), target


def _describe_unknown_field(error: SchemaError, alias: FieldAlias | None) -> tuple[str, str | None]:
    """Return the message about an unknown field, and the path that was meant, if any."""
    *parents, name = pointer_tokens(error.path)
    if alias:
        target = alias.to.format(name=name) if alias.to else None
        return f"unknown field here: {alias.why}.", target
    if target := _find_other_pointer(parents, name):
        return f"unknown field here; it belongs to {_parent_of(target) or 'the persona'}.", target
    message = error.message if error.message.endswith("?") else f"{error.message}."
    return message, pointer_of([*parents, error.suggestion]) if error.suggestion else None


def _parent_of(pointer: str) -> str:
    return pointer.rpartition("/")[0]


def _build_set_calls(
    document: PersonaDocument, target: str, value: UnprintedValue, catalog: Catalog
) -> Hint:
    """Return the calls that set a value, and the layer around it if a patch must create it."""
    call = set_at(target, value)
    layer, _, name = target.rpartition("/")
    if call.tool == "configure_conversational_flow" and legacy_fields(document, catalog):
        return to_conversational_flow(document, catalog, {}, **{name: value})
    if call.tool == "patch_persona" and layer.count("/") == 2 and document.at(layer) is None:
        return (set_at(layer, {name: value}),)
    return (call,)


def _find_field_alias(parents: Sequence[str], name: str, catalog: Catalog) -> FieldAlias | None:
    """Return the field of another API or an older version that an unknown field is known as."""
    match parents:
        case [] | ["layers"]:
            layer = ""
        case [_, layer]:
            pass
        case _:
            return None
    aliases = catalog.field_aliases()
    return next((item for item in aliases if name in item.names and layer in item.where), None)


def _convert_value(value: Any, alias: FieldAlias | None, catalog: Catalog) -> Any:
    """Return a value in the form that the meant field takes."""
    form = alias.form if alias else None
    if form == "language-codes" and isinstance(value, str):
        code = find_language_code(value, catalog)
        return [code] if code else value
    if form == "text" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value


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
    definitions = _schema()["$defs"]
    yield from (f"/{name}" for name in Persona.model_fields)
    for layer in Layers.model_fields:
        yield f"/layers/{layer}"
        reference = definitions["Layers"]["properties"][layer].get("$ref", "")
        fields = definitions.get(reference.rsplit("/", 1)[-1], {}).get("properties", {})
        for name, schema in fields.items():
            if not schema.get("deprecated"):
                yield f"/layers/{layer}/{name}"


def _is_valid_at(target: str, value: Any, document: PersonaDocument) -> bool:
    """Return True if a field is not set and its schema takes the value."""
    return not is_set(document.at(target)) and not _find_errors(_nest(target, value))


def _nest(pointer: str, value: Any) -> Any:
    for token in reversed(pointer_tokens(pointer)):
        value = {token: value}
    return value


def _invalid_value_violation(error: SchemaError, legacy_equivalent: Any = None) -> Violation:
    """Return the violation of a wrong value; the fix sets the value that was probably meant.

    ``legacy_equivalent`` is the value of today for a legacy one, None for any other.
    """
    value = _guess_value(error) if legacy_equivalent is None else legacy_equivalent
    is_json = isinstance(error.value, str) and isinstance(value, (dict, list))
    message = error.message
    if is_json and value != [error.value]:
        message = f"{message}; this is a text with JSON in it"
    message = _capitalize_first(message if message.endswith("?") else f"{message}.")
    if value is _MISSING:
        path = _parent_of(error.path) if error.error_type == "missing" else error.path
        return Violation(error.path, message, "Give a right one, or remove it: ", unset_at(path))
    is_suggestion = value in (error.suggestion, legacy_equivalent)
    fix = set_at(error.path, value if is_suggestion else UnprintedValue(value))
    return Violation(error.path, message, fix)


def _guess_value(error: SchemaError) -> Any:
    """Return the value that was probably meant, or ``_MISSING``."""
    if error.error_type == "literal_error" and error.suggestion:
        return error.suggestion
    value: Any = _MISSING
    if error.error_type == "string_type" and type(error.value) in (int, float):
        value = str(error.value)
    elif error.error_type in _CONTAINER_ERRORS:
        value = _parse_json_container(error.value)
        is_list_missing = value is _MISSING and error.error_type == "list_type"
        if is_list_missing and isinstance(error.value, str):
            value = [error.value]
    if value is _MISSING or any(token.isdecimal() for token in pointer_tokens(error.path)):
        return _MISSING
    return _MISSING if _find_errors(_nest(error.path, value)) else value


def _parse_json_container(value: Any) -> Any:
    """Return the object or list that a text holds as JSON, or ``_MISSING``."""
    try:
        parsed = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return _MISSING
    return parsed if isinstance(parsed, (dict, list)) else _MISSING


def _capitalize_first(text: str) -> str:
    return text[0].upper() + text[1:]


def _without_blanks(data: JsonObject) -> JsonObject:
    """Return a copy without nulls, and without the empty texts of unset fields in old personas."""
    return {
        key: _without_blanks(value) if isinstance(value, dict) else value
        for key, value in data.items()
        if value is not None and value != ""
    }


@cache
def _schema() -> JsonObject:
    return Persona.model_json_schema()
