"""Every tool that changes a persona, with a call of it that changes something."""

from __future__ import annotations

import json
from typing import Any

import httpx2
from mcp_client import ToolClient

FUNCTION = {"type": "function", "function": {"name": "look_up", "description": "Look it up."}}
LAYERS = {
    "llm": {"tools": [FUNCTION]},
    "tts": {"tts_engine": "elevenlabs", "external_voice_id": "v"},
}
BODY = {"name": "Front desk", "system_prompt": "You help people.", "layers": LAYERS}
ARGUMENTS_BY_TOOL: dict[str, dict[str, Any]] = {
    "update_persona": {"name": "Reception", "unset": ["greeting"]},
    "edit_prompt": {"find": "help", "replace": "greet"},
    "configure_llm": {
        "model": "gpt-x",
        "base_url": "https://llm.example.com/v1",
        "api_key_ref": "openai",
        "headers": {"X-Team": "{secret:openai}"},
        "extra_body": {"temperature": 0.2},
    },
    "configure_tts": {"speed": 1.1, "api_key": "canary-key-of-a-voice"},
    "configure_stt": {"hotwords": "Tavus"},
    "configure_perception": {"perception_model": "raven-1"},
    "configure_conversational_flow": {"turn_taking_patience": "high"},
    "set_function_tool": {"name": "book", "description": "Book a table."},
    "remove_function_tool": {"name": "look_up"},
    "patch_persona": {
        "patch": [
            {"op": "add", "path": "/layers/stt", "value": {"hotwords": "Tavus"}},
            {"op": "remove", "path": "/layers/llm/tools/0"},
        ]
    },
}
CREATION_ARGUMENTS = {"name": "Another", "system_prompt": "You listen.", "layers": LAYERS}
CHANGE_TOOLS = (*ARGUMENTS_BY_TOOL, "restore_revision", "create_persona", "delete_persona")


async def create_persona_with_history(tool_client: ToolClient) -> tuple[str, str]:
    """Create a persona and change it; return its id and its first revision."""
    made = await tool_client.expect_result("create_persona", **BODY)
    persona_id = str(made["persona_id"])
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Hello")
    return persona_id, str(made["revision"])


def build_arguments(tool: str, persona_id: str, revision: str) -> dict[str, Any]:
    """Return the arguments of a change of this persona."""
    if tool == "create_persona":
        return CREATION_ARGUMENTS
    if tool == "restore_revision":
        return {"persona_id": persona_id, "revision": revision}
    return {"persona_id": persona_id, **ARGUMENTS_BY_TOOL.get(tool, {})}


def normalize_request(request: httpx2.Request, persona_id: str) -> tuple[str, str, Any]:
    """Return a request without the persona's id and without ``test`` operations, for comparison."""
    body = json.loads(request.content) if request.content else None
    if isinstance(body, list):
        body = [operation for operation in body if operation["op"] != "test"]
    return request.method, request.url.path.replace(persona_id, "ID"), body
