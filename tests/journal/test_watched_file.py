"""The file of the journal while a server runs: deleted, replaced, and synced in time."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from journal_databases import journal_of_test
from mcp_client import ToolClient, text_of
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.erasure import ErasureTarget
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.verification import verify_journal

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio


def delete_file(path: Path) -> None:
    path.unlink()


def delete_write_ahead_log(path: Path) -> None:
    Path(f"{path}-wal").unlink()


def replace_by_copy(path: Path) -> None:
    copy = Path(shutil.copy(path, f"{path}.copy"))
    copy.replace(path)


@pytest.mark.parametrize("damage", [delete_file, delete_write_ahead_log, replace_by_copy])
async def test_a_journal_that_is_gone_under_a_server_is_reported_and_nothing_is_sent(
    tool_client: ToolClient, damage: Callable[[Path], None]
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    tool_client.transport.requests.clear()
    damage(tool_client.server.app.journal.location)
    for tool, arguments in (
        ("update_persona", {"greeting": "Ciao."}),
        ("list_revisions", {}),
        ("delete_persona", {}),
    ):
        error = await tool_client.expect_error(tool, persona_id=persona_id, **arguments)
        assert "deleted or replaced while this server ran" in error
    assert tool_client.transport.writes == []
    assert (await tool_client.read_persona(persona_id))["greeting"] == "Hi."


@pytest.mark.parametrize("size_bytes", [0, 100, 20_000])
async def test_a_file_that_was_cut_under_a_server_is_reported_and_nothing_is_sent(
    tool_client: ToolClient, size_bytes: int
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    path = tool_client.server.app.journal.location
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    await tool_client.expect_result("list_revisions", persona_id=persona_id)
    tool_client.transport.requests.clear()
    os.truncate(path, size_bytes)
    for _ in range(2):
        error = await tool_client.expect_error(
            "update_persona", persona_id=persona_id, greeting="Ciao."
        )
        assert "the file was cut off while this server ran" in error
    assert tool_client.transport.writes == []


async def test_a_write_ahead_log_that_was_cut_under_a_server_is_reported(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    await tool_client.expect_result("list_revisions", persona_id=persona_id)
    os.truncate(f"{tool_client.server.app.journal.location}-wal", 100)
    error = await tool_client.expect_error("update_persona", persona_id=persona_id, greeting="No.")
    assert "the file was cut off while this server ran" in error


@pytest.mark.extended
async def test_a_lock_that_another_process_holds_is_waited_for_once(
    tool_client: ToolClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each change of a bulk would wait for it as long as one alone."""
    for name, seconds in (("LOCK_TIMEOUT_SECONDS", 0.6), ("SHORT_LOCK_TIMEOUT_SECONDS", 0.01)):
        monkeypatch.setattr(f"tavus_mcp.journal.sqlite_database.{name}", seconds)
    persona_ids = [await tool_client.create_persona() for _ in range(8)]
    plan = await tool_client.expect_result(
        "plan_bulk_change", persona_ids=persona_ids, values={"/context": "Hi."}
    )
    tool_client.transport.requests.clear()
    with closing(sqlite3.connect(tool_client.server.app.journal.location)) as other:
        other.execute("BEGIN IMMEDIATE")
        started_at = time.monotonic()
        error = await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
        assert time.monotonic() - started_at < 4  # waiting each time takes 4.8 s
    assert "Another process holds the journal" in error
    assert tool_client.transport.writes == []
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])


async def test_a_full_disk_is_named_and_the_journal_goes_on_when_there_is_space(
    tool_client: ToolClient,
) -> None:
    """The limit of the size of a file stands in for a full disk."""
    persona_id = await tool_client.create_persona(greeting="Hi.")
    log = Path(f"{tool_client.server.app.journal.location}-wal")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    tool_client.transport.requests.clear()
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, limits[1]))
    try:
        error = await tool_client.expect_error(
            "update_persona", persona_id=persona_id, greeting="No."
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "Nothing was sent" in error
    assert "free space on its disk" in error
    assert tool_client.transport.writes == []
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Hello.")
    assert verify_journal(journal_of_test()).faults == []


async def test_a_file_that_another_process_has_compacted_is_used_on(
    tool_client: ToolClient,
) -> None:
    persona_ids = [await tool_client.create_persona(system_prompt="x" * 50_000) for _ in range(2)]
    path = tool_client.server.app.journal.location
    with closing(JournalStore.open(path)) as journal:
        journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # noqa: SLF001 - not public
        size_bytes = path.stat().st_size
        await tool_client.expect_result("list_revisions", persona_id=persona_ids[0])
        assert journal.erase(ErasureTarget((persona_ids[0],)))[1]
        assert path.stat().st_size < size_bytes
    await tool_client.expect_result("update_persona", persona_id=persona_ids[1], context="Hi.")
    assert verify_journal(path).faults == []


async def test_a_file_that_was_put_back_is_used_again(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    path = tool_client.server.app.journal.location
    path.rename(f"{path}.moved")
    await tool_client.expect_error("list_revisions", persona_id=persona_id)
    Path(f"{path}.moved").rename(path)
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Ciao.")
    assert verify_journal(path).faults == []


async def test_a_write_that_was_carried_out_is_not_called_unsent(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp
) -> None:
    """The file disappears between the intent and the outcome."""

    async def delete_journal_and_answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "PATCH":
            Path(str(journal_of_test())).unlink()
        await sandbox(scope, receive, send)

    async with open_tool_client(delete_journal_and_answer) as tool_client:
        persona_id = await tool_client.create_persona(greeting="Hi.")
        result = await tool_client.call("update_persona", persona_id=persona_id, greeting="Ciao.")
    assert not result.is_error
    assert "not recorded" in text_of(result)
    assert "Nothing was sent" not in text_of(result)


@pytest.mark.parametrize(("kind", "level"), [("intent", 2), ("used", 2), ("outcome", 1)])
def test_what_announces_a_request_is_on_the_disk_before_it_is_sent(
    tmp_path: Path, kind: str, level: int
) -> None:
    """SQLite's ``synchronous`` is 2 (FULL) for these entries: a commit waits for the disk."""
    with closing(JournalStore.open(tmp_path / "journal.sqlite3")) as journal:
        journal.append(JournalEntry(kind, "p1", "now"))  # type: ignore[arg-type]
        setting = journal._db.execute("PRAGMA synchronous").fetchone()  # noqa: SLF001 - not public
    assert setting == (level,)
