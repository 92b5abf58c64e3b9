"""The tool ``export_persona`` returns the same text as the command."""

from __future__ import annotations

import json

import pytest
from mcp_client import ToolClient

from tavus_mcp.persona_files.persona_file import parse_persona_file

pytestmark = pytest.mark.anyio

LLM = {"model": "gpt-4o", "base_url": "https://llm.example.com/v1", "api_key": "stored-5fd10c77aa"}


async def test_the_tool_returns_the_text_of_the_command_and_its_revision(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(
        greeting="no", layers={"llm": {"model": "tavus-gpt-oss"}}
    )
    result = await tool_client.expect_result("export_persona", persona_id=persona_id)
    read = await tool_client.expect_result("get_persona", persona_id=persona_id)
    file = parse_persona_file(result["text"])
    assert (file.persona_id, file.revision) == (persona_id, read["revision"])
    assert result["revision"] == read["revision"]
    assert 'greeting: "no"' in result["text"]
    assert "data" in result["note"]
    assert "not an id" in await tool_client.expect_error("export_persona", persona_id="../x")


async def test_the_exported_text_can_be_used_to_create_the_persona_again(
    tool_client: ToolClient,
) -> None:
    layers = {
        "llm": {
            **LLM,
            "headers": {"accept": "a"},
            "tools": [{"type": "function", "function": {"name": "f"}}],
        },
        "tts": {"tts_engine": "cartesia", "voice_settings": {"speed": 0.5}},
        "conversational_flow": {"turn_taking_patience": "high"},
    }
    persona_id = await tool_client.create_persona(
        layers=layers, languages=["en"], document_tags=["a"]
    )
    result = await tool_client.expect_result("export_persona", persona_id=persona_id)
    text = result["text"].replace('api_key: "********"', "api_key_ref: openai")
    copy = await tool_client.expect_result("create_persona", **parse_persona_file(text).fields)
    copied = await tool_client.expect_result("export_persona", persona_id=copy["persona_id"])
    assert parse_persona_file(copied["text"]).fields == parse_persona_file(result["text"]).fields
    update = parse_persona_file(text.replace("You help", "You listen")).fields
    layers = update.pop("layers")
    changed = await tool_client.expect_result(
        "update_persona", persona_id=copy["persona_id"], **update
    )
    assert [item["path"] for item in changed["changes"]] == ["/system_prompt"]
    same = await tool_client.expect_result(
        "configure_tts", persona_id=copy["persona_id"], **layers["tts"]
    )
    assert same["status"] == "unchanged"


async def test_the_tool_result_is_small(tool_client: ToolClient) -> None:
    (tool,) = [
        it for it in (await tool_client.client.list_tools()).tools if it.name == "export_persona"
    ]
    served = {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
    assert len(json.dumps(served, separators=(",", ":"))) <= 350


async def test_an_export_lists_the_defaults_that_are_in_effect_as_comments(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(layers={"tts": {"tts_engine": "cartesia"}})
    text = (await tool_client.expect_result("export_persona", persona_id=persona_id))["text"]
    default = tool_client.server.app.catalog.default_value("/layers/llm/model")
    assert f"#   /layers/llm/model: {default} (default)\n" in text
    assert "#   /layers/tts/tts_engine" not in text
    persona_id = await tool_client.create_persona(layers={"llm": {**LLM, "api_key": "a"}})
    text = (await tool_client.expect_result("export_persona", persona_id=persona_id))["text"]
    assert "#   /layers/llm/model" not in text
    assert "#   /layers/tts/tts_engine: " in text
