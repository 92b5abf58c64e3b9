"""Rules about inline functions: OpenAI-style tools in the LLM and perception layers."""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import (
    Alternative,
    FixCall,
    HintPart,
    attach_parts,
    remove,
    set_at,
)
from tavus_mcp.checker.function_fixes import (
    FUNCTION_LISTS,
    count_names,
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
from tavus_mcp.checker.function_schemas import (
    find_invalid_keywords,
    find_refused_schemas,
    find_unknown_required,
    is_described_as_optional,
)
from tavus_mcp.checker.rule import Check, Violation, rule
from tavus_mcp.models.base import JsonObject, indexed_texts, number, text
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.layers import FUNCTION_NAME

_SNAKE_CASE = re.compile(r"[a-z0-9_]+")
MAX_PROBLEMS_PER_FUNCTION = 20
"""Of one rule; more of them are the same mistake again, and their fix is the same."""

_MAX_FUNCTION_CHARS = 50_000
"""Longer functions are refused in any case (function-too-large), and repairing them takes long."""

FunctionFix = Callable[[Catalog, str, JsonObject], FixCall]
Problems = Iterator[tuple[str, str]]
"""JSON Pointers relative to a function, each with a message."""
FunctionCheck = Callable[[JsonObject, Catalog], Problems]


def _each_function(
    hint: str = "",
    *,
    lists: tuple[str, ...] = FUNCTION_LISTS,
    fix: FunctionFix = fix_function,
) -> Callable[[FunctionCheck], Check]:
    """Turn a check of one function into a check of all functions of a document.

    ``hint`` stands before the fix, which sets the whole function with all its problems fixed.
    """

    def decorate(find_problems: FunctionCheck) -> Check:
        @functools.wraps(find_problems)
        def check(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
            for path, function in iter_functions(document, *lists):
                problems = find_problems(function, catalog)
                parts: tuple[HintPart, ...] = ()
                for pointer, message in itertools.islice(problems, MAX_PROBLEMS_PER_FUNCTION):
                    parts = parts or _build_hint(hint, fix, catalog, path, function)
                    yield Violation(path + pointer, message, *parts)

        return check

    return decorate


def _build_hint(
    hint: str, fix: FunctionFix, catalog: Catalog, path: str, function: JsonObject
) -> tuple[HintPart, ...]:
    """Return a hint with the call that sets a function; without it for a function of great size."""
    if fix is fix_function and len(json.dumps(function, default=str)) > _MAX_FUNCTION_CHARS:
        return ("The function is too long to show a call; set it again with set_function_tool.",)
    return hint, fix(catalog, path, function)


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
                    'The function must be inside of "function": '
                    '{"type": "function", "function": {"name": ..., ...}}.',
                    set_at(f"{pointer}/{index}", wrap_function(tool)),
                )


@rule("function-name-invalid", "error", source="P:pal/llm-tool", blocks_write=True)
def name_invalid(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Models call functions by name, and names must match one pattern."""
    counts = count_names(document)
    for path, function in iter_functions(document):
        name = name_of(function)
        if not re.fullmatch(FUNCTION_NAME, name):
            yield Violation(
                f"{path}/name",
                "A function name must have 1 to 64 letters, digits and underscores, and must not "
                "begin with a digit.",
                *rename_function(catalog, path, function, to_snake_case(name), counts),
            )


@rule("function-name-not-snake-case", "info", source="J:llm-tool")
def name_not_snake_case(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An older page of the docs asks for snake_case."""
    counts = count_names(document)
    for path, function in iter_functions(document):
        name = name_of(function)
        if re.fullmatch(FUNCTION_NAME, name) and not _SNAKE_CASE.fullmatch(name):
            yield Violation(
                f"{path}/name",
                "The docs write function names in snake_case.",
                *rename_function(catalog, path, function, to_snake_case(name), counts),
                "; your app must then handle calls under the new name",
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
        if duplicates:
            count = len(duplicates)
            yield Violation(
                f"{duplicates[0]}/name",
                "This function has the name of an earlier one in the list."
                if count == 1
                else f"{count:,} functions have the name of an earlier one in the list; this is "
                "the first of them.",
                "Keep the first function of each name: ",
                remove(*(item.removesuffix("/function") for item in reversed(duplicates))),
            )


@rule("function-in-two-lists", "warning", source="J:llm-tool, J:persona/perception")
def in_two_lists(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Calls of LLM and perception tools are different events, which only the name relates."""
    previous: set[str] = set()
    counts = count_names(document)
    for pointer in FUNCTION_LISTS:
        functions = [*iter_functions(document, pointer)]
        for path, function in functions:
            name = name_of(function)
            if name in previous:
                new_name = f"{list_kind(path)}_{name}"[:64]
                yield Violation(
                    f"{path}/name",
                    "A function in another list of this persona has the same name, so their calls "
                    "look alike.",
                    "Give it a name of its own: ",
                    *rename_function(catalog, path, function, new_name, counts),
                )
        previous |= {name_of(function) for _, function in functions} - {""}


@rule("function-too-large", "error", source="P:tools/create-tool, V:tool.py", blocks_write=True)
@_each_function("Shorten them: ", fix=shorten_function)
def too_large(function: JsonObject, catalog: Catalog) -> Problems:
    """Description and parameters are part of each request to the model; their size is limited."""
    limit = catalog.tool_rules["registry.description"].max_length
    parameters = json.dumps(function.get("parameters") or {})
    size = len(text(function.get("description"))) + len(parameters)
    if limit and size > limit:
        yield (
            "",
            f"Description and parameters have {size:,} characters together; the limit is "
            f"{limit:,}.",
        )


@rule("function-without-description", "warning", source="J:llm-tool")
@_each_function()
def without_description(function: JsonObject, catalog: Catalog) -> Problems:
    """The description is what tells the model when to call a function."""
    if not text(function.get("description")):
        message = "The function has no description, so the model must guess when to call it."
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


@rule("function-schema-invalid", "error", source="P:tools/create-tool, O:function-calling")
@_each_function("With a valid schema: ")
def schema_invalid(function: JsonObject, catalog: Catalog) -> Problems:
    """Providers refuse all functions of a request if one schema is not valid."""
    for pointer, message in find_invalid_keywords(_schema_of(function)):
        if pointer != "/type":  # see function-parameters-no-object
            yield f"/parameters{pointer}", message


@rule("function-schema-refused", "error", source="O:function-calling")
@_each_function("With a schema that providers accept: ")
def schema_refused(function: JsonObject, catalog: Catalog) -> Problems:
    """Providers refuse some schemas that are valid, such as an array without items."""
    for pointer, message in find_refused_schemas(_schema_of(function)):
        yield f"/parameters{pointer}", message


@rule("function-required-unknown", "error", source="J:llm-tool")
@_each_function("Describe the argument, or leave it out of required: ")
def required_unknown(function: JsonObject, catalog: Catalog) -> Problems:
    """A model cannot give a required argument that properties does not describe."""
    for pointer, message in find_unknown_required(_schema_of(function)):
        yield f"/parameters{pointer}", message


@rule("function-required-incomplete", "info", source="J:llm-tool")
@_each_function()
def required_incomplete(function: JsonObject, catalog: Catalog) -> Problems:
    """The docs advise to require every argument, so that the model omits none.

    The advice yields to a description that says that an argument is optional.
    """
    schema = _schema_of(function)
    if not isinstance(schema.get("required", []), list):
        return  # see function-schema-invalid
    required = {name for _, name in indexed_texts(schema.get("required"))}
    arguments = properties_of(schema).items()
    if any(name not in required and not is_described_as_optional(item) for name, item in arguments):
        yield (
            "/parameters/required",
            "Some arguments are neither required nor described as optional; the docs advise to "
            "require each.",
        )


@rule("function-argument-undescribed", "info", source="J:llm-tool")
@_each_function()
def argument_undescribed(function: JsonObject, catalog: Catalog) -> Problems:
    """The model fills in arguments by their descriptions."""
    for pointer, _, argument in _arguments_of(function):
        if isinstance(argument, dict) and not text(argument.get("description")):
            yield pointer, "The argument has no description."


@rule("function-argument-reserved", "info", source="P:tools/create-tool, V:tool.py")
@_each_function("Rename it: ")
def argument_reserved(function: JsonObject, catalog: Catalog) -> Problems:
    """The registry refuses argument names that are reserved for Tavus."""
    prefix = reserved_prefix(catalog)
    for pointer, name, _ in _arguments_of(function):
        if prefix and name.startswith(prefix):
            yield (
                pointer,
                f"Argument names that begin with {prefix} are reserved; the registry refuses them.",
            )


@rule("function-argument-too-long", "warning", source="P:pal/perception-tool")
@_each_function(lists=FUNCTION_LISTS[1:])
def argument_too_long(function: JsonObject, catalog: Catalog) -> Problems:
    """Raven limits the length of the arguments that it fills in."""
    limit = max_argument_chars(catalog)
    for pointer, _, argument in _arguments_of(function):
        max_length = number(argument.get("maxLength")) if isinstance(argument, dict) else None
        if limit and max_length is not None and max_length > limit:
            yield (
                f"{pointer}/maxLength",
                f"Raven fills in at most {limit:,.0f} characters of an argument.",
            )


@rule(
    "function-inline",
    "info",
    source="P:pal/llm, P:pal/tools",
    no_fix_reason="It still runs, and how a registry tool is called is a choice.",
)
def inline(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Inline functions run in the client; tools of the registry can also be called over HTTPS."""
    pointer = next((pointer for pointer in FUNCTION_LISTS if document.is_set(pointer)), None)
    if pointer:
        yield Violation(
            pointer,
            f"Inline functions are legacy{catalog.deprecated_since(pointer)}. They still work: "
            "your app carries them out.",
            "Registry tools (tool_ids) replace them: save_tool, then ",
            Alternative(attach_parts(tools=["<TOOL_ID>"])),
            ", which keeps the tools that are attached. Then take the inline one away with "
            "remove_function_tool",
        )
