"""The toolset ``personas``, through an MCP client."""

from __future__ import annotations

import pytest
from mcp_client import ToolClient

pytestmark = pytest.mark.anyio


async def test_a_created_persona_is_found_by_name_and_read_back(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(name="Front desk")
    found = await tool_client.expect_result("list_personas", name_contains="FRONT")
    assert [row["persona_id"] for row in found["personas"]] == [persona_id]
    assert (await tool_client.read_persona(persona_id))["persona_name"] == "Front desk"
