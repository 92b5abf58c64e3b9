"""Repair of the JSON Schema of a function's arguments, for the fixes of the checker."""

from __future__ import annotations

from typing import Any

from tavus_mcp.checker.function_schemas import (
    JSON_TYPES,
    SCHEMA_LISTS,
    SCHEMA_MAPS,
    SCHEMA_MEMBERS,
    find_invalid_keywords_of,
    has_unresolved_reference,
    has_value_of_type,
    name_type,
)
from tavus_mcp.models.base import JsonObject

_MAX_DEPTH = 60
"""Deeper schemas stay as they are: no model fills in such arguments."""
_TYPE_ALIASES = {
    "str": "string",
    "text": "string",
    "enum": "string",
    "date": "string",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "map": "object",
    "none": "null",
}


def repair_schema(schema: object, depth: int = 0, root: object = None) -> Any:
    """Return a schema that is valid at every level and that providers take.

    Common mistakes get their obvious meaning, such as ``int`` for integer or ``required: true`` in
    an argument; other invalid keywords and references to nothing are left out. ``depth`` is the
    number of schemas around it, ``root`` the outermost of them.
    """
    root = root or schema
    if isinstance(schema, bool) or depth > _MAX_DEPTH:
        return schema
    if not isinstance(schema, dict):
        return {"type": _repair_type(schema)} if isinstance(schema, str) else {}
    repaired: JsonObject = dict(schema)
    _repair_values(repaired)
    _repair_required(repaired)
    _repair_children(repaired, depth + 1, root)
    if has_unresolved_reference(repaired, root):
        del repaired["$ref"]
    for invalid in find_invalid_keywords_of(repaired):
        repaired.pop(str(invalid), None)
    if _has_array_type(repaired) and not {"items", "prefixItems"} & repaired.keys():
        repaired["items"] = {}
    return repaired


def _repair_children(schema: JsonObject, depth: int, root: object) -> None:
    """Repair the schemas inside a schema in place."""
    for keyword, value in schema.items():
        if keyword in SCHEMA_MAPS and isinstance(value, dict):
            schema[keyword] = {
                name: repair_schema(item, depth, root) for name, item in value.items()
            }
        elif keyword in SCHEMA_LISTS and isinstance(value, list):
            schema[keyword] = [repair_schema(item, depth, root) for item in value]
        elif keyword in SCHEMA_MEMBERS and isinstance(value, (dict, str)):
            schema[keyword] = repair_schema(value, depth, root)


def _repair_values(schema: JsonObject) -> None:
    """Repair type, enum and a list of properties in place."""
    kinds, choices, members = schema.get("type"), schema.get("enum"), schema.get("properties")
    if isinstance(kinds, str):
        schema["type"] = _repair_type(kinds)
    elif isinstance(kinds, list):
        types = [_repair_type(kind) for kind in kinds if isinstance(kind, str)]
        schema["type"] = list(dict.fromkeys(types)) or "string"
    if isinstance(choices, str):
        choices = [choice.strip() for choice in choices.split(",") if choice.strip()]
        schema["enum"] = choices
    if choices == []:
        del schema["enum"]
    if not has_value_of_type(schema):
        found = sorted({name_type(choice) for choice in schema["enum"]})
        schema["type"] = found if len(found) > 1 else found[0]
    if isinstance(members, list):
        named = [item for item in members if isinstance(item, dict) and "name" in item]
        schema["properties"] = {
            str(item["name"]): {key: value for key, value in item.items() if key != "name"}
            for item in named
        }


def _repair_required(schema: JsonObject) -> None:
    """Make ``required`` a list of names, in place; true in an argument requires this argument."""
    members = schema.get("properties")
    members = members if isinstance(members, dict) else {}
    listed = schema.get("required")
    names = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
    names += [
        name
        for name, member in members.items()
        if isinstance(member, dict) and member.get("required") is True
    ]
    known = [name for name in dict.fromkeys(filter(_is_text, names)) if name in members]
    if known:
        schema["required"] = known
    else:
        schema.pop("required", None)


def is_type_name(value: object) -> bool:
    """Return True if a value names a type of JSON Schema, or is a common other name of one."""
    return isinstance(value, str) and (value in JSON_TYPES or value.lower() in _TYPE_ALIASES)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _repair_type(kind: str) -> str:
    return kind if kind in JSON_TYPES else _TYPE_ALIASES.get(kind.lower(), "string")


def _has_array_type(schema: JsonObject) -> bool:
    kinds = schema.get("type")
    return kinds == "array" or (isinstance(kinds, list) and "array" in kinds)
