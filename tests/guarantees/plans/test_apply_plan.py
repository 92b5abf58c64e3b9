"""dry_run makes a plan and sends nothing; apply_plan sends exactly what the change would have.

A preview must show exactly the change that is made later.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from change_calls import (
    CHANGE_TOOLS,
    build_arguments,
    create_persona_with_history,
    normalize_request,
)
from form_clients import ManualClock
from mcp_client import SECRET, ToolClient

from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.tools.parts import parts

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = [pytest.mark.anyio, pytest.mark.every_database]
PART_TOOLS = {spec.name for spec in parts.specs}
"""The tools of parts, whose plans ``tests/parts`` covers."""


async def test_the_cases_cover_every_tool_with_dry_run(tool_client: ToolClient) -> None:
    tools = (await tool_client.client.list_tools()).tools
    dry = {tool.name for tool in tools if "dry_run" in tool.input_schema["properties"]}
    writing = {tool.name for tool in tools if not (tool.annotations or tool).read_only_hint}
    assert dry - PART_TOOLS == set(CHANGE_TOOLS)
    assert writing - dry == {"apply_plan", "publish_persona"}  # which only makes a plan


@pytest.mark.parametrize("tool", CHANGE_TOOLS)
async def test_a_dry_run_creates_a_plan_and_sends_no_write(
    open_tool_client: ToolClientFactory, store: Store, tool: str
) -> None:
    async with open_tool_client(clock=ManualClock()) as tool_client:
        persona_id, revision = await create_persona_with_history(tool_client)
        before, written = store.get("persona", persona_id), len(tool_client.transport.writes)
        planned = await tool_client.expect_result(
            tool, **build_arguments(tool, persona_id, revision), dry_run=True
        )
        assert planned["status"] == "planned"
        assert planned["plan_id"].startswith("plan-")
        assert planned["expires_at"] == "2026-11-22T10:00:00+00:00"
        assert planned["changes"]
        assert "undo" not in planned
        assert len(tool_client.transport.writes) == written
        assert store.get("persona", persona_id) == before


@pytest.mark.parametrize("tool", CHANGE_TOOLS)
async def test_applying_a_plan_sends_the_same_requests_as_the_direct_change(
    tool_client: ToolClient, tool: str
) -> None:
    """Two equal personas are changed, one directly and one through a plan."""
    at_once, its_revision = await create_persona_with_history(tool_client)
    by_plan, other_revision = await create_persona_with_history(tool_client)
    planned = await tool_client.expect_result(
        tool, **build_arguments(tool, by_plan, other_revision), dry_run=True
    )
    applied = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    through_the_plan = normalize_request(tool_client.transport.writes[-1], by_plan)
    if tool == "delete_persona":  # never in one call, so there is nothing to compare with
        assert through_the_plan == ("DELETE", "/v2/personas/ID", None)
        return
    receipt = await tool_client.expect_result(tool, **build_arguments(tool, at_once, its_revision))
    assert through_the_plan == normalize_request(tool_client.transport.writes[-1], at_once)
    assert applied["status"] == receipt["status"] == "applied"
    assert applied["changes"] == receipt["changes"] == planned["changes"]
    assert applied["undo"]["tool"] == receipt["undo"]["tool"]


@pytest.mark.parametrize("tool", [it for it in CHANGE_TOOLS if it != "delete_persona"])
async def test_the_undo_call_of_an_applied_plan_restores_the_persona(
    tool_client: ToolClient, store: Store, tool: str
) -> None:
    persona_id, revision = await create_persona_with_history(tool_client)
    before = dict(store.get("persona", persona_id) or {})
    planned = await tool_client.expect_result(
        tool, **build_arguments(tool, persona_id, revision), dry_run=True
    )
    applied = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    undone = await tool_client.expect_result(
        applied["undo"]["tool"], **applied["undo"]["arguments"]
    )
    if tool == "create_persona":
        assert undone["plan_id"]
        return
    after = dict(store.get("persona", persona_id) or {})
    for row in (before, after):
        row.pop("updated_at")
    if tool in ("configure_llm", "configure_tts"):  # layers that were made stay, keys too
        for row in (before, after):
            row.pop("layers")
    assert after == before


async def test_a_planned_deletion_is_applied_and_can_be_undone(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, _ = await create_persona_with_history(tool_client)
    planned = await tool_client.expect_result("delete_persona", persona_id=persona_id)
    gone = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert gone["status"] == "applied"
    assert store.get("persona", persona_id) is None
    back = await tool_client.expect_result(gone["undo"]["tool"], **gone["undo"]["arguments"])
    row = store.get("persona", back["persona_id"]) or {}
    assert (row["persona_name"], row["greeting"]) == ("Front desk", "Hello")
    assert row["layers"]["llm"]["tools"][0]["function"]["name"] == "look_up"


async def test_a_plan_to_restore_a_deleted_persona_is_applied(
    tool_client: ToolClient,
) -> None:
    persona_id, revision = await create_persona_with_history(tool_client)
    planned = await tool_client.expect_result("delete_persona", persona_id=persona_id)
    await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    arguments = {"persona_id": persona_id, "revision": revision, "dry_run": True}
    again = await tool_client.expect_result("restore_revision", **arguments)
    applied = await tool_client.expect_result("apply_plan", plan_id=again["plan_id"])
    assert (await tool_client.read_persona(applied["persona_id"]))["persona_name"] == "Front desk"


async def test_a_plan_with_a_key_sends_the_key_and_never_reveals_it(
    tool_client: ToolClient,
) -> None:
    persona_id, revision = await create_persona_with_history(tool_client)
    planned = await tool_client.expect_result(
        "configure_llm", **build_arguments("configure_llm", persona_id, revision), dry_run=True
    )
    applied = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert tool_client.transport.writes[-1].content.decode().count(SECRET) == 2
    assert SECRET not in json.dumps([planned, applied])


async def test_a_dry_run_without_a_change_creates_no_plan(tool_client: ToolClient) -> None:
    persona_id, _ = await create_persona_with_history(tool_client)
    same = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, greeting="Hello", dry_run=True
    )
    assert same["status"] == "unchanged"
    assert "plan_id" not in same


async def test_options_given_when_planning_apply_when_applying(
    tool_client: ToolClient,
) -> None:
    persona_id, _ = await create_persona_with_history(tool_client)
    url = {"model": "m", "base_url": "http://127.0.0.1:8000/v1", "api_key_ref": "openai"}
    planned = await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, **url, allow_private_url=True, dry_run=True
    )
    assert (await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"]))[
        "status"
    ] == "applied"
    arguments = {"persona_id": persona_id, "allow_unknown": True, "dry_run": True}
    patch = [{"op": "add", "path": "/layers/stt", "value": {"hotwords": "Tavus"}}]
    planned = await tool_client.expect_result("patch_persona", **arguments, patch=patch)
    assert (await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"]))[
        "status"
    ] == "applied"


async def test_the_history_names_the_tool_that_created_the_plan(tool_client: ToolClient) -> None:
    persona_id, revision = await create_persona_with_history(tool_client)
    planned = await tool_client.expect_result(
        "edit_prompt", **build_arguments("edit_prompt", persona_id, revision), dry_run=True
    )
    await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    rows = (await tool_client.expect_result("list_revisions", persona_id=persona_id))["revisions"]
    assert (rows[0]["tool"], rows[0]["status"]) == ("edit_prompt", "applied")
