"""The state of the sandbox: one SQLite table of JSON documents.

Several processes may share one file: a change is read and written inside one ``BEGIN IMMEDIATE``
transaction, so that no change overwrites another.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tavus_mcp.sandbox.data_files import read_toml

_PROVENANCE_FIELDS = frozenset({"source", "checked_on"})
Row = dict[str, Any]

_SCHEMA_SQL = """
CREATE TABLE IF NOT EXISTS item (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (kind, id)
)
"""

_INSERT_SQL = "INSERT INTO item (kind, id, json) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_UPSERT_SQL = """
INSERT INTO item (kind, id, json) VALUES (?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE SET json = excluded.json
"""

# One statement answers every list; filters are bound as JSON, so that no text enters the SQL.
_PAGE_SQL = """
WITH hit AS MATERIALIZED (
    SELECT seq FROM item WHERE kind = :kind
    AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
    AND (:equals IS NULL OR NOT EXISTS (
        SELECT 1 FROM json_each(:equals) AS want
        WHERE json_extract(item.json, '$.' || want.key) IS NOT want.value))
    AND (:text IS NULL OR EXISTS (
        SELECT 1 FROM json_each(:text_in) AS place
        WHERE instr(lower(json_extract(item.json, '$.' || place.value)), lower(:text))))
    AND (:tags IS NULL OR NOT EXISTS (
        SELECT 1 FROM json_each(:tags) AS want
        WHERE want.value NOT IN (SELECT value FROM json_each(item.json, '$.tags'))))
), page AS (
    SELECT seq FROM hit ORDER BY seq * :direction LIMIT :limit OFFSET :offset
)
SELECT (SELECT count(*) FROM hit), (SELECT '[' || coalesce(group_concat(json), '') || ']' FROM (
    SELECT json FROM item WHERE seq IN page ORDER BY seq * :direction))
"""


@dataclass(frozen=True)
class Query:
    """A query for rows of a kind: filters, order, limit and offset."""

    kind: str
    equals: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    text_in: Sequence[str] = ()
    tags: Sequence[str] = ()
    ids: Sequence[str] | None = None
    newest_first: bool = False
    limit: int = -1
    offset: int = 0

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the statement; an unused filter is null."""
        return {
            "kind": self.kind,
            "ids": None if self.ids is None else json.dumps(list(self.ids)),
            "equals": json.dumps(dict(self.equals)) if self.equals else None,
            "text": self.text or None,
            "text_in": json.dumps(list(self.text_in)),
            "tags": json.dumps(list(self.tags)) if self.tags else None,
            "direction": -1 if self.newest_first else 1,
            "limit": self.limit,
            "offset": self.offset,
        }


class Store:
    """JSON documents by kind and id, in the order of their creation."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path | None) -> Store:
        """Open the state file, private to its owner, or a state in memory for ``None``."""
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            path.chmod(0o600)
        connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA busy_timeout = 10000")
        store = cls(connection)
        try:
            store._prepare()
        except sqlite3.Error:
            connection.close()
            raise
        return store

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def write_transaction(self) -> Iterator[None]:
        """Lock the file for one read-modify-write; an exception inside rolls all of it back."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield

    def get(self, kind: str, key: str) -> Row | None:
        """Return one document, or None; ids are ASCII."""
        if not key.isascii():
            return None
        with self._lock:
            record = self._connection.execute(
                "SELECT json FROM item WHERE kind = ? AND id = ?", (kind, key)
            ).fetchone()
        return None if record is None else _parse_row(record[0])

    def page(self, query: Query) -> tuple[list[Row], int]:
        """Return the requested page and the total number of rows."""
        with self._lock:
            total, page = self._connection.execute(_PAGE_SQL, query.parameters()).fetchone()
        rows: list[Row] = json.loads(page)
        return rows, int(total)

    def all(self, kind: str) -> list[Row]:
        """Return every document of a kind, oldest first."""
        return self.page(Query(kind))[0]

    def put(self, kind: str, key: str, row: Row) -> None:
        """Write a document; an existing one keeps its position in the order."""
        with self._lock:
            # ASCII, so that lone surrogates survive: SQLite's text must be UTF-8
            self._connection.execute(_UPSERT_SQL, (kind, key, json.dumps(row)))

    def remove(self, kind: str, key: str) -> bool:
        """Delete a document; return True if there was one."""
        with self._lock:
            cursor = self._connection.execute(
                "DELETE FROM item WHERE kind = ? AND id = ?", (kind, key)
            )
        return cursor.rowcount > 0

    def _prepare(self) -> None:
        mode = self._connection.execute("PRAGMA journal_mode").fetchone()[0]
        if mode != "wal":
            self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self.write_transaction():
            self._connection.execute(_SCHEMA_SQL)
            self._connection.executemany(_INSERT_SQL, _render_stock_entries())


def _parse_row(text: str) -> Row:
    row: Row = json.loads(text)
    return row


def stock_entries() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield ``(kind, id, document)`` of each stock entry (docs: stock-personas, stock-replicas)."""
    for kind, entries in read_toml("seeds.toml").items():
        for entry in entries:
            row = {key: value for key, value in entry.items() if key not in _PROVENANCE_FIELDS}
            yield kind, str(row[f"{kind}_id"]), row


@cache
def _render_stock_entries() -> list[tuple[str, str, str]]:
    return [(kind, key, json.dumps(row)) for kind, key, row in stock_entries()]
