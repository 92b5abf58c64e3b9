"""A creation without an answer is found, recorded and reported; a restore creates one persona."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp_client import ToolClient, build_test_app
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tavus_mcp.app import App
from tavus_mcp.personas.create import CreateRequest, create
from tavus_mcp.personas.lost_creations import report_lost_creations
from tavus_mcp.personas.restore import RestoreRequest, restore
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = [pytest.mark.anyio, pytest.mark.every_database]

BODY = {
    "persona_name": "Ada",
    "system_prompt": "You help.",
    "default_replica_id": "rfe12d8b9597",
    "layers": {"tts": {"tts_engine": "cartesia", "api_key": "a-key-of-a-voice"}},
}


class SilentApp:
    """A sandbox that carries out or ignores a creation, and never answers it."""

    def __init__(self, app: ASGIApp, *, creates: bool = True) -> None:
        self.app = app
        self.creates = creates
        self.request_arrived = anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self.app(scope, receive, send)
            return

        async def drop(_message: Message) -> None: ...

        if self.creates:
            await self.app(scope, receive, drop)
        self.request_arrived.set()
        await anyio.sleep_forever()


class PausedCreation:
    """A sandbox that delays each creation until ``proceed`` is set."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.request_arrived = anyio.Event()
        self.proceed = anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            self.request_arrived.set()
            await self.proceed.wait()
        await self.app(scope, receive, send)


class RenamingApp:
    """A sandbox that answers a creation with an id other than the stored one."""

    def __init__(self, app: ASGIApp, persona_id: Any) -> None:
        self.app = app
        self.persona_id = persona_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self.app(scope, receive, send)
            return

        async def drop(_message: Message) -> None: ...

        await self.app(scope, receive, drop)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = json.dumps({"persona_id": self.persona_id, "persona_name": "Ada"}).encode()
        await send({"type": "http.response.body", "body": body})


async def cancel_creation(
    sandbox: ASGIApp, *, creates: bool = True, clock_ahead: timedelta = timedelta()
) -> App:
    """Cancel a creation that Tavus does not answer; return the app of its process."""
    tavus = SilentApp(sandbox, creates=creates)
    app, _ = build_test_app(tavus, clock=lambda: datetime.now(UTC) + clock_ahead)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(create, app, CreateRequest(BODY))
        await tavus.request_arrived.wait()
        tasks.cancel_scope.cancel()
    return app


def list_user_personas(store: Store) -> list[dict[str, Any]]:
    return [row for row in store.all("persona") if row["persona_type"] == "user"]


def later() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=3)


async def test_a_cancelled_creation_is_found_and_reported_once(
    sandbox: ASGIApp, store: Store
) -> None:
    app = await cancel_creation(sandbox)
    (row,) = list_user_personas(store)
    (finding,) = await report_lost_creations(app)
    assert row["persona_id"] in finding.message
    assert "create_persona" in finding.message
    assert await report_lost_creations(app) == []
    entry = await app.journal.latest_entry(row["persona_id"])
    assert entry is not None
    assert entry.status == "applied"
    await app.aclose()


@pytest.mark.parametrize("tool", ["list_personas", "get_persona"])
async def test_the_creation_of_a_killed_process_is_reported_by_the_next_read_of_another(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store, tool: str
) -> None:
    await (await cancel_creation(sandbox)).aclose()
    (row,) = list_user_personas(store)
    async with open_tool_client(clock=later) as client:
        arguments = {"persona_id": "p1af207b8189"} if tool == "get_persona" else {}
        answer = await client.expect_result(tool, **arguments)
        assert row["persona_id"] in answer["findings"][0]["message"]
        assert "findings" not in await client.expect_result(tool, **arguments)
        history = await client.expect_result("list_revisions", persona_id=row["persona_id"])
        assert [item["status"] for item in history["revisions"]] == ["applied"]


async def test_a_creation_that_may_be_under_way_in_another_process_is_left_alone(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp
) -> None:
    await (await cancel_creation(sandbox)).aclose()
    async with open_tool_client() as client:
        assert "findings" not in await client.expect_result("list_personas")


async def test_a_creation_is_found_by_a_machine_whose_clock_is_ahead_of_that_of_tavus(
    sandbox: ASGIApp, store: Store
) -> None:
    app = await cancel_creation(sandbox, clock_ahead=timedelta(minutes=1))
    (row,) = list_user_personas(store)
    (finding,) = await report_lost_creations(app)
    assert row["persona_id"] in finding.message
    await app.aclose()


@pytest.mark.parametrize("minutes", [3, -3], ids=["later", "after the clock was set back"])
async def test_a_creation_that_never_arrived_is_reported_once_as_without_effect(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, minutes: int
) -> None:
    await (await cancel_creation(sandbox, creates=False)).aclose()
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    async with open_tool_client(clock=lambda: now) as client:
        answer = await client.expect_result("list_personas")
        assert "had no effect" in answer["findings"][0]["message"]
        assert "findings" not in await client.expect_result("list_personas")


@pytest.mark.parametrize("persona_id", ["../../etc/passwd", "p1?x=y", "", 7, None, "p" * 65])
async def test_a_creation_answered_with_a_wrong_id_is_found_by_what_was_sent(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store, persona_id: Any
) -> None:
    async with open_tool_client(RenamingApp(sandbox, persona_id)) as client:
        receipt = await client.expect_result(
            "create_persona", name="Ada", system_prompt="You help."
        )
        (row,) = list_user_personas(store)
        assert receipt["persona_id"] == row["persona_id"]
        assert receipt["status"] == "applied"


async def test_a_creation_answered_with_a_wrong_id_and_not_found_has_an_unknown_outcome(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp
) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await sandbox(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"persona_id": "../../etc/passwd"}'})

    async with open_tool_client(answer) as client:
        message = await client.expect_error("create_persona", name="Ada", system_prompt="Hi.")
        assert "not known whether it was created" in message
        assert "Error executing tool" not in message
        assert "etc/passwd" not in message


@pytest.mark.file_database
async def test_a_read_works_without_a_usable_journal_and_creates_none(
    open_tool_client: ToolClientFactory, tmp_path: Path
) -> None:
    async with open_tool_client() as client:
        await client.expect_result("list_personas")
        assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "journal.sqlite3").write_text("no database")
    async with open_tool_client() as client:
        assert "findings" not in await client.expect_result("list_personas")
        await client.expect_result("get_persona", persona_id="p1af207b8189")


async def delete_persona(client: ToolClient) -> dict[str, Any]:
    """Create and delete a persona; return the arguments of the call that restores it."""
    persona_id = await client.create_persona(greeting="Hi.")
    receipt = await client.delete_persona(persona_id)
    return dict(receipt["undo"]["arguments"])


async def test_two_servers_that_revive_one_persona_at_once_create_one_copy(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store
) -> None:
    tavus = PausedCreation(sandbox)
    receipts = []

    async def revive(client: ToolClient, arguments: dict[str, Any]) -> None:
        receipts.append(await client.expect_result("restore_revision", **arguments))

    async with open_tool_client(tavus) as first, open_tool_client() as second:
        arguments = await delete_persona(second)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(revive, first, arguments)
            await tavus.request_arrived.wait()
            message = await second.expect_error("restore_revision", **arguments)
            tavus.proceed.set()
        assert "right now. Nothing was sent" in message
        (row,) = list_user_personas(store)
        again = await second.expect_result("restore_revision", **arguments)
        assert again["persona_id"] == receipts[0]["persona_id"] == row["persona_id"]
    assert len(list_user_personas(store)) == 1


async def test_two_plans_to_revive_one_persona_create_one_copy(
    tool_client: ToolClient, store: Store
) -> None:
    arguments = await delete_persona(tool_client)
    plans = [
        await tool_client.expect_result("restore_revision", **arguments, dry_run=True)
        for _ in range(2)
    ]
    await tool_client.expect_result("apply_plan", plan_id=plans[0]["plan_id"])
    message = await tool_client.expect_error("apply_plan", plan_id=plans[1]["plan_id"])
    assert list_user_personas(store)[0]["persona_id"] in message
    assert len(list_user_personas(store)) == 1


async def test_a_revival_whose_process_was_killed_is_not_repeated(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store
) -> None:
    async with open_tool_client() as client:
        arguments = await delete_persona(client)
    tavus = SilentApp(sandbox)
    app, _ = build_test_app(tavus)
    request = RestoreRequest(arguments["persona_id"], arguments["revision"])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(restore, app, request)
        await tavus.request_arrived.wait()
        tasks.cancel_scope.cancel()
    await app.aclose()
    (row,) = list_user_personas(store)
    async with open_tool_client(clock=later) as client:
        message = await client.expect_error("restore_revision", **arguments)
        assert row["persona_id"] in message
        assert len(list_user_personas(store)) == 1
        receipt = await client.expect_result("restore_revision", **arguments)
        assert receipt["persona_id"] == row["persona_id"]


async def test_a_persona_that_was_revived_and_deleted_again_can_be_revived(
    tool_client: ToolClient, store: Store
) -> None:
    arguments = await delete_persona(tool_client)
    for _ in range(2):
        receipt = await tool_client.expect_result("restore_revision", **arguments)
        await tool_client.delete_persona(receipt["persona_id"])
    assert list_user_personas(store) == []
