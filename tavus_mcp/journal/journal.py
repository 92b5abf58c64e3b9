"""The journal: an append-only, hash-chained SQLite file that several servers may share.

An entry is appended in one transaction that holds the write lock, so that every entry names the
one before it. A process that is killed leaves whole entries or none.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import anyio.to_thread

from tavus_mcp.errors import JournalUnavailable
from tavus_mcp.journal.entry import GENESIS, JournalEntry, digest_of
from tavus_mcp.journal.migrations import migrate

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T", list[Any], dict[str, Any])
BUSY_TIMEOUT_SECONDS = 10.0
"""Seconds to wait for another process that is writing."""
_MAX_WAL_ATTEMPTS = 200
_COLUMNS = (
    "seq, kind, persona_id, at, tool, status, revision, paths, ref, detail, parent, digest,"
    " revision_digest, masked, account, author, format"
)
_PLACEHOLDERS = ", ".join("?" * (_COLUMNS.count(",") + 2))


class JournalStore:
    """The synchronous store: safe to use from several threads and processes.

    ``Journal`` is its asynchronous form. Commands that run outside an event loop use it directly.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> JournalStore:
        """Open the file, or create it with mode 0600 in a folder with mode 0700.

        Raises ``OSError`` or ``sqlite3.Error`` when that fails, ``ValueError`` when the file was
        written by a newer version.
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
        """Append an entry; return it with its number, its parent and its digest."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return self._append(entry)

    def mark_used(self, entry: JournalEntry, *, previous_use_seq: int = 0) -> JournalEntry | None:
        """Append a ``used`` entry for a persona of a plan; None when there is one already.

        ``previous_use_seq`` is the number of an earlier ``used`` entry whose write was not carried
        out, so that another may follow it; 0 without one.
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
        """Return the entries that refer to an entry, directly or not, oldest first.

        They come without their documents.
        """
        return self._read(
            "WHERE seq IN (WITH RECURSIVE tree(seq) AS (SELECT e.seq FROM entries e WHERE e.ref = ?"
            " UNION SELECT e.seq FROM entries e JOIN tree ON e.ref = tree.seq)"
            " SELECT seq FROM tree) ORDER BY seq",
            (seq,),
        )

    def is_used(self, seq: int) -> bool:
        """Tell whether the plan in this entry was marked as used."""
        query = "SELECT 1 FROM entries WHERE ref = ? AND kind = 'used'"
        with self._lock:
            return self._db.execute(query, (seq,)).fetchone() is not None

    def entries_of_persona(
        self, persona_id: str, *, before: int | None = None
    ) -> list[JournalEntry]:
        """Return the entries of a persona, newest first, without their documents."""
        return self._read(
            "WHERE persona_id = ? AND seq < ? ORDER BY seq DESC",
            (persona_id, before if before is not None else 2**62),
        )

    def latest_entry(self, persona_id: str) -> JournalEntry | None:
        """Return the newest entry that holds a revision of a persona, or None."""
        rows = self._read(
            "WHERE persona_id = ? AND kind IN ('seen', 'outcome') AND revision != ''"
            " ORDER BY seq DESC LIMIT 1",
            (persona_id,),
        )
        return rows[0] if rows else None

    def entry(self, seq: int) -> JournalEntry | None:
        """Return one entry with its document, or None."""
        rows = self._read("WHERE seq = ?", (seq,), bodies=True)
        return rows[0] if rows else None

    def states(self, persona_id: str, revision: str | None = None) -> list[JournalEntry]:
        """Return the entries that hold a state of an object, with it, newest first.

        ``revision`` selects those of that revision: 12 digits, as people see them.
        """
        query = "WHERE persona_id = ? AND body != '' AND revision = ? ORDER BY seq DESC"
        if revision is None:
            return self._read(query.replace("AND revision = ? ", ""), (persona_id,), bodies=True)
        return self._read(query, (persona_id, revision), bodies=True)

    def digests_of_revision(self, persona_id: str, revision: str) -> set[str]:
        """Return the digests of the states of an object whose revision is this one."""
        query = (
            "SELECT DISTINCT revision_digest FROM entries"
            " WHERE persona_id = ? AND revision = ? AND revision_digest != ''"
        )
        with self._lock:
            return {row[0] for row in self._db.execute(query, (persona_id, revision))}

    def entries(self) -> Iterator[JournalEntry]:
        """Yield every entry, oldest first, with its document."""
        yield from self._read("ORDER BY seq", (), bodies=True)

    def verify(self) -> list[str]:
        """Check the hash chain; return one sentence per fault, none when nothing was altered."""
        faults, parent, expected = [], GENESIS, 1
        for entry in self.entries():
            if entry.seq != expected:
                faults.append(f"line {expected} is missing")
            if entry.parent != parent:
                faults.append(f"line {entry.seq} does not follow the line before it")
            if entry.digest != digest_of(entry, entry.body_digest):
                faults.append(f"line {entry.seq} is not as it was written")
            parent, expected = entry.digest, entry.seq + 1
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
            f"INSERT INTO entries ({_COLUMNS}, body) VALUES ({_PLACEHOLDERS})",  # noqa: S608
            _to_row(placed),
        )
        self._db.execute("UPDATE head SET seq = ?, digest = ?", (placed.seq, placed.digest))
        return placed

    def _read(
        self, where: str, values: Iterable[Any], *, bodies: bool = False
    ) -> list[JournalEntry]:
        # The query text is built from column names and clauses of this module only.
        body = "coalesce((SELECT d.body FROM documents d WHERE d.digest = e.body), '')"
        query = f"SELECT {_COLUMNS}, {body if bodies else repr('')} FROM entries e {where}"  # noqa: S608
        with self._lock:
            rows = self._db.execute(query, tuple(values)).fetchall()
        return [_entry_from_row(row) for row in rows]


def _use_wal(db: sqlite3.Connection) -> None:
    """Turn on write-ahead logging.

    Retries by hand: SQLite's busy timeout does not apply while another process switches the mode.
    """
    for _ in range(_MAX_WAL_ATTEMPTS):
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            time.sleep(BUSY_TIMEOUT_SECONDS / _MAX_WAL_ATTEMPTS)
        else:
            return
    db.execute("PRAGMA journal_mode = WAL")


def _to_row(entry: JournalEntry) -> tuple[Any, ...]:
    values = {name: getattr(entry, name) for name in _COLUMNS.split(", ")}
    values |= {name: json.dumps(values[name]) for name in ("paths", "detail")}
    values["masked"] = None if entry.masked is None else json.dumps(entry.masked)
    return (*values.values(), entry.body_digest)


def _entry_from_row(row: tuple[Any, ...]) -> JournalEntry:
    values = dict(zip([*_COLUMNS.split(", "), "body"], row, strict=True))
    values["paths"] = tuple(_parse_column(values["paths"], list))
    values["detail"] = _parse_column(values["detail"], dict)
    if values["masked"] is not None:
        values["masked"] = tuple(_parse_column(values["masked"], list))
    return JournalEntry(**values)


def _parse_column(text: str, kind: type[T]) -> T:
    """Return the JSON value of a column; of an altered one, a value that fails the digest check."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, kind):
        return value
    return kind([("altered", text)])


def _in_thread(
    method: Callable[Concatenate[JournalStore, P], R],
) -> Callable[Concatenate[Journal, P], Awaitable[R]]:
    """Return a method of ``Journal`` that runs a method of its store in a worker thread."""

    @wraps(method)
    async def run(journal: Journal, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await anyio.to_thread.run_sync(
                lambda: method(journal._open_store(), *args, **kwargs)  # noqa: SLF001 - a method of it
            )
        except (sqlite3.Error, OSError, ValueError) as error:
            raise JournalUnavailable(str(journal.path), str(error)) from error

    return run


class Journal:
    """One journal file for an event loop, opened at its first use.

    Every method runs in a worker thread and raises ``JournalUnavailable`` when the file cannot be
    used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store: JournalStore | None = None

    append = _in_thread(JournalStore.append)
    mark_used = _in_thread(JournalStore.mark_used)
    descendants = _in_thread(JournalStore.descendants)
    is_used = _in_thread(JournalStore.is_used)
    entries_of_persona = _in_thread(JournalStore.entries_of_persona)
    latest_entry = _in_thread(JournalStore.latest_entry)
    entry = _in_thread(JournalStore.entry)
    states = _in_thread(JournalStore.states)
    digests_of_revision = _in_thread(JournalStore.digests_of_revision)

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._store is not None:
            self._store.close()

    def _open_store(self) -> JournalStore:
        if self._store is None:
            self._store = JournalStore.open(self.path)
        return self._store
