"""Placeholders of fixes are never sent in place of a value."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient

from tavus_mcp.checker.fixes import PLACEHOLDERS, find_placeholder

pytestmark = pytest.mark.anyio

PLACEHOLDER_CALLS: list[tuple[str, dict[str, Any], str]] = [
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


@pytest.mark.parametrize(("tool", "arguments", "path"), PLACEHOLDER_CALLS)
async def test_an_unreplaced_placeholder_is_refused_before_any_request(
    tool_client: ToolClient, tool: str, arguments: dict[str, Any], path: str
) -> None:
    persona_id = await tool_client.create_persona()
    message = await tool_client.expect_error(tool, persona_id=persona_id, **arguments)
    assert f"Refused before anything was sent. {path}" in message
    assert "was not replaced" in message
    assert len(tool_client.transport.writes) == 1


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
async def test_a_persona_with_unreplaced_placeholders_is_not_created(
    tool_client: ToolClient, placeholder: str
) -> None:
    message = await tool_client.expect_error(
        "create_persona", name="Bot", system_prompt=placeholder
    )
    assert f"/system_prompt: {placeholder} is a placeholder of a hint" in message
    assert find_placeholder(placeholder) == placeholder
    assert tool_client.transport.writes == []
