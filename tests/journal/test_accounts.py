"""One data folder, several accounts and keys: what is of another account is never touched."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_client import ToolClient, build_test_app
from starlette.types import ASGIApp

from tavus_mcp.errors import Refused
from tavus_mcp.journal.accounts import Credentials
from tavus_mcp.journal.entry import GENESIS
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.verification import verify_journal
from tavus_mcp.persona_files.apply import ApplyFileRequest, check, parse
from tavus_mcp.personas.undo import build_undo_request
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, Settings

pytestmark = [pytest.mark.anyio, pytest.mark.every_database]
URL = "https://tavus.example/v2"
FIXTURES = Path(__file__).parents[1] / "guarantees" / "compatibility" / "fixtures" / "journals"


class Accounts:
    """Opens servers on accounts of their own, all with the journal of the test's data folder."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    def create(self) -> ASGIApp:
        """Return a new account: a sandbox in memory."""
        store = Store.open(None)
        self._stack.callback(store.close)
        return build_sandbox(store)

    async def open(
        self,
        account: ASGIApp,
        key: str = "key-of-production-1",
        base_url: str = URL,
        label: str = "",
    ) -> ToolClient:
        """Start a server that uses an account with a key."""
        return await self._stack.enter_async_context(_open(account, key, base_url, label))


@asynccontextmanager
async def _open(account: ASGIApp, key: str, base_url: str, label: str) -> AsyncIterator[ToolClient]:
    app, transport = build_test_app(account, base_url=base_url, key=key)
    app.journal.credentials = Credentials(base_url, key, label)
    server = build_server(app, Settings(toolsets=TOOLSETS))
    async with Client(server, mode="legacy") as client:
        yield ToolClient(client, transport, server)


@pytest.fixture
async def accounts() -> AsyncIterator[Accounts]:
    async with AsyncExitStack() as stack:
        yield Accounts(stack)


async def revisions_of(server: ToolClient, persona_id: str) -> list[dict[str, Any]]:
    page = await server.expect_result("list_revisions", persona_id=persona_id)
    return list(page["revisions"])


async def count_personas(server: ToolClient) -> int:
    return int((await server.expect_result("list_personas", persona_type="user"))["total_count"])


@pytest.mark.parametrize(
    "other",
    [{"key": "key-of-staging-22"}, {"base_url": "https://staging.example/v2"}],
    ids=["another key", "another address"],
)
async def test_no_tool_answers_or_changes_what_belongs_to_another_account(
    accounts: Accounts, other: dict[str, str]
) -> None:
    production = await accounts.open(accounts.create(), label="production")
    staging = await accounts.open(accounts.create(), **other)
    persona_id = await production.create_persona(greeting="Hi.")
    changed = await production.expect_result(
        "update_persona", persona_id=persona_id, greeting="Ciao."
    )
    revision = changed["previous_revision"]
    plan = await production.expect_result(
        "update_persona", persona_id=persona_id, greeting="Hello.", dry_run=True
    )
    bulk = await production.expect_result(
        "plan_bulk_change", persona_ids=[persona_id], values={"/greeting": "Hey."}
    )
    await production.expect_result("apply_plan", plan_id=bulk["plan_id"])
    await production.delete_persona(persona_id)
    for tool, arguments in (
        ("restore_revision", {"persona_id": persona_id, "revision": revision}),
        ("restore_revision", dict(changed["undo"]["arguments"])),
        ("list_revisions", {"persona_id": persona_id}),
        ("apply_plan", {"plan_id": plan["plan_id"]}),
        ("apply_plan", {"plan_id": bulk["plan_id"]}),
        ("plan_bulk_change", {"undo_of": bulk["plan_id"]}),
        ("compare_personas", {"first": f"{persona_id}@{revision}", "second": persona_id}),
        ("export_persona", {"persona_id": f"{persona_id}@{revision}"}),
    ):
        error = await staging.expect_error(tool, **arguments)
        assert "belongs to another account, production (https://tavus.example/v2)" in error, tool
    with pytest.raises(Refused, match="belongs to another account"):
        await build_undo_request(staging.server.app, persona_id)
    file = await parse(staging.server.app, ApplyFileRequest(f"persona_id: {persona_id}\n"))
    with pytest.raises(Refused, match="belongs to another account"):
        await check(staging.server.app, file)
    assert staging.transport.writes == []
    assert await count_personas(staging) == 0


async def test_a_second_key_of_an_account_shares_its_history(accounts: Accounts) -> None:
    account = accounts.create()
    first = await accounts.open(account)
    persona_id = await first.create_persona(greeting="Hi.")
    before = (await revisions_of(first, persona_id))[0]["revision"]
    plan = await first.expect_result(
        "update_persona", persona_id=persona_id, greeting="Ciao.", dry_run=True
    )
    second = await accounts.open(account, key="key-of-production-2")
    await second.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert len(await revisions_of(second, persona_id)) == 2
    assert len(await revisions_of(first, persona_id)) == 2
    await second.expect_result("restore_revision", persona_id=persona_id, revision=before)
    assert (await first.read_persona(persona_id))["greeting"] == "Hi."


async def test_a_rotated_key_restores_what_was_deleted_before(accounts: Accounts) -> None:
    account = accounts.create()
    first = await accounts.open(account)
    remaining, gone = await first.create_persona(), await first.create_persona(greeting="Hi.")
    deleted = await first.delete_persona(gone)
    second = await accounts.open(account, key="key-of-production-2")
    back = await second.expect_result(deleted["undo"]["tool"], **deleted["undo"]["arguments"])
    assert (await second.read_persona(back["persona_id"]))["greeting"] == "Hi."
    assert len(await revisions_of(second, remaining)) == 1


async def test_a_label_does_not_make_two_accounts_one(accounts: Accounts) -> None:
    one = await accounts.open(accounts.create(), label="production")
    two = await accounts.open(accounts.create(), key="key-of-staging-22", label="production")
    persona_id = await one.create_persona()
    assert "another account" in await two.expect_error("list_revisions", persona_id=persona_id)


async def test_stock_personas_have_a_history_of_their_own_in_each_account(
    accounts: Accounts,
) -> None:
    one = await accounts.open(accounts.create())
    two = await accounts.open(accounts.create(), key="key-of-staging-22")
    listed = await one.expect_result("list_personas", persona_type="system", limit=1)
    stock = listed["personas"][0]["persona_id"]
    mine = await one.create_persona()
    for server in (one, two):
        await server.expect_result("get_persona", persona_id=stock)
        assert await revisions_of(server, stock) == []
    assert "another account" in await two.expect_error("list_revisions", persona_id=mine)


@pytest.mark.file_database
async def test_no_key_reaches_the_file(accounts: Accounts) -> None:
    server = await accounts.open(accounts.create(), key="key-of-production-1")
    await server.create_persona()
    folder = Path(os.environ["TAVUS_MCP_DATA_DIR"])
    assert all(b"key-of-production" not in path.read_bytes() for path in folder.iterdir())


async def record_without_account(accounts: Accounts, account: ASGIApp, *, deleted: bool) -> str:
    """Write a journal without accounts, as version 0.1 did; return a persona in it."""
    server = await accounts.open(account, key="key-of-the-old-version")
    await server.create_persona(name="Another")
    persona_id = await server.create_persona(greeting="Hi.")
    if deleted:
        await server.delete_persona(persona_id)
    server.server.app.journal.close()
    rewrite_as_old_version(server.server.app.journal.location)
    return persona_id


def rewrite_as_old_version(path: Path) -> None:
    """Replace the entries of a journal by what version 0.1 would have written."""
    with closing(JournalStore.open(path)) as store:
        entries = list(store.entries())
    parent = GENESIS
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TRIGGER no_update_entries")
        for entry in entries:
            old = replace(entry, account="", revision_digest="", masked=None, format=1)
            old = old.with_position(entry.seq, parent)
            parent = old.digest
            db.execute(
                "UPDATE entries SET account = '', revision_digest = '', masked = NULL, format = 1,"
                " parent = ?, digest = ? WHERE seq = ?",
                (old.parent, old.digest, old.seq),
            )
        db.execute("UPDATE head SET digest = ?", (parent,))
        db.execute("DELETE FROM accounts")
        db.execute("DELETE FROM account_keys")
    Path(f"{path}.anchor").unlink()


@pytest.mark.file_database
@pytest.mark.parametrize("deleted", [False, True])
async def test_entries_without_an_account_are_adopted_when_their_personas_are_there(
    accounts: Accounts, deleted: bool
) -> None:
    account = accounts.create()
    persona_id = await record_without_account(accounts, account, deleted=deleted)
    stranger = await accounts.open(accounts.create(), key="key-of-staging-22")
    assert "journal adopt" in await stranger.expect_error("list_revisions", persona_id=persona_id)
    owner = await accounts.open(account)
    revisions = await revisions_of(owner, persona_id)
    revision = next(row["revision"] for row in reversed(revisions) if row.get("revision"))
    back = await owner.expect_result("restore_revision", persona_id=persona_id, revision=revision)
    assert (await owner.read_persona(back["persona_id"]))["greeting"] == "Hi."
    again = await accounts.open(accounts.create(), key="key-of-staging-33")
    assert "another account" in await again.expect_error("list_revisions", persona_id=persona_id)


@pytest.mark.file_database
async def test_an_old_journal_of_two_accounts_is_adopted_persona_by_persona(
    accounts: Accounts,
) -> None:
    one, two = accounts.create(), accounts.create()
    mine = await (await accounts.open(one)).create_persona()
    theirs = await record_without_account(accounts, two, deleted=False)
    first = await accounts.open(one)
    assert await revisions_of(first, mine)
    assert "journal adopt" in await first.expect_error("list_revisions", persona_id=theirs)
    second = await accounts.open(two, key="key-of-staging-22")
    assert await revisions_of(second, theirs)
    assert "another account" in await second.expect_error("list_revisions", persona_id=mine)


@pytest.mark.parametrize("name", ["everyday", "fleet", "version_1"])
def test_the_journal_of_a_sandbox_is_its_own(tmp_path: Path, name: str) -> None:
    path = Path(shutil.copy(FIXTURES / name / "sandbox-journal.sqlite3", tmp_path))
    with closing(JournalStore.open(path, Credentials("sandbox", "sandbox"))) as store:
        assert store.unowned_objects()
        store.adopt(store.unowned_objects())
        assert store.unowned_objects() == []
    assert verify_journal(path).faults == []
