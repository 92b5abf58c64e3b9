"""An interrupted bulk plan is resumed, in the same server and in another on the same journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from account import (
    ObservedApp,
    create_bulk_plan,
    read_stored_personas,
    statuses,
    store_equal_personas,
)
from mcp_client import ToolClient
from starlette.applications import Starlette

from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio

HELLO = {"values": {"/greeting": "Hello."}}


class PausingApp:
    """Holds the ``nth`` write before it takes effect, until it is released."""

    def __init__(self, tavus: Starlette, nth: int) -> None:
        self.reached, self.let_go = anyio.Event(), anyio.Event()
        self.watched = ObservedApp(tavus, self._meanwhile)
        self._nth, self._writes = nth, 0

    async def _meanwhile(self, method: str, _path: str) -> None:
        self._writes += method == "PATCH"
        if method == "PATCH" and self._writes >= self._nth:
            self.reached.set()
            await self.let_go.wait()

    async def cancelled(self, tool_client: ToolClient, plan: dict[str, Any]) -> None:
        """Apply a plan, cancel the call when the write is held, then release the write."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: tool_client.call("apply_plan", plan_id=plan["plan_id"]))
            await self.reached.wait()
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        await anyio.wait_all_tasks_blocked()
        self.let_go.set()


def list_written_ids(watched: ObservedApp) -> list[str]:
    return [line.rsplit("/", 1)[-1] for line in watched.request_lines if line.startswith("PATCH")]


async def test_a_cancelled_run_finishes_started_writes_and_starts_no_others(
    open_tool_client: ToolClientFactory, store: Store, sandbox: Starlette
) -> None:
    ids = store_equal_personas(store, 20)
    broken = PausingApp(sandbox, 6)
    async with open_tool_client(broken.watched) as client:
        plan = await create_bulk_plan(client, everything=True, **HELLO)
        await broken.cancelled(client, plan)
        while client.server.app.running_plans:
            await anyio.lowlevel.checkpoint()
        sent = list_written_ids(broken.watched)
        assert 6 <= len(sent) <= 9
        changed = [
            row["persona_id"] for row in read_stored_personas(store, *ids) if "greeting" in row
        ]
        assert sorted(changed) == sorted(sent)
        journal = JournalStore.open(client.server.app.journal.location)
        outcomes = [line.status for line in journal.entries() if line.kind == "outcome"]
        journal.close()
        assert outcomes == ["applied"] * len(sent)
        resumed = await client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert resumed["status"] == "applied"
    assert resumed["totals"] == {"done_before": len(sent), "applied": 20 - len(sent)}
    assert sorted(list_written_ids(broken.watched)) == ids
    assert all(row["greeting"] == "Hello." for row in read_stored_personas(store, *ids))


async def test_another_server_on_the_same_journal_resumes_the_run(
    open_tool_client: ToolClientFactory, store: Store, sandbox: Starlette
) -> None:
    ids = store_equal_personas(store, 12)
    broken = PausingApp(sandbox, 5)
    async with open_tool_client(broken.watched) as client:
        plan = await create_bulk_plan(client, everything=True, **HELLO)
        await broken.cancelled(client, plan)
    done = [row["persona_id"] for row in read_stored_personas(store, *ids) if "greeting" in row]
    async with open_tool_client() as client:
        resumed = await client.expect_result("apply_plan", plan_id=plan["plan_id"])
        before = [
            row["persona_id"] for row in resumed["personas"] if row["status"] == "done before"
        ]
        assert before == done
        assert resumed["status"] == "applied"
        undo = resumed["undo"]
        back = await client.expect_result(undo["tool"], **undo["arguments"])
        await client.expect_result("apply_plan", plan_id=back["plan_id"])
    assert not any("greeting" in row for row in read_stored_personas(store, *ids))


async def test_a_persona_edited_while_its_answer_was_pending_is_not_overwritten(
    open_tool_client: ToolClientFactory, store: Store, sandbox: Starlette
) -> None:
    """The request was lost and the persona has changed since, so the author is unknown."""
    ids = store_equal_personas(store, 3)
    lost = f"/v2/personas/{ids[1]}"

    async def meanwhile(method: str, path: str) -> None:
        if method == "PATCH" and path == lost:
            raise TimeoutError  # of the whole request: its outcome is unknown

    watched = ObservedApp(sandbox, meanwhile)
    async with open_tool_client(watched) as client:
        plan = await create_bulk_plan(client, everything=True, **HELLO)
        first = await client.expect_result("apply_plan", plan_id=plan["plan_id"])
        assert statuses(first) == ["applied", "failed", "applied"]
        row = store.get("persona", ids[1]) or {}
        store.put("persona", ids[1], {**row, "system_prompt": "You sing."})
        watched.before_request = None
        again = await client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert statuses(again) == ["done before", "failed", "done before"]
    assert "changed since" in again["personas"][1]["error"]
    assert "greeting" not in read_stored_personas(store, ids[1])[0]


async def test_a_write_with_a_lost_answer_is_recognised_as_applied(
    open_tool_client: ToolClientFactory, store: Store, sandbox: Starlette
) -> None:
    ids = store_equal_personas(store, 3)
    lost = f"/v2/personas/{ids[1]}"
    deaf = False

    async def tavus(scope: Any, receive: Any, send: Any) -> None:
        nonlocal deaf
        if scope["path"] == lost and deaf:
            raise TimeoutError
        if scope["path"] == lost and scope["method"] == "PATCH":
            deaf = True
            await sandbox(scope, receive, _discard_message)
            raise TimeoutError
        await sandbox(scope, receive, send)

    async with open_tool_client(tavus) as client:
        plan = await create_bulk_plan(client, everything=True, **HELLO)
        first = await client.expect_result("apply_plan", plan_id=plan["plan_id"])
        assert statuses(first) == ["applied", "failed", "applied"]
        deaf = False
        writes = len(client.transport.writes)
        again = await client.expect_result("apply_plan", plan_id=plan["plan_id"])
        assert statuses(again) == ["done before"] * 3
        assert len(client.transport.writes) == writes
        message = await client.expect_error("apply_plan", plan_id=plan["plan_id"])
        assert "carried out already" in message


async def _discard_message(_message: Any) -> None:
    """Discard a response message."""
