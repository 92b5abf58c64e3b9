"""Parts for tests, and calls that create them and personas that use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from mcp_client import ToolClient

SAVE_TOOLS: Mapping[str, str] = {
    "tool": "save_tool",
    "objectives": "save_objectives",
    "guardrail": "save_guardrail",
    "document": "save_document",
    "dictionary": "save_dictionary",
}
DEFAULT_KINDS = ("tool", "guardrail")
"""Kinds of the default suite, one for each body of a change; the extended one has all."""
KINDS = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=() if kind in DEFAULT_KINDS else pytest.mark.extended)
        for kind in SAVE_TOOLS
    ],
)
ID_ARGUMENTS: Mapping[str, str] = {kind: f"{kind}_id" for kind in SAVE_TOOLS}
NEW_PARTS: Mapping[str, Mapping[str, Any]] = {
    "tool": {"name": "book_table", "description": "Books a table.", "tags": ["food"]},
    "objectives": {
        "name": "Intake",
        "data": [
            {
                "objective_name": "greet",
                "objective_prompt": "Say hello.",
                "next_required_objective": "ask",
            },
            {"objective_name": "ask", "objective_prompt": "Ask for the name."},
        ],
    },
    "guardrail": {
        "guardrail_name": "no_advice",
        "guardrail_prompt": "Give no medical advice.",
        "tags": ["safe"],
    },
    "document": {
        "document_url": "https://example.com/menu.pdf",
        "document_name": "Menu",
        "tags": ["food"],
    },
    "dictionary": {
        "name": "Names",
        "rules": [{"text": "Nguyen", "pronunciation": "win", "type": "alias"}],
    },
}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "tool": {"description": "Books a table for two."},
    "objectives": {"name": "Intake, short"},
    "guardrail": {"guardrail_prompt": "Give no legal advice."},
    "document": {"document_name": "Menu of the week"},
    "dictionary": {"rules": [{"text": "Tavus", "pronunciation": "tay-vus", "type": "alias"}]},
}
ATTACH_ARGUMENTS: Mapping[str, str] = {
    "tool": "tools",
    "guardrail": "guardrails",
    "document": "documents",
    "objectives": "objectives",
    "dictionary": "dictionary",
}
POINTERS: Mapping[str, str] = {
    "tool": "/tool_ids",
    "guardrail": "/guardrail_ids",
    "document": "/document_ids",
    "objectives": "/objectives_id",
    "dictionary": "/layers/tts/pronunciation_dictionary_id",
}


async def create_part(client: ToolClient, kind: str, **fields: Any) -> str:
    """Create a part of a kind; return its id."""
    receipt = await client.expect_result(SAVE_TOOLS[kind], **{**NEW_PARTS[kind], **fields})
    assert receipt["status"] == "applied", receipt
    return str(receipt["part"]["id"])


async def create_persona(client: ToolClient, name: str) -> str:
    """Create a persona; return its id."""
    receipt = await client.expect_result(
        "create_persona", name=name, system_prompt="You help.", default_replica_id="rfe12d8b9597"
    )
    return str(receipt["persona_id"])


async def attach_part(client: ToolClient, persona_id: str, kind: str, part_id: str) -> None:
    """Attach a part to a persona."""
    name = ATTACH_ARGUMENTS[kind]
    value = [part_id] if name.endswith("s") and name != "objectives" else part_id
    receipt = await client.expect_result("attach_parts", persona_id=persona_id, **{name: value})
    assert receipt["status"] == "applied", receipt


async def read_fields(client: ToolClient, kind: str, part_id: str) -> dict[str, Any]:
    """Return the fields of a part as it is read, without those that Tavus sets."""
    result = await client.expect_result("get_part", kind=kind, id=part_id)
    server = {"uuid", "created_at", "updated_at", "status", "progress", "display_status"}
    return {
        name: value
        for name, value in result["part"].items()
        if name not in server and not name.endswith("_id")
    }
