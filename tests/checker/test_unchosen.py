"""What a fix left open for a person to choose is never sent as it stands."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient

from tavus_mcp.checker.fixes import PLACEHOLDERS, find_placeholder

pytestmark = pytest.mark.anyio

SENT: list[tuple[str, dict[str, Any], str]] = [
    ("configure_perception", {"visual_awareness_queries": ["Who?", "<QUERY>"]}, "/layers/perce"),
    (
        "configure_tts",
        {"external_voice_id": "<EXTERNAL_VOICE_ID>"},
        "/layers/tts/external_voice_id",
    ),
    ("configure_conversational_flow", {"wake_phrase": "<WAKE_PHRASE>"}, "/layers/conversational"),
    ("configure_llm", {"model": "<MODEL>"}, "/layers/llm/model"),
    ("update_persona", {"name": "<NAME>"}, "/persona_name"),
    ("update_persona", {"guardrails": ["<GUARDRAIL_ID>"]}, "/guardrail_ids/0"),
    ("update_persona", {"languages": ["en", "<LANGUAGE_CODE>"]}, "/languages/1"),
    ("edit_prompt", {"find": "help", "replace": "<NEW_TEXT>"}, "/system_prompt"),
]


@pytest.mark.parametrize(("tool", "arguments", "place"), SENT)
async def test_an_unreplaced_placeholder_is_refused_before_any_request(
    tool_client: ToolClient, tool: str, arguments: dict[str, Any], place: str
) -> None:
    persona_id = await tool_client.create_persona()
    said = await tool_client.expect_error(tool, persona_id=persona_id, **arguments)
    assert f"Refused before anything was sent. {place}" in said
    assert "was not replaced" in said
    assert len(tool_client.transport.writes) == 1


@pytest.mark.parametrize("choice", PLACEHOLDERS)
async def test_a_persona_with_unreplaced_placeholders_is_not_created(
    tool_client: ToolClient, choice: str
) -> None:
    said = await tool_client.expect_error("create_persona", name="Bot", system_prompt=choice)
    assert f"/system_prompt: {choice} stands for what is to be chosen" in said
    assert find_placeholder(choice) == choice
    assert tool_client.transport.writes == []
