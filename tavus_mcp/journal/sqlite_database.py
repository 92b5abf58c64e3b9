"""The journal in a file: SQLite with a write-ahead log, which several servers may share."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tavus_mcp.journal.database import (
    LOCK_TIMEOUT_SECONDS,
    SHORT_LOCK_TIMEOUT_SECONDS,
    Database,
    JournalReplacedError,
    NewerJournal,
)
from tavus_mcp.journal.migrations import (
    MIGRATIONS,
    allow_rewriting,
    forbid_rewriting,
    migrate,
    version_of,
)

_MAX_WAL_ATTEMPTS = 200
_MAX_INTEGRITY_ROWS = 5
"""Lines of SQLite's own report that are repeated."""


class SqliteDatabase(Database):
    """A file with mode 0600; it is watched while it is open."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._files = (str(path), f"{path}-wal")  # the file and its write-ahead log
        self._identities: Sequence[object] | None = None
        self._sizes = [0, 0]
        self._lock_timeout = 0.0
        self.anchor_base = path
        self.name = str(path)

    @classmethod
    def open(cls, path: Path) -> SqliteDatabase:
        """Open the file and bring it up to date, or create it in a folder with mode 0700.

        Raises ``OSError`` or ``sqlite3.Error`` when that fails, ``NewerJournal`` when the file was
        written by a newer version.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        connection = sqlite3.connect(
            path, timeout=LOCK_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        with ExitStack() as undo:
            undo.callback(connection.close)
            _use_wal(connection)
            migrate(connection)
            undo.pop_all()
        return cls(connection, path)

    @classmethod
    def open_unchanged(cls, path: Path) -> SqliteDatabase:
        """Open a file for reading, of whichever version.

        Raises ``NewerJournal`` when it was written by a newer version.
        """
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
        connection.isolation_level = None
        with ExitStack() as undo:
            undo.callback(connection.close)
            if version_of(connection) > len(MIGRATIONS):
                raise NewerJournal(version_of(connection), len(MIGRATIONS))
            undo.pop_all()
        return cls(connection, path)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement, in the open transaction or in one of its own."""
        return self._connection.execute(statement, values)

    def stream(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a query; SQLite always reads a few rows at a time."""
        return self._connection.execute(query, values)

    @contextmanager
    def write(self, *, sync: bool = False) -> Iterator[None]:
        """Hold the write lock of the file for a transaction."""
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
        with self._connection:
            self._take_lock()
            yield

    def _take_lock(self) -> None:
        """Begin a transaction that writes; wait shorter after another process was in the way."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            self._set_lock_timeout(SHORT_LOCK_TIMEOUT_SECONDS)
            raise
        self._set_lock_timeout(LOCK_TIMEOUT_SECONDS)

    def _set_lock_timeout(self, seconds: float) -> None:
        if seconds != self._lock_timeout:
            self._connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
            self._lock_timeout = seconds

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one state of the file in this block."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    @contextmanager
    def allow_rewriting(self) -> Iterator[None]:
        """Drop the triggers that forbid it, for this block, and overwrite what is deleted."""
        self._connection.execute("PRAGMA secure_delete = ON")
        allow_rewriting(self._connection)
        yield
        forbid_rewriting(self._connection)

    def compact(self) -> bool:
        """Rewrite the file and its log; another process that uses them prevents that."""
        try:
            self._connection.execute("VACUUM")
        except sqlite3.OperationalError:  # it waited for a writer in vain
            return False
        is_busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy

    def integrity_faults(self) -> list[str]:
        """Return the first lines of SQLite's report, if it found damage."""
        rows = self._connection.execute(f"PRAGMA integrity_check({_MAX_INTEGRITY_ROWS})").fetchall()
        return [f"SQLite reports: {row[0]}" for row in rows if row[0] != "ok"]

    @property
    def version(self) -> int:
        """The version of the tables."""
        return version_of(self._connection)

    def require_unchanged(self) -> None:
        """Raise ``JournalReplacedError`` when the file was replaced or cut since the first call."""
        found = [_find_status(file) for file in self._files]
        current = [status and (status.st_dev, status.st_ino) for status in found]
        if self._identities is None:
            self._identities = current
        if current != self._identities:
            raise JournalReplacedError(
                "the file was deleted or replaced while this server ran",
                "Put the file back, with its -wal file, if you have it. Then restart the server.",
            )
        if self._is_cut([status.st_size if status else 0 for status in found]):
            raise JournalReplacedError(
                "the file was cut off while this server ran",
                "Put the whole file back, or move it away with its -wal and .anchor files to begin "
                "anew. Then restart the server.",
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _is_cut(self, sizes: list[int]) -> bool:
        """Tell whether a file has become shorter, and is not whole: ``compact`` shortens both too.

        This connection would not notice, as it has read most pages before.
        """
        if any(size < known for size, known in zip(sizes, self._sizes, strict=True)):
            try:
                with closing(SqliteDatabase.open_unchanged(self.anchor_base)) as database:
                    is_whole = database.version > 0 and not database.integrity_faults()
            except sqlite3.DatabaseError:
                is_whole = False
            if not is_whole:
                return True
        self._sizes = sizes
        return False


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn on write-ahead logging.

    Retries by hand: SQLite's busy timeout does not apply while another process switches the mode.
    """
    for _ in range(_MAX_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            time.sleep(LOCK_TIMEOUT_SECONDS / _MAX_WAL_ATTEMPTS)
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")


def _find_status(file: str) -> os.stat_result | None:
    try:
        return os.stat(file)  # noqa: PTH116 - it is called before every use of the journal
    except FileNotFoundError:
        return None
