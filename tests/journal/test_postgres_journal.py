"""The journal in PostgreSQL: one history for several machines, as strict as the file."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from journal_databases import create_database, journal_of_test
from mcp_client import ToolClient

from tavus_mcp.cli.main import run
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.postgres_database import PostgresLocation
from tavus_mcp.journal.verification import verify_journal

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = [pytest.mark.anyio, pytest.mark.extended]

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
FIXTURES = Path(__file__).parents[1] / "guarantees" / "compatibility" / "fixtures" / "journals"
WRITER = """
import sys
from pathlib import Path
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.postgres_database import PostgresLocation
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
journal = JournalStore.open(PostgresLocation(sys.argv[1], Path(sys.argv[2])))
for number in range(50):
    journal.append(JournalEntry("intent", sys.argv[3], "now", revision=str(number), body="{}"))
journal.close()
"""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, which ``TAVUS_MCP_JOURNAL`` names."""
    created = create_database(f"tavus_mcp_test_{WORKER}")
    monkeypatch.setenv("TAVUS_MCP_JOURNAL", created)
    return created


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET search_path TO tavus_mcp")
        connection.execute(statement.encode())


async def change_twice(client: ToolClient) -> str:
    persona_id = await client.create_persona(greeting="Hi.")
    await client.expect_result("update_persona", persona_id=persona_id, greeting="Hello.")
    return persona_id


async def test_servers_with_data_folders_of_their_own_share_history_plans_and_undo(
    url: str, open_tool_client: ToolClientFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_tool_client() as first:
        persona_id = await change_twice(first)
        plan = await first.expect_result(
            "update_persona", persona_id=persona_id, greeting="Planned.", dry_run=True
        )
        monkeypatch.setenv("TAVUS_MCP_DATA_DIR", str(tmp_path / "another machine"))
        async with open_tool_client() as second:
            applied = await second.expect_result("apply_plan", plan_id=plan["plan_id"])
            page = await first.expect_result("list_revisions", persona_id=persona_id)
            assert page["revisions"][0]["revision"] == applied["revision"]
            undo = applied["undo"]
            await first.expect_result(undo["tool"], **undo["arguments"])
            assert (await second.read_persona(persona_id))["greeting"] == "Hello."
    assert verify_journal(journal_of_test()).faults == []


async def test_a_lost_connection_is_replaced(url: str, open_tool_client: ToolClientFactory) -> None:
    async with open_tool_client() as client:
        persona_id = await change_twice(client)
        execute(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'tavus-mcp' AND datname = current_database()",
        )
        receipt = await client.expect_result(
            "update_persona", persona_id=persona_id, greeting="Again."
        )
        assert receipt["status"] == "applied"
    assert verify_journal(journal_of_test()).faults == []


async def test_without_the_database_nothing_is_sent_and_reads_work(
    url: str, open_tool_client: ToolClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_tool_client() as client:
        persona_id = await client.create_persona()
    wrong = url.replace("@", "-is-not-the-password@")
    for address, reason in ((wrong, "authentication failed"), (unused_address(), "refused")):
        monkeypatch.setenv("TAVUS_MCP_JOURNAL", address)
        async with open_tool_client() as client:
            message = await client.expect_error(
                "update_persona", persona_id=persona_id, greeting="Hi."
            )
            assert "Nothing was sent" in message
            assert reason in message
            assert "TAVUS_MCP_JOURNAL" in message
            assert "is-not-the-password" not in message
            assert client.transport.writes == []
            await client.expect_result("get_persona", persona_id=persona_id)


def unused_address() -> str:
    """Return the URL of a database at a port on which nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    return f"postgresql://tavus:password@127.0.0.1:{port}/journal"


@pytest.mark.parametrize("table", ["entries", "documents"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET body = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
async def test_entries_cannot_be_rewritten(
    url: str, open_tool_client: ToolClientFactory, table: str, verb: str
) -> None:
    async with open_tool_client() as client:
        await change_twice(client)
    with pytest.raises(psycopg.Error, match="append-only"):
        execute(url, verb.format(table))
    assert verify_journal(journal_of_test()).faults == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE entries SET tool = 'x' WHERE seq = 2", "entry 2 is not as it was written"),
        ("DELETE FROM entries WHERE seq = 2", "entry 2 is missing"),
        ("DELETE FROM entries WHERE seq > 1", "its end was cut off"),
        ("DELETE FROM documents", "is not as it was written"),
    ],
)
async def test_verify_detects_what_was_altered_in_spite_of_the_triggers(
    url: str,
    open_tool_client: ToolClientFactory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    statement: str,
    fault: str,
) -> None:
    async with open_tool_client() as client:
        await change_twice(client)
    assert run(["journal", "verify"]) == 0
    assert url.partition("@")[0] not in "".join(capsys.readouterr())
    execute(url, f"SET tavus_mcp.rewriting = 'on'; {statement}")
    assert run(["journal", "verify"]) == 1
    assert fault in capsys.readouterr().err


async def test_an_emptied_database_contradicts_the_anchor(
    url: str, open_tool_client: ToolClientFactory
) -> None:
    async with open_tool_client() as client:
        await change_twice(client)
    create_database(f"tavus_mcp_test_{WORKER}")
    with closing(JournalStore.open(journal_of_test())) as journal:
        assert any("another journal" in fault for fault in journal.verify())


def test_processes_that_begin_at_once_produce_one_hash_chain(url: str, tmp_path: Path) -> None:
    """The database is empty, and the first two processes have one data folder."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(tmp_path / str(number // 2)), f"p{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        process.communicate()
    assert [process.returncode for process in started] == [0, 0, 0]
    for folder in ("0", "1"):
        result = verify_journal(PostgresLocation(url, tmp_path / folder))
        assert (result.faults, result.entry_count) == ([], 150)


@pytest.mark.parametrize("name", ["everyday", "fleet", "version_4"])
def test_a_file_is_copied_with_its_chain_and_what_follows_is_added(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "journal.sqlite3"
    path.write_bytes((FIXTURES / name / "sandbox-journal.sqlite3").read_bytes())
    monkeypatch.delenv("TAVUS_MCP_JOURNAL")
    JournalStore.open(path).close()
    assert run(["journal", "copy", "--to", url]) == 0
    target = PostgresLocation(url, folder)
    assert read_entries(target) == read_entries(path)
    with closing(JournalStore.open(path)) as journal:
        journal.append(JournalEntry("seen", "p1", "now", revision="1" * 12, body="{}"))
    assert run(["journal", "copy", "--to", url]) == 0
    assert "Copied 1 entry " in capsys.readouterr().out
    assert read_entries(target) == read_entries(path)
    with closing(JournalStore.open(target)) as journal:
        journal.append(JournalEntry("seen", "p2", "now", revision="2" * 12, body="{}"))
    assert run(["journal", "copy", "--to", url]) == 4
    error = capsys.readouterr().err
    assert error.startswith(f"tavus-mcp: {target} holds ")
    assert "Nothing was copied" in error


def read_entries(location: Path | PostgresLocation) -> list[JournalEntry]:
    with closing(JournalStore.open(location)) as journal:
        assert journal.verify() == []
        return list(journal.entries())


@pytest.mark.parametrize(
    "arguments",
    [["copy"], ["verify", "--to", "postgresql://h/d"], ["copy", "--to", "mysql://host/name"]],
)
def test_a_wrong_use_of_copy_is_refused(arguments: list[str]) -> None:
    assert run(["journal", *arguments]) == 64
