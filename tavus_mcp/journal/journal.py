"""The journal: an append-only, hash-chained SQLite file that several servers may share.

An entry is appended in one transaction that holds the write lock, so that every entry names the
one before it. A process that is killed leaves whole entries or none.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import anyio.to_thread

from tavus_mcp.errors import JournalReplaced, JournalUnavailable
from tavus_mcp.journal import anchor, rows
from tavus_mcp.journal.anchor import AnchorLine
from tavus_mcp.journal.entry import GENESIS, JournalEntry
from tavus_mcp.journal.migrations import migrate
from tavus_mcp.journal.verification import is_anchored, verify_snapshot

P = ParamSpec("P")
R = TypeVar("R")
BUSY_TIMEOUT_SECONDS = 10.0
"""Seconds to wait for another process that is writing."""
_MAX_WAL_ATTEMPTS = 200
_SYNCED_KINDS = frozenset({"intent", "used"})
"""Entries that are on the disk before the request that they announce is sent."""
_logger = logging.getLogger(__name__)


class FileReplaced(Exception):
    """The file of the journal was deleted or replaced while it was open."""


class JournalStore:
    """The synchronous store: safe to use from several threads and processes.

    ``Journal`` is its asynchronous form. Commands that run outside an event loop use it directly.
    """

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._lock = threading.Lock()
        (self._journal_id,) = db.execute("SELECT journal_id FROM identity").fetchone()
        self._identities = self._current_identities()

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
            migrate(db)
            _renew_anchor(db, path)
            store = cls(db, path)
            undo.pop_all()
        return store

    def require_same_file(self) -> None:
        """Raise ``FileReplaced`` when the file was deleted or replaced since it was opened."""
        if self._current_identities() != self._identities:
            raise FileReplaced

    def append(self, entry: JournalEntry) -> JournalEntry:
        """Append an entry; return it with its number, its parent and its digest."""
        with self._transaction(sync=entry.kind in _SYNCED_KINDS) as append:
            return append(entry)

    def mark_used(self, entry: JournalEntry, *, previous_use_seq: int = 0) -> JournalEntry | None:
        """Append a ``used`` entry for a persona of a plan; None when there is one already.

        ``previous_use_seq`` is the number of an earlier ``used`` entry whose write was not carried
        out, so that another may follow it; 0 without one.
        """
        query = (
            "SELECT coalesce(max(seq), 0) FROM entries"
            " WHERE ref = ? AND kind = 'used' AND persona_id = ?"
        )
        with self._transaction(sync=True) as append:
            latest = self._db.execute(query, (entry.ref, entry.persona_id)).fetchone()[0]
            return append(entry) if latest == previous_use_seq else None

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

    def open_intents(self, persona_id: str) -> list[JournalEntry]:
        """Return the intents of a persona that have no outcome, oldest first."""
        return self._read(
            "WHERE persona_id = ? AND kind = 'intent' AND NOT EXISTS"
            " (SELECT 1 FROM entries o WHERE o.ref > 0 AND o.ref = e.seq AND o.kind = 'outcome')"
            " ORDER BY seq",
            (persona_id,),
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
        """Return one sentence per fault of the journal, none when it is intact."""
        lines = anchor.read_anchor(self._path)
        with self._lock:
            return list(verify_snapshot(self._db, self._path, lines).faults)

    def _current_identities(self) -> list[tuple[int, int] | None]:
        """Return what identifies the file and its write-ahead log on this machine."""
        wal_path = self._path.with_name(f"{self._path.name}-wal")
        return [_file_identity(path) for path in (self._path, wal_path)]

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
        self._db.execute(rows.INSERT, rows.to_row(placed))
        self._db.execute("UPDATE head SET seq = ?, digest = ?", (placed.seq, placed.digest))
        return placed

    @contextmanager
    def _transaction(self, *, sync: bool) -> Iterator[Callable[[JournalEntry], JournalEntry]]:
        """Hold the write lock; yield the function that appends, and advance the anchor at the end.

        ``sync`` waits until the entries are on the disk. Others may be lost with the power, but
        only together with all that follow, which the chain and the anchor show.
        """
        newest: list[JournalEntry] = []

        def append(entry: JournalEntry) -> JournalEntry:
            newest[:] = [self._append(entry)]
            return newest[0]

        with self._lock:
            self._db.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                yield append
            for entry in newest:
                line = AnchorLine(self._journal_id, entry.seq, entry.digest)
                anchor.advance(self._path, line, sync=sync)

    def _read(
        self, clauses: str, values: Sequence[Any], *, bodies: bool = False
    ) -> list[JournalEntry]:
        with self._lock:
            return list(rows.read_entries(self._db, clauses, values, bodies=bodies))


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


def _renew_anchor(db: sqlite3.Connection, path: Path) -> None:
    """Add a line to the anchor unless its last one is of this journal and agrees with it."""
    last = anchor.read_anchor(path)[-1:]
    db.execute("BEGIN")
    (journal_id,) = db.execute("SELECT journal_id FROM identity").fetchone()
    seq, digest = db.execute("SELECT seq, digest FROM head").fetchone()
    is_valid = bool(last) and last[0].journal_id == journal_id and is_anchored(db, last[0])
    db.execute("COMMIT")
    if is_valid:
        return
    if last:
        _logger.warning(
            "The journal %s does not hold the %d entries that its anchor names: it was deleted, "
            "replaced or cut off. The command tavus-mcp journal verify tells more.",
            path,
            last[0].seq,
        )
    anchor.append_line(path, AnchorLine(journal_id, seq, digest))


def _file_identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _in_thread(
    method: Callable[Concatenate[JournalStore, P], R],
) -> Callable[Concatenate[Journal, P], Awaitable[R]]:
    """Return a method of ``Journal`` that runs a method of its store in a worker thread."""

    @wraps(method)
    async def run(journal: Journal, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await anyio.to_thread.run_sync(
                lambda: method(journal._checked_store(), *args, **kwargs)  # noqa: SLF001 - a method of it
            )
        except FileReplaced:
            raise JournalReplaced(str(journal.path)) from None
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
    open_intents = _in_thread(JournalStore.open_intents)
    latest_entry = _in_thread(JournalStore.latest_entry)
    entry = _in_thread(JournalStore.entry)
    states = _in_thread(JournalStore.states)
    digests_of_revision = _in_thread(JournalStore.digests_of_revision)

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._store is not None:
            self._store.close()

    def _checked_store(self) -> JournalStore:
        if self._store is None:
            self._store = JournalStore.open(self.path)
        self._store.require_same_file()
        return self._store
