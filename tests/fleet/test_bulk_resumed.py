"""A bulk plan that was broken off goes on: in this server, and in another on the same journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from account import Watched, kept, many, planned, statuses
from mcp_client import Desk
from starlette.applications import Starlette

from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio

HELLO = {"values": {"/greeting": "Hello."}}


class Broken:
    """A Tavus that holds the ``nth`` write, before or after it takes effect, until it is let go."""

    def __init__(self, tavus: Starlette, nth: int) -> None:
        self.reached, self.let_go = anyio.Event(), anyio.Event()
        self.watched = Watched(tavus, self._meanwhile)
        self._nth, self._writes = nth, 0

    async def _meanwhile(self, method: str, _path: str) -> None:
        self._writes += method == "PATCH"
        if method == "PATCH" and self._writes >= self._nth:
            self.reached.set()
            await self.let_go.wait()

    async def cancelled(self, desk: Desk, plan: dict[str, Any]) -> None:
        """Carry out a plan, and cancel the call when the write is held; then let it go."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: desk.call("apply_plan", plan_id=plan["plan_id"]))
            await self.reached.wait()
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        await anyio.wait_all_tasks_blocked()
        self.let_go.set()


def written(watched: Watched) -> list[str]:
    return [line.rsplit("/", 1)[-1] for line in watched.lines if line.startswith("PATCH")]


async def test_a_cancelled_run_finishes_what_is_under_way_and_begins_nothing_more(
    opening: Opening, store: Store, sandbox: Starlette
) -> None:
    ids = many(store, 20)
    broken = Broken(sandbox, 6)
    async with opening(broken.watched) as desk:
        plan = await planned(desk, everything=True, **HELLO)
        await broken.cancelled(desk, plan)
        while desk.server.app.running:
            await anyio.lowlevel.checkpoint()
        sent = written(broken.watched)
        assert 6 <= len(sent) <= 9
        changed = [row["persona_id"] for row in kept(store, *ids) if "greeting" in row]
        assert sorted(changed) == sorted(sent)
        journal = JournalStore.open(desk.server.app.diary.path)
        outcomes = [line.status for line in journal.entries() if line.kind == "outcome"]
        journal.close()
        assert outcomes == ["applied"] * len(sent)
        resumed = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert resumed["status"] == "applied"
    assert resumed["totals"] == {"done_before": len(sent), "applied": 20 - len(sent)}
    assert sorted(written(broken.watched)) == ids
    assert all(row["greeting"] == "Hello." for row in kept(store, *ids))


async def test_another_server_on_the_same_journal_goes_on(
    opening: Opening, store: Store, sandbox: Starlette
) -> None:
    ids = many(store, 12)
    broken = Broken(sandbox, 5)
    async with opening(broken.watched) as desk:
        plan = await planned(desk, everything=True, **HELLO)
        await broken.cancelled(desk, plan)
    done = [row["persona_id"] for row in kept(store, *ids) if "greeting" in row]
    async with opening() as desk:
        resumed = await desk.facts("apply_plan", plan_id=plan["plan_id"])
        before = [
            row["persona_id"] for row in resumed["personas"] if row["status"] == "done before"
        ]
        assert before == done
        assert resumed["status"] == "applied"
        undo = resumed["undo"]
        back = await desk.facts(undo["tool"], **undo["arguments"])
        await desk.facts("apply_plan", plan_id=back["plan_id"])
    assert not any("greeting" in row for row in kept(store, *ids))


async def test_one_that_was_edited_while_its_answer_was_awaited_is_left_alone(
    opening: Opening, store: Store, sandbox: Starlette
) -> None:
    """Its request got no answer, and by now the persona is another: nobody can tell who did it."""
    ids = many(store, 3)
    lost = f"/v2/personas/{ids[1]}"

    async def meanwhile(method: str, path: str) -> None:
        if method == "PATCH" and path == lost:
            raise TimeoutError  # of the whole request: it is not known what became of it

    watched = Watched(sandbox, meanwhile)
    async with opening(watched) as desk:
        plan = await planned(desk, everything=True, **HELLO)
        first = await desk.facts("apply_plan", plan_id=plan["plan_id"])
        assert statuses(first) == ["applied", "failed", "applied"]
        row = store.get("persona", ids[1]) or {}
        store.put("persona", ids[1], {**row, "system_prompt": "You sing."})
        watched.meanwhile = None
        again = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert statuses(again) == ["done before", "failed", "done before"]
    assert "changed since" in again["personas"][1]["error"]
    assert "greeting" not in kept(store, ids[1])[0]


async def test_one_whose_answer_was_lost_is_found_to_be_done(
    opening: Opening, store: Store, sandbox: Starlette
) -> None:
    ids = many(store, 3)
    lost = f"/v2/personas/{ids[1]}"
    deaf = False

    async def tavus(scope: Any, receive: Any, send: Any) -> None:
        nonlocal deaf
        if scope["path"] == lost and deaf:
            raise TimeoutError
        if scope["path"] == lost and scope["method"] == "PATCH":
            deaf = True
            await sandbox(scope, receive, _unheard)
            raise TimeoutError
        await sandbox(scope, receive, send)

    async with opening(tavus) as desk:
        plan = await planned(desk, everything=True, **HELLO)
        first = await desk.facts("apply_plan", plan_id=plan["plan_id"])
        assert statuses(first) == ["applied", "failed", "applied"]
        deaf = False
        writes = len(desk.wire.writes)
        again = await desk.facts("apply_plan", plan_id=plan["plan_id"])
        assert statuses(again) == ["done before"] * 3
        assert len(desk.wire.writes) == writes
        said = await desk.refusal("apply_plan", plan_id=plan["plan_id"])
        assert "carried out already" in said


async def _unheard(_message: Any) -> None:
    """Take an answer that nobody will get."""
