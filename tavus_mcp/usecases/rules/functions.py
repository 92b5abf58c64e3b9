"""Rules about inline functions: the OpenAI-style tools inside the LLM and perception layers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document
from tavus_mcp.models.functions import FUNCTION_NAME
from tavus_mcp.models.patch import pointer_of
from tavus_mcp.usecases.rules.look import at, call, ended, entries, is_set, number, text, update
from tavus_mcp.usecases.rules.rule import Hit, rule

_LISTS = (
    "/layers/llm/tools",
    "/layers/perception/visual_tools",
    "/layers/perception/audio_tools",
    "/layers/perception/screen_tools",
    "/layers/perception/perception_tools",
)
_JSON_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_SNAKE_CASE = re.compile(r"[a-z0-9_]+")


@rule("function-name-invalid", "error", source="P:pal/llm-tool", refuses=True)
def name_invalid(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Models call functions by name, and take names of one pattern only."""
    for path, spec in _functions(document):
        if not re.fullmatch(FUNCTION_NAME, _name(spec)):
            yield Hit(
                f"{path}/name",
                "A function name has 1 to 64 letters, digits and underscores, and begins with no "
                "digit.",
                f"{_put(path, name='get_weather')}, or a name like it, and remove this one.",
            )


@rule("function-name-not-snake-case", "info", source="J:llm-tool")
def name_not_snake_case(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """An older page of the docs asks for snake_case."""
    for path, spec in _functions(document):
        name = _name(spec)
        if re.fullmatch(FUNCTION_NAME, name) and not _SNAKE_CASE.fullmatch(name):
            yield Hit(
                f"{path}/name",
                "The docs write function names in snake_case.",
                f"{_put(path, name=_snake_case(name))}, then {_drop(spec)}; your client must "
                "listen for the new name.",
            )


@rule("function-name-duplicate", "error", source="J:llm-tool", refuses=True)
def name_duplicate(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Of two functions of one name a model can call but one."""
    for pointer in _LISTS:
        seen: set[str] = set()
        for path, spec in _functions(document, pointer):
            name = _name(spec)
            if name in seen:
                yield Hit(
                    f"{path}/name",
                    "Another function of this list has the same name.",
                    f"{_drop(spec)} removes both; add the right one again: {_put(path, spec)}.",
                )
            seen |= {name} - {""}


@rule("function-in-two-lists", "warning", source="J:llm-tool, J:persona/perception")
def in_two_lists(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """A client tells calls apart by their name, and perception's come as another event."""
    elsewhere: set[str] = set()
    for pointer in _LISTS:
        here = set()
        for path, spec in _functions(document, pointer):
            if _name(spec) in elsewhere:
                yield Hit(
                    f"{path}/name",
                    "A function of the same name stands in another list of this persona.",
                    f"Under a new name: {_put(path)}; {_drop(spec)} removes both old ones.",
                )
            here.add(_name(spec))
        elsewhere |= here - {""}


@rule("function-too-large", "error", source="P:tools/create-tool, V:tool.py", refuses=True)
def too_large(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Description and parameters are read before each answer, and their size is limited."""
    facts = catalog.tool_rule("registry.description")
    limit = facts.max_length if facts else None
    for path, spec in _functions(document):
        size = len(text(spec.get("description"))) + len(json.dumps(spec.get("parameters") or {}))
        if limit and size > limit:
            yield Hit(
                path,
                f"Description and parameters have {size:,} characters; the limit is {limit:,}.",
                f"Shorten them: {_put(path, spec)}.",
            )


@rule("function-without-description", "warning", source="J:llm-tool")
def without_description(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The description is all that tells the model when to call."""
    for path, spec in _functions(document):
        if not text(spec.get("description")):
            yield Hit(
                f"{path}/description",
                "The function has no description, so the model has to guess when to call it.",
                f"{_put(path, spec)}.",
            )


@rule("function-without-parameters", "info", source="J:llm-tool")
def without_parameters(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Some providers insist on a schema, also where there is nothing to give."""
    for path, spec in _functions(document):
        if spec.get("parameters") in (None, {}):
            yield Hit(
                f"{path}/parameters",
                "The function has no parameters.",
                f"If it needs some: {_put(path, spec)}.",
            )


@rule("function-parameters-no-object", "error", source="J:llm-tool")
def parameters_no_object(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Arguments have names, so their schema is that of an object."""
    for path, schema in _schemas(document):
        if schema and schema.get("type") != "object":
            yield Hit(
                f"{path}/parameters/type",
                "The parameters must be a JSON Schema of type object.",
                'Wrap them as {"type": "object", "properties": {...}, "required": [...]}: '
                f"{_put(path, document.at(path))}.",
            )


@rule("function-required-unknown", "error", source="J:llm-tool")
def required_unknown(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """A required argument that is not described can never be right."""
    for path, schema in _schemas(document):
        for index, name in entries(schema.get("required")):
            if name not in _properties(schema):
                yield Hit(
                    f"{path}/parameters/required/{index}",
                    "required names an argument that properties lacks.",
                    f"Describe it or leave it out: {_put(path, document.at(path))}.",
                )


@rule("function-required-incomplete", "info", source="J:llm-tool")
def required_incomplete(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The docs advise to require every argument, so that none is forgotten."""
    for path, schema in _schemas(document):
        required = {name for _, name in entries(schema.get("required"))}
        if not _properties(schema).keys() <= required:
            yield Hit(
                f"{path}/parameters/required",
                "Not all of its arguments are required; the docs advise to require each.",
                f"{_put(path, document.at(path))}.",
            )


@rule("function-argument-undescribed", "info", source="J:llm-tool")
def argument_undescribed(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The model fills arguments by their descriptions."""
    for path, schema in _schemas(document):
        for name, argument in _properties(schema).items():
            if isinstance(argument, dict) and not text(argument.get("description")):
                yield Hit(
                    f"{path}/parameters/properties" + pointer_of([name]),
                    "The argument has no description.",
                    f"{_put(path, document.at(path))}.",
                )


@rule("function-argument-type-unknown", "error", source="P:tools/create-tool")
def argument_type_unknown(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """JSON Schema knows seven types."""
    for path, schema in _schemas(document):
        for name, argument in _properties(schema).items():
            kind = argument.get("type") if isinstance(argument, dict) else None
            if isinstance(kind, str) and kind not in _JSON_TYPES:
                yield Hit(
                    f"{path}/parameters/properties{pointer_of([name])}/type",
                    f"No type of JSON Schema; there are {', '.join(sorted(_JSON_TYPES))}.",
                    f"{_put(path, document.at(path))}.",
                )


@rule("function-argument-reserved", "warning", source="P:tools/create-tool, V:tool.py")
def argument_reserved(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The registry refuses names that Tavus keeps for itself."""
    facts = catalog.tool_rule("registry.parameters")
    prefix = facts.forbidden_prefix if facts else None
    for path, schema in _schemas(document):
        for name in _properties(schema):
            if prefix and str(name).startswith(prefix):
                yield Hit(
                    f"{path}/parameters/properties" + pointer_of([name]),
                    f"Names that begin with {prefix} are reserved; the registry refuses them.",
                    f"Rename it: {_put(path, document.at(path))}.",
                )


@rule("function-argument-too-long", "warning", source="P:pal/perception-tool")
def argument_too_long(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """What Raven writes into an argument is limited."""
    facts = catalog.tool_rule("inline.string_parameter")
    limit = facts.maximum if facts else None
    for path, schema in _schemas(document, *_LISTS[1:]):
        for name, argument in _properties(schema).items():
            longest = number(argument.get("maxLength")) if isinstance(argument, dict) else None
            if limit and longest is not None and longest > limit:
                yield Hit(
                    f"{path}/parameters/properties{pointer_of([name])}/maxLength",
                    f"Raven fills in at most {limit:,.0f} characters.",
                    f"{_put(path, document.at(path))}.",
                )


@rule("function-inline", "info", source="P:pal/llm, P:pal/tools")
def inline(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Inline functions run in the client; the registry can also call over HTTPS."""
    for pointer in _LISTS:
        if is_set(at(document, pointer)):
            yield Hit(
                pointer,
                f"Inline functions are legacy{ended(catalog, pointer)}; they still run, in the "
                "client that receives the call.",
                f"Newer are registry tools: create them with Tavus, then {update(tool_ids=...)}.",
            )


def _functions(document: Document, *pointers: str) -> Iterator[tuple[str, JsonObject]]:
    """Yield each function with its path; without pointers those of all lists."""
    for pointer in pointers or _LISTS:
        tools = at(document, pointer)
        for index, tool in enumerate(tools if isinstance(tools, list) else ()):
            spec = tool.get("function") if isinstance(tool, dict) else None
            if isinstance(spec, dict):
                yield f"{pointer}/{index}/function", spec


def _put(path: str, spec: JsonObject | None = None, name: str = "") -> str:
    """Write the call that replaces the function at ``path``, or adds one under a new name."""
    place = {}
    if path.startswith("/layers/perception/"):
        place["layer"] = "perception"
    if path.startswith("/layers/perception/audio_tools/"):
        place["modality"] = "audio"
    known = name or _shown(spec or {})
    return call("set_function_tool", name=known, description=..., parameters=..., **place)


def _drop(spec: JsonObject) -> str:
    return call("remove_function_tool", name=_shown(spec))


def _shown(spec: JsonObject) -> Any:
    """Return the name, or ``...`` when it is none that a call could carry."""
    return _name(spec) if re.fullmatch(FUNCTION_NAME, _name(spec)) else ...


def _schemas(document: Document, *pointers: str) -> Iterator[tuple[str, JsonObject]]:
    for path, spec in _functions(document, *pointers):
        if isinstance(spec.get("parameters"), dict):
            yield path, spec["parameters"]


def _properties(schema: JsonObject) -> dict[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _name(spec: JsonObject) -> str:
    name = spec.get("name")
    return name if isinstance(name, str) else ""


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


RULES = (
    name_invalid,
    name_not_snake_case,
    name_duplicate,
    in_two_lists,
    too_large,
    without_description,
    without_parameters,
    parameters_no_object,
    required_unknown,
    required_incomplete,
    argument_undescribed,
    argument_type_unknown,
    argument_reserved,
    argument_too_long,
    inline,
)
