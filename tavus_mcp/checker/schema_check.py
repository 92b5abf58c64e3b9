"""Violations of the persona schema: unknown fields, wrong types, values in quotation marks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import ValidationError

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import (
    FixCall,
    UnprintedValue,
    merge_calls,
    move_field,
    remove,
    set_at,
    unset_at,
)
from tavus_mcp.checker.rule import Violation
from tavus_mcp.checker.rules.stt import to_conversational_flow
from tavus_mcp.checker.unknown_fields import Meaning, find_meaning, fits
from tavus_mcp.checker.value_forms import may_be_value
from tavus_mcp.deprecations.fields import TRUE_WORDS
from tavus_mcp.deprecations.turn_taking import legacy_fields
from tavus_mcp.models.base import JsonObject, is_set
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.models.persona import Persona
from tavus_mcp.models.validation_errors import SchemaError, list_allowed_fields, parse_errors
from tavus_mcp.text import quote_foreign, quote_foreign_names, quote_path

UNKNOWN_FIELD = "unknown-field"
SHAPE = "shape"
VALUE_AS_TEXT = "value-as-text"
SCHEMA_RULES = (UNKNOWN_FIELD, SHAPE, VALUE_AS_TEXT)
"""The rule names of findings about the schema."""
_SOURCE = "D:create-persona"
_SCALARS = {"bool_type": "true or false", "float_type": "a number", "int_type": "a whole number"}
_CONTAINER_ERRORS = frozenset({"model_type", "model_attributes_type", "dict_type", "list_type"})
_UNKNOWN = "extra_forbidden"  # pydantic's name of the error
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
    unknown = [error for error in errors if error.error_type == _UNKNOWN]
    return [
        *(
            _invalid_value_finding(error, document, catalog)
            for error in errors
            if error.error_type != "extra_forbidden"
        ),
        *_unknown_field_findings(unknown, document, catalog),
        *(_quoted_value_finding(error, document) for error in quoted),
    ]


def _find_errors(data: JsonObject) -> list[SchemaError]:
    try:
        Persona.model_validate(data)
    except ValidationError as error:
        return parse_errors(error, _schema())
    return []


def _invalid_value_finding(
    error: SchemaError, document: PersonaDocument, catalog: Catalog
) -> RuleFinding:
    violation = _invalid_value_violation(error)
    return violation.finding(
        "error", document.persona_id, rule=SHAPE, source=_SOURCE, blocks_write=True
    )


def _unknown_field_findings(
    errors: Sequence[SchemaError], document: PersonaDocument, catalog: Catalog
) -> Iterator[RuleFinding]:
    """Yield a finding for each unknown field; the fields of an object are listed in its first."""
    listed: set[str] = set()
    for error in sorted(errors, key=lambda error: error.path):
        meaning = find_meaning(error.path, error.value, catalog)
        violation = _unknown_field_violation(error, meaning, document, catalog)
        parent = _parent_of(error.path)
        if meaning is None and parent not in listed:
            listed.add(parent)
            violation.message = " ".join([violation.message, *list_allowed_fields([error])])
        yield violation.finding(
            "warning",
            document.persona_id,
            rule=UNKNOWN_FIELD,
            source=_SOURCE,
            blocks_write=True,
            intended_paths=meaning.targets if meaning else (),
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
    return violation.finding("warning", document.persona_id, rule=VALUE_AS_TEXT, source=source)


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
    error: SchemaError, meaning: Meaning | None, document: PersonaDocument, catalog: Catalog
) -> Violation:
    """Return the violation of an unknown field.

    The fix moves the value to the fields that were meant, if they take it, and removes it here.
    """
    if meaning is None:
        return Violation(error.path, "Unknown field.", "Remove it: ", remove(error.path))
    message = _describe_unknown_field(meaning)
    movable = [pair for pair in meaning.values if _is_valid_at(*pair, document, catalog)]
    if not movable:
        targets = " and ".join(map(quote_path, meaning.targets))
        lead = f"Set {targets} instead, and remove this field: " if targets else "Remove it: "
        if targets and all(is_set(document.at(target)) for target in meaning.targets):
            lead = f"{targets} {'is' if len(meaning.targets) == 1 else 'are'} set, so remove this: "
        return Violation(error.path, message, lead, remove(error.path))
    target, value = movable[0]
    is_rename = len(movable) == 1 and value is error.value
    if is_rename and _parent_of(target) == _parent_of(error.path):
        return Violation(error.path, message, "Rename it: ", move_field(error.path, target))
    calls = [
        call
        for target, value in movable
        for call in _build_set_calls(document, target, _printable(target, value), catalog)
    ]
    return Violation(
        error.path, message, "Move it: ", remove(error.path), ", then ", *merge_calls(calls)
    )


def _describe_unknown_field(meaning: Meaning) -> str:
    """Return the message about an unknown field of a known meaning."""
    if not meaning.reason:
        names = " and ".join(
            quote_foreign(pointer_tokens(target)[-1]) for target in meaning.targets
        )
        return f"Unknown field; did you mean {names}?"
    message = f"Unknown field here: {meaning.reason}."
    if meaning.unplaced:
        message += f" A persona has no field for {quote_foreign_names(meaning.unplaced)}."
    return message


def _parent_of(pointer: str) -> str:
    return pointer.rpartition("/")[0]


def _build_set_calls(
    document: PersonaDocument, target: str, value: Any, catalog: Catalog
) -> tuple[FixCall, ...]:
    """Return the calls that set a value, and the layer around it if a patch must create it."""
    call = set_at(target, value)
    layer, _, name = target.rpartition("/")
    if call.tool == "configure_conversational_flow" and legacy_fields(document, catalog):
        parts = to_conversational_flow(document, catalog, {}, **{name: value})
        return tuple(part for part in parts if isinstance(part, FixCall))
    if call.tool == "patch_persona" and layer.count("/") == 2 and document.at(layer) is None:
        return (set_at(layer, {name: value}),)
    return (call,)


def _is_valid_at(target: str, value: Any, document: PersonaDocument, catalog: Catalog) -> bool:
    """Return True if a field is not set and the value can be meant for it."""
    is_free = not is_set(document.at(target))
    return is_free and fits(target, value) and may_be_value(target, value, catalog)


def _printable(target: str, value: Any) -> Any:
    """Return a value that a hint shows: a documented one is, because it may be a translation."""
    is_documented = target == "/languages" or target in Catalog.value_paths()
    return value if is_documented else UnprintedValue(value)


def _invalid_value_violation(error: SchemaError) -> Violation:
    """Return the violation of a wrong value; the fix sets the value that was probably meant."""
    value = _guess_value(error)
    is_json = isinstance(error.value, str) and isinstance(value, (dict, list))
    message = error.sentence
    if is_json and value != [error.value]:
        message = replace(
            error, message=f"{error.message}; this is a text with JSON in it"
        ).sentence
    if value is _MISSING:
        path = _parent_of(error.path) if error.error_type == "missing" else error.path
        return Violation(error.path, message, "Give a right one, or remove it: ", unset_at(path))
    fix = set_at(error.path, value if value == error.suggestion else UnprintedValue(value))
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
    return value if fits(error.path, value) else _MISSING


def _parse_json_container(value: Any) -> Any:
    """Return the object or list that a text holds as JSON, or ``_MISSING``."""
    try:
        parsed = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return _MISSING
    return parsed if isinstance(parsed, (dict, list)) else _MISSING


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
