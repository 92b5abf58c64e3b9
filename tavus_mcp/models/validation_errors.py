"""Errors of pydantic as sentences: the path, what is allowed, and the closest match.

Rejected values are never repeated: they may be secrets.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.text import find_nearest

MAX_REPORTED_ERRORS = 12
"""Further errors are counted only: they are usually the same mistake again."""

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
    """

    path: str
    message: str
    error_type: str
    value: Any
    suggestion: str | None


def parse_errors(
    error: ValidationError, schema: JsonObject, *, error_types: Container[str] | None = None
) -> list[SchemaError]:
    """Return each error once, of these types or of all; ``schema`` is the model's JSON Schema."""
    errors: dict[tuple[str, str], SchemaError] = {}
    for item in error.errors(include_url=False):
        if error_types is not None and item["type"] not in error_types:
            continue
        names_field = item["type"] in ("extra_forbidden", "missing")
        node, tokens = _walk(schema, item["loc"], names_field=names_field)
        suggestion = _find_suggestion(item, node)
        path, message = pointer_of(tokens), _sentence(item, node, suggestion)
        schema_error = SchemaError(path, message, item["type"], item.get("input"), suggestion)
        errors.setdefault((path, message), schema_error)
    return list(errors.values())


def error_messages(error: ValidationError, schema: JsonObject) -> list[tuple[str, str]]:
    """Return JSON Pointer and message of each error."""
    return [(item.path, item.message) for item in parse_errors(error, schema)]


def render_errors(error: ValidationError, schema: JsonObject) -> list[str]:
    """Return the errors as sentences, at most ``MAX_REPORTED_ERRORS`` of them."""
    sentences = [
        f"{path or '/'}: {message}" + ("" if message.endswith("?") else ".")
        for path, message in error_messages(error, schema)
    ]
    rest = len(sentences) - MAX_REPORTED_ERRORS
    return sentences if rest <= 0 else [*sentences[:MAX_REPORTED_ERRORS], f"And {rest} more."]


def _find_suggestion(item: Mapping[str, Any], node: JsonObject) -> str | None:
    if item["type"] == "extra_forbidden":
        return find_nearest(str(item["loc"][-1]), node.get("properties", {}))
    if item["type"] == "literal_error" and isinstance(item.get("input"), str):
        return find_nearest(item["input"], _choices(item.get("ctx", {})))
    return None


def _sentence(item: Mapping[str, Any], node: JsonObject, suggestion: str | None) -> str:
    kind, context = item["type"], item.get("ctx", {})
    question = f"; did you mean {suggestion!r}?" if suggestion else ""
    if kind == "extra_forbidden":
        allowed = _render_names("; allowed: ", list(node.get("properties", {})))
        return f"unknown field{question or allowed}"
    if kind == "literal_error":
        return f"must be one of {', '.join(_choices(context))}{question}"
    if kind in _LIMIT_MESSAGES:
        key, text = _LIMIT_MESSAGES[kind]
        limit = context.get(key)
        return text.format(int(limit) if isinstance(limit, float) and limit % 1 == 0 else limit)
    if kind == "value_error":
        return str(context.get("error", item["msg"]))
    return _MESSAGES.get(kind, str(item["msg"]))


def _choices(context: Mapping[str, Any]) -> list[str]:
    expected = str(context.get("expected", ""))
    return [choice.strip().strip("'") for choice in expected.replace(" or ", ", ").split(",")]


def _render_names(prefix: str, names: list[str]) -> str:
    return prefix + ", ".join(names[:20]) if names else ""


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
