"""Prepare the arguments of a call: other names, objects as JSON text; explain invalid ones.

Some hosts send an object as a JSON string, encoded once or twice; such a string is decoded before
it is validated. Unknown arguments are refused, never dropped.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.validation_errors import render_errors
from tavus_mcp.server.toolset import ToolSpec

_MAX_JSON_DECODINGS = 3
"""How often a string is decoded as JSON before it is taken for text."""


def prepare_arguments(spec: ToolSpec, arguments: JsonObject, schema: JsonObject) -> JsonObject:
    """Return the arguments under their published names, with JSON text decoded.

    Raises ``InvalidArgument`` when one argument came under two names with two values.
    """
    named: JsonObject = {}
    for name, value in _spread(spec, arguments).items():
        published = spec.aliases.get(name, name)
        if published in named and named[published] != value:
            problem = f"/{name}: given twice, also as {published}, with another value."
            raise InvalidArgument([problem])
        named[published] = value
    return {
        name: decode_json_text(value, schema["properties"].get(name, {}), schema)
        for name, value in named.items()
    }


def invalid_argument_error(error: ValidationError, schema: JsonObject) -> InvalidArgument:
    """Return a validation error as sentences: what is wrong, what is allowed, the closest match."""
    return InvalidArgument(render_errors(error, schema))


def decode_json_text(value: Any, schema: JsonObject, root: JsonObject) -> Any:
    """Decode strings where the schema wants an object or a list, at any depth."""
    kinds, node = _json_types(schema, root)
    if isinstance(value, str) and kinds and "string" not in kinds:
        value = _decode_text(value)
        if isinstance(value, str) and value and kinds == {"array"}:
            value = [value]  # one item, given without its list
    if isinstance(value, dict):
        members = node.get("properties", {})
        return {
            key: decode_json_text(item, members.get(key, {}), root) for key, item in value.items()
        }
    if isinstance(value, list) and isinstance(node.get("items"), dict):
        return [decode_json_text(item, node["items"], root) for item in value]
    return value


def _spread(spec: ToolSpec, arguments: JsonObject) -> JsonObject:
    """Return the arguments with the members of ``spec.spread`` in place of those objects."""
    spread: JsonObject = {}
    for name, value in arguments.items():
        inner = _decode_text(value) if name in spec.spread and isinstance(value, str) else value
        if name in spec.spread and isinstance(inner, dict):
            inner = inner.get("function", inner)
            spread.update({key: item for key, item in inner.items() if key not in arguments})
        else:
            spread[name] = value
    return spread


def _decode_text(text: str) -> Any:
    value: Any = text
    for _ in range(_MAX_JSON_DECODINGS):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return text
        if not isinstance(value, str):
            return value if isinstance(value, (dict, list)) else text
    return text


def _json_types(schema: JsonObject, root: JsonObject) -> tuple[set[str], JsonObject]:
    """Return the JSON types that a schema allows, and its arm for an object or a list."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    arms = schema.get("anyOf") or schema.get("oneOf")
    if not arms:
        kind = schema.get("type")
        return ({kind} if isinstance(kind, str) else set()), schema
    types_of_arms = [_json_types(arm, root) for arm in arms]
    kinds = set().union(*(kind for kind, _ in types_of_arms))
    return kinds, next((node for kind, node in types_of_arms if kind & {"object", "array"}), schema)
