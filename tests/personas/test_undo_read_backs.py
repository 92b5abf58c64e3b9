"""The undo of a change that was edited before it was read back is a conflict."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from dashboard_edits import edit_in_dashboard, read_stored_value
from mcp_client import ToolClient
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio


async def test_an_edit_before_the_read_back_of_our_change_is_a_conflict(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store
) -> None:
    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        await sandbox(scope, receive, send)
        if scope["method"] == "PATCH":
            edit_in_dashboard(store, scope["path"].rpartition("/")[2], "/greeting", "Theirs.")

    async with open_tool_client(busy) as client:
        persona_id = await client.create_persona(greeting="Hi.")
        receipt = await client.expect_result(
            "update_persona", persona_id=persona_id, greeting="Ours."
        )
        message = await client.expect_error("restore_revision", **receipt["undo"]["arguments"])
    assert "did not read back as it was written" in message
    assert read_stored_value(store, persona_id, "/greeting") == "Theirs."


async def test_an_edit_of_another_list_item_before_our_read_back_is_a_conflict(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store
) -> None:
    tools = [
        {"type": "function", "function": {"name": name, "description": name}}
        for name in ("ask", "tell")
    ]

    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        await sandbox(scope, receive, send)
        if scope["method"] == "PATCH":
            theirs = copy.deepcopy(tools)
            theirs[0]["function"]["description"] = "Ours."  # type: ignore[index]
            theirs[1]["function"]["description"] = "Theirs."  # type: ignore[index]
            persona_id = scope["path"].rpartition("/")[2]
            edit_in_dashboard(store, persona_id, "/layers/llm/tools", theirs)

    async with open_tool_client(busy) as client:
        persona_id = await client.create_persona(layers={"llm": {"tools": tools}})
        receipt = await client.expect_result(
            "set_function_tool", persona_id=persona_id, name="ask", description="Ours."
        )
        message = await client.expect_error("restore_revision", **receipt["undo"]["arguments"])
    assert "did not read back as it was written" in message
    assert "Theirs." in str(read_stored_value(store, persona_id, "/layers/llm/tools"))


async def test_an_edit_before_the_read_backs_of_two_simultaneous_changes_is_a_conflict(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store
) -> None:
    """Another server changed another field between the same two states."""
    both_have_read, all_written = anyio.Event(), anyio.Event()
    writes: list[str] = []
    reads: list[str] = []

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        is_edit = bool(store.all("busy"))
        if is_edit and scope["method"] == "PATCH":
            await both_have_read.wait()
        if is_edit and scope["method"] == "GET" and len(reads) >= 2:
            await all_written.wait()
        await sandbox(scope, receive, send)
        if is_edit:
            (reads if scope["method"] == "GET" else writes).append(scope["path"])
        if len(reads) == 2:
            both_have_read.set()
        if len(writes) == 2 and not all_written.is_set():
            persona_id = scope["path"].rpartition("/")[2]
            edit_in_dashboard(store, persona_id, "/greeting", "Theirs.")
            all_written.set()

    receipts: dict[str, Any] = {}

    async def change(client: ToolClient, field: str) -> None:
        receipts[field] = await client.expect_result(
            "update_persona", persona_id=persona_id, **{field: "Ours."}
        )

    async with open_tool_client(slow) as first, open_tool_client(slow) as second:
        persona_id = await first.create_persona(greeting="Hi.", context="Here.")
        store.put("busy", "busy", {})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(change, first, "greeting")
            tasks.start_soon(change, second, "context")
        undo = receipts["greeting"]["undo"]["arguments"]
        message = await first.expect_error("restore_revision", **undo)
    assert "did not read back as it was written" in message
    assert read_stored_value(store, persona_id, "/greeting") == "Theirs."
