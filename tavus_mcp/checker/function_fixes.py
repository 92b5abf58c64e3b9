"""Mending inline functions: everything about one at once, so that no fix undoes another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import FixCall, UnprintedValue, build_fix, set_at
from tavus_mcp.models.base import JsonObject, number, text
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.layers import FUNCTION_NAME

FUNCTION_LISTS = (
    "/layers/llm/tools",
    "/layers/perception/visual_tools",
    "/layers/perception/audio_tools",
    "/layers/perception/screen_tools",
    "/layers/perception/perception_tools",
)
"""Where inline functions stand."""

JSON_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
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
# What set_function_tool can write; the other lists take a raw patch.
_SET_FUNCTION_ARGUMENTS: dict[str, dict[str, str]] = {
    "/layers/llm/tools": {},
    "/layers/perception/visual_tools": {"layer": "perception"},
    "/layers/perception/audio_tools": {"layer": "perception", "modality": "audio"},
}


def iter_functions(document: PersonaDocument, *pointers: str) -> Iterator[tuple[str, JsonObject]]:
    """Yield each function with its path; without pointers those of all lists."""
    for pointer in pointers or FUNCTION_LISTS:
        tools = document.value(pointer)
        for index, tool in enumerate(tools if isinstance(tools, list) else ()):
            spec = tool.get("function") if isinstance(tool, dict) else None
            if isinstance(spec, dict):
                yield f"{pointer}/{index}/function", spec


def name_of(spec: JsonObject) -> str:
    """Return the name of a function, empty when it is no text."""
    name = spec.get("name")
    return name if isinstance(name, str) else ""


def properties_of(schema: JsonObject) -> dict[str, Any]:
    """Return the arguments that a schema describes."""
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def to_snake_case(name: str) -> str:
    """Return a name as the docs write it, or an empty text when nothing of it can be used."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    plain = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:64]
    return f"f_{plain}"[:64] if plain[:1].isdecimal() else plain


def list_kind(path: str) -> str:
    """Return what the list of a function is called after: llm, visual, audio."""
    layer, name = path.split("/")[2:4]
    return name.removesuffix("_tools") if layer == "perception" else layer


def fix_function(catalog: Catalog, path: str, spec: JsonObject, name: str = "") -> FixCall:
    """Return the call that puts a function in place with all that can be mended in it mended."""
    known = name or name_of(spec)
    parts: dict[str, Any] = {
        "name": known if re.fullmatch(FUNCTION_NAME, known) else "<FUNCTION_NAME>",
        "description": _description_or_placeholder(spec.get("description")),
        "parameters": _fix_schema(catalog, path, spec.get("parameters")),
    }
    return _set_function(path, spec, parts)


def shorten_function(catalog: Catalog, path: str, spec: JsonObject) -> FixCall:
    """Return the call that puts a function in place with its longer part to be shortened."""
    parts: dict[str, Any] = {
        "name": name_of(spec),
        "description": UnprintedValue(spec.get("description")),
    }
    parameters = spec.get("parameters")
    if len(json.dumps(parameters or {})) > len(text(spec.get("description"))):
        return _set_function(path, spec, {**parts, "parameters": "<PARAMETERS>"})
    schema = _fix_schema(catalog, path, parameters)
    return _set_function(
        path, spec, {**parts, "description": "<DESCRIPTION>", "parameters": schema}
    )


def rename_function(
    document: PersonaDocument, catalog: Catalog, path: str, new_name: str
) -> tuple[FixCall] | tuple[FixCall, str, FixCall]:
    """Return the calls that give a function another name."""
    spec = document.at(path)
    pointer = path.rsplit("/", 2)[0]
    layer = pointer.split("/")[2]
    lists = [one for one in FUNCTION_LISTS if one.startswith(f"/layers/{layer}/")]
    alike = [one for _, one in iter_functions(document, *lists) if name_of(one) == name_of(spec)]
    if (
        pointer not in _SET_FUNCTION_ARGUMENTS
        or len(alike) > 1
        or not isinstance(spec.get("name", ""), str)
    ):
        return (set_at(f"{path}/name", new_name or "<FUNCTION_NAME>"),)
    gone = build_fix("remove_function_tool", name=UnprintedValue(name_of(spec)), layer=layer)
    return gone, ", then ", fix_function(catalog, path, spec, new_name or "<FUNCTION_NAME>")


def wrap_function(tool: JsonObject) -> JsonObject:
    """Return a function that stood flat in its wrapping; what belongs to neither is left out."""
    fields = ("name", "description", "parameters", "strict")
    return {
        "type": "function",
        "function": {name: UnprintedValue(tool[name]) for name in fields if name in tool},
    }


def _set_function(path: str, spec: JsonObject, parts: dict[str, Any]) -> FixCall:
    pointer = path.rsplit("/", 2)[0]
    more = {"strict": spec["strict"]} if isinstance(spec.get("strict"), bool) else {}
    where = _SET_FUNCTION_ARGUMENTS.get(pointer)
    if where is None:
        return set_at(path, {**parts, **more})
    return build_fix("set_function_tool", **parts, **more, **where)


def _description_or_placeholder(value: object) -> str | UnprintedValue:
    return UnprintedValue(value) if text(value) else "<DESCRIPTION>"


def _fix_schema(catalog: Catalog, path: str, schema: object) -> dict[str, Any]:
    """Return the schema of the arguments as an object that describes and requires each of them."""
    given = schema if isinstance(schema, dict) else {}
    if "properties" not in given and "type" not in given:
        given = {"properties": {name: it for name, it in given.items() if isinstance(it, dict)}}
    arguments = {
        _strip_reserved_prefix(catalog, str(name)): _fix_argument(catalog, path, argument)
        for name, argument in properties_of(given).items()
    }
    rest = {
        name: UnprintedValue(value)
        for name, value in given.items()
        if name not in _REBUILT_KEYWORDS
    }
    return {
        "type": "object",
        "properties": arguments,
        "required": list(arguments),
        **rest,
    }


_REBUILT_KEYWORDS = frozenset({"type", "properties", "required"})


def _fix_argument(catalog: Catalog, path: str, argument: object) -> object:
    if not isinstance(argument, dict):
        return UnprintedValue(argument)
    mended = {name: UnprintedValue(value) for name, value in argument.items()}
    mended["description"] = _description_or_placeholder(argument.get("description"))  # type: ignore[assignment]  # or a choice
    kind = argument.get("type")
    if isinstance(kind, str) and kind not in JSON_TYPES:
        mended["type"] = UnprintedValue(_TYPE_ALIASES.get(kind.lower(), "string"))
    longest = number(argument.get("maxLength"))
    facts = catalog.tool_rules.find("inline.string_parameter")
    limit = facts.maximum if facts else None
    if "/perception/" in path and limit and longest is not None and longest > limit:
        mended["maxLength"] = UnprintedValue(limit)
    return mended


def _strip_reserved_prefix(catalog: Catalog, name: str) -> str:
    facts = catalog.tool_rules.find("registry.parameters")
    prefix = facts.forbidden_prefix if facts else None
    return name.removeprefix(prefix or "") or name
