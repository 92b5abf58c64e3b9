"""Decide from the JSON Schema of an argument what an empty value of it means."""

from __future__ import annotations

from typing import Any

from tavus_mcp.models.base import JsonObject

ROLE_KEY = "role"
"""Key of an argument's schema that marks free text; it is not published."""
TEXT_ROLE = "text"


def is_not_given(name: str, value: Any, root: JsonObject) -> bool:
    """Return True if the value of an argument stands for an omitted argument.

    ``root`` is the whole schema of the tool's arguments. An empty boolean stays an error:
    ``dry_run: ""`` must not start a write. An empty value of a required argument is an error too.
    A text or a list that may never be empty, like a name, is not given either if it is.
    """
    if value is None:
        return True
    if name in root.get("required", ()):
        return False
    schema = root["properties"][name]
    kinds = json_types(schema, root)[0] - {"null"}
    if isinstance(value, str) and not value.strip():
        can_be_text = is_text(schema) and (bool(value) or not _needs_content(schema))
        return bool(kinds) and kinds != {"boolean"} and not can_be_text
    if value == [] and isinstance(value, list):
        return kinds == {"array"} and (not is_stored_field(name, root) or _needs_content(schema))
    if value == {} and isinstance(value, dict):  # merged by key, so that nothing changes
        return is_stored_field(name, root) and "unset" in root["properties"]
    return False


def _needs_content(schema: JsonObject) -> bool:
    """Return True if a text of the schema, or a list, has at least one character or item."""
    arms = [schema, *schema.get("anyOf", ())]
    return any(arm.get("minLength") or arm.get("minItems") for arm in arms)


def replace_empty_form(value: Any, schema: JsonObject, root: JsonObject) -> Any:
    """Return the empty value of the argument's own type for "" and []."""
    if isinstance(value, list) and not value and is_text(schema):
        return ""
    is_blank = isinstance(value, str) and not value.strip()
    if is_blank and json_types(schema, root)[0] - {"null"} == {"array"}:
        return []
    return value


def is_text(schema: JsonObject) -> bool:
    """Return True for free text, as opposed to an id, a name of a choice or a reference."""
    return schema.get(ROLE_KEY) == TEXT_ROLE


def is_stored_field(name: str, root: JsonObject) -> bool:
    """Return True for a field of the persona, which has no default: only what is given changes."""
    return name not in root.get("required", ()) and "default" not in root["properties"][name]


def json_types(schema: JsonObject, root: JsonObject) -> tuple[set[str], JsonObject]:
    """Return the JSON types that a schema allows, and its arm for an object or a list."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    arms = schema.get("anyOf") or schema.get("oneOf")
    if not arms:
        kind = schema.get("type")
        return ({kind} if isinstance(kind, str) else set()), schema
    types_of_arms = [json_types(arm, root) for arm in arms]
    kinds = set().union(*(kind for kind, _ in types_of_arms))
    return kinds, next((node for kind, node in types_of_arms if kind & {"object", "array"}), schema)
