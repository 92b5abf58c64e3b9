"""Arguments as hosts send them: objects as JSON text, encoded once or twice, and plain text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mcp_client import ToolClient
from property_examples import examples

from tavus_mcp.server.tool_schemas import build_schemas
from tavus_mcp.server.tools import load_all_specs

pytestmark = pytest.mark.anyio

SCHEMAS = {spec.name: build_schemas(spec)["inputSchema"] for spec in load_all_specs()}
LAYERS = {
    "llm": {"model": "tavus-gpt-oss", "extra_body": {"temperature": 0.3}},
    "tts": {"tts_engine": "elevenlabs", "voice_settings": {"stability": 0.4}},
    "perception": {"visual_awareness_queries": ["Who?", "Where?"]},
}


def encode_twice(value: Any) -> str:
    return json.dumps(json.dumps(value))


ENCODERS = pytest.mark.parametrize("encode", [json.dumps, encode_twice], ids=["once", "twice"])


@ENCODERS
async def test_layers_may_come_as_json_text(tool_client: ToolClient, encode: Any) -> None:
    persona_id = await tool_client.create_persona(layers=encode(LAYERS))
    assert (await tool_client.read_persona(persona_id))["layers"] == LAYERS


@ENCODERS
async def test_objects_and_lists_inside_layers_may_come_as_json_text(
    tool_client: ToolClient, encode: Any
) -> None:
    layers = {
        "llm": encode(LAYERS["llm"]),
        "tts": {"tts_engine": "elevenlabs", "voice_settings": encode({"stability": 0.4})},
        "perception": {"visual_awareness_queries": encode(["Who?", "Where?"])},
    }
    persona_id = await tool_client.create_persona(layers=layers)
    assert (await tool_client.read_persona(persona_id))["layers"] == LAYERS


@ENCODERS
async def test_functions_inside_layers_may_come_as_json_text(
    tool_client: ToolClient, encode: Any
) -> None:
    tool = {"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}}
    persona_id = await tool_client.create_persona(layers={"llm": {"tools": [encode(tool)]}})
    assert (await tool_client.read_persona(persona_id))["layers"]["llm"]["tools"] == [tool]


@ENCODERS
@pytest.mark.parametrize(
    ("tool", "argument", "value"),
    [
        ("configure_llm", "extra_body", {"seed": 7}),
        ("configure_llm", "headers", {"X-A": "b"}),
        ("configure_llm", "unset", ["model"]),
        ("configure_tts", "emotion", ["positivity"]),
        ("configure_tts", "voice_settings", {"stability": 0.4}),
        ("configure_perception", "visual_awareness_queries", ["Who?"]),
        ("update_persona", "document_tags", ["a"]),
        ("update_persona", "memories", ["a"]),
        ("patch_persona", "patch", [{"op": "add", "path": "/greeting", "value": "Hi!"}]),
        ("patch_persona", "patch", {"greeting": "Hi!"}),
    ],
)
async def test_a_list_or_object_argument_may_come_as_json_text(
    tool_client: ToolClient, tool: str, argument: str, value: Any, encode: Any
) -> None:
    plain, encoded = await tool_client.create_persona(), await tool_client.create_persona()
    first = await tool_client.expect_result(tool, persona_id=plain, **{argument: value})
    second = await tool_client.expect_result(tool, persona_id=encoded, **{argument: encode(value)})
    assert second["status"] == first["status"]
    assert second["changes"] == first["changes"]


@ENCODERS
async def test_a_draft_to_check_may_come_as_json_text(tool_client: ToolClient, encode: Any) -> None:
    draft = {"system_prompt": "x", "layers": {"llm": {"model": "tavus-llama"}}}
    plain = await tool_client.expect_result("check_persona", document=draft)
    assert await tool_client.expect_result("check_persona", document=encode(draft)) == plain


@pytest.mark.parametrize(
    "encode",
    [
        json.dumps,
        pytest.param(encode_twice),
    ],
)
async def test_legacy_list_arguments_may_come_as_json_text(
    tool_client: ToolClient, encode: Any
) -> None:
    """Arguments that are accepted without being published are read in the same way."""
    receipt = await tool_client.expect_result(
        "create_persona", system_prompt="You help.", memories=encode(["a"]), dry_run=True
    )
    assert {"path": "/memories", "after": ["a"]} in receipt["changes"]


async def test_text_that_is_not_json_is_refused_where_an_object_is_expected(
    tool_client: ToolClient,
) -> None:
    message = await tool_client.expect_error(
        "create_persona", system_prompt="x", layers="{not json"
    )
    assert "/layers" in message
    assert "must be an object" in message
    assert "not json" not in message


@pytest.mark.parametrize("layers", [[], 5, "5", "[]", True])
async def test_layers_that_are_no_object_are_refused(tool_client: ToolClient, layers: Any) -> None:
    message = await tool_client.expect_error("create_persona", system_prompt="x", layers=layers)
    assert "/layers: must be an object" in message


TEXT = st.one_of(
    st.text(max_size=30).filter(str.strip),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=5,
    )
    .map(json.dumps)
    .filter(str.strip),
)


@given(text=TEXT)
@example('{"role": "clerk"}')
@example("[1, 2]")
@example("null")
@example("true")
@example("12")
@example('"quoted"')
@example("line\nline\r\n\u2028\ttab")
@settings(
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_a_text_argument_that_looks_like_json_stays_text(
    tool_client: ToolClient, text: str
) -> None:
    """Prompts quote JSON; the SDK would read it."""
    persona_id = await tool_client.create_persona(system_prompt=text, greeting="x")
    await tool_client.expect_result(
        "edit_prompt", persona_id=persona_id, field="greeting", find="x", replace=text
    )
    saved = await tool_client.read_persona(persona_id)
    assert saved["system_prompt"] == text
    assert saved["greeting"] == text


async def test_a_text_value_inside_a_patch_stays_text(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    patch = [{"op": "add", "path": "/greeting", "value": '{"a": 1}'}]
    await tool_client.expect_result("patch_persona", persona_id=persona_id, patch=patch)
    assert (await tool_client.read_persona(persona_id))["greeting"] == '{"a": 1}'


async def test_numbers_and_booleans_may_come_as_text(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "configure_llm",
        persona_id=persona_id,
        temperature="0.25",
        speculative_inference="false",
        dry_run="true",
    )
    assert receipt["status"] == "planned"
    assert {item["path"]: item["after"] for item in receipt["changes"]} == {
        "/layers/llm/extra_body/temperature": 0.25,
        "/layers/llm/speculative_inference": False,
    }


async def test_a_flag_is_no_number(tool_client: ToolClient) -> None:
    for tool, arguments in (
        ("list_personas", {"limit": True}),
        ("configure_llm", {"persona_id": "p1", "temperature": False}),
    ):
        message = await tool_client.expect_error(tool, **arguments)
        assert "must be a number, not true or false." in message
    assert tool_client.transport.requests == []


@pytest.mark.parametrize("tool", SCHEMAS)
async def test_every_tool_refuses_unknown_arguments(tool_client: ToolClient, tool: str) -> None:
    """The SDK would drop it silently."""
    message = await tool_client.expect_error(tool, zzz_unknown="canary-value")
    assert "/zzz_unknown: unknown field" in message
    assert "canary-value" not in message
    assert tool_client.transport.requests == []


@pytest.mark.parametrize("tool", [tool for tool, schema in SCHEMAS.items() if schema["properties"]])
async def test_every_tool_refuses_a_misspelt_argument_with_the_nearest_name(
    tool_client: ToolClient, tool: str
) -> None:
    name = max(SCHEMAS[tool]["properties"], key=len)
    misspelt = name[:-2] + name[-1]
    message = await tool_client.expect_error(tool, **{misspelt: "canary-value"})
    assert f"/{misspelt}: unknown field" in message
    assert f"did you mean {name!r}?" in message
    assert "canary-value" not in message
    assert tool_client.transport.requests == []


@pytest.mark.parametrize("tool", [tool for tool, schema in SCHEMAS.items() if "required" in schema])
async def test_every_missing_argument_is_named(tool_client: ToolClient, tool: str) -> None:
    message = await tool_client.expect_error(tool)
    missing = [name for name in SCHEMAS[tool]["required"] if f"/{name}: is required" not in message]
    assert missing == []


async def test_a_misspelt_tool_is_refused_with_the_closest_name(tool_client: ToolClient) -> None:
    message = await tool_client.expect_protocol_error("list_persona")
    assert "did you mean 'list_personas'?" in message


@pytest.mark.parametrize("depth", [40, 2_000])
async def test_deeply_nested_json_text_is_accepted_or_refused_without_a_crash(
    tool_client: ToolClient, depth: int
) -> None:
    result = await tool_client.call(
        "create_persona", system_prompt="x", layers="[" * depth + "]" * depth
    )
    assert result.is_error
    assert "/layers: must be an object" in str(result.content)
    await tool_client.create_persona()
