"""Applying a plan puts its secrets back into their fields, whatever the names around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

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


async def test_the_secrets_of_expired_plans_and_forms_are_forgotten(
    open_tool_client: ToolClientFactory,
) -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    async with open_tool_client(clock=lambda: now) as tool_client:
        persona_id = await tool_client.create_persona()
        app = tool_client.server.app
        for number in range(5):
            now += timedelta(hours=2)
            await tool_client.expect_result(
                "configure_llm",
                persona_id=persona_id,
                model="m",
                base_url="https://llm.example.com/v1",
                api_key=f"secret-value-12{number}",
                dry_run=True,
            )
            assert len(app.plan_secrets) == 1
