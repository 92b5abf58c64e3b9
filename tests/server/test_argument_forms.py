"""Arguments as hosts really send them: objects as JSON text, once or twice, and texts as texts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mcp_client import Desk

pytestmark = pytest.mark.anyio

LAYERS = {
    "llm": {"model": "tavus-gpt-oss", "extra_body": {"temperature": 0.3}},
    "tts": {"tts_engine": "elevenlabs", "voice_settings": {"stability": 0.4}},
    "perception": {"visual_awareness_queries": ["Who?", "Where?"]},
}


def twice(value: Any) -> str:
    return json.dumps(json.dumps(value))


ENCODERS = pytest.mark.parametrize("encode", [json.dumps, twice], ids=["once", "twice"])


@ENCODERS
async def test_layers_may_come_as_json_text(desk: Desk, encode: Any) -> None:
    persona_id = await desk.create(layers=encode(LAYERS))
    assert (await desk.persona(persona_id))["layers"] == LAYERS


@ENCODERS
async def test_objects_and_lists_inside_layers_may_come_as_json_text(
    desk: Desk, encode: Any
) -> None:
    layers = {
        "llm": encode(LAYERS["llm"]),
        "tts": {"tts_engine": "elevenlabs", "voice_settings": encode({"stability": 0.4})},
        "perception": {"visual_awareness_queries": encode(["Who?", "Where?"])},
    }
    persona_id = await desk.create(layers=layers)
    assert (await desk.persona(persona_id))["layers"] == LAYERS


@ENCODERS
async def test_functions_inside_layers_may_come_as_json_text(desk: Desk, encode: Any) -> None:
    tool = {"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}}
    persona_id = await desk.create(layers={"llm": {"tools": [encode(tool)]}})
    assert (await desk.persona(persona_id))["layers"]["llm"]["tools"] == [tool]


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
    desk: Desk, tool: str, argument: str, value: Any, encode: Any
) -> None:
    plain, encoded = await desk.create(), await desk.create()
    first = await desk.facts(tool, persona_id=plain, **{argument: value})
    second = await desk.facts(tool, persona_id=encoded, **{argument: encode(value)})
    assert second["status"] == first["status"]
    assert second["changes"] == first["changes"]


@ENCODERS
async def test_a_draft_to_check_may_come_as_json_text(desk: Desk, encode: Any) -> None:
    draft = {"system_prompt": "x", "layers": {"llm": {"model": "tavus-llama"}}}
    plain = await desk.facts("check_persona", document=draft)
    assert await desk.facts("check_persona", document=encode(draft)) == plain


@pytest.mark.parametrize(
    "encode",
    [
        json.dumps,
        pytest.param(twice),
    ],
)
async def test_legacy_list_arguments_may_come_as_json_text(desk: Desk, encode: Any) -> None:
    """Ours: what is accepted without being published is read in the same way."""
    receipt = await desk.facts(
        "create_persona", system_prompt="You help.", memories=encode(["a"]), dry_run=True
    )
    assert {"path": "/memories", "after": ["a"]} in receipt["changes"]


async def test_text_that_is_no_json_stands_where_an_object_belongs_and_is_refused(
    desk: Desk,
) -> None:
    said = await desk.refusal("create_persona", system_prompt="x", layers="{not json")
    assert "/layers" in said
    assert "must be an object" in said
    assert "not json" not in said


async def test_layers_as_a_list_or_a_number_are_refused(desk: Desk) -> None:
    for wrong in ([], 5, "5", "[]", True):
        said = await desk.refusal("create_persona", system_prompt="x", layers=wrong)
        assert "/layers: must be an object" in said


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
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_a_text_that_looks_like_json_stays_the_text_it_is(desk: Desk, text: str) -> None:
    """Ours: prompts quote JSON; the SDK would read it."""
    persona_id = await desk.create(system_prompt=text, greeting="x")
    await desk.facts("edit_prompt", persona_id=persona_id, field="greeting", find="x", replace=text)
    saved = await desk.persona(persona_id)
    assert saved["system_prompt"] == text
    assert saved["greeting"] == text


async def test_a_value_inside_a_patch_stays_the_text_it_is(desk: Desk) -> None:
    persona_id = await desk.create()
    patch = [{"op": "add", "path": "/greeting", "value": '{"a": 1}'}]
    await desk.facts("patch_persona", persona_id=persona_id, patch=patch)
    assert (await desk.persona(persona_id))["greeting"] == '{"a": 1}'


async def test_numbers_and_switches_may_come_as_text_as_some_hosts_send_them(desk: Desk) -> None:
    persona_id = await desk.create()
    receipt = await desk.facts(
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


async def test_every_tool_refuses_an_argument_that_it_does_not_know(desk: Desk) -> None:
    """Ours (design section 4): the SDK would drop it silently."""
    for tool in (await desk.client.list_tools()).tools:
        said = await desk.refusal(tool.name, zzz_unknown="canary-value")
        assert "/zzz_unknown: unknown field" in said, tool.name
        assert "canary-value" not in said, tool.name
    assert desk.wire.requests == []


async def test_a_missing_argument_is_named(desk: Desk) -> None:
    for tool in (await desk.client.list_tools()).tools:
        for name in tool.input_schema.get("required", []):
            said = await desk.refusal(tool.name)
            assert f"/{name}: is required" in said, tool.name


async def test_a_misspelt_tool_is_answered_with_the_nearest_name(desk: Desk) -> None:
    said = await desk.refusal("list_persona")
    assert "did you mean 'list_personas'?" in said


@pytest.mark.parametrize("depth", [40, 2_000])
async def test_deeply_nested_text_is_refused_or_taken_but_breaks_nothing(
    desk: Desk, depth: int
) -> None:
    result = await desk.call("create_persona", system_prompt="x", layers="[" * depth + "]" * depth)
    assert result.is_error
    assert "/layers: must be an object" in str(result.content)
    await desk.create()
