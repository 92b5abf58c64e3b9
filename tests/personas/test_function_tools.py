"""``set_function_tool`` and ``remove_function_tool`` on all their lists."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_client import Desk, sent

pytestmark = pytest.mark.anyio

PARAMETERS = {
    "type": "object",
    "properties": {"location": {"type": "string", "description": "City"}},
    "required": ["location"],
}
LISTS = [
    ("llm", "visual", ("llm", "tools")),
    ("perception", "visual", ("perception", "visual_tools")),
    ("perception", "audio", ("perception", "audio_tools")),
]


def weather(**more: Any) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": "get_weather", "description": "d", "parameters": PARAMETERS, **more},
    }


async def listed(desk: Desk, persona_id: str, place: tuple[str, str]) -> Any:
    layers = (await desk.persona(persona_id))["layers"]
    return layers.get(place[0], {}).get(place[1])


@pytest.mark.parametrize(("layer", "modality", "place"), LISTS)
async def test_a_function_is_added_where_it_is_said_with_its_type(
    desk: Desk, layer: str, modality: str, place: tuple[str, str]
) -> None:
    persona_id = await desk.create()
    await desk.facts(
        "set_function_tool",
        persona_id=persona_id,
        name="get_weather",
        description="d",
        parameters=PARAMETERS,
        layer=layer,
        modality=modality,
    )
    assert await listed(desk, persona_id, place) == [weather()]


@pytest.mark.parametrize(("layer", "modality", "place"), LISTS)
async def test_a_function_of_the_same_name_is_replaced_in_its_place(
    desk: Desk, layer: str, modality: str, place: tuple[str, str]
) -> None:
    tools = [weather(name=name) for name in ("first", "get_weather", "last")]
    persona_id = await desk.create(layers={place[0]: {place[1]: tools}})
    await desk.facts(
        "set_function_tool",
        persona_id=persona_id,
        name="get_weather",
        description="new",
        parameters=PARAMETERS,
        layer=layer,
        modality=modality,
    )
    tools[1] = weather(description="new")
    assert await listed(desk, persona_id, place) == tools
    (operation,) = sent(desk.wire.writes[-1])
    assert operation["path"] == f"/layers/{place[0]}/{place[1]}/1/function/description"


async def test_a_function_is_llms_unless_said_otherwise(desk: Desk) -> None:
    persona_id = await desk.create()
    await desk.facts("set_function_tool", persona_id=persona_id, name="a", description="b")
    assert await listed(desk, persona_id, ("llm", "tools")) == [
        {"type": "function", "function": {"name": "a", "description": "b"}}
    ]


@pytest.mark.parametrize("argument", ["function", "tool"])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("encode", [lambda value: value, json.dumps])
async def test_a_function_may_come_as_the_openai_object(
    desk: Desk, argument: str, whole: bool, encode: Any
) -> None:
    persona_id = await desk.create()
    value = weather() if whole else weather()["function"]
    arguments = {"persona_id": persona_id, argument: encode(value)}
    assert not (await desk.client.call_tool("set_function_tool", arguments)).is_error
    assert await listed(desk, persona_id, ("llm", "tools")) == [weather()]


async def test_an_openai_object_that_says_strict_is_taken_with_it(desk: Desk) -> None:
    persona_id = await desk.create()
    await desk.facts(
        "set_function_tool", persona_id=persona_id, function=weather(strict=True)["function"]
    )
    assert await listed(desk, persona_id, ("llm", "tools")) == [weather(strict=True)]


@pytest.mark.parametrize(("layer", "modality", "place"), LISTS)
async def test_a_function_is_removed_wherever_it_is(
    desk: Desk, layer: str, modality: str, place: tuple[str, str]
) -> None:
    tools = [weather(), weather(name="other")]
    persona_id = await desk.create(layers={place[0]: {place[1]: tools}})
    receipt = await desk.facts("remove_function_tool", persona_id=persona_id, name="get_weather")
    assert await listed(desk, persona_id, place) == tools[1:]
    assert receipt["status"] == "applied"


async def test_only_the_named_layer_loses_its_function(desk: Desk) -> None:
    persona_id = await desk.create(
        layers={"llm": {"tools": [weather()]}, "perception": {"visual_tools": [weather()]}}
    )
    await desk.facts(
        "remove_function_tool", persona_id=persona_id, name="get_weather", layer="perception"
    )
    assert await listed(desk, persona_id, ("llm", "tools")) == [weather()]
    assert not await listed(desk, persona_id, ("perception", "visual_tools"))


async def test_functions_of_the_older_lists_are_found_as_well(desk: Desk) -> None:
    """Tavus: perception_tools is the older name of visual_tools."""
    persona_id = await desk.create(layers={"perception": {"perception_tools": [weather()]}})
    await desk.facts("remove_function_tool", persona_id=persona_id, name="get_weather")
    assert not await listed(desk, persona_id, ("perception", "perception_tools"))


async def test_an_absent_function_is_refused_with_the_ones_there_are(desk: Desk) -> None:
    persona_id = await desk.create(layers={"llm": {"tools": [weather()]}})
    said = await desk.refusal("remove_function_tool", persona_id=persona_id, name="get_wether")
    assert "did you mean 'get_weather'?" in said
    none = await desk.refusal(
        "remove_function_tool", persona_id=persona_id, name="get_weather", layer="perception"
    )
    assert "none" in none
    assert len(desk.wire.writes) == 1


async def test_a_dry_run_of_a_function_sends_nothing(desk: Desk) -> None:
    persona_id = await desk.create()
    receipt = await desk.facts(
        "set_function_tool", persona_id=persona_id, name="a", description="b", dry_run=True
    )
    assert receipt["status"] == "planned"
    assert await listed(desk, persona_id, ("llm", "tools")) is None


async def test_a_function_whose_parameters_are_no_schema_of_an_object_is_told(desk: Desk) -> None:
    persona_id = await desk.create()
    receipt = await desk.facts(
        "set_function_tool",
        persona_id=persona_id,
        name="a",
        description="b",
        parameters={"type": "string"},
    )
    assert any(item["path"].endswith("/parameters/type") for item in receipt["findings"])


async def test_a_function_that_is_too_large_is_refused(desk: Desk) -> None:
    """Tavus: description and parameters together have at most 10,000 characters."""
    persona_id = await desk.create()
    said = await desk.refusal(
        "set_function_tool", persona_id=persona_id, name="a", description="x" * 10_001
    )
    assert "10,000" in said
