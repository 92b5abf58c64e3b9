"""A plan that a person discarded in the view is never carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from mcp_client import ToolClient

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio

DISCARDED = "The person discarded this plan, so it cannot be applied. Nothing was sent."


async def plan_change(tool_client: ToolClient) -> dict[str, Any]:
    persona_id = await tool_client.create_persona()
    return await tool_client.expect_result(
        "update_persona", persona_id=persona_id, greeting="Hello!", dry_run=True
    )


async def plan_bulk_change(tool_client: ToolClient) -> dict[str, Any]:
    ids = [await tool_client.create_persona(name=f"Bot {number}") for number in range(2)]
    return await tool_client.expect_result(
        "plan_bulk_change", persona_ids=ids, values={"/greeting": "Hello!"}
    )


async def plan_deletion(tool_client: ToolClient) -> dict[str, Any]:
    persona_id = await tool_client.create_persona()
    return await tool_client.expect_result("delete_persona", persona_id=persona_id)


@pytest.mark.parametrize("make_plan", [plan_change, plan_bulk_change, plan_deletion])
async def test_a_discarded_plan_cannot_be_applied(tool_client: ToolClient, make_plan: Any) -> None:
    plan_id = (await make_plan(tool_client))["plan_id"]
    writes = len(tool_client.transport.writes)
    receipt = await tool_client.expect_result("discard_plan", plan_id=plan_id)
    assert receipt["status"] == "declined"
    assert await tool_client.expect_error("apply_plan", plan_id=plan_id) == DISCARDED
    assert await tool_client.expect_error("discard_plan", plan_id=plan_id) == DISCARDED
    assert len(tool_client.transport.writes) == writes


async def test_another_server_knows_of_a_discarded_plan(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client() as first:
        plan_id = (await plan_change(first))["plan_id"]
        await first.expect_result("discard_plan", plan_id=plan_id)
    async with open_tool_client() as second:
        assert await second.expect_error("apply_plan", plan_id=plan_id) == DISCARDED


async def test_an_applied_plan_cannot_be_discarded(tool_client: ToolClient) -> None:
    plan_id = (await plan_change(tool_client))["plan_id"]
    await tool_client.expect_result("apply_plan", plan_id=plan_id)
    refused = await tool_client.expect_error("discard_plan", plan_id=plan_id)
    assert "carried out already" in refused
    unknown = await tool_client.expect_error("discard_plan", plan_id="plan-999-00000000")
    assert "There is no plan of that id" in unknown


async def test_the_rest_of_a_bulk_plan_is_discarded_and_what_was_done_can_be_undone(
    tool_client: ToolClient,
) -> None:
    planned = await plan_bulk_change(tool_client)
    ids = [row["persona_id"] for row in planned["personas"]]
    await tool_client.edit_in_dashboard(ids[1], "/greeting", "Edited elsewhere")
    partial = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert partial["status"] == "partial"
    await tool_client.expect_result("discard_plan", plan_id=planned["plan_id"])
    assert await tool_client.expect_error("apply_plan", plan_id=planned["plan_id"]) == DISCARDED
    undo = await tool_client.expect_result("plan_bulk_change", undo_of=planned["plan_id"])
    assert [row["persona_id"] for row in undo["personas"]] == [ids[0]]
