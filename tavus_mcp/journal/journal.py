"""The journal: an append-only, hash-chained SQLite file that several servers may share.

A line is appended in one transaction that holds the write lock, so that every line names the line
before it. A process that is killed leaves whole lines or none.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import anyio.to_thread

from tavus_mcp.errors import JournalUnavailable
from tavus_mcp.journal.entry import GENESIS, JournalEntry, digest_of
from tavus_mcp.journal.migrations import migrate

T = TypeVar("T", list[Any], dict[str, Any])
BUSY_TIMEOUT_SECONDS = 10.0
"""Seconds to wait for another process that is writing."""
_MAX_WAL_ATTEMPTS = 200
_COLUMNS = "seq, kind, persona_id, at, tool, status, revision, paths, ref, detail, parent, digest"


class JournalStore:
    """Appends lines and reads them back; safe to use from several threads and processes."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> JournalStore:
        """Open or make the file: its folder 0700, itself 0600.

        Raises ``OSError`` or ``sqlite3.Error`` when that cannot be, ``ValueError`` when the file
        was written by a newer program.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        db = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        with ExitStack() as undo:
            undo.callback(db.close)
            _use_wal(db)
            db.execute("PRAGMA synchronous = NORMAL")
            migrate(db)
            undo.pop_all()
        return cls(db)

    def append(self, entry: JournalEntry) -> JournalEntry:
        """Append a line; return it with its number, its parent and its digest."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return self._append(entry)

    def mark_used(self, entry: JournalEntry, *, previous_use_seq: int = 0) -> JournalEntry | None:
        """Append a ``used`` line for a persona of a plan; None when there is one already.

        ``after`` is the number of an earlier claim that came to nothing and may be followed.
        """
        query = (
            "SELECT coalesce(max(seq), 0) FROM entries"
            " WHERE ref = ? AND kind = 'used' AND persona_id = ?"
        )
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            latest = self._db.execute(query, (entry.ref, entry.persona_id)).fetchone()[0]
            return self._append(entry) if latest == previous_use_seq else None

    def descendants(self, seq: int) -> list[JournalEntry]:
        """Return the lines that go back to a line, first to last, without their documents."""
        return self._read(
            "WHERE seq IN (WITH RECURSIVE tree(seq) AS (SELECT e.seq FROM entries e WHERE e.ref = ?"
            " UNION SELECT e.seq FROM entries e JOIN tree ON e.ref = tree.seq)"
            " SELECT seq FROM tree) ORDER BY seq",
            (seq,),
        )

    def is_used(self, seq: int) -> bool:
        """Tell whether the plan of this line was carried out, or begun."""
        query = "SELECT 1 FROM entries WHERE ref = ? AND kind = 'used'"
        with self._lock:
            return self._db.execute(query, (seq,)).fetchone() is not None

    def entries_of_persona(
        self, persona_id: str, *, before: int | None = None
    ) -> list[JournalEntry]:
        """Return the lines of a persona, newest first, without their documents."""
        return self._read(
            "WHERE persona_id = ? AND seq < ? ORDER BY seq DESC",
            (persona_id, before if before is not None else 2**62),
        )

    def latest_entry(self, persona_id: str) -> JournalEntry | None:
        """Return the newest line that tells a persona's revision, or None."""
        found = self._read(
            "WHERE persona_id = ? AND kind IN ('seen', 'outcome') AND revision != ''"
            " ORDER BY seq DESC LIMIT 1",
            (persona_id,),
        )
        return found[0] if found else None

    def entry(self, seq: int) -> JournalEntry | None:
        """Return one line with its document, or None."""
        found = self._read("WHERE seq = ?", (seq,), bodies=True)
        return found[0] if found else None

    def document(self, persona_id: str, revision: str) -> dict[str, Any] | None:
        """Return a persona as it was at a revision, or None when the journal never saw it."""
        found = self._read(
            "WHERE persona_id = ? AND revision = ? AND body != '' ORDER BY seq DESC LIMIT 1",
            (persona_id, revision),
            bodies=True,
        )
        return dict(json.loads(found[0].body)) if found else None

    def entries(self) -> Iterator[JournalEntry]:
        """Return every line from the first to the last, with its document."""
        yield from self._read("ORDER BY seq", (), bodies=True)

    def verify(self) -> list[str]:
        """Return what is wrong with the chain; nothing when every line is as it was written."""
        faults, parent, expected = [], GENESIS, 1
        for line in self.entries():
            if line.seq != expected:
                faults.append(f"line {expected} is missing")
            if line.parent != parent:
                faults.append(f"line {line.seq} does not follow the line before it")
            if line.digest != digest_of(line, line.body_digest):
                faults.append(f"line {line.seq} is not as it was written")
            parent, expected = line.digest, line.seq + 1
        with self._lock:
            head = self._db.execute("SELECT seq, digest FROM head").fetchone()
        if head != (expected - 1, parent):
            faults.append(f"the journal ended at line {head[0]} once; it is cut off or altered")
        return faults

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _append(self, entry: JournalEntry) -> JournalEntry:
        last = self._db.execute("SELECT seq, digest FROM entries ORDER BY seq DESC LIMIT 1")
        seq, parent = last.fetchone() or (0, GENESIS)
        placed = entry.with_position(seq + 1, parent)
        if placed.body:
            self._db.execute(
                "INSERT INTO documents SELECT ?1, ?2"
                " WHERE NOT EXISTS (SELECT 1 FROM documents WHERE digest = ?1)",
                (placed.body_digest, placed.body),
            )
        self._db.execute(
            f"INSERT INTO entries ({_COLUMNS}, body) VALUES ({', '.join('?' * 13)})",  # noqa: S608
            _to_row(placed),
        )
        self._db.execute("UPDATE head SET seq = ?, digest = ?", (placed.seq, placed.digest))
        return placed

    def _read(
        self, where: str, values: Iterable[Any], *, bodies: bool = False
    ) -> list[JournalEntry]:
        # Only column names and our own clauses are put into the text of the query.
        body = "coalesce((SELECT d.body FROM documents d WHERE d.digest = e.body), '')"
        query = f"SELECT {_COLUMNS}, {body if bodies else repr('')} FROM entries e {where}"  # noqa: S608
        with self._lock:
            rows = self._db.execute(query, tuple(values)).fetchall()
        return [_entry_from_row(row) for row in rows]


def _use_wal(db: sqlite3.Connection) -> None:
    """Turn on write-ahead logging; SQLite does not wait here while another process does it."""
    for _ in range(_MAX_WAL_ATTEMPTS):
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            time.sleep(BUSY_TIMEOUT_SECONDS / _MAX_WAL_ATTEMPTS)
        else:
            return
    db.execute("PRAGMA journal_mode = WAL")


def _to_row(entry: JournalEntry) -> tuple[Any, ...]:
    return (
        entry.seq,
        entry.kind,
        entry.persona_id,
        entry.at,
        entry.tool,
        entry.status,
        entry.revision,
        json.dumps(entry.paths),
        entry.ref,
        json.dumps(entry.detail),
        entry.parent,
        entry.digest,
        entry.body_digest,
    )


def _entry_from_row(row: tuple[Any, ...]) -> JournalEntry:
    named = dict(zip([*_COLUMNS.split(", "), "body"], row, strict=True))
    paths, detail = (
        _parse_column(named.pop("paths"), list),
        _parse_column(named.pop("detail"), dict),
    )
    return JournalEntry(paths=tuple(paths), detail=detail, **named)


def _parse_column(text: str, kind: type[T]) -> T:
    """Read a column; what was altered so that it cannot be read no longer fits its digest."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, kind):
        return value
    return kind([("altered", text)])


R = TypeVar("R")


class Journal:
    """One journal file, used from threads; every method raises ``NotRecorded`` when it cannot."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store: JournalStore | None = None

    async def append(self, entry: JournalEntry) -> JournalEntry:
        """Append a line; return it as it was placed."""
        return await self._run_in_thread(lambda journal: journal.append(entry))

    async def mark_used(
        self, entry: JournalEntry, *, previous_use_seq: int = 0
    ) -> JournalEntry | None:
        """Mark a plan as used for a persona; None when it was already, since ``after``."""
        return await self._run_in_thread(
            lambda journal: journal.mark_used(entry, previous_use_seq=previous_use_seq)
        )

    async def descendants(self, seq: int) -> list[JournalEntry]:
        """Return the lines that go back to a line: the claims of a plan, and what came of them."""
        return await self._run_in_thread(lambda journal: journal.descendants(seq))

    async def is_used(self, seq: int) -> bool:
        """Tell whether a plan was carried out."""
        return await self._run_in_thread(lambda journal: journal.is_used(seq))

    async def entries_of_persona(
        self, persona_id: str, *, before: int | None = None
    ) -> list[JournalEntry]:
        """Return the lines of a persona, newest first."""
        return await self._run_in_thread(
            lambda journal: journal.entries_of_persona(persona_id, before=before)
        )

    async def latest_entry(self, persona_id: str) -> JournalEntry | None:
        """Return the newest line that tells a persona's revision."""
        return await self._run_in_thread(lambda journal: journal.latest_entry(persona_id))

    async def entry(self, seq: int) -> JournalEntry | None:
        """Return one line with its document."""
        return await self._run_in_thread(lambda journal: journal.entry(seq))

    async def document(self, persona_id: str, revision: str) -> dict[str, Any] | None:
        """Return a persona as it was at a revision."""
        return await self._run_in_thread(lambda journal: journal.document(persona_id, revision))

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._store is not None:
            self._store.close()

    async def _run_in_thread(self, work: Callable[[JournalStore], R]) -> R:
        try:
            return await anyio.to_thread.run_sync(lambda: work(self._open_store()))
        except (sqlite3.Error, OSError, ValueError) as error:
            raise JournalUnavailable(str(self.path), str(error)) from error

    def _open_store(self) -> JournalStore:
        if self._store is None:
            self._store = JournalStore.open(self.path)
        return self._store
