"""A field stands in its model, in the signature of the tool and in the catalog; the three agree."""

from __future__ import annotations

from typing import Any

import pytest

from tavus_mcp.catalog import load_catalog
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.models.layers import CONFIGURABLE_LAYERS, LAYER_NAMES, layer_arguments
from tavus_mcp.models.persona import Persona, persona_arguments
from tavus_mcp.server.tool_schemas import build_arguments_model
from tavus_mcp.server.tools import load_all_specs

SCHEMA = Persona.model_json_schema()
TOOLS = {spec.name: spec.function for spec in load_all_specs()}
ARGUMENTS_BY_TOOL = {
    **{f"configure_{layer}": layer_arguments(layer) for layer in sorted(CONFIGURABLE_LAYERS)},
    "create_persona": persona_arguments(),
    "update_persona": persona_arguments(),
}
OTHER_ARGUMENTS = {
    *("persona_id", "unset", "dry_run", "if_revision", "allow_private_url"),
    "api_key_ref",  # names a secret; sent as api_key
    *("layers", "based_on"),  # of create_persona
    "audio_only",  # answered with a finding, never sent
}
CASES = [
    (tool, argument, pointer)
    for tool, arguments in ARGUMENTS_BY_TOOL.items()
    for argument, pointer in arguments.items()
]
CATALOG_TYPES = {"string[]": "array", "object[]": "array"}
ONLY_IN_CATALOG = {
    "/layers/perception/perception_model_name",  # named once in a changelog, in no schema
    "/layers/mcp/connector_tools",  # the layer is open
}
CATALOG_FIELDS = [
    (f"/layers/{layer}/{field.name.replace('.', '/')}", field)
    for layer in LAYER_NAMES
    for field in load_catalog().fields(layer)
]


def resolve(schema: JsonObject) -> JsonObject:
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def find_field(pointer: str) -> JsonObject | None:
    """Return the schema of a field; None if an open object or nothing holds it."""
    schema = SCHEMA
    for token in pointer_tokens(pointer):
        if token not in resolve(schema).get("properties", {}):
            return None
        schema = resolve(schema)["properties"][token]
    return resolve(schema)


def values_of(schema: JsonObject) -> set[Any]:
    """Return the values that an enumeration allows; of one value, pydantic makes a constant."""
    return {*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])}


def is_in_open_object(pointer: str) -> bool:
    parent = find_field(pointer.rpartition("/")[0])
    return parent is not None and "properties" not in parent


@pytest.mark.parametrize("tool", list(ARGUMENTS_BY_TOOL))
def test_a_tool_has_exactly_the_arguments_that_its_model_declares(tool: str) -> None:
    names = set(build_arguments_model(TOOLS[tool]).model_fields)
    assert names - OTHER_ARGUMENTS == set(ARGUMENTS_BY_TOOL[tool])


@pytest.mark.parametrize(
    ("tool", "argument", "pointer"), CASES, ids=[f"{tool}.{name}" for tool, name, _ in CASES]
)
def test_an_argument_has_the_type_and_the_values_of_its_field(
    tool: str, argument: str, pointer: str
) -> None:
    field = find_field(pointer)
    if field is None:
        assert is_in_open_object(pointer)
        return
    schema = build_arguments_model(TOOLS[tool]).model_json_schema()["properties"][argument]
    assert schema["type"] == field["type"]
    assert schema.get("items") == field.get("items")
    assert values_of(schema) == values_of(field)


@pytest.mark.parametrize("layer", [name for name in LAYER_NAMES if name != "mcp"])
def test_the_catalog_describes_exactly_the_fields_of_a_layer(layer: str) -> None:
    described = {pointer for pointer, _ in CATALOG_FIELDS if pointer.split("/")[2] == layer}
    known = (find_field(f"/layers/{layer}") or {}).get("properties", {}).keys() - {"api_key_ref"}
    direct = {pointer for pointer in described - ONLY_IN_CATALOG if pointer.count("/") == 3}
    assert direct == {f"/layers/{layer}/{name}" for name in known}


@pytest.mark.parametrize(
    ("pointer", "facts"), CATALOG_FIELDS, ids=[pointer for pointer, _ in CATALOG_FIELDS]
)
def test_the_catalog_has_the_type_and_the_values_of_a_field(pointer: str, facts: Any) -> None:
    field = find_field(pointer)
    if field is None:
        assert pointer in ONLY_IN_CATALOG or is_in_open_object(pointer)
        return
    if facts.type != "unknown":
        assert field["type"] == CATALOG_TYPES.get(facts.type, facts.type)
    if values_of(field):
        assert {value.value for value in facts.values} == values_of(field)
