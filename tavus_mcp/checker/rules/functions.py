"""Rules about inline functions: the OpenAI-style tools inside the LLM and perception layers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import alternative_fix, remove, set_at, update_fields
from tavus_mcp.checker.function_fixes import (
    FUNCTION_LISTS,
    JSON_TYPES,
    fix_function,
    iter_functions,
    list_kind,
    name_of,
    properties_of,
    rename_function,
    shorten_function,
    to_snake_case,
    wrap_function,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.models.base import JsonObject, indexed_texts, number, text
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.layers import FUNCTION_NAME

_SNAKE_CASE = re.compile(r"[a-z0-9_]+")


@rule("function-unwrapped", "error", source="J:llm-tool", covers_subtree=True)
def not_wrapped(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Newer APIs of others write a function flat; Tavus wants it inside of "function"."""
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
    """Models call functions by name, and take names of one pattern only."""
    for path, spec in iter_functions(document):
        if not re.fullmatch(FUNCTION_NAME, name_of(spec)):
            yield Violation(
                f"{path}/name",
                "A function name has 1 to 64 letters, digits and underscores, and begins with no "
                "digit.",
                *rename_function(document, catalog, path, to_snake_case(name_of(spec))),
            )


@rule("function-name-not-snake-case", "info", source="J:llm-tool")
def name_not_snake_case(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An older page of the docs asks for snake_case."""
    for path, spec in iter_functions(document):
        name = name_of(spec)
        if re.fullmatch(FUNCTION_NAME, name) and not _SNAKE_CASE.fullmatch(name):
            yield Violation(
                f"{path}/name",
                "The docs write function names in snake_case.",
                *rename_function(document, catalog, path, to_snake_case(name)),
                "; your client must listen for the new name",
            )


@rule("function-name-duplicate", "error", source="J:llm-tool", blocks_write=True)
def name_duplicate(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Of two functions of one name a model can call but one."""
    for pointer in FUNCTION_LISTS:
        again = []
        seen: set[str] = set()
        for path, spec in iter_functions(document, pointer):
            again += [path] if name_of(spec) in seen else []
            seen |= {name_of(spec)} - {""}
        for path in again:
            yield Violation(
                f"{path}/name",
                "Another function of this list has the same name.",
                "Keep the first of each name: ",
                remove(*(one.removesuffix("/function") for one in reversed(again))),
            )


@rule("function-in-two-lists", "warning", source="J:llm-tool, J:persona/perception")
def in_two_lists(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A client tells calls apart by their name, and perception's come as another event."""
    elsewhere: set[str] = set()
    for pointer in FUNCTION_LISTS:
        here = set()
        for path, spec in iter_functions(document, pointer):
            if name_of(spec) in elsewhere:
                yield Violation(
                    f"{path}/name",
                    "A function of the same name stands in another list of this persona.",
                    "Under a name of its own: ",
                    *rename_function(
                        document, catalog, path, f"{list_kind(path)}_{name_of(spec)}"[:64]
                    ),
                )
            here.add(name_of(spec))
        elsewhere |= here - {""}


@rule("function-too-large", "error", source="P:tools/create-tool, V:tool.py", blocks_write=True)
def too_large(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Description and parameters are read before each answer, and their size is limited."""
    facts = catalog.tool_rules.find("registry.description")
    limit = facts.max_length if facts else None
    for path, spec in iter_functions(document):
        size = len(text(spec.get("description"))) + len(json.dumps(spec.get("parameters") or {}))
        if limit and size > limit:
            yield Violation(
                path,
                f"Description and parameters have {size:,} characters; the limit is {limit:,}.",
                "Shorten them: ",
                shorten_function(catalog, path, spec),
            )


@rule("function-without-description", "warning", source="J:llm-tool")
def without_description(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The description is all that tells the model when to call."""
    for path, spec in iter_functions(document):
        if not text(spec.get("description")):
            yield Violation(
                f"{path}/description",
                "The function has no description, so the model has to guess when to call it.",
                fix_function(catalog, path, spec),
            )


@rule("function-without-parameters", "info", source="J:llm-tool")
def without_parameters(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Some providers insist on a schema, also where there is nothing to give."""
    for path, spec in iter_functions(document):
        if spec.get("parameters") in (None, {}):
            yield Violation(
                f"{path}/parameters",
                "The function has no parameters.",
                "With an empty schema, or what it needs: ",
                fix_function(catalog, path, spec),
            )


@rule("function-parameters-no-object", "error", source="J:llm-tool")
def parameters_no_object(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Arguments have names, so their schema is that of an object."""
    for path, schema in _parameter_schemas(document):
        if schema and schema.get("type") != "object":
            yield Violation(
                f"{path}/parameters/type",
                "The parameters must be a JSON Schema of type object.",
                'Wrap them as {"type": "object", "properties": {...}, "required": [...]}: ',
                fix_function(catalog, path, document.at(path)),
            )


@rule("function-required-unknown", "error", source="J:llm-tool")
def required_unknown(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A required argument that is not described can never be right."""
    for path, schema in _parameter_schemas(document):
        for index, name in indexed_texts(schema.get("required")):
            if name not in properties_of(schema):
                yield Violation(
                    f"{path}/parameters/required/{index}",
                    "required names an argument that properties lacks.",
                    "Leave it out, or describe it: ",
                    fix_function(catalog, path, document.at(path)),
                )


@rule("function-required-incomplete", "info", source="J:llm-tool")
def required_incomplete(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The docs advise to require every argument, so that none is forgotten."""
    for path, schema in _parameter_schemas(document):
        required = {name for _, name in indexed_texts(schema.get("required"))}
        if not properties_of(schema).keys() <= required:
            yield Violation(
                f"{path}/parameters/required",
                "Not all of its arguments are required; the docs advise to require each.",
                fix_function(catalog, path, document.at(path)),
            )


@rule("function-argument-undescribed", "info", source="J:llm-tool")
def argument_undescribed(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The model fills arguments by their descriptions."""
    for path, schema in _parameter_schemas(document):
        for name, argument in properties_of(schema).items():
            if isinstance(argument, dict) and not text(argument.get("description")):
                yield Violation(
                    f"{path}/parameters/properties" + pointer_of([name]),
                    "The argument has no description.",
                    fix_function(catalog, path, document.at(path)),
                )


@rule("function-argument-type-unknown", "error", source="P:tools/create-tool")
def argument_type_unknown(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """JSON Schema knows seven types."""
    for path, schema in _parameter_schemas(document):
        for name, argument in properties_of(schema).items():
            kind = argument.get("type") if isinstance(argument, dict) else None
            if isinstance(kind, str) and kind not in JSON_TYPES:
                yield Violation(
                    f"{path}/parameters/properties{pointer_of([name])}/type",
                    f"No type of JSON Schema; there are {', '.join(sorted(JSON_TYPES))}.",
                    fix_function(catalog, path, document.at(path)),
                )


@rule("function-argument-reserved", "warning", source="P:tools/create-tool, V:tool.py")
def argument_reserved(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The registry refuses names that Tavus keeps for itself."""
    facts = catalog.tool_rules.find("registry.parameters")
    prefix = facts.forbidden_prefix if facts else None
    for path, schema in _parameter_schemas(document):
        for name in properties_of(schema):
            if prefix and str(name).startswith(prefix):
                yield Violation(
                    f"{path}/parameters/properties" + pointer_of([name]),
                    f"Names that begin with {prefix} are reserved; the registry refuses them.",
                    "Rename it: ",
                    fix_function(catalog, path, document.at(path)),
                )


@rule("function-argument-too-long", "warning", source="P:pal/perception-tool")
def argument_too_long(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """What Raven writes into an argument is limited."""
    facts = catalog.tool_rules.find("inline.string_parameter")
    limit = facts.maximum if facts else None
    for path, schema in _parameter_schemas(document, *FUNCTION_LISTS[1:]):
        for name, argument in properties_of(schema).items():
            longest = number(argument.get("maxLength")) if isinstance(argument, dict) else None
            if limit and longest is not None and longest > limit:
                yield Violation(
                    f"{path}/parameters/properties{pointer_of([name])}/maxLength",
                    f"Raven fills in at most {limit:,.0f} characters.",
                    fix_function(catalog, path, document.at(path)),
                )


@rule(
    "function-inline",
    "info",
    source="P:pal/llm, P:pal/tools",
    no_fix_reason="It still runs, and tools of the registry are made with Tavus, not here.",
)
def inline(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Inline functions run in the client; the registry can also call over HTTPS."""
    for pointer in FUNCTION_LISTS:
        if document.is_set(pointer):
            yield Violation(
                pointer,
                f"Inline functions are legacy{catalog.deprecated_since(pointer)}; they still "
                f"run, in the "
                "client that receives the call.",
                "Newer are registry tools: create them with Tavus, then ",
                alternative_fix(update_fields(tool_ids=["<TOOL_ID>"])),
            )
            return  # once for all lists


def _parameter_schemas(
    document: PersonaDocument, *pointers: str
) -> Iterator[tuple[str, JsonObject]]:
    for path, spec in iter_functions(document, *pointers):
        if isinstance(spec.get("parameters"), dict):
            yield path, spec["parameters"]
