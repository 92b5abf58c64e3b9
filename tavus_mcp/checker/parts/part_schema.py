"""Violations of the models of parts: unknown fields, missing ones, wrong types and values."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel, ValidationError

from tavus_mcp.checker.parts.part_findings import build_findings
from tavus_mcp.checker.parts.part_rule import CheckedPart, remove_value, set_value
from tavus_mcp.checker.rule import Violation
from tavus_mcp.checker.schema_check import SHAPE, UNKNOWN_FIELD
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.parts.guardrail import GuardrailSet
from tavus_mcp.models.parts.part_document import CREATE_MODELS
from tavus_mcp.models.validation_errors import SchemaError, list_allowed_fields, parse_errors
from tavus_mcp.text import quote_foreign

_SOURCE = "OAS"
_UNKNOWN = "extra_forbidden"  # pydantic's name of the error


def check_part_schema(part: CheckedPart) -> Iterator[RuleFinding]:
    """Yield a finding for each field that is unknown or has a wrong type or value."""
    errors = _find_errors(part)
    unknown = [error for error in errors if error.error_type == _UNKNOWN]
    wrong = [error for error in errors if error.error_type != _UNKNOWN]
    yield from build_findings(
        part, map(_wrong_value, wrong), "error", rule=SHAPE, source=_SOURCE, blocks_write=True
    )
    yield from build_findings(
        part,
        _unknown_fields(unknown),
        "warning",
        rule=UNKNOWN_FIELD,
        source=_SOURCE,
        blocks_write=True,
    )


def _find_errors(part: CheckedPart) -> list[SchemaError]:
    model = _model_of(part)
    fields = _without_blanks(part.data, top=part.is_stored, fields=frozenset(model.model_fields))
    if part.kind == "skill":
        fields.pop("skill_id", None)
    try:
        model.model_validate(fields)
    except ValidationError as error:
        return parse_errors(error, _schema_of(model))
    return []


def _model_of(part: CheckedPart) -> type[BaseModel]:
    is_set_of_guardrails = part.kind == "guardrail" and "data" in part.data
    return GuardrailSet if is_set_of_guardrails else CREATE_MODELS[part.kind]


def _without_blanks(data: JsonObject, *, top: bool, fields: frozenset[str]) -> JsonObject:
    """Return a copy without nulls; of a stored part also without fields that Tavus sets.

    Reads have ``uuid`` in the items of guardrail sets, and empty texts for unset fields.
    """
    given = {name: value for name, value in data.items() if value is not None}
    if not top:
        return given
    known = {name: value for name, value in given.items() if name in fields and value != ""}
    if isinstance(known.get("data"), list):
        known["data"] = [_without_id(item) for item in known["data"]]
    return known


def _without_id(item: object) -> object:
    if not isinstance(item, dict):
        return item
    return {name: value for name, value in item.items() if name != "uuid" and value is not None}


def _wrong_value(error: SchemaError) -> Violation:
    message = error.sentence
    if error.error_type == "missing":
        return Violation(error.path, message, "Give it.")
    if error.error_type == "literal_error" and error.suggestion:
        return Violation(error.path, message, set_value(error.path, error.suggestion))
    return Violation(
        error.path, message, "Give a right one, or remove it: ", remove_value(error.path)
    )


def _unknown_fields(errors: list[SchemaError]) -> Iterator[Violation]:
    """Yield the violations; the allowed fields of an object are listed in its first."""
    listed: set[str] = set()
    for error in sorted(errors, key=lambda error: error.path):
        parent = error.path.rpartition("/")[0]
        if error.suggestion:
            message = f"Unknown field; did you mean {quote_foreign(error.suggestion)}?"
            yield Violation(
                error.path, message, "Rename it, or remove it: ", remove_value(error.path)
            )
            continue
        allowed = [] if parent in listed else list_allowed_fields([error])
        listed.add(parent)
        message = " ".join(["Unknown field.", *allowed])
        yield Violation(error.path, message, "Remove it: ", remove_value(error.path))


@cache
def _schema_of(model: type[BaseModel]) -> JsonObject:
    return model.model_json_schema()
