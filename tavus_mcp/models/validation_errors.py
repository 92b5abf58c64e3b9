"""Errors of pydantic as sentences: the path, what is allowed, and the closest match.

Rejected values are never repeated: they may be secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.text import end_sentence, find_nearest, quote_foreign, quote_path

MAX_REPORTED_ERRORS = 12
"""Further errors are counted only: they are usually the same mistake again."""
_MAX_LISTED_FIELDS = 20

_MESSAGES: Mapping[str, str] = {
    "missing": "is required",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "float_parsing": "must be a number, not a word",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "int_parsing": "must be a whole number, not a word",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "string_too_short": "must not be empty",
}
_LIMIT_MESSAGES: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("ge", "must be at least {}"),
    "greater_than": ("gt", "must be more than {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "less_than": ("lt", "must be less than {}"),
    "string_too_long": ("max_length", "must have at most {} characters"),
    "too_long": ("max_length", "must have at most {} items"),
    "too_short": ("min_length", "must have at least {} items"),
    "string_pattern_mismatch": ("pattern", "must match {}"),
}


@dataclass(frozen=True)
class SchemaError:
    """One error of pydantic: the JSON Pointer of the value, and a message.

    ``error_type`` is pydantic's name of it, ``suggestion`` the closest allowed name or value.
    ``value`` is the rejected value, for fixes; it may be a secret and is not part of the message.
    ``allowed`` are the fields of the object that an unknown field without suggestion stands in.
    """

    path: str
    message: str
    error_type: str
    value: Any
    suggestion: str | None
    allowed: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The message as a sentence of its own."""
        return end_sentence(self.message[0].upper() + self.message[1:])


Explain = Callable[[str, Any], str | None]
"""Returns what an unknown field at a JSON Pointer means, as the end of a sentence, or None."""


def parse_errors(
    error: ValidationError,
    schema: JsonObject,
    *,
    error_types: Container[str] | None = None,
    explain: Explain | None = None,
) -> list[SchemaError]:
    """Return each error once, of these types or of all; ``schema`` is the model's JSON Schema.

    ``explain`` is asked about unknown fields before their spelling is.
    """
    errors: dict[tuple[str, str], SchemaError] = {}
    for item in error.errors(include_url=False):
        if error_types is not None and item["type"] not in error_types:
            continue
        schema_error = _build_error(item, schema, explain)
        errors.setdefault((schema_error.path, schema_error.message), schema_error)
    return list(errors.values())


def _build_error(item: Any, schema: JsonObject, explain: Explain | None) -> SchemaError:
    kind = item["type"]
    node, tokens = _walk(schema, item["loc"], names_field=kind in ("extra_forbidden", "missing"))
    path, value = pointer_of(tokens), item.get("input")
    if kind == "extra_forbidden":
        if explain and (explanation := explain(path, value)):
            return SchemaError(path, f"unknown field{explanation}", kind, value, None)
        fields = tuple(node.get("properties", {}))
        suggestion = find_nearest(str(item["loc"][-1]), fields)
        message = "unknown field" + _question(suggestion)
        return SchemaError(path, message, kind, value, suggestion, () if suggestion else fields)
    suggestion = _find_suggestion(item)
    return SchemaError(path, _sentence(item, node, suggestion), kind, value, suggestion)


def render_errors(
    error: ValidationError, schema: JsonObject, *, explain: Explain | None = None, prefix: str = ""
) -> list[str]:
    """Return the errors as sentences, at most ``MAX_REPORTED_ERRORS`` of them.

    ``prefix`` is the JSON Pointer of the validated value. The fields that an object has are listed
    once, however many unknown ones stand in it.
    """
    errors = [
        replace(item, path=prefix + item.path)
        for item in parse_errors(error, schema, explain=explain)
    ]
    sentences = [
        f"{quote_path(item.path or '/')}: {end_sentence(item.message)}"
        for item in errors[:MAX_REPORTED_ERRORS]
    ]
    rest = len(errors) - MAX_REPORTED_ERRORS
    more = [f"And {rest} more."] if rest > 0 else []
    return [*sentences, *more, *list_allowed_fields(errors[:MAX_REPORTED_ERRORS])]


def list_allowed_fields(errors: Iterable[SchemaError]) -> list[str]:
    """Return a sentence with the fields of each object that unknown fields stand in."""
    allowed = {
        item.path.rpartition("/")[0]: item.allowed[:_MAX_LISTED_FIELDS]
        for item in errors
        if item.allowed
    }
    return [
        f"Fields {f'of {quote_path(path)}' if path else 'at the top level'}: {', '.join(names)}."
        for path, names in allowed.items()
    ]


def _find_suggestion(item: Mapping[str, Any]) -> str | None:
    if item["type"] == "literal_error" and isinstance(item.get("input"), str):
        return find_nearest(item["input"], _choices(item.get("ctx", {})))
    return None


def _question(suggestion: str | None) -> str:
    return f"; did you mean {quote_foreign(suggestion)}?" if suggestion else ""


def _sentence(item: Mapping[str, Any], node: JsonObject, suggestion: str | None) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "literal_error":
        return f"must be one of {', '.join(_choices(context))}{_question(suggestion)}"
    if kind == "string_type" and "enum" in node:
        return f"must be one of {', '.join(node['enum'])}"
    if kind in _LIMIT_MESSAGES:
        key, text = _LIMIT_MESSAGES[kind]
        limit = context.get(key)
        return text.format(int(limit) if isinstance(limit, float) and limit % 1 == 0 else limit)
    if kind == "value_error":
        return str(context.get("error", item["msg"]))
    return _MESSAGES.get(kind, str(item["msg"]))


def _choices(context: Mapping[str, Any]) -> list[str]:
    expected = str(context.get("expected", ""))
    choices = expected.replace(" or ", ", ").split(",")
    return [text for choice in choices if (text := choice.strip().strip("'"))]


def _walk(
    schema: JsonObject, loc: tuple[Any, ...], *, names_field: bool
) -> tuple[JsonObject, list[str | int]]:
    """Follow a location of pydantic through the schema; return its last object and the path."""
    node, path = _resolve_ref(schema, schema), []
    for index, token in enumerate(loc):
        inner = child_schema(node, token, schema)
        last = index == len(loc) - 1
        if inner is None and not isinstance(token, int) and not (last and names_field):
            continue  # pydantic's tag of a union member, which is not in the document
        path.append(token)
        if inner is None:
            break
        node = inner
    return node, path


def child_schema(node: JsonObject, token: Any, root: JsonObject) -> JsonObject | None:
    """Return the schema of a member or item, or None if the schema does not define it."""
    if isinstance(token, int):
        items = node.get("items")
        return _resolve_ref(items, root) if isinstance(items, dict) else {}
    if token in node.get("properties", {}):
        return _resolve_ref(node["properties"][token], root)
    extra = node.get("additionalProperties")
    return _resolve_ref(extra, root) if isinstance(extra, dict) else None


def _resolve_ref(node: JsonObject, root: JsonObject) -> JsonObject:
    while "$ref" in node:
        node = root["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    for arm in node.get("anyOf", []):
        resolved = _resolve_ref(arm, root)
        if resolved.get("type") in ("object", "array"):
            return resolved
    return node
