"""plan_bulk_change with delete: one plan, its undo, and the warnings beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from account import (
    ObservedApp,
    build_persona_row,
    create_bulk_plan,
    statuses,
    store_equal_personas,
    store_personas,
)
from mcp import Client
from mcp_client import ToolClient, build_test_app, text_of
from starlette.applications import Starlette

from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, Settings

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio

KEYED = {"tts": {"tts_engine": "elevenlabs", "external_voice_id": "v", "api_key": "tts-canary-7"}}


async def apply_new_plan(tool_client: ToolClient, **arguments: Any) -> dict[str, Any]:
    plan = await create_bulk_plan(tool_client, **arguments)
    return await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])


async def test_five_personas_are_deleted_in_two_calls_and_restored_in_two(
    tool_client: ToolClient, store: Store
) -> None:
    """Faults: deleting five took 10 calls."""
    ids = store_equal_personas(store, 7, greeting="Hello.")
    deleted = await apply_new_plan(tool_client, persona_ids=ids[:5], delete=True)
    assert (deleted["status"], deleted["totals"]) == ("applied", {"applied": 5})
    assert [store.get("persona", persona_id) is None for persona_id in ids] == [True] * 5 + [
        False,
        False,
    ]
    assert deleted["undo"]["tool"] == "plan_bulk_change"
    restored = await apply_new_plan(tool_client, **deleted["undo"]["arguments"])
    assert statuses(restored) == ["applied"] * 5
    for row, old_id in zip(restored["personas"], ids, strict=False):
        assert row["persona_id"] == old_id
        new = store.get("persona", row["new_id"]) or {}
        assert (new["persona_name"], new["greeting"]) == (row["persona_name"], "Hello.")
    again = await tool_client.expect_result("plan_bulk_change", **deleted["undo"]["arguments"])
    assert again["status"] == "unchanged"
    assert "restored before" in again["skipped"][0]["reason"]


async def test_a_restoration_is_carried_out_once_and_overwrites_no_later_edit(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 2, greeting="Hello.")
    deleted = await apply_new_plan(tool_client, persona_ids=ids, delete=True)
    plan = await create_bulk_plan(tool_client, **deleted["undo"]["arguments"])
    first = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    new_ids = [row["new_id"] for row in first["personas"]]
    await tool_client.expect_result("update_persona", persona_id=new_ids[0], greeting="Edited.")
    second = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert statuses(second) == ["done before"] * 2
    assert [row["new_id"] for row in second["personas"]] == new_ids
    assert (store.get("persona", new_ids[0]) or {})["greeting"] == "Edited."


async def test_a_protected_server_deletes_and_restores_by_plans(
    sandbox: Starlette, store: Store
) -> None:
    ids = store_equal_personas(store, 2)
    app, transport = build_test_app(sandbox, protected=True)
    server = build_server(app, Settings(toolsets=TOOLSETS))
    async with Client(server, mode="legacy") as client:
        tool_client = ToolClient(client, transport, server)
        deleted = await apply_new_plan(tool_client, persona_ids=ids, delete=True)
        restored = await apply_new_plan(tool_client, **deleted["undo"]["arguments"])
    assert statuses(restored) == ["applied"] * 2
    assert all(store.get("persona", row["new_id"]) for row in restored["personas"])


async def test_the_plan_names_the_personas_and_says_what_an_undo_cannot_bring_back(
    tool_client: ToolClient, store: Store
) -> None:
    store_personas(
        store,
        build_persona_row(1, persona_name="Front desk"),
        build_persona_row(2, persona_name="Back desk", layers=KEYED),
    )
    result = await tool_client.call("plan_bulk_change", name_contains="desk", delete=True)
    text = text_of(result)
    for words in ("Front desk", "Back desk", "/layers/tts/api_key", "new id", "clear yes"):
        assert words in text
    assert "tts-canary-7" not in text
    assert tool_client.transport.writes == []


async def test_a_persona_that_was_edited_since_the_plan_is_not_deleted(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 3)
    plan = await create_bulk_plan(tool_client, persona_ids=ids, delete=True)
    await tool_client.expect_result("update_persona", persona_id=ids[1], greeting="New.")
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert statuses(applied) == ["applied", "failed", "applied"]
    assert store.get("persona", ids[1]) is not None
    undo = await create_bulk_plan(tool_client, **applied["undo"]["arguments"])
    assert [row["persona_id"] for row in undo["personas"]] == [ids[0], ids[2]]


async def test_a_deletion_that_was_interrupted_is_resumed_once(
    open_tool_client: ToolClientFactory, store: Store, sandbox: Starlette
) -> None:
    ids = store_equal_personas(store, 4)
    broken = {"DELETE": 0}

    async def fail_later(method: str, _: str) -> None:
        broken[method] = broken.get(method, 0) + 1
        if method == "DELETE" and broken[method] == 2:
            raise httpx2.ReadError("the line broke")

    async with open_tool_client(ObservedApp(sandbox, fail_later)) as tool_client:
        plan = await create_bulk_plan(tool_client, persona_ids=ids, delete=True)
        await tool_client.call("apply_plan", plan_id=plan["plan_id"])
        await tool_client.call("apply_plan", plan_id=plan["plan_id"])
        error = await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
    assert [store.get("persona", persona_id) for persona_id in ids] == [None] * 4
    assert "carried out already" in error


async def test_a_restoration_is_undone_for_personas_that_were_not_edited_since(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 3)
    deleted = await apply_new_plan(tool_client, persona_ids=ids, delete=True)
    restored = await apply_new_plan(tool_client, **deleted["undo"]["arguments"])
    edited, *others = [row["new_id"] for row in restored["personas"]]
    await tool_client.edit_in_dashboard(edited, "/greeting", "Welcome!")
    planned = await create_bulk_plan(tool_client, **restored["undo"]["arguments"])
    assert [row["persona_id"] for row in planned["personas"]] == others
    assert "edited since" in planned["skipped"][0]["reason"]
    undone = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert [store.get("persona", new_id) is None for new_id in (edited, *others)] == [
        False,
        True,
        True,
    ]
    again = await tool_client.expect_error(
        "plan_bulk_change", **restored["undo"]["arguments"], persona_ids=[edited]
    )
    assert "edited since" in again
    back = await apply_new_plan(tool_client, **undone["undo"]["arguments"])
    assert statuses(back) == ["applied"] * 2


async def test_a_persona_that_another_call_created_again_is_not_deleted_by_an_undo(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 2)
    deleted = await apply_new_plan(tool_client, persona_ids=ids, delete=True)
    plan = await create_bulk_plan(tool_client, **deleted["undo"]["arguments"])
    own = await tool_client.expect_result(
        "restore_revision", persona_id=ids[0], revision=plan["personas"][0]["revision"]
    )
    restored = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert statuses(restored) == ["done before", "applied"]
    planned = await create_bulk_plan(tool_client, **restored["undo"]["arguments"])
    assert own["persona_id"] not in [row["persona_id"] for row in planned["personas"]]


async def test_stock_personas_are_never_deleted(tool_client: ToolClient, store: Store) -> None:
    ids = store_equal_personas(store, 1)
    plan = await create_bulk_plan(tool_client, persona_ids=["p1af207b8189", *ids], delete=True)
    assert [row["persona_id"] for row in plan["personas"]] == ids
