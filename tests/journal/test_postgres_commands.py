"""The commands of the journal on PostgreSQL: copy, show, adopt, erase and verify."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest
from journal_databases import create_database

from tavus_mcp.cli.main import run
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.postgres_database import PostgresLocation

pytestmark = pytest.mark.extended

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
ENTRY_COUNT = 2_500


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, which ``TAVUS_MCP_JOURNAL`` names."""
    created = create_database(f"tavus_mcp_test_{WORKER}")
    monkeypatch.setenv("TAVUS_MCP_JOURNAL", created)
    monkeypatch.setenv("TAVUS_API_KEY", "key-0123456789abcdef")
    return created


def append_entries(location: Path | PostgresLocation, count: int) -> None:
    """Append states of two personas, in one transaction each."""
    with closing(JournalStore.open(location)) as journal:
        for number in range(count):
            name = f"p{number % 2}"
            body = f'{{"greeting":"private words {name} {number}"}}'
            entry = JournalEntry("seen", name, "now", "get_persona", "seen", f"{number:012x}")
            journal.append(JournalEntry(**{**vars(entry), "body": body}))


def test_commands_list_adopt_and_erase_entries_and_the_rest_verifies(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    location = PostgresLocation(url, tmp_path / "data")
    append_entries(location, 10)
    assert run(["journal", "show", "p1"]) == 0
    assert capsys.readouterr().out.count("get_persona") == 5
    assert run(["journal", "adopt"]) == 0
    assert "2 objects" in capsys.readouterr().out
    assert run(["journal", "erase", "p1", "--yes"]) == 0
    assert "backups of PostgreSQL" in capsys.readouterr().out
    assert run(["journal", "verify"]) == 0
    assert "The contents of 5 were erased" in capsys.readouterr().out
    with closing(JournalStore.open(location)) as journal:
        bodies = [entry.body for entry in journal.entries() if entry.body]
    assert len(bodies) == 5
    assert not any("private words p1" in body for body in bodies)


def test_more_entries_than_are_inserted_in_one_go_are_copied(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    append_entries(tmp_path / "data" / "journal.sqlite3", ENTRY_COUNT)
    monkeypatch.delenv("TAVUS_MCP_JOURNAL")
    assert run(["journal", "copy", "--to", url]) == 0
    assert f"Copied {ENTRY_COUNT} entries" in capsys.readouterr().out
    monkeypatch.setenv("TAVUS_MCP_JOURNAL", url)
    assert run(["journal", "verify"]) == 0
    assert f"intact: {ENTRY_COUNT} entries" in capsys.readouterr().out
