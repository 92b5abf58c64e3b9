"""The toolset ``personas``, through an MCP client."""

from __future__ import annotations

import pytest
from mcp_client import Desk

pytestmark = pytest.mark.anyio


async def test_a_created_persona_is_found_by_name_and_read_back(desk: Desk) -> None:
    persona_id = await desk.create(name="Front desk")
    found = await desk.facts("list_personas", name_contains="FRONT")
    assert [row["persona_id"] for row in found["personas"]] == [persona_id]
    assert (await desk.persona(persona_id))["persona_name"] == "Front desk"
