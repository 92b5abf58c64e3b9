"""The databases that tests keep journals in: a file, or PostgreSQL where a server is available.

A test with the marker ``every_database`` runs on a file in the default suite, and on PostgreSQL in
the extended one. ``TAVUS_MCP_TEST_POSTGRES`` is the URL of a server on which databases are created.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tavus_mcp.journal.journal import Journal, JournalStore
from tavus_mcp.journal.location import JournalLocation
from tavus_mcp.journal.postgres_database import PostgresLocation
from tavus_mcp.journal.postgres_schema import SCHEMA

SERVER_URL = os.environ.get("TAVUS_MCP_TEST_POSTGRES", "")
NEEDS_POSTGRES = "PostgreSQL is not at hand: TAVUS_MCP_TEST_POSTGRES is not set"
_JOURNAL = "TAVUS_MCP_JOURNAL"
_journals: list[Journal] = []


def create_database(name: str) -> str:
    """Return the URL of an empty database; skip the test where there is no server."""
    if not SERVER_URL:
        pytest.skip(NEEDS_POSTGRES)
    with psycopg.connect(SERVER_URL, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if found.fetchone() is None:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = urlsplit(SERVER_URL)._replace(path=f"/{name}").geturl()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
    return url


def journal_of_test() -> JournalLocation:
    """Return where the journal of the running test is."""
    folder = Path(os.environ["TAVUS_MCP_DATA_DIR"])
    url = os.environ.get(_JOURNAL)
    return PostgresLocation(url, folder) if url else folder / "journal.sqlite3"


def build_journal_of_test() -> Journal:
    """Return the journal of the running test; one in PostgreSQL is closed at its end."""
    journal = Journal(journal_of_test())
    if os.environ.get(_JOURNAL):
        _journals.append(journal)
    return journal


def close_journals() -> None:
    """Close the journals of the test in PostgreSQL."""
    while _journals:
        _journals.pop().close()


def open_journal_of_test() -> JournalStore:
    """Open the journal of the running test."""
    return JournalStore.open(journal_of_test())


def use_postgres(patcher: pytest.MonkeyPatch, worker: str) -> None:
    """Keep the journal of the running test in an empty database of this worker."""
    patcher.setenv(_JOURNAL, create_database(f"tavus_mcp_test_{worker}"))
