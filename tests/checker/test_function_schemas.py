"""Schemas of functions are checked and repaired at every level; many functions are no load."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from property_examples import examples

from tavus_mcp.catalog import load_catalog
from tavus_mcp.checker.check import check
from tavus_mcp.checker.function_schemas import (
    find_invalid_keywords,
    find_refused_schemas,
    is_described_as_optional,
    iterate_schemas,
)
from tavus_mcp.checker.schema_repair import repair_schema
from tavus_mcp.models.document import PersonaDocument

CATALOG = load_catalog()
TYPES = st.sampled_from(
    ["string", "str", "int", "array", "list", "object", "null", 5, ["int", "x"]]
)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.lists(st.text(), max_size=2)
)
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.fixed_dictionaries({"type": TYPES}, optional={"enum": VALUES, "required": VALUES}) | VALUES,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES,
            "properties": st.dictionaries(st.text(max_size=5), inner, max_size=3) | VALUES,
            "items": inner,
            "anyOf": st.lists(inner, max_size=2) | VALUES,
            "minLength": VALUES,
            "required": VALUES,
            "description": VALUES,
        },
    ),
    max_leaves=12,
)


def check_functions(*functions: dict[str, Any]) -> list[tuple[str | None, str]]:
    tools = [{"type": "function", "function": function} for function in functions]
    body = {"system_prompt": "You are Ada.", "layers": {"llm": {"tools": tools}}}
    return [(item.rule, item.path) for item in check(PersonaDocument(body), CATALOG)]


@given(SCHEMAS)
@settings(max_examples=examples(150), database=None, deadline=None)
def test_the_checks_find_what_the_meta_schema_refuses(schema: Any) -> None:
    validator = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    is_valid = isinstance(schema, (dict, bool)) and validator.is_valid(schema)
    assert bool(list(find_invalid_keywords(schema))) is not is_valid


@given(SCHEMAS)
@settings(max_examples=examples(150), database=None, deadline=None)
def test_a_repaired_schema_is_valid_and_not_refused(schema: Any) -> None:
    repaired = repair_schema(schema)
    assert list(find_invalid_keywords(repaired)) == []
    nested = [problem for problem in find_refused_schemas(repaired) if problem[0].count("/") > 1]
    assert nested == []


def test_repairs_have_the_obvious_meaning() -> None:
    schema = {
        "type": "object",
        "properties": {
            "line": {"type": "dict", "properties": {"qty": {"type": "int", "required": True}}},
            "unit": {"type": "string", "enum": "kg, lb"},
            "cart": {"type": "list"},
            "name": "str",
        },
    }
    assert repair_schema(schema)["properties"] == {
        "line": {"type": "object", "properties": {"qty": {"type": "integer"}}, "required": ["qty"]},
        "unit": {"type": "string", "enum": ["kg", "lb"]},
        "cart": {"type": "array", "items": {}},
        "name": {"type": "string"},
    }


@pytest.mark.parametrize(
    ("reference", "is_refused"),
    [
        ("#/$defs/city", False),
        ("#/$defs/a~1b%20c", False),
        ("#", False),
        ("#city", False),
        ("#/$defs/town", True),
        ("#/definitions/city", True),
        ("schemas/city.json", True),
    ],
)
def test_a_reference_to_no_schema_of_the_parameters_is_refused(
    reference: str, is_refused: bool
) -> None:
    schema = {
        "type": "object",
        "properties": {"home": {"items": {"$ref": reference}}},
        "$defs": {"city": {"type": "string"}, "a/b c": {"type": "string"}},
    }
    found = [("/properties/home/items/$ref", "$ref names no schema of these parameters.")]
    assert list(find_refused_schemas(schema)) == (found if is_refused else [])
    assert list(find_refused_schemas(repair_schema(schema))) == []


def test_schemas_are_found_where_json_schema_has_them_and_nowhere_else() -> None:
    schema = {
        "properties": {"a": {"items": {"anyOf": [{"not": {}}]}}, "properties": {}},
        "default": {"properties": {"b": {}}},
        "enum": [{"items": {}}],
    }
    assert [pointer for pointer, _ in iterate_schemas(schema)] == [
        "",
        "/properties/a",
        "/properties/a/items",
        "/properties/a/items/anyOf/0",
        "/properties/a/items/anyOf/0/not",
        "/properties/properties",
    ]


@pytest.mark.parametrize(
    ("argument", "is_optional"),
    [
        ({"description": "Only if the last answer asked for it"}, True),
        ({"description": "Optional. The city."}, True),
        ({"description": "How many; defaults to 3"}, True),
        ({"description": "The city", "default": "Rome"}, True),
        ({"description": "The city", "type": ["string", "null"]}, True),
        ({"description": "The city", "anyOf": [{"type": "string"}, {"type": "null"}]}, True),
        ({"description": "The city", "anyOf": [{"type": "string"}, {"type": "integer"}]}, False),
        ({"description": "The city"}, False),
        ("string", False),
    ],
)
def test_a_description_can_say_that_an_argument_is_optional(
    argument: Any, is_optional: bool
) -> None:
    assert is_described_as_optional(argument) is is_optional


def test_thousands_of_functions_of_one_name_are_one_finding() -> None:
    function = {"name": "note", "description": "Notes.", "parameters": {"type": "object"}}
    found = check_functions(*[function] * 3000)
    duplicates = [path for rule, path in found if rule == "function-name-duplicate"]
    assert duplicates == ["/layers/llm/tools/1/function/name"]


def test_a_rule_lists_a_hundred_findings_at_most() -> None:
    found = check_functions(*({"name": f"noteThis{number}"} for number in range(150)))
    rules = [rule for rule, _ in found]
    assert rules.count("function-name-not-snake-case") == 100


def test_the_fix_of_thousands_of_functions_does_not_fill_the_hint() -> None:
    function = {"name": "note", "description": "Notes.", "parameters": {"type": "object"}}
    tools = [{"type": "function", "function": function}] * 3000
    for persona_id in ({}, {"persona_id": "p0123456789a"}):
        body = {"system_prompt": "You are Ada.", "layers": {"llm": {"tools": tools}}, **persona_id}
        findings = check(PersonaDocument(body), CATALOG)
        assert max(len(finding.hint or "") for finding in findings) < 2_000
