"""Fixes of inline functions. Each sets a whole function, so that no fix undoes another one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import FixCall, HintPart, UnprintedValue, build_fix, set_at
from tavus_mcp.checker.function_schemas import ROOT_ONLY_PROPERTIES, is_described_as_optional
from tavus_mcp.checker.schema_repair import is_type_name, repair_schema
from tavus_mcp.models.base import JsonObject, indexed_texts, number, text
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.layers import FUNCTION_NAME

FUNCTION_LISTS = (
    "/layers/llm/tools",
    "/layers/perception/visual_tools",
    "/layers/perception/audio_tools",
    "/layers/perception/screen_tools",
    "/layers/perception/perception_tools",
)
"""JSON Pointers of the lists of inline functions."""

# The arguments of set_function_tool for a list; the other lists take a raw patch.
_SET_FUNCTION_ARGUMENTS: dict[str, dict[str, str]] = {
    "/layers/llm/tools": {},
    "/layers/perception/visual_tools": {"layer": "perception"},
    "/layers/perception/audio_tools": {"layer": "perception", "modality": "audio"},
}


def iter_functions(document: PersonaDocument, *pointers: str) -> Iterator[tuple[str, JsonObject]]:
    """Yield path and function for each item of these lists, by default of all lists."""
    for pointer in pointers or FUNCTION_LISTS:
        tools = document.values_by_pointer.get(pointer)
        for index, tool in enumerate(tools) if isinstance(tools, list) else ():
            spec = tool.get("function") if isinstance(tool, dict) else None
            if isinstance(spec, dict):
                yield f"{pointer}/{index}/function", spec


def name_of(spec: JsonObject) -> str:
    """Return the name of a function, empty if it is no text."""
    name = spec.get("name")
    return name if isinstance(name, str) else ""


def properties_of(schema: JsonObject) -> dict[str, Any]:
    """Return the arguments that a schema describes, by name."""
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def to_snake_case(name: str) -> str:
    """Return a name in snake_case, or an empty text if it has no usable character."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    plain = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:64]
    return f"f_{plain}"[:64] if plain[:1].isdecimal() else plain


def list_kind(path: str) -> str:
    """Return a short name of a function's list: llm, visual, audio, screen, perception."""
    layer, name = path.split("/")[2:4]
    return name.removesuffix("_tools") if layer == "perception" else layer


def fix_function(catalog: Catalog, path: str, function: JsonObject, name: str = "") -> FixCall:
    """Return the call that sets a function with all its problems fixed."""
    name = name or name_of(function)
    parts: dict[str, Any] = {
        "name": name if re.fullmatch(FUNCTION_NAME, name) else "<FUNCTION_NAME>",
        **fix_function_parts(catalog, path, function),
    }
    return _set_function(path, function, parts)


def fix_function_parts(catalog: Catalog, path: str, function: JsonObject) -> dict[str, Any]:
    """Return description and parameters of a function with all their problems fixed."""
    return {
        "description": _description_or_placeholder(function.get("description")),
        "parameters": _fix_schema(catalog, path, function.get("parameters")),
    }


def shorten_function(catalog: Catalog, path: str, function: JsonObject) -> FixCall:
    """Return the call that sets a function with a placeholder for its longer part."""
    description, parameters = function.get("description"), function.get("parameters")
    parts: dict[str, Any] = {
        "name": name_of(function),
        "description": UnprintedValue(description),
        "parameters": "<PARAMETERS>",
    }
    if len(json.dumps(parameters or {})) <= len(text(description)):
        schema = _fix_schema(catalog, path, parameters)
        parts |= {"description": "<DESCRIPTION>", "parameters": schema}
    return _set_function(path, function, parts)


def count_names(document: PersonaDocument) -> Counter[tuple[str, str]]:
    """Return how many functions of each layer have each name."""
    return Counter(
        (path.split("/")[2], name_of(function)) for path, function in iter_functions(document)
    )


def rename_function(
    catalog: Catalog,
    path: str,
    function: JsonObject,
    new_name: str,
    counts: Mapping[tuple[str, str], int],
) -> tuple[HintPart, ...]:
    """Return the calls that give a function another name.

    set_function_tool and remove_function_tool go by name, so a name that is no text or is not
    unique in the layer takes a raw patch. ``counts`` are those of ``count_names``.
    """
    pointer = _list_of(path)
    name, new_name = name_of(function), new_name or "<FUNCTION_NAME>"
    layer = pointer.split("/")[2]
    is_text = isinstance(function.get("name", ""), str)
    if pointer not in _SET_FUNCTION_ARGUMENTS or counts[layer, name] > 1 or not is_text:
        return (set_at(f"{path}/name", new_name),)
    removal = build_fix("remove_function_tool", name=UnprintedValue(name), layer=layer)
    return removal, ", then ", fix_function(catalog, path, function, new_name)


def wrap_function(tool: JsonObject) -> JsonObject:
    """Return a flat function as {"type": "function", "function": ...}, without unknown fields."""
    fields = ("name", "description", "parameters", "strict")
    return {
        "type": "function",
        "function": {name: UnprintedValue(tool[name]) for name in fields if name in tool},
    }


def _set_function(path: str, function: JsonObject, parts: dict[str, Any]) -> FixCall:
    if isinstance(function.get("strict"), bool):
        parts = {**parts, "strict": function["strict"]}
    arguments = _SET_FUNCTION_ARGUMENTS.get(_list_of(path))
    if arguments is None:
        return set_at(path, parts)
    return build_fix("set_function_tool", **parts, **arguments)


def _list_of(path: str) -> str:
    return path.rsplit("/", 2)[0]


def _description_or_placeholder(value: object) -> str | UnprintedValue:
    return UnprintedValue(value) if text(value) else "<DESCRIPTION>"


def _fix_schema(catalog: Catalog, path: str, schema: object) -> dict[str, Any]:
    """Return the schema of the arguments: an object that describes each of them.

    Required are those that were, and those whose description does not say that they are optional.
    """
    stored = schema if isinstance(schema, dict) else {}
    if "properties" not in stored and "type" not in stored:
        arguments = {
            name: value
            for name, value in stored.items()
            if isinstance(value, dict) or is_type_name(value)  # {"day": "string"}
        }
        stored = {"properties": arguments}
    repaired = repair_schema({**stored, "type": "object"})
    listed = {name for _, name in indexed_texts(repaired.get("required"))}
    prefix = reserved_prefix(catalog)
    properties, required = {}, []
    for name, argument in properties_of(repaired).items():
        bare_name = str(name).removeprefix(prefix) or str(name)
        properties[bare_name] = _fix_argument(catalog, path, argument)
        if name in listed or not is_described_as_optional(argument):
            required.append(bare_name)
    replaced = ("type", "properties", "required", *ROOT_ONLY_PROPERTIES)
    keywords = {
        name: UnprintedValue(value) for name, value in repaired.items() if name not in replaced
    }
    return {"type": "object", "properties": properties, "required": required, **keywords}


def _fix_argument(catalog: Catalog, path: str, argument: object) -> object:
    if not isinstance(argument, dict):
        return UnprintedValue(argument)
    fixed: dict[str, Any] = {name: UnprintedValue(value) for name, value in argument.items()}
    fixed["description"] = _description_or_placeholder(argument.get("description"))
    max_length, limit = number(argument.get("maxLength")), max_argument_chars(catalog)
    if "/perception/" in path and limit and max_length is not None and max_length > limit:
        fixed["maxLength"] = UnprintedValue(limit)
    return fixed


def reserved_prefix(catalog: Catalog) -> str:
    """Return the prefix of argument names that the registry refuses."""
    return catalog.tool_rules["registry.parameters"].forbidden_prefix or ""


def max_argument_chars(catalog: Catalog) -> float | None:
    """Return how many characters Raven fills in for an argument at most."""
    return catalog.tool_rules["inline.string_parameter"].maximum
