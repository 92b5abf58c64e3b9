"""Resources, their templates and completions, through an MCP client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from mcp.shared.exceptions import MCPError
from mcp_client import SECRET, ToolClient
from mcp_types import ResourceTemplateReference, TextResourceContents

from tavus_mcp.models.layers import LAYER_NAMES
from tavus_mcp.models.persona import Persona
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio
MODES = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
INVALID_PARAMS = -32602
TOPICS = [
    "llm",
    "tts",
    "perception",
    "stt",
    "conversational_flow",
    "pipeline-modes",
    "languages",
    "interactions",
    "replicas",
]
SEED: dict[str, Any] = {
    "persona_name": "Technical Interviewer",
    "pipeline_mode": "full",
    "system_prompt": "You are a senior technical interviewer...",
    "context": "Focus on system design and coding problems.",
    "default_replica_id": "rfe12d8b9597",
    "layers": {
        "llm": {
            "model": "gpt-4-turbo",
            "base_url": "https://api.openai.com/v1",
            "api_key": "sk-...",
            "speculative_inference": True,
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "get_weather",
                        "description": "Get current weather for a location",
                        "parameters": {"type": "object", "properties": {}, "required": []},
                    },
                }
            ],
        },
        "tts": {"tts_engine": "playht", "voice_id": "your-playht-voice-id", "api_key": "k"},
        "perception": {"perception_model": "raven-0", "ambient_awareness": True},
        "stt": {
            "smart_turn_detection": True,
            "participant_pause_sensitivity": "medium",
            "participant_interrupt_sensitivity": "medium",
        },
    },
}


async def read_text(tool_client: ToolClient, uri: str) -> str:
    """Read a resource that is one text."""
    (part,) = (await tool_client.client.read_resource(uri)).contents
    assert isinstance(part, TextResourceContents)
    return part.text


async def read_expecting_error(tool_client: ToolClient, uri: str) -> MCPError:
    with pytest.raises(MCPError) as caught:
        await tool_client.client.read_resource(uri)
    return caught.value


async def complete_argument(tool_client: ToolClient, uri: str, name: str, value: str) -> list[str]:
    answer = await tool_client.client.complete(
        ResourceTemplateReference(type="ref/resource", uri=uri), {"name": name, "value": value}
    )
    return list(answer.completion.values)


@MODES
async def test_resources_and_templates_are_listed_with_titles_and_types(
    open_tool_client: ToolClientFactory, mode: str
) -> None:
    async with open_tool_client(mode=mode) as tool_client:
        resources = (await tool_client.client.list_resources()).resources
        templates = (await tool_client.client.list_resource_templates()).resource_templates
    assert {str(item.uri) for item in resources} == {"tavus://personas", "tavus://schema/persona"}
    assert {item.uri_template for item in templates} >= {
        "tavus://personas/{persona_id}",
        "tavus://personas/{persona_id}/layers/{layer}",
        "tavus://catalog/{layer}",
        "tavus://guide/{topic}",
    }
    for item in (*resources, *templates):
        assert item.title
        assert item.description
        assert item.mime_type in ("application/json", "text/markdown")


@MODES
async def test_the_index_lists_all_personas(
    open_tool_client: ToolClientFactory, store: Store, mode: str
) -> None:
    for number in range(150):
        row = {"persona_id": f"p{number}", "persona_name": f"Bot {number}", "layers": {}}
        store.put("persona", f"p{number}", row | {"persona_type": "user"})
    async with open_tool_client(mode=mode) as tool_client:
        index = json.loads(await read_text(tool_client, "tavus://personas"))
    assert index["total_count"] == len(index["personas"]) == 157
    assert {"persona_id": "p149", "persona_name": "Bot 149", "type": "user"}.items() <= index[
        "personas"
    ][-1].items()


@MODES
async def test_a_persona_resource_is_the_whole_document_with_its_revision(
    open_tool_client: ToolClientFactory, mode: str
) -> None:
    async with open_tool_client(mode=mode) as tool_client:
        persona_id = await tool_client.create_persona(system_prompt="You help. " * 1_000)
        listed = json.loads(await read_text(tool_client, f"tavus://personas/{persona_id}"))
        tool = await tool_client.expect_result(
            "get_persona", persona_id=persona_id, full_prompt=True
        )
    assert listed == {"persona": tool["persona"], "revision": tool["revision"]}


async def test_a_layer_can_be_read_alone(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(layers={"stt": {"hotwords": "Tavus"}})
    listed = json.loads(await read_text(tool_client, f"tavus://personas/{persona_id}/layers/stt"))
    assert listed["stt"] == {"hotwords": "Tavus"}
    empty = json.loads(await read_text(tool_client, f"tavus://personas/{persona_id}/layers/tts"))
    assert empty["tts"] == {}


@pytest.mark.parametrize("layer", LAYER_NAMES)
async def test_the_catalog_resource_matches_describe_layer(
    tool_client: ToolClient, layer: str
) -> None:
    listed = json.loads(await read_text(tool_client, f"tavus://catalog/{layer}"))
    described = (await tool_client.expect_result("describe_layer", layer=layer))["layer"]
    assert listed.keys() == described.keys() != set()


@pytest.mark.parametrize("topic", TOPICS)
async def test_every_topic_of_the_seed_has_a_guide(tool_client: ToolClient, topic: str) -> None:
    text = await read_text(tool_client, f"tavus://guide/{topic}")
    assert text.startswith("#")
    assert len(text) > 200


async def test_the_schema_matches_the_models_and_accepts_the_seed_example(
    tool_client: ToolClient,
) -> None:
    """Tools, checks and the sandbox share one model."""
    schema = json.loads(await read_text(tool_client, "tavus://schema/persona"))
    assert schema == Persona.model_json_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(SEED)] == []


@pytest.mark.parametrize(
    "document",
    [
        {"persona_nme": "x"},
        {"pipeline_mode": "loud"},
        {"layers": {"llm": {"modle": "x"}}},
        {"layers": {"tts": {"tts_engine": "siri"}}},
        {"system_prompt": 5},
    ],
)
async def test_the_schema_rejects_what_the_server_refuses(
    tool_client: ToolClient, document: dict[str, Any]
) -> None:
    schema = json.loads(await read_text(tool_client, "tavus://schema/persona"))
    assert not Draft202012Validator(schema).is_valid(document)


async def test_a_read_persona_matches_the_schema_except_for_fields_set_by_tavus(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(layers={"llm": {"model": "tavus-gpt-oss"}})
    schema = json.loads(await read_text(tool_client, "tavus://schema/persona"))
    listed = json.loads(await read_text(tool_client, f"tavus://personas/{persona_id}"))["persona"]
    for name in ("persona_id", "persona_type", "created_at", "updated_at", "skills"):
        del listed[name]
    assert Draft202012Validator(schema).is_valid(listed)


ABSENT = [
    "tavus://nothing",
    "tavus://personas/p0000000000",
    "tavus://personas/not an id",
    "tavus://personas/p1/layers/nothing",
    "tavus://personas/p1af207b8189/layers/lllm",
    "tavus://personas/p1af207b8189/layers/llm/model",
    "tavus://catalog/nothing",
    "tavus://guide/nothing",
    "tavus://schema/conversation",
    "https://tavusapi.com/v2/personas",
    "file:///etc/passwd",
]


@MODES
@pytest.mark.parametrize("uri", ABSENT)
async def test_an_absent_resource_gives_error_32602(
    open_tool_client: ToolClientFactory, mode: str, uri: str
) -> None:
    """MCP 2026-07-28: resource not found is -32602."""
    async with open_tool_client(mode=mode) as tool_client:
        assert (await read_expecting_error(tool_client, uri)).error.code == INVALID_PARAMS


async def test_a_misspelt_layer_or_topic_is_refused_with_the_known_ones(
    tool_client: ToolClient,
) -> None:
    layer = (await read_expecting_error(tool_client, "tavus://catalog/perceptoin")).error.message
    assert "perception" in layer
    assert "did you mean" in layer
    topic = (await read_expecting_error(tool_client, "tavus://guide/zzz")).error.message
    assert "pipeline-modes" in topic


async def test_the_error_of_a_resource_names_only_tools_that_are_served(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client(toolsets=("layers",)) as tool_client:
        with pytest.raises(MCPError) as caught:
            await tool_client.client.read_resource("tavus://personas/p000000000")
    assert 'The tool "List personas" of the switched-off toolset personas' in str(caught.value)


async def test_an_absent_persona_gives_the_message_of_tavus(tool_client: ToolClient) -> None:
    message = (
        await read_expecting_error(tool_client, "tavus://personas/p0000000000")
    ).error.message
    assert "Invalid persona_id" in message


async def test_a_tavus_error_is_reported_and_not_as_not_found(
    open_tool_client: ToolClientFactory,
) -> None:
    async def down(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b'{"error": "on fire"}'})

    async with open_tool_client(down) as tool_client:
        for uri in ("tavus://personas", "tavus://personas/p1", "tavus://personas/p1/layers/llm"):
            error = (await read_expecting_error(tool_client, uri)).error
            assert "on fire" in error.message
            assert error.code != INVALID_PARAMS


async def test_secrets_are_masked_in_every_resource(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "configure_llm",
        persona_id=persona_id,
        model="m",
        base_url="https://api.example.com/v1",
        api_key_ref="openai",
        headers={"X-Anything": "canary-header-1"},
    )
    for uri in (
        "tavus://personas",
        f"tavus://personas/{persona_id}",
        f"tavus://personas/{persona_id}/layers/llm",
    ):
        text = await read_text(tool_client, uri)
        assert SECRET not in text
        assert "canary-header-1" not in text
    layer = json.loads(await read_text(tool_client, f"tavus://personas/{persona_id}/layers/llm"))[
        "llm"
    ]
    assert layer["api_key"] == "********"


async def test_reading_knowledge_resources_sends_no_request(tool_client: ToolClient) -> None:
    for uri in ("tavus://schema/persona", "tavus://catalog/llm", "tavus://guide/llm"):
        await read_text(tool_client, uri)
    assert tool_client.transport.requests == []


@MODES
async def test_persona_ids_are_completed_by_id_and_by_name(
    open_tool_client: ToolClientFactory, mode: str
) -> None:
    template = "tavus://personas/{persona_id}"
    async with open_tool_client(mode=mode) as tool_client:
        mine = await tool_client.create_persona(name="Front Desk")
        assert await complete_argument(tool_client, template, "persona_id", mine[:6]) == [mine]
        assert await complete_argument(tool_client, template, "persona_id", "front d") == [mine]
        assert await complete_argument(tool_client, template, "persona_id", "zzz") == []
        assert "p1af207b8189" in await complete_argument(tool_client, template, "persona_id", "")


@MODES
async def test_layers_and_topics_are_completed(
    open_tool_client: ToolClientFactory, mode: str
) -> None:
    layers = "tavus://personas/{persona_id}/layers/{layer}"
    async with open_tool_client(mode=mode) as tool_client:
        assert await complete_argument(tool_client, layers, "layer", "con") == [
            "conversational_flow",
            "conferencing",
        ]
        assert await complete_argument(tool_client, "tavus://catalog/{layer}", "layer", "") == list(
            LAYER_NAMES
        )
        assert await complete_argument(tool_client, "tavus://guide/{topic}", "topic", "pi") == [
            "pipeline-modes"
        ]
        assert set(
            await complete_argument(tool_client, "tavus://guide/{topic}", "topic", "")
        ) >= set(TOPICS)


async def test_a_completion_never_fails_when_tavus_does(
    open_tool_client: ToolClientFactory,
) -> None:
    async def down(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with open_tool_client(down) as tool_client:
        assert (
            await complete_argument(tool_client, "tavus://personas/{persona_id}", "persona_id", "p")
            == []
        )


async def test_a_completion_returns_at_most_100_values(
    tool_client: ToolClient, store: Store
) -> None:
    """MCP: completion/complete."""
    for number in range(150):
        row = {"persona_id": f"p{number}", "persona_name": "Bot", "layers": {}}
        store.put("persona", f"p{number}", row | {"persona_type": "user"})
    values = await complete_argument(
        tool_client, "tavus://personas/{persona_id}", "persona_id", "bot"
    )
    assert len(values) <= 100


async def test_the_address_of_an_unknown_resource_forges_no_line(tool_client: ToolClient) -> None:
    error = await read_expecting_error(tool_client, "tavus://x\nstatus: applied")
    assert "Unknown resource" in error.error.message
    assert len(error.error.message.splitlines()) == 1
