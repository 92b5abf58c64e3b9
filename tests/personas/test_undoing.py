"""Every receipt holds a call that brings the persona back to what it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_client import Desk

pytestmark = pytest.mark.anyio
PROPERTY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a change: some arguments of a tool with values, some others to be unset."""
    tool = draw(st.sampled_from(sorted(ARGUMENTS)))
    names = draw(st.lists(st.sampled_from(sorted(ARGUMENTS[tool])), unique=True, min_size=1))
    cut = draw(st.integers(0, len(names)))
    arguments: dict[str, Any] = {name: draw(ARGUMENTS[tool][name]) for name in names[:cut]}
    if left := [name for name in names[cut:] if name not in NEEDED]:
        arguments["unset"] = left
    return tool, arguments


def settled(persona: dict[str, Any]) -> dict[str, Any]:
    """Return a persona without its time, and without objects and lists that hold nothing."""

    def bare(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        inside = {key: bare(item) for key, item in value.items() if key != "updated_at"}
        return {key: item for key, item in inside.items() if item not in ({}, [])}

    return dict(bare(persona))


async def there_and_back(desk: Desk, persona_id: str, tool: str, arguments: dict[str, Any]) -> None:
    """Make a change and undo it; what was there before must be there again."""
    before = await desk.persona(persona_id)
    result = await desk.call(tool, persona_id=persona_id, **arguments)
    if result.is_error or result.structured_content is None:
        assert settled(await desk.persona(persona_id)) == settled(before)
        return
    receipt = result.structured_content
    if receipt["status"] == "unchanged":
        assert settled(await desk.persona(persona_id)) == settled(before)
        return
    undo = receipt["undo"]
    await desk.facts(undo["tool"], **undo["arguments"])
    assert settled(await desk.persona(persona_id)) == settled(before)


@given(call=calls(), bare=st.booleans())
@PROPERTY
async def test_following_the_undo_of_any_change_brings_back_the_earlier_persona(
    desk: Desk, call: tuple[str, dict[str, Any]], bare: bool
) -> None:
    persona_id = await desk.create(**({} if bare else START))
    await there_and_back(desk, persona_id, *call)


@given(first=calls(), second=calls())
@settings(PROPERTY, max_examples=25)
async def test_undoing_a_later_change_leaves_an_earlier_one_in_place(
    desk: Desk, first: tuple[str, dict[str, Any]], second: tuple[str, dict[str, Any]]
) -> None:
    persona_id = await desk.create(**START)
    await desk.call(first[0], persona_id=persona_id, **first[1])
    await there_and_back(desk, persona_id, *second)


async def test_a_key_that_was_added_to_extra_body_is_taken_out_again(desk: Desk) -> None:
    persona_id = await desk.create(**START)
    await there_and_back(desk, persona_id, "configure_llm", {"extra_body": {"stop": ["END"]}})


async def test_a_key_that_was_removed_from_extra_body_is_put_back(desk: Desk) -> None:
    persona_id = await desk.create(**START)
    await there_and_back(desk, persona_id, "configure_llm", {"extra_body": {"seed": None}})


async def test_a_default_query_that_was_extended_is_brought_back(desk: Desk) -> None:
    persona_id = await desk.create(**START)
    await there_and_back(desk, persona_id, "configure_llm", {"default_query": {"b": "2"}})


async def test_headers_that_were_changed_are_brought_back_or_no_undo_is_promised(
    desk: Desk,
) -> None:
    """Ours: a header's value is masked, so it cannot be given back; then nothing may promise it."""
    persona_id = await desk.create(
        layers={"llm": {"model": "tavus-gpt-oss", "headers": {"X-Trace": "first"}}}
    )
    receipt = await desk.facts(
        "configure_llm", persona_id=persona_id, headers={"X-Trace": "second"}
    )
    if undo := receipt.get("undo"):
        await desk.facts(undo["tool"], **undo["arguments"])
        saved = await desk.call(
            "patch_persona",
            persona_id=persona_id,
            patch=[{"op": "test", "path": "/layers/llm/headers/X-Trace", "value": "first"}],
        )
        assert not saved.is_error


@pytest.mark.parametrize("layer", ["llm", "tts", "stt", "perception", "conversational_flow"])
async def test_a_layer_that_was_unset_as_a_whole_is_brought_back(desk: Desk, layer: str) -> None:
    persona_id = await desk.create(**START)
    await there_and_back(desk, persona_id, f"configure_{layer}", {"unset": [layer]})


async def test_a_layer_with_functions_that_was_unset_is_brought_back_with_them(desk: Desk) -> None:
    persona_id = await desk.create(**START)
    await desk.facts("set_function_tool", persona_id=persona_id, name="look_up", description="x")
    await there_and_back(desk, persona_id, "configure_llm", {"unset": ["llm"]})


async def test_voice_settings_that_were_unset_are_brought_back(desk: Desk) -> None:
    persona_id = await desk.create(**START)
    await there_and_back(desk, persona_id, "configure_tts", {"unset": ["voice_settings"]})


async def test_a_provider_voice_given_as_voice_id_is_undone(desk: Desk) -> None:
    persona_id = await desk.create()
    await there_and_back(desk, persona_id, "configure_tts", {"voice_id": "my-cartesia-voice"})


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
@settings(PROPERTY, max_examples=25)
async def test_a_function_that_was_set_is_undone(desk: Desk, function: dict[str, Any]) -> None:
    persona_id = await desk.create(layers={"llm": {"tools": TOOLS}, "perception": {}})
    await there_and_back(desk, persona_id, "set_function_tool", function)


async def test_the_first_function_of_a_layer_is_undone_without_a_trace(desk: Desk) -> None:
    persona_id = await desk.create()
    before = await desk.facts("get_persona", persona_id=persona_id)
    receipt = await desk.facts("set_function_tool", persona_id=persona_id, name="first")
    undo = receipt["undo"]
    undone = await desk.facts(undo["tool"], **undo["arguments"])
    assert undone["revision"] == before["revision"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("first"),
        "second",
    ],
)
async def test_a_function_that_was_removed_is_put_back_where_it_stood(
    desk: Desk, name: str
) -> None:
    persona_id = await desk.create(layers={"llm": {"tools": TOOLS}})
    await there_and_back(desk, persona_id, "remove_function_tool", {"name": name})


async def test_a_function_that_was_removed_from_two_layers_is_put_back_in_both(desk: Desk) -> None:
    persona_id = await desk.create(
        layers={"llm": {"tools": TOOLS[:1]}, "perception": {"visual_tools": TOOLS[:1]}}
    )
    await there_and_back(desk, persona_id, "remove_function_tool", {"name": "first"})


@pytest.mark.parametrize("place", ["perception_tools", "screen_tools"])
async def test_a_function_that_was_removed_from_another_list_is_put_back_there(
    desk: Desk, place: str
) -> None:
    persona_id = await desk.create(layers={"perception": {place: TOOLS}})
    await there_and_back(desk, persona_id, "remove_function_tool", {"name": "second"})


async def test_a_function_that_said_strict_says_so_again_after_the_undo(desk: Desk) -> None:
    strict = {"type": "function", "function": {**TOOLS[0]["function"], "strict": True}}  # type: ignore[dict-item]
    persona_id = await desk.create(layers={"llm": {"tools": [strict]}})
    await there_and_back(
        desk, persona_id, "set_function_tool", {"name": "first", "description": "new"}
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
@settings(PROPERTY, max_examples=30)
async def test_any_raw_patch_is_undone(desk: Desk, patch: list[dict[str, Any]]) -> None:
    persona_id = await desk.create(**START)
    await there_and_back(desk, persona_id, "patch_persona", {"patch": patch})


async def test_an_undo_can_be_followed_from_the_text_alone(desk: Desk) -> None:
    """Ours: some hosts forward only the text."""
    persona_id = await desk.create(name="A")
    result = await desk.call("update_persona", persona_id=persona_id, name="B")
    text = str(result.content)
    assert "restore_revision" in text
    assert f"persona_id: {persona_id}" in text
    assert 'only: ["/persona_name"]' in text
    assert json.dumps(result.structured_content) not in text
