"""What is wrong with the JSON Schema of a function's arguments, at every level of it.

Two kinds of problems: values that JSON Schema itself does not allow, found by its meta-schema, and
schemas that are valid and that providers of language models refuse all the same. A provider that
refuses one function answers no request at all.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote

from tavus_mcp.models.base import JsonObject, indexed_texts, text
from tavus_mcp.models.json_patch import get_at, pointer_of

JSON_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
SCHEMA_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords that hold schemas by name."""
SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
"""Keywords that hold a list of schemas."""
SCHEMA_MEMBERS = (
    *("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
"""Keywords that hold one schema."""
ROOT_ONLY_PROPERTIES = ("anyOf", "oneOf", "allOf", "enum", "not")
"""Keywords that providers refuse at the root: arguments are one object with properties."""
_ANNOTATIONS = ("description", "title", "$comment", "pattern", "format")
_TYPE_NAMES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_FREE_VALUES = ("default", "const")
_EXPECTED = {
    "type": f"one of {', '.join(JSON_TYPES)}, or a list of them",
    "required": "a list of argument names, each once",
    "enum": "a list of values",
    "properties": "an object that holds a schema for each argument",
    "items": "a schema",
    "description": "a text",
    "title": "a text",
    "format": "a text",
    "pattern": "a regular expression",
    "examples": "a list",
    "additionalProperties": "true, false or a schema",
    **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), "a list of schemas"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), "a number"),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        "a whole number from 0",
    ),
    **dict.fromkeys(("uniqueItems", "readOnly", "writeOnly", "deprecated"), "true or false"),
}
_OPTIONAL_WORDS = re.compile(
    r"\b(?:if|when|unless|only|optional|optionally|default|defaults|omit|omitted|leave|empty|blank"
    r"|may be|can be|not required|need not|where known|opcional|optionnel|optionnelle|facultatif"
    r"|facultative|opzionale|facoltativo|falls|wenn|nur|si|se|optionaal|indien|opcjonaln\w+|je\u015bli"
    r"|valgfri\w*|valfri\w*|hvis|iste\u011fe ba\u011fl\u0131|e\u011fer"
    r"|\u043d\u0435\u043e\u0431\u044f\u0437\u0430\u0442\u0435\u043b\u044c\u043d\w+|\u0435\u0441\u043b\u0438|\u044f\u043a\u0449\u043e)\b"
    # "optional" or "if" in scripts without blanks between words: ja, zh, ko, ar, hi
    r"|\u4efb\u610f|\u7701\u7565|\u5834\u5408|\u53ef\u9009|\u53ef\u9078|\u9009\u586b|\u9078\u586b|\u5982\u679c"
    r"|\uc120\ud0dd|\uc0dd\ub7b5|\u0627\u062e\u062a\u064a\u0627\u0631\u064a|\u0935\u0948\u0915\u0932\u094d\u092a\u093f\u0915|\u092f\u0926\u093f",
    re.IGNORECASE,
)

Problem = tuple[str, str]
"""A JSON Pointer relative to the schema, and a message."""


def find_invalid_keywords(schema: object) -> Iterator[Problem]:
    """Yield what JSON Schema does not allow, at every level."""
    for pointer, node in iterate_schemas(schema):
        for keyword, inner in _invalid_keywords(_render_without_children(node)):
            if keyword is None:
                yield pointer, "A schema must be an object."
            else:
                expected = _EXPECTED.get(keyword, "a value that JSON Schema allows")
                yield f"{pointer}/{keyword}{inner}", f"{keyword} must be {expected}."


def find_refused_schemas(schema: object) -> Iterator[Problem]:
    """Yield what is valid, and refused by providers of language models, at every level."""
    for pointer, node in iterate_schemas(schema):
        if not isinstance(node, dict):
            continue
        kinds = node.get("type")
        is_array = kinds == "array" or (isinstance(kinds, list) and "array" in kinds)
        if is_array and "items" not in node and "prefixItems" not in node:
            yield pointer, "An array needs items: without it, providers refuse all functions."
        if has_unresolved_reference(node, schema):
            yield f"{pointer}/$ref", "$ref names no schema of these parameters."
        if node.get("enum") == []:
            yield f"{pointer}/enum", "enum has no values, so no argument can be given."
        elif not has_value_of_type(node):
            yield f"{pointer}/enum", "enum has no value of this type, so no argument can be given."
        for keyword in ROOT_ONLY_PROPERTIES if not pointer else ():
            if keyword in node:
                yield (
                    f"/{keyword}",
                    f"The parameters of a function take no {keyword} at the top: providers refuse "
                    "all functions.",
                )


def has_value_of_type(schema: JsonObject) -> bool:
    """Return False if no value of ``enum`` is of the ``type`` beside it."""
    kinds, choices = schema.get("type"), schema.get("enum")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not (isinstance(kinds, list) and isinstance(choices, list) and choices):
        return True
    if not all(kind in JSON_TYPES for kind in kinds):
        return True  # see find_invalid_keywords
    types = {name_type(choice) for choice in choices}
    return bool(types & set(kinds)) or ("integer" in types and "number" in kinds)


def name_type(value: object) -> str:
    """Return the name that JSON Schema has for the type of a value."""
    if isinstance(value, float) and value.is_integer():
        return "integer"
    return _TYPE_NAMES.get(type(value), "null")


def has_unresolved_reference(node: JsonObject, root: object) -> bool:
    """Return True if a schema refers to one that ``root``, the parameters, does not hold."""
    reference = node.get("$ref")
    if not isinstance(reference, str) or reference == "#":
        return False
    if reference.startswith("#/"):
        return not isinstance(get_at(root, unquote(reference[1:])), (dict, bool))
    return not reference.startswith("#")  # "#name" may be an $anchor


def find_unknown_required(schema: object) -> Iterator[Problem]:
    """Yield the entries of ``required`` that ``properties`` does not describe, at every level.

    Inside anyOf and the like a schema may only require what the one around it describes.
    """
    for pointer, node in iterate_schemas(schema):
        if not isinstance(node, dict) or not isinstance(node.get("properties", {}), dict):
            continue
        if pointer and not {"properties", "type"} & node.keys():
            continue
        for index, name in indexed_texts(node.get("required")):
            if name not in node.get("properties", {}):
                yield (
                    f"{pointer}/required/{index}",
                    "required names an argument that properties does not describe.",
                )


def iterate_schemas(schema: object) -> Iterator[tuple[str, Any]]:
    """Yield JSON Pointer and value of a schema and of all schemas inside it, outer ones first.

    Not recursive, because the depth of a document has no limit. What stands in the place of a
    schema by name is yielded even if it is none.
    """
    waiting: list[tuple[str, Any]] = [("", schema)]
    while waiting:
        pointer, node = waiting.pop()
        yield pointer, node
        if isinstance(node, dict):
            waiting += reversed([*_children(pointer, node)])


def _children(pointer: str, node: JsonObject) -> Iterator[tuple[str, Any]]:
    for keyword in node:
        value = node[keyword]
        if keyword in SCHEMA_MAPS and isinstance(value, dict):
            for name, child in value.items():
                yield f"{pointer}/{keyword}{pointer_of([str(name)])}", child
        elif keyword in SCHEMA_LISTS and isinstance(value, list):
            yield from ((f"{pointer}/{keyword}/{i}", child) for i, child in enumerate(value))
        elif keyword in SCHEMA_MEMBERS and isinstance(value, dict):
            yield f"{pointer}/{keyword}", value


def _render_without_children(node: object) -> str:
    """Return a schema as JSON, with the schemas inside it and its texts left out.

    Few such texts occur in practice, so the result of the slow meta-schema is cached by them.
    """
    if not isinstance(node, dict):
        return json.dumps(node if node is None or isinstance(node, (bool, int, str)) else [])
    outer = {
        keyword: _normalize_value(keyword, value)
        for keyword, value in node.items()
        if keyword not in _FREE_VALUES
    }
    return json.dumps(outer, sort_keys=True, default=str)


def _normalize_value(keyword: str, value: Any) -> Any:
    """Return a short value that is valid for a keyword exactly if this one is."""
    if isinstance(value, dict):
        if keyword in SCHEMA_MAPS:
            return {}
        return True if keyword in SCHEMA_MEMBERS else value
    if isinstance(value, list):
        if keyword in SCHEMA_LISTS:
            return [True] if value else value
        is_free = keyword in ("enum", "examples") or (keyword == "required" and _are_names(value))
        return [] if is_free else value
    if isinstance(value, str):
        return "" if keyword in _ANNOTATIONS else value
    if type(value) in (int, float):
        return (value > 0) - (value < 0) if value % 1 == 0 else math.copysign(0.5, value)
    return value


def _are_names(values: list[Any]) -> bool:
    """Return True for a list of different texts."""
    return all(isinstance(value, str) for value in values) and len(set(values)) == len(values)


def find_invalid_keywords_of(schema: JsonObject) -> list[str | None]:
    """Return the keywords of one schema that JSON Schema does not allow, without inner schemas."""
    return [keyword for keyword, _ in _invalid_keywords(_render_without_children(schema))]


@lru_cache(maxsize=2048)
def _invalid_keywords(rendered: str) -> tuple[tuple[str | None, str], ...]:
    """Return the keywords that the meta-schema refuses, each with a pointer inside its value.

    The keyword is None if the schema as a whole is none.
    """
    found: dict[str | None, str] = {}
    for error in _meta_validator().iter_errors(json.loads(rendered)):
        path = list(error.absolute_path)
        keyword = str(path[0]) if path else None
        found.setdefault(keyword, pointer_of([str(token) for token in path[1:]]))
    return tuple(found.items())


@cache
def _meta_validator() -> Any:
    import jsonschema  # here, because most checks see no function

    validator = jsonschema.Draft202012Validator
    return validator(validator.META_SCHEMA)


def is_described_as_optional(argument: object) -> bool:
    """Return True if the schema of an argument says that it may be left out."""
    if not isinstance(argument, dict):
        return False
    kinds = argument.get("type")
    choices = [
        choice.get("type")
        for keyword in ("anyOf", "oneOf")
        if isinstance(argument.get(keyword), list)
        for choice in argument[keyword]
        if isinstance(choice, dict)
    ]
    is_nullable = (
        argument.get("nullable") is True
        or (isinstance(kinds, list) and "null" in kinds)
        or "null" in choices
    )
    description = text(argument.get("description"))
    return is_nullable or "default" in argument or bool(_OPTIONAL_WORDS.search(description))
