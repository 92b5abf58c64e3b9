"""What the undo of a bulk plan does not restore: edits of others, secrets, write-only fields."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from account import (
    CURRENT_MODEL,
    build_persona_row,
    create_bulk_plan,
    read_stored_personas,
    statuses,
    store_equal_personas,
    store_personas,
)
from mcp_client import SECRET, ToolClient
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio

TOOLS = [
    {"type": "function", "function": {"name": "ask", "description": f"Call with {SECRET} now."}}
]


async def apply_bulk_change(tool_client: ToolClient, **arguments: Any) -> str:
    """Plan a change of all personas and apply it; return the id of the plan."""
    plan = await create_bulk_plan(tool_client, everything=True, **arguments)
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    return str(plan["plan_id"])


async def test_writes_of_others_before_the_read_back_are_not_undone(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store
) -> None:
    ids = store_equal_personas(store, 2)
    edited: list[str] = []

    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        await sandbox(scope, receive, send)
        if scope["method"] == "PATCH" and scope["path"].endswith(ids[0]) and not edited:
            edited.append(ids[0])
            row = store.get("persona", ids[0]) or {}
            store.put("persona", ids[0], {**row, "greeting": "Theirs."})

    async with open_tool_client(busy) as client:
        plan_id = await apply_bulk_change(client, values={"/greeting": "Hello."})
        undo = await create_bulk_plan(client, undo_of=plan_id)
        assert [row["persona_id"] for row in undo["skipped"]] == [ids[0]]
        await client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert [row.get("greeting") for row in read_stored_personas(store, *ids)] == ["Theirs.", None]


async def test_a_list_that_contains_a_known_secret_is_not_restored_masked(
    tool_client: ToolClient, store: Store
) -> None:
    layers = {"llm": {"model": CURRENT_MODEL, "tools": TOOLS}}
    ids = store_personas(
        store,
        build_persona_row(1, layers=layers),
        build_persona_row(2, layers=layers, greeting="Hi."),
    )
    plan_id = await apply_bulk_change(tool_client, unset=["/layers/llm/tools", "/greeting"])
    undo = await create_bulk_plan(tool_client, undo_of=plan_id)
    assert [row["persona_id"] for row in undo["personas"]] == ids[1:]
    assert "come back" in undo["skipped"][0]["reason"]
    assert "cannot be restored" in str(undo["findings"])
    await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert "tools" not in read_stored_personas(store, ids[1])[0]["layers"]["llm"]
    assert read_stored_personas(store, ids[1])[0]["greeting"] == "Hi."


async def test_literal_asterisks_are_text_and_are_restored(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_personas(
        store,
        build_persona_row(1, greeting="Hi ***"),
        build_persona_row(2, greeting="***Hi***", context="c"),
    )
    before = copy.deepcopy(read_stored_personas(store, *ids))
    plan_id = await apply_bulk_change(tool_client, values={"/greeting": "Hello.", "/context": "d"})
    undo = await create_bulk_plan(tool_client, undo_of=plan_id)
    await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert read_stored_personas(store, *ids) == before


async def test_write_only_fields_are_not_emptied(tool_client: ToolClient, store: Store) -> None:
    ids = store_personas(
        store, build_persona_row(1, memories=["m1"], is_template=True), build_persona_row(2)
    )
    plan_id = await apply_bulk_change(
        tool_client, values={"/memories": ["new"], "/greeting": "Hello."}
    )
    undo = await create_bulk_plan(tool_client, undo_of=plan_id)
    assert "cannot be restored" in str(undo["findings"])
    applied = await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert statuses(applied) == ["applied", "applied"]
    first, second = read_stored_personas(store, *ids)
    assert first["memories"] == second["memories"] == ["new"]
    assert "greeting" not in first


async def test_a_persona_claimed_by_two_servers_is_undone_when_one_changed_it(
    tool_client: ToolClient, store: Store
) -> None:
    """A second server took over the claim before the first one sent its request, and failed."""
    ids = store_equal_personas(store, 1)
    plan_id = await apply_bulk_change(tool_client, values={"/greeting": "Hello."})
    journal = tool_client.server.app.journal
    entries = await journal.descendants(int(plan_id.split("-")[1]))
    claim, intent, _ = entries
    second = await journal.mark_used(claim, previous_use_seq=claim.seq)
    assert second is not None
    sent = await journal.append(replace(intent, ref=second.seq))
    await journal.append(
        JournalEntry("outcome", ids[0], claim.at, claim.tool, "failed", ref=sent.seq)
    )
    assert "already" in await tool_client.expect_error("apply_plan", plan_id=plan_id)
    undo = await create_bulk_plan(tool_client, undo_of=plan_id)
    await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert "greeting" not in read_stored_personas(store, *ids)[0]
