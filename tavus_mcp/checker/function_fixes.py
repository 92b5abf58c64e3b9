"""Mending inline functions: everything about one at once, so that no fix undoes another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import Call, Stored, call, put
from tavus_mcp.checker.lookups import at, number, text
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document
from tavus_mcp.models.layers import FUNCTION_NAME

LISTS = (
    "/layers/llm/tools",
    "/layers/perception/visual_tools",
    "/layers/perception/audio_tools",
    "/layers/perception/screen_tools",
    "/layers/perception/perception_tools",
)
"""Where inline functions stand."""

JSON_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_MEANT = {
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
_SETTABLE: dict[str, dict[str, str]] = {
    "/layers/llm/tools": {},
    "/layers/perception/visual_tools": {"layer": "perception"},
    "/layers/perception/audio_tools": {"layer": "perception", "modality": "audio"},
}


def functions_of(document: Document, *pointers: str) -> Iterator[tuple[str, JsonObject]]:
    """Yield each function with its path; without pointers those of all lists."""
    for pointer in pointers or LISTS:
        tools = at(document, pointer)
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


def snake_case(name: str) -> str:
    """Return a name as the docs write it, or an empty text when nothing of it can be used."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    plain = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:64]
    return f"f_{plain}"[:64] if plain[:1].isdecimal() else plain


def kind_of(path: str) -> str:
    """Return what the list of a function is called after: llm, visual, audio."""
    layer, name = path.split("/")[2:4]
    return name.removesuffix("_tools") if layer == "perception" else layer


def mended(catalog: Catalog, path: str, spec: JsonObject, name: str = "") -> Call:
    """Return the call that puts a function in place with all that can be mended in it mended."""
    known = name or name_of(spec)
    parts: dict[str, Any] = {
        "name": known if re.fullmatch(FUNCTION_NAME, known) else "<FUNCTION_NAME>",
        "description": _described(spec.get("description")),
        "parameters": _schema(catalog, path, spec.get("parameters")),
    }
    return _put(path, spec, parts)


def shortened(catalog: Catalog, path: str, spec: JsonObject) -> Call:
    """Return the call that puts a function in place with its longer part to be shortened."""
    parts: dict[str, Any] = {"name": name_of(spec), "description": Stored(spec.get("description"))}
    parameters = spec.get("parameters")
    if len(json.dumps(parameters or {})) > len(text(spec.get("description"))):
        return _put(path, spec, {**parts, "parameters": "<PARAMETERS>"})
    schema = _schema(catalog, path, parameters)
    return _put(path, spec, {**parts, "description": "<DESCRIPTION>", "parameters": schema})


def renamed(
    document: Document, catalog: Catalog, path: str, new: str
) -> tuple[Call] | tuple[Call, str, Call]:
    """Return the calls that give a function another name."""
    spec = document.at(path)
    pointer = path.rsplit("/", 2)[0]
    layer = pointer.split("/")[2]
    lists = [one for one in LISTS if one.startswith(f"/layers/{layer}/")]
    alike = [one for _, one in functions_of(document, *lists) if name_of(one) == name_of(spec)]
    if pointer not in _SETTABLE or len(alike) > 1 or not isinstance(spec.get("name", ""), str):
        return (put(f"{path}/name", new or "<FUNCTION_NAME>"),)
    gone = call("remove_function_tool", name=Stored(name_of(spec)), layer=layer)
    return gone, ", then ", mended(catalog, path, spec, new or "<FUNCTION_NAME>")


def unwrapped(tool: JsonObject) -> JsonObject:
    """Return a function that stood flat in its wrapping; what belongs to neither is left out."""
    fields = ("name", "description", "parameters", "strict")
    return {
        "type": "function",
        "function": {name: Stored(tool[name]) for name in fields if name in tool},
    }


def _put(path: str, spec: JsonObject, parts: dict[str, Any]) -> Call:
    pointer = path.rsplit("/", 2)[0]
    more = {"strict": spec["strict"]} if isinstance(spec.get("strict"), bool) else {}
    where = _SETTABLE.get(pointer)
    if where is None:
        return put(path, {**parts, **more})
    return call("set_function_tool", **parts, **more, **where)


def _described(value: object) -> str | Stored:
    return Stored(value) if text(value) else "<DESCRIPTION>"


def _schema(catalog: Catalog, path: str, schema: object) -> dict[str, Any]:
    """Return the schema of the arguments as an object that describes and requires each of them."""
    given = schema if isinstance(schema, dict) else {}
    if "properties" not in given and "type" not in given:
        given = {"properties": {name: it for name, it in given.items() if isinstance(it, dict)}}
    arguments = {
        _free(catalog, str(name)): _argument(catalog, path, argument)
        for name, argument in properties_of(given).items()
    }
    rest = {name: Stored(value) for name, value in given.items() if name not in _REWRITTEN}
    return {
        "type": "object",
        "properties": arguments,
        "required": list(arguments),
        **rest,
    }


_REWRITTEN = frozenset({"type", "properties", "required"})


def _argument(catalog: Catalog, path: str, argument: object) -> object:
    if not isinstance(argument, dict):
        return Stored(argument)
    mended = {name: Stored(value) for name, value in argument.items()}
    mended["description"] = _described(argument.get("description"))  # type: ignore[assignment]  # or a choice
    kind = argument.get("type")
    if isinstance(kind, str) and kind not in JSON_TYPES:
        mended["type"] = Stored(_MEANT.get(kind.lower(), "string"))
    longest = number(argument.get("maxLength"))
    facts = catalog.tool_rule("inline.string_parameter")
    limit = facts.maximum if facts else None
    if "/perception/" in path and limit and longest is not None and longest > limit:
        mended["maxLength"] = Stored(limit)
    return mended


def _free(catalog: Catalog, name: str) -> str:
    facts = catalog.tool_rule("registry.parameters")
    prefix = facts.forbidden_prefix if facts else None
    return name.removeprefix(prefix or "") or name
