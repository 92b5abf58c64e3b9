"""``set_function_tool`` and ``remove_function_tool`` on all their lists."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_client import ToolClient, patch_operations

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


def build_weather_function(**more: Any) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": "get_weather", "description": "d", "parameters": PARAMETERS, **more},
    }


async def read_functions(tool_client: ToolClient, persona_id: str, place: tuple[str, str]) -> Any:
    layers = (await tool_client.read_persona(persona_id))["layers"]
    return layers.get(place[0], {}).get(place[1])


async def test_the_tool_says_that_inline_functions_are_legacy(tool_client: ToolClient) -> None:
    tools = (await tool_client.client.list_tools()).tools
    (description,) = [tool.description for tool in tools if tool.name == "set_function_tool"]
    assert "legacy" in str(description)


@pytest.mark.parametrize(("layer", "modality", "place"), LISTS)
async def test_a_function_is_added_to_the_given_list_with_its_type(
    tool_client: ToolClient, layer: str, modality: str, place: tuple[str, str]
) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "set_function_tool",
        persona_id=persona_id,
        name="get_weather",
        description="d",
        parameters=PARAMETERS,
        layer=layer,
        modality=modality,
    )
    assert await read_functions(tool_client, persona_id, place) == [build_weather_function()]


@pytest.mark.parametrize(("layer", "modality", "place"), LISTS)
async def test_a_function_of_the_same_name_is_replaced_at_its_position(
    tool_client: ToolClient, layer: str, modality: str, place: tuple[str, str]
) -> None:
    tools = [build_weather_function(name=name) for name in ("first", "get_weather", "last")]
    persona_id = await tool_client.create_persona(layers={place[0]: {place[1]: tools}})
    await tool_client.expect_result(
        "set_function_tool",
        persona_id=persona_id,
        name="get_weather",
        description="new",
        parameters=PARAMETERS,
        layer=layer,
        modality=modality,
    )
    tools[1] = build_weather_function(description="new")
    assert await read_functions(tool_client, persona_id, place) == tools
    (operation,) = patch_operations(tool_client.transport.writes[-1])
    assert operation["path"] == f"/layers/{place[0]}/{place[1]}/1/function/description"


async def test_a_function_is_added_to_the_llm_layer_by_default(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "set_function_tool", persona_id=persona_id, name="a", description="b"
    )
    assert await read_functions(tool_client, persona_id, ("llm", "tools")) == [
        {"type": "function", "function": {"name": "a", "description": "b"}}
    ]


@pytest.mark.parametrize("argument", ["function", "tool"])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("encode", [lambda value: value, json.dumps])
async def test_a_function_may_come_as_the_openai_object(
    tool_client: ToolClient, argument: str, whole: bool, encode: Any
) -> None:
    persona_id = await tool_client.create_persona()
    value = build_weather_function() if whole else build_weather_function()["function"]
    arguments = {"persona_id": persona_id, argument: encode(value)}
    assert not (await tool_client.client.call_tool("set_function_tool", arguments)).is_error
    assert await read_functions(tool_client, persona_id, ("llm", "tools")) == [
        build_weather_function()
    ]


async def test_the_strict_flag_of_an_openai_object_is_preserved(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "set_function_tool",
        persona_id=persona_id,
        function=build_weather_function(strict=True)["function"],
    )
    assert await read_functions(tool_client, persona_id, ("llm", "tools")) == [
        build_weather_function(strict=True)
    ]


@pytest.mark.parametrize(("layer", "modality", "place"), LISTS)
async def test_a_function_is_removed_from_every_layer(
    tool_client: ToolClient, layer: str, modality: str, place: tuple[str, str]
) -> None:
    tools = [build_weather_function(), build_weather_function(name="other")]
    persona_id = await tool_client.create_persona(layers={place[0]: {place[1]: tools}})
    receipt = await tool_client.expect_result(
        "remove_function_tool", persona_id=persona_id, name="get_weather"
    )
    assert await read_functions(tool_client, persona_id, place) == tools[1:]
    assert receipt["status"] == "applied"


async def test_only_the_named_layer_loses_its_function(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(
        layers={
            "llm": {"tools": [build_weather_function()]},
            "perception": {"visual_tools": [build_weather_function()]},
        }
    )
    await tool_client.expect_result(
        "remove_function_tool", persona_id=persona_id, name="get_weather", layer="perception"
    )
    assert await read_functions(tool_client, persona_id, ("llm", "tools")) == [
        build_weather_function()
    ]
    assert not await read_functions(tool_client, persona_id, ("perception", "visual_tools"))


async def test_functions_in_legacy_lists_are_found(tool_client: ToolClient) -> None:
    """Tavus: perception_tools is the older name of visual_tools."""
    persona_id = await tool_client.create_persona(
        layers={"perception": {"perception_tools": [build_weather_function()]}}
    )
    await tool_client.expect_result(
        "remove_function_tool", persona_id=persona_id, name="get_weather"
    )
    assert not await read_functions(tool_client, persona_id, ("perception", "perception_tools"))


async def test_an_absent_function_is_refused_with_the_existing_ones(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(
        layers={"llm": {"tools": [build_weather_function()]}}
    )
    error = await tool_client.expect_error(
        "remove_function_tool", persona_id=persona_id, name="get_wether"
    )
    assert "did you mean 'get_weather'?" in error
    none = await tool_client.expect_error(
        "remove_function_tool", persona_id=persona_id, name="get_weather", layer="perception"
    )
    assert "none" in none
    assert len(tool_client.transport.writes) == 1


async def test_a_dry_run_of_a_function_sends_nothing(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "set_function_tool", persona_id=persona_id, name="a", description="b", dry_run=True
    )
    assert receipt["status"] == "planned"
    assert await read_functions(tool_client, persona_id, ("llm", "tools")) is None


async def test_a_function_whose_parameters_are_not_an_object_schema_is_reported(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "set_function_tool",
        persona_id=persona_id,
        name="a",
        description="b",
        parameters={"type": "string"},
    )
    assert any(item["path"].endswith("/parameters/type") for item in receipt["findings"])


async def test_a_function_that_is_too_large_is_refused(tool_client: ToolClient) -> None:
    """Tavus: description and parameters together have at most 10,000 characters."""
    persona_id = await tool_client.create_persona()
    error = await tool_client.expect_error(
        "set_function_tool", persona_id=persona_id, name="a", description="x" * 10_001
    )
    assert "10,000" in error
