"""Patches that tests send as another program, and those that the server sent."""

from __future__ import annotations

import json
from typing import Any

import httpx2
from mcp_client import ToolClient


async def patch_persona(client: httpx2.AsyncClient, persona_id: str, path: str, value: Any) -> None:
    answer = await client.patch(
        f"/personas/{persona_id}", json=[{"op": "add", "path": path, "value": value}]
    )
    assert answer.status_code == 200, answer.text


def sent_patches(tool_client: ToolClient) -> list[list[dict[str, Any]]]:
    """Return the patches that went out, in order."""
    return [
        json.loads(item.content)
        for item in tool_client.transport.requests
        if item.method == "PATCH"
    ]


def find_test_values(operations: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["path"]: item["value"] for item in operations if item["op"] == "test"}
