"""Every receipt holds a call that restores the earlier persona."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_client import ToolClient
from property_examples import examples

pytestmark = pytest.mark.anyio
PROPERTY = settings(
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

START: dict[str, Any] = {
    "name": "Start",
    "greeting": "Hi!",
    "languages": ["en"],
    "layers": {
        "llm": {
            "model": "tavus-gpt-oss",
            "extra_body": {"temperature": 0.5, "seed": 7},
            "default_query": {"a": "1"},
        },
        "tts": {
            "tts_engine": "elevenlabs",
            "external_voice_id": "abc",
            "voice_settings": {"stability": 0.5, "style": 0.1},
        },
        "stt": {"stt_engine": "tavus-auto", "hotwords": "Tavus"},
        "perception": {
            "perception_model": "raven-1",
            "visual_awareness_queries": ["Who is there?", "Is it dark?"],
            "audio_awareness_queries": ["Is it loud?"],
        },
        "conversational_flow": {"turn_taking_patience": "high", "wake_phrase": "Hey Bot"},
    },
}
TEXTS = st.text("abc XYZ", min_size=1, max_size=9).filter(str.strip)
QUERIES = st.lists(TEXTS, max_size=3)
LEVELS = st.sampled_from(["low", "medium", "high"])
RATIOS = st.sampled_from([0.0, 0.25, 0.5, 1.0])

ARGUMENTS: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "update_persona": {
        "name": TEXTS,
        "system_prompt": TEXTS,
        "greeting": TEXTS,
        "context": TEXTS,
        "document_tags": QUERIES,
        "languages": st.lists(st.sampled_from(["en", "de", "fr"]), unique=True, max_size=3),
        "disclosure_type": st.sampled_from(["always", "auto", "off"]),
    },
    "configure_llm": {
        "model": st.sampled_from(["tavus-gemma-4", "tavus-gpt-oss", "tavus-gpt-5.2"]),
        "temperature": RATIOS,
        "top_p": RATIOS,
        "speculative_inference": st.booleans(),
    },
    "configure_tts": {
        "tts_engine": st.sampled_from(["cartesia", "elevenlabs"]),
        "external_voice_id": TEXTS,
        "tts_emotion_control": st.booleans(),
        "stability": RATIOS,
        "similarity_boost": RATIOS,
        "use_speaker_boost": st.booleans(),
    },
    "configure_stt": {
        "stt_engine": st.sampled_from(["tavus-auto", "tavus-whisper"]),
        "hotwords": TEXTS,
        "smart_turn_detection": st.booleans(),
        "participant_pause_sensitivity": LEVELS,
    },
    "configure_perception": {
        "perception_model": st.sampled_from(["raven-0", "raven-1", "off"]),
        "visual_awareness_queries": QUERIES,
        "audio_awareness_queries": QUERIES,
        "perception_analysis_queries": QUERIES,
        "visual_tool_prompt": TEXTS,
        "ambient_awareness": st.booleans(),
    },
    "configure_conversational_flow": {
        "turn_detection_model": st.sampled_from(["sparrow-2", "sparrow-1"]),
        "turn_taking_patience": LEVELS,
        "replica_interruptibility": LEVELS,
        "voice_isolation": st.sampled_from(["near", "off"]),
        "wake_phrase": TEXTS,
    },
}
NEEDED = {"system_prompt"}


@st.composite
def change_calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a change: some arguments of a tool with values, some others to be unset."""
    tool = draw(st.sampled_from(sorted(ARGUMENTS)))
    names = draw(st.lists(st.sampled_from(sorted(ARGUMENTS[tool])), unique=True, min_size=1))
    cut = draw(st.integers(0, len(names)))
    arguments: dict[str, Any] = {name: draw(ARGUMENTS[tool][name]) for name in names[:cut]}
    if left := [name for name in names[cut:] if name not in NEEDED]:
        arguments["unset"] = left
    return tool, arguments


def normalize_persona(persona: dict[str, Any]) -> dict[str, Any]:
    """Return a persona without its time, and without objects and lists that hold nothing."""

    def bare(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        inside = {key: bare(item) for key, item in value.items() if key != "updated_at"}
        return {key: item for key, item in inside.items() if item not in ({}, [])}

    return dict(bare(persona))


async def change_and_undo(
    tool_client: ToolClient, persona_id: str, tool: str, arguments: dict[str, Any]
) -> None:
    """Make a change and undo it; the earlier persona must be restored."""
    before = await tool_client.read_persona(persona_id)
    result = await tool_client.call(tool, persona_id=persona_id, **arguments)
    if result.is_error or result.structured_content is None:
        assert normalize_persona(await tool_client.read_persona(persona_id)) == normalize_persona(
            before
        )
        return
    receipt = result.structured_content
    if receipt["status"] == "unchanged":
        assert normalize_persona(await tool_client.read_persona(persona_id)) == normalize_persona(
            before
        )
        return
    undo = receipt["undo"]
    await tool_client.expect_result(undo["tool"], **undo["arguments"])
    assert normalize_persona(await tool_client.read_persona(persona_id)) == normalize_persona(
        before
    )


@given(call=change_calls(), bare=st.booleans())
@PROPERTY
async def test_undoing_any_change_restores_the_earlier_persona(
    tool_client: ToolClient, call: tuple[str, dict[str, Any]], bare: bool
) -> None:
    persona_id = await tool_client.create_persona(**({} if bare else START))
    await change_and_undo(tool_client, persona_id, *call)


@given(first=change_calls(), second=change_calls())
@settings(PROPERTY, max_examples=examples(25))
async def test_undoing_a_later_change_preserves_an_earlier_one(
    tool_client: ToolClient, first: tuple[str, dict[str, Any]], second: tuple[str, dict[str, Any]]
) -> None:
    persona_id = await tool_client.create_persona(**START)
    await tool_client.call(first[0], persona_id=persona_id, **first[1])
    await change_and_undo(tool_client, persona_id, *second)


async def test_undo_removes_a_key_added_to_extra_body(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(**START)
    await change_and_undo(
        tool_client, persona_id, "configure_llm", {"extra_body": {"stop": ["END"]}}
    )


async def test_undo_restores_a_key_removed_from_extra_body(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(**START)
    await change_and_undo(tool_client, persona_id, "configure_llm", {"extra_body": {"seed": None}})


async def test_undo_restores_an_extended_default_query(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(**START)
    await change_and_undo(tool_client, persona_id, "configure_llm", {"default_query": {"b": "2"}})


async def test_undo_restores_changed_headers_or_is_not_offered(
    tool_client: ToolClient,
) -> None:
    """The value of a header is masked and cannot be restored, so no undo may be offered for it."""
    persona_id = await tool_client.create_persona(
        layers={"llm": {"model": "tavus-gpt-oss", "headers": {"X-Trace": "first"}}}
    )
    receipt = await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, headers={"X-Trace": "second"}
    )
    if undo := receipt.get("undo"):
        await tool_client.expect_result(undo["tool"], **undo["arguments"])
        saved = await tool_client.call(
            "patch_persona",
            persona_id=persona_id,
            patch=[{"op": "test", "path": "/layers/llm/headers/X-Trace", "value": "first"}],
        )
        assert not saved.is_error


@pytest.mark.parametrize("layer", ["llm", "tts", "stt", "perception", "conversational_flow"])
async def test_undo_restores_an_unset_layer(tool_client: ToolClient, layer: str) -> None:
    persona_id = await tool_client.create_persona(**START)
    await change_and_undo(tool_client, persona_id, f"configure_{layer}", {"unset": [layer]})


async def test_fields_to_restore_may_be_named_as_in_other_tools(tool_client: ToolClient) -> None:
    """A name that get_persona and plan_bulk_change take as a field was refused here."""
    persona_id = await tool_client.create_persona(greeting="Hello")
    first = (await tool_client.expect_result("get_persona", persona_id=persona_id))["revision"]
    target = {"persona_id": persona_id}
    await tool_client.expect_result("update_persona", **target, greeting="Hi", name="Other")
    await tool_client.expect_result(
        "configure_conversational_flow", **target, turn_taking_patience="high"
    )
    receipt = await tool_client.expect_result(
        "restore_revision", **target, revision=first, only=["greeting", "turn_taking_patience"]
    )
    assert {change["path"] for change in receipt["changes"]} == {
        "/greeting",
        "/layers/conversational_flow/turn_taking_patience",
    }
    assert (await tool_client.read_persona(persona_id))["persona_name"] == "Other"


async def test_undo_restores_an_unset_layer_with_its_functions(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(**START)
    await tool_client.expect_result(
        "set_function_tool", persona_id=persona_id, name="look_up", description="x"
    )
    await change_and_undo(tool_client, persona_id, "configure_llm", {"unset": ["llm"]})


async def test_undo_restores_unset_voice_settings(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(**START)
    await change_and_undo(tool_client, persona_id, "configure_tts", {"unset": ["voice_settings"]})


async def test_undo_removes_a_provider_voice_given_as_voice_id(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    await change_and_undo(
        tool_client, persona_id, "configure_tts", {"voice_id": "my-cartesia-voice"}
    )


NAMES = st.sampled_from(["first", "second", "third"])
FUNCTIONS = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "description": TEXTS,
        "parameters": st.just({"type": "object", "properties": {}}),
        "layer": st.sampled_from(["llm", "perception"]),
        "modality": st.sampled_from(["visual", "audio"]),
    },
)
TOOLS = [
    {"type": "function", "function": {"name": name, "description": name, "parameters": {}}}
    for name in ("first", "second")
]


@given(function=FUNCTIONS)
@settings(PROPERTY, max_examples=examples(25))
async def test_setting_a_function_can_be_undone(
    tool_client: ToolClient, function: dict[str, Any]
) -> None:
    persona_id = await tool_client.create_persona(
        layers={"llm": {"tools": TOOLS}, "perception": {}}
    )
    await change_and_undo(tool_client, persona_id, "set_function_tool", function)


async def test_undoing_the_first_function_of_a_layer_leaves_no_trace(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    before = await tool_client.expect_result("get_persona", persona_id=persona_id)
    receipt = await tool_client.expect_result(
        "set_function_tool", persona_id=persona_id, name="first"
    )
    undo = receipt["undo"]
    undone = await tool_client.expect_result(undo["tool"], **undo["arguments"])
    assert undone["revision"] == before["revision"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("first"),
        "second",
    ],
)
async def test_undo_restores_a_removed_function_at_its_position(
    tool_client: ToolClient, name: str
) -> None:
    persona_id = await tool_client.create_persona(layers={"llm": {"tools": TOOLS}})
    await change_and_undo(tool_client, persona_id, "remove_function_tool", {"name": name})


async def test_undo_restores_a_function_removed_from_two_layers(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(
        layers={"llm": {"tools": TOOLS[:1]}, "perception": {"visual_tools": TOOLS[:1]}}
    )
    await change_and_undo(tool_client, persona_id, "remove_function_tool", {"name": "first"})


@pytest.mark.parametrize("place", ["perception_tools", "screen_tools"])
async def test_undo_restores_a_function_to_the_list_it_was_removed_from(
    tool_client: ToolClient, place: str
) -> None:
    persona_id = await tool_client.create_persona(layers={"perception": {place: TOOLS}})
    await change_and_undo(tool_client, persona_id, "remove_function_tool", {"name": "second"})


async def test_undo_restores_the_strict_flag_of_a_function(
    tool_client: ToolClient,
) -> None:
    strict = {"type": "function", "function": {**TOOLS[0]["function"], "strict": True}}  # type: ignore[dict-item]
    persona_id = await tool_client.create_persona(layers={"llm": {"tools": [strict]}})
    await change_and_undo(
        tool_client, persona_id, "set_function_tool", {"name": "first", "description": "new"}
    )


JSON_OPERATIONS = st.lists(
    st.one_of(
        st.builds(
            lambda path, value: {"op": "add", "path": path, "value": value},
            st.sampled_from(["/persona_name", "/greeting", "/layers/stt/hotwords", "/context"]),
            TEXTS,
        ),
        st.builds(
            lambda value: {"op": "add", "path": "/layers/tts", "value": value},
            st.sampled_from([{}, {"tts_engine": "azure"}, {"tts_engine": "cartesia"}]),
        ),
        st.builds(
            lambda path: {"op": "remove", "path": path},
            st.sampled_from(
                ["/greeting", "/layers/stt", "/layers/perception/visual_awareness_queries/0"]
            ),
        ),
        st.just({"op": "copy", "from": "/persona_name", "path": "/greeting"}),
        st.just({"op": "move", "from": "/greeting", "path": "/context"}),
        st.just(
            {
                "op": "move",
                "from": "/layers/perception/visual_awareness_queries/1",
                "path": "/layers/perception/visual_awareness_queries/0",
            }
        ),
    ),
    min_size=1,
    max_size=4,
)


@given(patch=JSON_OPERATIONS)
@settings(PROPERTY, max_examples=examples(30))
async def test_any_raw_patch_can_be_undone(
    tool_client: ToolClient, patch: list[dict[str, Any]]
) -> None:
    persona_id = await tool_client.create_persona(**START)
    await change_and_undo(tool_client, persona_id, "patch_persona", {"patch": patch})


async def test_the_text_result_alone_suffices_to_undo(tool_client: ToolClient) -> None:
    """Some hosts forward only the text."""
    persona_id = await tool_client.create_persona(name="A")
    result = await tool_client.call("update_persona", persona_id=persona_id, name="B")
    text = str(result.content)
    assert "restore_revision" in text
    assert f'persona_id="{persona_id}"' in text
    assert 'only=["/persona_name"]' in text
    assert json.dumps(result.structured_content) not in text
