"""Rules about inline functions: OpenAI-style tools in the LLM and perception layers."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import FixCall, alternative_fix, remove, set_at, update_fields
from tavus_mcp.checker.function_fixes import (
    FUNCTION_LISTS,
    JSON_TYPES,
    fix_function,
    iter_functions,
    list_kind,
    max_argument_chars,
    name_of,
    properties_of,
    rename_function,
    reserved_prefix,
    shorten_function,
    to_snake_case,
    wrap_function,
)
from tavus_mcp.checker.rule import Check, Violation, rule
from tavus_mcp.models.base import JsonObject, indexed_texts, number, text
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.layers import FUNCTION_NAME

_SNAKE_CASE = re.compile(r"[a-z0-9_]+")

Problems = Iterator[tuple[str, str]]
"""JSON Pointers relative to a function, each with a message."""
FunctionCheck = Callable[[JsonObject, Catalog], Problems]


def _each_function(
    hint: str = "",
    *,
    lists: tuple[str, ...] = FUNCTION_LISTS,
    fix: Callable[[Catalog, str, JsonObject], FixCall] = fix_function,
) -> Callable[[FunctionCheck], Check]:
    """Turn a check of one function into a check of all functions of a document.

    ``hint`` stands before the fix, which sets the whole function with all its problems fixed.
    """

    def decorate(find_problems: FunctionCheck) -> Check:
        @functools.wraps(find_problems)
        def check(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
            for path, function in iter_functions(document, *lists):
                for pointer, message in find_problems(function, catalog):
                    yield Violation(path + pointer, message, hint, fix(catalog, path, function))

        return check

    return decorate


def _arguments_of(function: JsonObject) -> Iterator[tuple[str, str, Any]]:
    """Yield relative pointer, name and schema of each argument."""
    for name, argument in properties_of(_schema_of(function)).items():
        yield f"/parameters/properties{pointer_of([name])}", str(name), argument


def _schema_of(function: JsonObject) -> JsonObject:
    schema = function.get("parameters")
    return schema if isinstance(schema, dict) else {}


@rule("function-unwrapped", "error", source="J:llm-tool", covers_subtree=True)
def not_wrapped(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Other APIs take a flat function; Tavus takes it inside of "function" only."""
    for pointer in FUNCTION_LISTS:
        tools = document.value(pointer)
        for index, tool in enumerate(tools if isinstance(tools, list) else ()):
            if isinstance(tool, dict) and "function" not in tool and "name" in tool:
                yield Violation(
                    f"{pointer}/{index}",
                    "The function stands flat; Tavus wants it as "
                    '{"type": "function", "function": {"name": ..., ...}}.',
                    set_at(f"{pointer}/{index}", wrap_function(tool)),
                )


@rule("function-name-invalid", "error", source="P:pal/llm-tool", blocks_write=True)
def name_invalid(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Models call functions by name, and names must match one pattern."""
    for path, function in iter_functions(document):
        name = name_of(function)
        if not re.fullmatch(FUNCTION_NAME, name):
            yield Violation(
                f"{path}/name",
                "A function name has 1 to 64 letters, digits and underscores, and begins with no "
                "digit.",
                *rename_function(document, catalog, path, to_snake_case(name)),
            )


@rule("function-name-not-snake-case", "info", source="J:llm-tool")
def name_not_snake_case(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An older page of the docs asks for snake_case."""
    for path, function in iter_functions(document):
        name = name_of(function)
        if re.fullmatch(FUNCTION_NAME, name) and not _SNAKE_CASE.fullmatch(name):
            yield Violation(
                f"{path}/name",
                "The docs write function names in snake_case.",
                *rename_function(document, catalog, path, to_snake_case(name)),
                "; your client must listen for the new name",
            )


@rule("function-name-duplicate", "error", source="J:llm-tool", blocks_write=True)
def name_duplicate(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Of two functions of one name a model can call only one."""
    for pointer in FUNCTION_LISTS:
        duplicates: list[str] = []
        names = {""}
        for path, function in iter_functions(document, pointer):
            name = name_of(function)
            duplicates += [path] if name and name in names else []
            names.add(name)
        for path in duplicates:
            yield Violation(
                f"{path}/name",
                "Another function of this list has the same name.",
                "Keep the first of each name: ",
                remove(*(item.removesuffix("/function") for item in reversed(duplicates))),
            )


@rule("function-in-two-lists", "warning", source="J:llm-tool, J:persona/perception")
def in_two_lists(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Calls of LLM and perception tools are different events, which only the name relates."""
    previous: set[str] = set()
    for pointer in FUNCTION_LISTS:
        functions = [(path, name_of(spec)) for path, spec in iter_functions(document, pointer)]
        for path, name in functions:
            if name in previous:
                new_name = f"{list_kind(path)}_{name}"[:64]
                yield Violation(
                    f"{path}/name",
                    "A function of the same name stands in another list of this persona.",
                    "Under a name of its own: ",
                    *rename_function(document, catalog, path, new_name),
                )
        previous |= {name for _, name in functions if name}


@rule("function-too-large", "error", source="P:tools/create-tool, V:tool.py", blocks_write=True)
@_each_function("Shorten them: ", fix=shorten_function)
def too_large(function: JsonObject, catalog: Catalog) -> Problems:
    """Description and parameters are part of each request to the model; their size is limited."""
    limit = catalog.tool_rules["registry.description"].max_length
    parameters = json.dumps(function.get("parameters") or {})
    size = len(text(function.get("description"))) + len(parameters)
    if limit and size > limit:
        yield "", f"Description and parameters have {size:,} characters; the limit is {limit:,}."


@rule("function-without-description", "warning", source="J:llm-tool")
@_each_function()
def without_description(function: JsonObject, catalog: Catalog) -> Problems:
    """The description is what tells the model when to call a function."""
    if not text(function.get("description")):
        message = "The function has no description, so the model has to guess when to call it."
        yield "/description", message


@rule("function-without-parameters", "info", source="J:llm-tool")
@_each_function("With an empty schema, or what it needs: ")
def without_parameters(function: JsonObject, catalog: Catalog) -> Problems:
    """Some providers require a schema even for a function without arguments."""
    if function.get("parameters") in (None, {}):
        yield "/parameters", "The function has no parameters."


@rule("function-parameters-no-object", "error", source="J:llm-tool")
@_each_function('Wrap them as {"type": "object", "properties": {...}, "required": [...]}: ')
def parameters_no_object(function: JsonObject, catalog: Catalog) -> Problems:
    """Arguments have names, so their schema must be that of an object."""
    schema = _schema_of(function)
    if schema and schema.get("type") != "object":
        yield "/parameters/type", "The parameters must be a JSON Schema of type object."


@rule("function-required-unknown", "error", source="J:llm-tool")
@_each_function("Leave it out, or describe it: ")
def required_unknown(function: JsonObject, catalog: Catalog) -> Problems:
    """A model cannot give a required argument that properties does not describe."""
    schema = _schema_of(function)
    for index, name in indexed_texts(schema.get("required")):
        if name not in properties_of(schema):
            yield (
                f"/parameters/required/{index}",
                "required names an argument that properties lacks.",
            )


@rule("function-required-incomplete", "info", source="J:llm-tool")
@_each_function()
def required_incomplete(function: JsonObject, catalog: Catalog) -> Problems:
    """The docs advise to require every argument, so that the model omits none."""
    schema = _schema_of(function)
    required = {name for _, name in indexed_texts(schema.get("required"))}
    if not properties_of(schema).keys() <= required:
        message = "Not all of its arguments are required; the docs advise to require each."
        yield "/parameters/required", message


@rule("function-argument-undescribed", "info", source="J:llm-tool")
@_each_function()
def argument_undescribed(function: JsonObject, catalog: Catalog) -> Problems:
    """The model fills in arguments by their descriptions."""
    for pointer, _, argument in _arguments_of(function):
        if isinstance(argument, dict) and not text(argument.get("description")):
            yield pointer, "The argument has no description."


@rule("function-argument-type-unknown", "error", source="P:tools/create-tool")
@_each_function()
def argument_type_unknown(function: JsonObject, catalog: Catalog) -> Problems:
    """JSON Schema has seven types."""
    for pointer, _, argument in _arguments_of(function):
        kind = argument.get("type") if isinstance(argument, dict) else None
        if isinstance(kind, str) and kind not in JSON_TYPES:
            types = ", ".join(sorted(JSON_TYPES))
            yield f"{pointer}/type", f"No type of JSON Schema; there are {types}."


@rule("function-argument-reserved", "info", source="P:tools/create-tool, V:tool.py")
@_each_function("Rename it: ")
def argument_reserved(function: JsonObject, catalog: Catalog) -> Problems:
    """The registry refuses argument names that are reserved for Tavus."""
    prefix = reserved_prefix(catalog)
    for pointer, name, _ in _arguments_of(function):
        if prefix and name.startswith(prefix):
            yield (
                pointer,
                f"Names that begin with {prefix} are reserved; the registry refuses them.",
            )


@rule("function-argument-too-long", "warning", source="P:pal/perception-tool")
@_each_function(lists=FUNCTION_LISTS[1:])
def argument_too_long(function: JsonObject, catalog: Catalog) -> Problems:
    """Raven limits the length of the arguments that it fills in."""
    limit = max_argument_chars(catalog)
    for pointer, _, argument in _arguments_of(function):
        max_length = number(argument.get("maxLength")) if isinstance(argument, dict) else None
        if limit and max_length is not None and max_length > limit:
            yield f"{pointer}/maxLength", f"Raven fills in at most {limit:,.0f} characters."


@rule(
    "function-inline",
    "info",
    source="P:pal/llm, P:pal/tools",
    no_fix_reason="It still runs, and tools of the registry are made with Tavus, not here.",
)
def inline(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Inline functions run in the client; tools of the registry can also be called over HTTPS."""
    pointer = next((pointer for pointer in FUNCTION_LISTS if document.is_set(pointer)), None)
    if pointer:
        yield Violation(
            pointer,
            f"Inline functions are legacy{catalog.deprecated_since(pointer)}; they still run, in "
            "the client that receives the call.",
            "Newer are registry tools: create them with Tavus, then ",
            alternative_fix(update_fields(tool_ids=["<TOOL_ID>"])),
        )
