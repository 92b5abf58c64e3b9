"""The tool ``export_persona``: the same text as the command's, for a model that keeps files."""

from __future__ import annotations

import json

import pytest
from mcp_client import Desk

from tavus_mcp.persona_files.persona_file import parse_persona_file

pytestmark = pytest.mark.anyio

LLM = {"model": "gpt-4o", "base_url": "https://llm.example.com/v1", "api_key": "stored-5fd10c77aa"}


async def test_the_tool_gives_the_same_text_and_its_revision(desk: Desk) -> None:
    persona_id = await desk.create(greeting="no", layers={"llm": {"model": "tavus-gpt-oss"}})
    told = await desk.facts("export_persona", persona_id=persona_id)
    read = await desk.facts("get_persona", persona_id=persona_id)
    file = parse_persona_file(told["text"])
    assert (file.persona_id, file.revision) == (persona_id, read["revision"])
    assert told["revision"] == read["revision"]
    assert 'greeting: "no"' in told["text"]
    assert "data" in told["note"]
    assert "not an id" in await desk.refusal("export_persona", persona_id="../x")


async def test_what_the_tool_gives_can_be_created_again_as_it_stands(desk: Desk) -> None:
    layers = {
        "llm": {
            **LLM,
            "headers": {"accept": "a"},
            "tools": [{"type": "function", "function": {"name": "f"}}],
        },
        "tts": {"tts_engine": "cartesia", "voice_settings": {"speed": 0.5}},
        "conversational_flow": {"turn_taking_patience": "high"},
    }
    persona_id = await desk.create(layers=layers, languages=["en"], document_tags=["a"])
    told = await desk.facts("export_persona", persona_id=persona_id)
    text = told["text"].replace('api_key: "********"', "api_key_ref: openai")
    copy = await desk.facts("create_persona", **parse_persona_file(text).fields)
    other = await desk.facts("export_persona", persona_id=copy["persona_id"])
    assert parse_persona_file(other["text"]).fields == parse_persona_file(told["text"]).fields
    update = parse_persona_file(text.replace("You help", "You listen")).fields
    layers = update.pop("layers")
    changed = await desk.facts("update_persona", persona_id=copy["persona_id"], **update)
    assert [item["path"] for item in changed["changes"]] == ["/system_prompt"]
    same = await desk.facts("configure_tts", persona_id=copy["persona_id"], **layers["tts"])
    assert same["status"] == "unchanged"


async def test_the_tool_costs_the_model_little(desk: Desk) -> None:
    (tool,) = [it for it in (await desk.client.list_tools()).tools if it.name == "export_persona"]
    shown = {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
    assert len(json.dumps(shown, separators=(",", ":"))) <= 350
