"""The files that users have: a sandbox's state and a journal, read and written as plain SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from running_server import JOURNAL, STATE


def rows(path: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return what a query finds in a file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        return db.execute(query, values).fetchall()


def stored(data: Path, kind: str) -> dict[str, Any]:
    """Return the documents of a kind in a sandbox's state, by id, in the order they were made."""
    found = rows(data / STATE, "SELECT id, json FROM item WHERE kind = ? ORDER BY seq", kind)
    return {key: json.loads(text) for key, text in found}


def store(data: Path, kind: str, key: str, row: Mapping[str, Any]) -> None:
    """Write a document into a sandbox's state, as if it had been changed elsewhere."""
    rows(
        data / STATE,
        "INSERT INTO item (kind, id, json) VALUES (?, ?, ?)"
        " ON CONFLICT (kind, id) DO UPDATE SET json = excluded.json",
        *(kind, key, json.dumps(row)),
    )


def edit(data: Path, persona_id: str, fields: Mapping[str, Any]) -> None:
    """Change fields of a persona elsewhere; a None removes the field."""
    row = {**stored(data, "persona")[persona_id], **fields}
    changed = {key: value for key, value in row.items() if value is not None}
    store(data, "persona", persona_id, changed)


def journalled(data: Path) -> dict[str, list[str]]:
    """Return the revisions of each persona that a journal holds, in the order they were met."""
    found: dict[str, list[str]] = {}
    query = "SELECT persona_id, revision FROM entries WHERE persona_id != '' ORDER BY seq"
    for persona_id, revision in rows(data / JOURNAL, query):
        revisions = found.setdefault(persona_id, [])
        if revision and revision not in revisions:
            revisions.append(revision)
    return found


def compact(paths: Iterable[Path]) -> None:
    """Make each file one small file, without what SQLite keeps beside it."""
    for path in paths:
        rows(path, "PRAGMA wal_checkpoint(TRUNCATE)")
        rows(path, "PRAGMA journal_mode = DELETE")
        rows(path, "VACUUM")
