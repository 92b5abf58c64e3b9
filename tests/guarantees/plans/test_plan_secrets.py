"""The secrets of a plan come back to where they stood, whatever the names around them."""

from __future__ import annotations

import pytest
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio


async def test_a_field_name_with_a_slash_does_not_receive_the_secret_of_another_field(
    tool_client: ToolClient, store: Store
) -> None:
    body = {"headers": {"X": "secret-value-123"}, "headers/X": "plain", "a~1b": "plain"}
    persona_id = await tool_client.create_persona()
    patch = [{"op": "add", "path": "/layers/llm", "value": {"extra_body": body}}]
    plan = await tool_client.expect_result(
        "patch_persona", persona_id=persona_id, patch=patch, dry_run=True
    )
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert (store.get("persona", persona_id) or {})["layers"]["llm"]["extra_body"] == body
