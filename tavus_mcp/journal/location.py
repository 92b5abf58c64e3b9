"""Where a journal is, and how its database is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tavus_mcp.journal.database import Database, DatabaseError
from tavus_mcp.journal.postgres_database import PostgresDatabase, PostgresLocation
from tavus_mcp.journal.sqlite_database import SqliteDatabase

JournalLocation = Path | PostgresLocation
"""The path of the file of a journal, or its database."""
UNUSABLE = (sqlite3.Error, DatabaseError, OSError)
"""What is raised when a journal cannot be opened, read or written."""


def open_database(location: JournalLocation) -> Database:
    """Open the journal at a location, or create it.

    Raises one of ``UNUSABLE`` when that fails, ``NewerJournal`` when it was written by a newer
    version.
    """
    if isinstance(location, PostgresLocation):
        return PostgresDatabase.open(location)
    return SqliteDatabase.open(location)


def open_unchanged(location: JournalLocation) -> Database | None:
    """Open the journal at a location for reading; return None when there is none.

    Raises like ``open_database``.
    """
    if isinstance(location, PostgresLocation):
        return PostgresDatabase.open_unchanged(location)
    return SqliteDatabase.open_unchanged(location) if location.exists() else None


def anchor_base(location: JournalLocation) -> Path:
    """Return the path that the anchor of a journal is beside."""
    return location if isinstance(location, Path) else location.anchor_base
