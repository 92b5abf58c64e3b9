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
    An empty name is not given either, nor is an empty text that is no stored field and may not be
    empty, like that to find: some hosts send "" for all arguments. Another empty text or list for a
    stored field is given: the write refuses it if it would remove what is stored.
    """
    if value is None:
        return True
    if name in root.get("required", ()):
        return False
    schema = root["properties"][name]
    kinds = json_types(schema, root)[0] - {"null"}
    if isinstance(value, str) and not value.strip():
        is_omitted = not is_text(schema) or (value == "" and _is_empty_omitted(name, root))
        return bool(kinds) and kinds != {"boolean"} and is_omitted
    if value == [] and isinstance(value, list):
        return kinds == {"array"} and not is_stored_field(name, root)
    if value == {} and isinstance(value, dict):  # merged by key, so that nothing changes
        return is_stored_field(name, root) and "unset" in root["properties"]
    return False


def _is_empty_omitted(name: str, root: JsonObject) -> bool:
    """Return True if an empty free text stands for an omitted argument."""
    if is_stored_field(name, root):
        return name == "name" or name.endswith("_name")
    schema = root["properties"][name]
    return any(arm.get("minLength") for arm in [schema, *schema.get("anyOf", ())])


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
