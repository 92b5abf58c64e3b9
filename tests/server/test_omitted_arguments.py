"""Values that hosts send for an argument that is not meant: null, empty values, additions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_client import ToolClient
from property_examples import examples

from tavus_mcp.models.base import JsonObject
from tavus_mcp.server.argument_roles import is_text, json_types
from tavus_mcp.server.tool_arguments import load_host_additions, prepare_arguments
from tavus_mcp.server.tool_schemas import build_arguments_model
from tavus_mcp.server.tools import load_all_specs
from tavus_mcp.server.toolset import ToolSpec

pytestmark = pytest.mark.anyio

SCHEMAS = {
    spec.name: build_arguments_model(spec.function).model_json_schema() for spec in load_all_specs()
}
SPECS = {spec.name: spec for spec in load_all_specs()}
REQUIRED_VALUES: JsonObject = {
    "persona_id": "p1",
    "find": "x",
    "replace": "y",
    "layer": "llm",
    "name": "f",
    "first": "p1",
    "second": "p2",
    "revision": "r1",
    "plan_id": "q1",
    "goals": ["respond_faster"],
    "conversation_id": "c1",
    "kind": "tool",
    "id": "t1",
    "skill_id": "memory",
    "patch": {"greeting": "Hi"},
}
STORED = {
    "greeting": "Hello",
    "document_tags": ["faq"],
    "languages": ["en"],
    "verbal_disclosure": "I am an AI.",
    "layers": {
        "llm": {
            "model": "m",
            "base_url": "https://llm.example.com/v1",
            "api_key_ref": "openai",
        },
        "tts": {"tts_engine": "cartesia", "external_voice_id": "v1"},
        "stt": {"hotwords": "Tavus", "stt_engine": "tavus-parakeet"},
        "perception": {"visual_awareness_queries": ["Who?"], "visual_tool_prompt": "When?"},
        "conversational_flow": {"wake_phrase": "Hey Ana"},
    },
}


def required_arguments(tool: str) -> JsonObject:
    return {name: REQUIRED_VALUES[name] for name in SCHEMAS[tool].get("required", ())}


def optional_arguments() -> list[tuple[str, str]]:
    return [
        (tool, name)
        for tool, schema in SCHEMAS.items()
        for name in schema["properties"]
        if name not in schema.get("required", ())
    ]


def blank_means_not_given(tool: str, name: str) -> bool:
    schema = SCHEMAS[tool]["properties"][name]
    kinds = json_types(schema, SCHEMAS[tool])[0] - {"null"}
    return kinds != {"boolean"} and kinds != {"array"} and not is_text(schema)


def read_arguments(tool: str, **arguments: Any) -> JsonObject:
    return prepare_arguments(SPECS[tool], arguments, SCHEMAS[tool])


@pytest.mark.parametrize(("tool", "name"), optional_arguments())
def test_null_for_an_optional_argument_means_not_given(tool: str, name: str) -> None:
    given_arguments = required_arguments(tool)
    assert read_arguments(tool, **given_arguments, **{name: None}) == given_arguments


@pytest.mark.parametrize("blank", ["", "  "], ids=["empty", "blanks"])
@pytest.mark.parametrize(
    ("tool", "name"), [pair for pair in optional_arguments() if blank_means_not_given(*pair)]
)
def test_an_empty_id_choice_number_or_reference_means_not_given(
    tool: str, name: str, blank: str
) -> None:
    given_arguments = required_arguments(tool)
    assert read_arguments(tool, **given_arguments, **{name: blank}) == given_arguments


@pytest.mark.parametrize("addition", load_host_additions()["dropped"])
@pytest.mark.parametrize("tool", SPECS)
def test_an_addition_of_a_host_is_dropped(tool: str, addition: str) -> None:
    given_arguments = required_arguments(tool)
    assert read_arguments(tool, **given_arguments, **{addition: "x"}) == given_arguments


@pytest.mark.parametrize("wrapper", load_host_additions()["unwrapped"])
@pytest.mark.parametrize("tool", SPECS)
def test_wrapped_arguments_are_unwrapped(tool: str, wrapper: str) -> None:
    given_arguments = required_arguments(tool)
    wrapped = {**given_arguments, "toolCallId": "call_1"}
    for value in (wrapped, json.dumps(wrapped)):
        assert read_arguments(tool, **{wrapper: value}) == given_arguments


def test_null_beside_a_value_of_the_same_argument_means_not_given() -> None:
    for arguments in (
        {"limit": None, "kwargs": {"limit": 3}},
        {"args": [], "kwargs": {"limit": 3}},
    ):
        assert read_arguments("list_personas", **arguments) == {"limit": 3}


async def test_two_values_of_one_argument_are_refused(tool_client: ToolClient) -> None:
    message = await tool_client.expect_error("list_personas", limit=2, kwargs={"limit": 3})
    assert "/limit: given twice, with two values." in message


async def test_an_unknown_wrapper_is_refused_with_the_right_form(
    tool_client: ToolClient,
) -> None:
    for wrapped in ({"limit": 3}, '{"limit": 3}'):
        message = await tool_client.expect_error("list_personas", input=wrapped)
        assert "/input: unknown field. Give what is in it as arguments of the tool" in message


@pytest.mark.parametrize("empty", [None, {}, ""], ids=["null", "object", "text"])
def test_empty_kwargs_beside_arguments_are_dropped(empty: Any) -> None:
    assert read_arguments("list_personas", limit=3, kwargs=empty) == {"limit": 3}


@pytest.mark.parametrize("kind", ["dropped", "unwrapped"])
def test_every_addition_has_a_host_and_a_source(kind: str) -> None:
    for name, entry in load_host_additions()[kind].items():
        assert entry["host"], name
        assert entry["source"].startswith("https://"), name


async def test_an_unknown_argument_inside_kwargs_is_an_error(tool_client: ToolClient) -> None:
    message = await tool_client.expect_error("list_personas", kwargs={"limitt": 3})
    assert "/limitt: unknown field; did you mean 'limit'?" in message


async def test_null_for_an_unknown_argument_is_an_error(tool_client: ToolClient) -> None:
    message = await tool_client.expect_error("list_personas", limitt=None)
    assert "/limitt: unknown field" in message


async def test_null_for_a_required_argument_says_that_it_is_required(
    tool_client: ToolClient,
) -> None:
    message = await tool_client.expect_error("get_persona", persona_id=None)
    assert "/persona_id: is required" in message


async def test_null_inside_a_patch_and_inside_a_layer_keeps_its_meaning(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(**STORED)
    patch = {"greeting": None}
    await tool_client.expect_result("patch_persona", persona_id=persona_id, patch=patch)
    assert "greeting" not in await tool_client.read_persona(persona_id)
    layers = {"llm": {"extra_body": {"seed": None}}, "stt": {"hotwords": None}}
    message = await tool_client.expect_error("create_persona", system_prompt="x", layers=layers)
    assert "/layers/stt/hotwords: must be text" in message
    assert "seed" not in message


async def test_an_empty_boolean_is_an_error(tool_client: ToolClient) -> None:
    message = await tool_client.expect_error("update_persona", persona_id="p1", dry_run="")
    assert "/dry_run: must be true or false" in message


EMPTIED = {
    "update_persona": {"greeting": "", "document_tags": [], "languages": [], "tool_ids": []},
    "configure_llm": {"base_url": ""},
    "configure_stt": {"hotwords": ""},
    "configure_perception": {"visual_awareness_queries": [], "visual_tool_prompt": ""},
    "configure_conversational_flow": {"wake_phrase": ""},
}
EMPTIED_CASES = [
    (tool, name, value) for tool, values in EMPTIED.items() for name, value in values.items()
]


@pytest.mark.parametrize(("tool", "name", "value"), EMPTIED_CASES)
async def test_an_empty_value_that_would_remove_a_stored_one_is_refused(
    tool_client: ToolClient, tool: str, name: str, value: Any
) -> None:
    await tool_client.set_switches(include_settings="ignored")
    persona_id = await tool_client.create_persona(**STORED)
    before = await tool_client.read_persona(persona_id)
    writes = len(tool_client.transport.writes)
    message = await tool_client.expect_error(tool, persona_id=persona_id, **{name: value})
    assert f'unset=["{name}"]' in message
    assert len(tool_client.transport.writes) == writes
    assert await tool_client.read_persona(persona_id) == before


@pytest.mark.parametrize(
    ("tool", "name", "value"), [case for case in EMPTIED_CASES if case[1] != "tool_ids"]
)
async def test_an_empty_value_changes_nothing_where_nothing_is_stored(
    tool_client: ToolClient, tool: str, name: str, value: Any
) -> None:
    persona_id = await tool_client.create_persona()
    before = await tool_client.read_persona(persona_id)
    receipt = await tool_client.expect_result(tool, persona_id=persona_id, **{name: value})
    assert receipt["status"] == "unchanged"
    assert await tool_client.read_persona(persona_id) == before


async def test_empty_ids_beside_a_change_leave_the_stored_ids(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "update_persona",
        persona_id=persona_id,
        name="Renamed",
        default_replica_id="",
        objectives="",
        pipeline_mode="",
        if_revision="",
        greeting="",
        document_tags=[],
    )
    assert [change["path"] for change in receipt["changes"]] == ["/persona_name"]


@pytest.mark.parametrize("value", [{}, "{}"], ids=["object", "text"])
@pytest.mark.parametrize("name", ["headers", "extra_body", "default_query"])
async def test_an_empty_object_that_is_merged_changes_nothing(
    tool_client: ToolClient, name: str, value: Any
) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, **{name: value}
    )
    assert receipt["status"] == "unchanged"


EMPTY_CHANGES: JsonObject = {
    "goals": [],
    "values": {},
    "unset": [],
    "find": "",
    "replace": "",
    "fields": [],
    "delete": False,
    "undo_of": "",
}
BULK_CHANGES: list[JsonObject] = [
    {"goals": ["respond_faster"]},
    {"values": {"/greeting": "Hi."}},
    {"unset": ["/greeting"]},
    {"find": "help", "replace": "serve"},
    {"find": "help "},
    {"delete": True},
]


@pytest.mark.parametrize("change", BULK_CHANGES, ids=lambda change: next(iter(change)))
async def test_a_bulk_change_beside_empty_other_changes_is_planned(
    tool_client: ToolClient, change: JsonObject
) -> None:
    persona_id = await tool_client.create_persona(
        system_prompt="You help people.", greeting="Hello"
    )
    arguments = {**EMPTY_CHANGES, **change, "persona_ids": [persona_id], "name_contains": ""}
    plan = await tool_client.expect_result("plan_bulk_change", **arguments)
    assert plan["totals"]["planned"] == 1


async def test_an_empty_name_beside_a_change_leaves_the_name(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="", greeting="Hi."
    )
    assert [change["path"] for change in receipt["changes"]] == ["/greeting"]


OBJECTIVE: JsonObject = {"objective_name": "book", "objective_prompt": "Book a table."}
PARAMETERS: JsonObject = {"type": "object", "properties": {}}


async def test_an_empty_value_of_a_part_is_refused_and_an_empty_name_is_not_given(
    tool_client: ToolClient,
) -> None:
    """Found in use: it was left out without a word, beside a receipt that said applied."""
    objectives = await tool_client.expect_result("save_objectives", name="Old", data=[OBJECTIVE])
    tool = await tool_client.expect_result(
        "save_tool", name="lookup", description="Looks it up.", parameters=PARAMETERS
    )
    objectives_id, tool_id = objectives["part"]["id"], tool["part"]["id"]
    writes = list(tool_client.transport.writes)
    for name, arguments, message in (
        ("save_objectives", {"objectives_id": objectives_id, "data": [], "name": "New"}, "/data"),
        ("save_tool", {"tool_id": tool_id, "description": "", "tags": ["x"]}, "/description"),
    ):
        assert message in await tool_client.expect_error(name, **arguments)
    assert tool_client.transport.writes == writes
    data = [{**OBJECTIVE, "objective_prompt": "Book it."}]
    receipt = await tool_client.expect_result(
        "save_objectives", objectives_id=objectives_id, name="", data=data
    )
    assert [row["path"] for row in receipt["changes"]] == ["/data/0/objective_prompt"]


async def test_an_empty_description_does_not_replace_that_of_a_function(
    tool_client: ToolClient,
) -> None:
    function = {"name": "save_score", "description": "Saves it.", "parameters": PARAMETERS}
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result("set_function_tool", persona_id=persona_id, **function)
    error = await tool_client.expect_error(
        "set_function_tool", persona_id=persona_id, **{**function, "description": ""}
    )
    assert "/description: empty, which would remove what is stored" in error


async def test_an_empty_draft_beside_an_id_is_not_given(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    for document in ({}, "{}", "", None):
        report = await tool_client.expect_result(
            "check_persona", persona_id=persona_id, document=document
        )
        assert report["persona_id"] == persona_id


@pytest.mark.parametrize("layers", [[], "", None], ids=["list", "text", "null"])
async def test_no_layers_means_all_layers(tool_client: ToolClient, layers: Any) -> None:
    persona_id = await tool_client.create_persona(**STORED)
    read = await tool_client.expect_result("get_persona", persona_id=persona_id, layers=layers)
    assert set(read["persona"]["layers"]) == set(STORED["layers"])


async def test_one_word_is_taken_for_a_list(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(**STORED)
    read = await tool_client.expect_result("get_persona", persona_id=persona_id, layers="stt")
    assert set(read["persona"]["layers"]) == {"stt"}


async def test_an_empty_key_and_an_empty_reference_are_not_given(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "configure_tts",
        persona_id=persona_id,
        tts_engine="cartesia",
        api_key="",
        api_key_ref="",
        dry_run=True,
    )
    assert [item["path"] for item in receipt["changes"]] == ["/layers/tts/tts_engine"]


OMISSIONS = st.sampled_from([None, "", "  "])


@pytest.mark.parametrize("spec", load_all_specs(), ids=lambda spec: spec.name)
@given(data=st.data())
@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_mixture_of_omissions_and_additions_means_not_given(
    spec: ToolSpec, data: st.DataObject
) -> None:
    candidates = [
        name
        for tool, name in optional_arguments()
        if tool == spec.name and blank_means_not_given(tool, name)
    ]
    names = data.draw(
        st.lists(st.sampled_from(candidates), unique=True) if candidates else st.just([])
    )
    additions = data.draw(st.lists(st.sampled_from(sorted(load_host_additions()["dropped"]))))
    given_arguments = required_arguments(spec.name)
    noise = {name: data.draw(OMISSIONS) for name in names} | dict.fromkeys(additions, "x")
    arguments = {**noise, **given_arguments}
    wrapped = {"kwargs": arguments} if data.draw(st.booleans()) else arguments
    assert prepare_arguments(spec, wrapped, SCHEMAS[spec.name]) == given_arguments
