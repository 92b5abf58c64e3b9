"""A journal in PostgreSQL that fails while it is used: nothing is lost, doubled or held up."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_runner import CommandRunner
from cutting_relay import CuttingRelay, start_relay
from journal_databases import journal_of_test
from mcp_client import ToolClient, text_of
from postgres_server import PASSWORD, URL_PASSWORD, PostgresServer, start_postgres

from tavus_mcp.journal import postgres_connection
from tavus_mcp.journal.database import DatabaseError
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.erasure import ErasureTarget
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.postgres_database import PostgresLocation
from tavus_mcp.journal.verification import verify_journal

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = [pytest.mark.anyio, pytest.mark.extended]
MAX_CALL_SECONDS = 10.0
"""Far below the 55 s of a call."""


@pytest.fixture(scope="module")
def started_server() -> Iterator[PostgresServer]:
    with start_postgres() as started:
        yield started


@pytest.fixture
def server(started_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> PostgresServer:
    """A server with an empty journal, which ``TAVUS_MCP_JOURNAL`` names."""
    started_server.execute("DROP SCHEMA IF EXISTS tavus_mcp CASCADE")
    monkeypatch.setenv("TAVUS_MCP_JOURNAL", started_server.url)
    monkeypatch.setattr(postgres_connection, "RETRY_AFTER_SECONDS", 0.0)
    return started_server


def shorten_limits(patcher: pytest.MonkeyPatch) -> None:
    """Shorten how long a server that does not answer is waited for."""
    patcher.setattr(postgres_connection, "MAX_ANSWER_SECONDS", 1.0)
    patcher.setitem(postgres_connection._OPTIONS, "connect_timeout", 2)  # noqa: SLF001 - its least


async def expect_refusal(client: ToolClient, persona_id: str, reason: str, advice: str) -> None:
    """Expect that a change is refused in time, and says why, and what to do, without a secret."""
    client.transport.requests.clear()
    started_at = time.monotonic()
    message = await client.expect_error("update_persona", persona_id=persona_id, greeting="No.")
    assert time.monotonic() - started_at < MAX_CALL_SECONDS
    assert reason in message
    assert advice in message
    assert "Nothing was sent" in message
    assert not any(word in message for word in (PASSWORD, URL_PASSWORD))
    assert client.transport.writes == []


async def expect_change(client: ToolClient, persona_id: str) -> None:
    receipt = await client.expect_result(
        "update_persona", persona_id=persona_id, greeting=secrets.token_hex(4)
    )
    assert receipt["status"] == "applied"
    assert "not-recorded" not in str(receipt)
    assert verify_journal(journal_of_test()).faults == []


async def test_a_frozen_server_holds_no_call_up(
    server: PostgresServer, open_tool_client: ToolClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_limits(monkeypatch)
    async with open_tool_client() as client:
        persona_id = await client.create_persona()
        with server.freeze():
            await expect_refusal(client, persona_id, "did not answer", "Try again")
            await expect_refusal(client, persona_id, "timeout", "Start the database")
        await expect_change(client, persona_id)


async def test_a_restart_between_two_calls_is_not_noticed(
    server: PostgresServer, open_tool_client: ToolClientFactory
) -> None:
    async with open_tool_client() as client:
        persona_id = await client.create_persona()
        server.stop()
        await expect_refusal(client, persona_id, "refused", "Start the database")
        server.start()
        await expect_change(client, persona_id)


async def test_a_database_that_accepts_no_writes_is_named(
    server: PostgresServer, open_tool_client: ToolClientFactory
) -> None:
    async with open_tool_client() as client:
        persona_id = await client.create_persona()
        server.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
        server.end_connections()
        try:
            await expect_refusal(client, persona_id, "read-only transaction", "accepts no writes")
        finally:
            server.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
            server.end_connections()
        await expect_change(client, persona_id)


async def test_the_isolation_that_a_database_prescribes_does_not_matter(
    server: PostgresServer, open_tool_client: ToolClientFactory
) -> None:
    """A writer that waited for another one must see what that one has committed."""
    server.execute("ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'")
    try:
        async with open_tool_client() as client:
            await expect_change(client, await client.create_persona())
        with closing(JournalStore.open(journal_of_test())) as journal:
            db = journal._db  # noqa: SLF001 - no public call shows it
            with db.write():
                assert db.execute("SHOW transaction_isolation").fetchone() == ("read committed",)
    finally:
        server.execute("ALTER DATABASE postgres RESET default_transaction_isolation")


def test_a_full_disk_ends_an_append_and_leaves_what_was_written(
    server: PostgresServer, tmp_path: Path
) -> None:
    location = PostgresLocation(server.url, tmp_path)
    written: list[str] = []

    def append_until_it_fails(journal: JournalStore) -> None:
        while len(written) < 9:
            body = f'"{secrets.token_hex(200_000)}"'
            entry = JournalEntry("seen", "p1", "now", revision=f"{len(written)}", body=body)
            written.append(journal.append(entry).revision)

    server.stop()
    server.start(max_file_bytes=1 << 20)
    with closing(JournalStore.open(location)) as journal:
        with pytest.raises(DatabaseError, match="could not extend file") as caught:
            append_until_it_fails(journal)
        assert "Ask the person who runs the database" in caught.value.advice
    server.stop()
    server.start()
    with closing(JournalStore.open(location)) as journal:
        journal.append(JournalEntry("seen", "p1", "now", revision="last", body="{}"))
        assert journal.verify() == []
        assert [entry.revision for entry in journal.entries()] == [*written, "last"]


async def test_tables_of_a_newer_version_are_refused_also_by_a_running_server(
    server: PostgresServer, open_tool_client: ToolClientFactory, tmp_path: Path
) -> None:
    async with open_tool_client() as client:
        persona_id = await client.create_persona()
        server.execute("UPDATE tavus_mcp.version SET version = 99")
        await expect_refusal(client, persona_id, "it is of version 99", "Upgrade tavus-mcp")
        async with open_tool_client() as another:
            await expect_refusal(another, persona_id, "it is of version 99", "Upgrade tavus-mcp")
        done = CommandRunner(tmp_path, {}).run_without_sandbox("journal", "show")
        assert (done.status, "made by a newer tavus-mcp" in done.stderr) == (4, True)
        server.execute("UPDATE tavus_mcp.version SET version = 6")
        await expect_change(client, persona_id)


async def test_tables_that_were_replaced_or_removed_are_noticed(
    server: PostgresServer, open_tool_client: ToolClientFactory
) -> None:
    async with open_tool_client() as client:
        persona_id = await client.create_persona()
        server.execute("DROP SCHEMA tavus_mcp CASCADE")
        await expect_refusal(client, persona_id, "does not exist", "tables of the journal were re")
        JournalStore.open(journal_of_test()).close()
        await expect_refusal(client, persona_id, "removed or replaced", "Restart the server")


async def test_a_lock_that_another_process_holds_is_waited_for_once(
    server: PostgresServer, open_tool_client: ToolClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each change of a bulk would wait for it as long as a statement may take."""
    monkeypatch.setitem(postgres_connection._SETTINGS, "lock_timeout", "500ms")  # noqa: SLF001
    monkeypatch.setattr(postgres_connection, "RETRY_AFTER_SECONDS", 60.0)
    async with open_tool_client() as client:
        persona_ids = [await client.create_persona() for _ in range(8)]
        plan = await client.expect_result(
            "plan_bulk_change", persona_ids=persona_ids, values={"/context": "Hi."}
        )
        client.transport.requests.clear()
        with closing(JournalStore.open(journal_of_test())) as other, other._db.write():  # noqa: SLF001
            started_at = time.monotonic()
            message = await client.expect_error("apply_plan", plan_id=plan["plan_id"])
            assert time.monotonic() - started_at < 3.5  # waiting each time takes 4 s
            await expect_refusal(client, persona_ids[0], "lock timeout", "Another process holds")
        assert "Another process holds the journal" in message
        assert client.transport.writes == []


def test_a_machine_that_went_to_sleep_while_it_wrote_holds_no_other_one_up(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = "idle_in_transaction_session_timeout"
    monkeypatch.setitem(postgres_connection._SETTINGS, limit, "300ms")  # noqa: SLF001
    entry = JournalEntry("seen", "p1", "now")
    location = PostgresLocation(server.url, tmp_path)
    with (
        closing(JournalStore.open(location)) as asleep,
        closing(JournalStore.open(location)) as one,
    ):
        with pytest.raises(DatabaseError, match="idle-in-transaction"), asleep._db.write():  # noqa: SLF001
            one.append(entry)
        asleep.append(entry)
        assert [found.seq for found in one.entries()] == [1, 2]
        assert one.verify() == []


def test_erased_contents_are_gone_from_the_files_of_the_tables(
    server: PostgresServer, tmp_path: Path
) -> None:
    canary = secrets.token_hex(20)
    with closing(JournalStore.open(PostgresLocation(server.url, tmp_path))) as journal:
        for number in range(3):
            body = f'"{canary}{number}"'
            journal.append(JournalEntry("seen", "p1", "now", revision=str(number), body=body))
        journal.append(JournalEntry("seen", "p2", "now", revision="0", body='"of another"'))
        server.execute("CHECKPOINT")
        assert server.has_in_tables(canary)
        assert journal.erase(ErasureTarget(("p1",))) == (3, True)
        server.execute("CHECKPOINT")
        assert not server.has_in_tables(canary)
        assert journal.verify() == []


@pytest.fixture
def relay(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[CuttingRelay]:
    """A relay to the server, which ``TAVUS_MCP_JOURNAL`` names."""
    with start_relay(server.url) as started:
        monkeypatch.setenv("TAVUS_MCP_JOURNAL", started.url)
        yield started


@pytest.mark.parametrize("passes_commit", [False, True], ids=["before", "after"])
async def test_a_connection_lost_at_the_commit_of_an_intent_sends_nothing(
    relay: CuttingRelay, open_tool_client: ToolClientFactory, passes_commit: bool
) -> None:
    async with open_tool_client() as client:
        persona_id = await client.create_persona()
        relay.cut(0, passes_commit=passes_commit)
        await expect_refusal(client, persona_id, "", "Start the database")
        await expect_change(client, persona_id)
        page = await client.expect_result("list_revisions", persona_id=persona_id)
        statuses = [row["status"] for row in page["revisions"]]
        # an intent that was recorded without anybody knowing is one that is not known to be sent
        assert statuses == ["applied", *(["unknown"] if passes_commit else []), "applied"]


@pytest.mark.parametrize("passes_commit", [False, True], ids=["before", "after"])
async def test_a_connection_lost_at_the_commit_of_an_outcome_doubles_nothing(
    relay: CuttingRelay, open_tool_client: ToolClientFactory, passes_commit: bool
) -> None:
    async with open_tool_client() as client:
        persona_id = await client.create_persona()
        client.transport.requests.clear()
        relay.cut(1, passes_commit=passes_commit)
        result = await client.call("update_persona", persona_id=persona_id, greeting="Hello.")
        assert not result.is_error
        assert "was carried out, but not recorded" in text_of(result)
        assert len(client.transport.writes) == 1
        page = await client.expect_result("list_revisions", persona_id=persona_id)
        assert [row["status"] for row in page["revisions"]] == ["applied", "applied"]
        await expect_change(client, persona_id)


@pytest.mark.parametrize(
    ("answer", "reason"), [(b"", "timeout"), (b"HTTP/1.1 400", "received invalid response")]
)
async def test_what_only_accepts_connections_holds_no_call_up(
    open_tool_client: ToolClientFactory,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
    reason: str,
) -> None:
    """Needs no PostgreSQL: there is none behind the address."""
    shorten_limits(monkeypatch)
    async with open_tool_client() as client:
        persona_id = await client.create_persona()
    accepted: list[socket.socket] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as hole:
        if answer:
            threading.Thread(target=answer_all, args=(hole, answer, accepted), daemon=True).start()
        port = hole.getsockname()[1]
        url = f"postgresql://tavus:{URL_PASSWORD}@127.0.0.1:{port}/journal"
        monkeypatch.setenv("TAVUS_MCP_JOURNAL", url)
        async with open_tool_client() as client:
            await expect_refusal(client, persona_id, reason, "Start the database")
        hole.shutdown(socket.SHUT_RDWR)
    for connection in accepted:
        connection.close()


def answer_all(listener: socket.socket, answer: bytes, accepted: list[socket.socket]) -> None:
    """Answer every connection in the same way until the listener is shut down."""
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            accepted.append(connection)
            connection.sendall(answer)


@pytest.mark.parametrize(
    ("replaced", "replacement", "reason"),
    [
        (URL_PASSWORD, "another%20pass%20word", "authentication failed"),
        ("/postgres", "/missing", "does not exist"),
    ],
)
def test_commands_say_what_is_wrong_with_the_address_and_never_the_password(
    server: PostgresServer, tmp_path: Path, replaced: str, replacement: str, reason: str
) -> None:
    head, _, tail = server.url.rpartition(replaced)
    runner = CommandRunner(tmp_path, {"TAVUS_MCP_JOURNAL": f"{head}{replacement}{tail}"})
    for arguments in (["doctor"], ["doctor", "--json"], ["journal", "verify"], ["journal", "show"]):
        done = runner.run_without_sandbox(*arguments, TAVUS_API_KEY="key-0123456789abcdef")
        output = " ".join((done.stdout + done.stderr).split())
        assert reason in output
        assert "TAVUS_MCP_JOURNAL" in output
        assert not any(word in output for word in (PASSWORD, URL_PASSWORD, "another"))
