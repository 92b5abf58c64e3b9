"""The journal in PostgreSQL, so that servers on several machines share one history.

It needs the extra ``postgres`` (psycopg 3), which is imported when a database is opened. One
thread at a time uses it, so that one connection is enough. The tables are in a schema of their
own. Appends are serialized by an advisory lock, which ends with the transaction, so that a killed
process leaves whole entries or none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tavus_mcp.journal.database import (
    Database,
    DatabaseError,
    JournalReplacedError,
    NewerJournal,
)
from tavus_mcp.journal.migrations import MIGRATIONS
from tavus_mcp.journal.postgres_connection import ConnectionAttempts, PostgresConnection
from tavus_mcp.journal.postgres_schema import SCHEMA, create_tables, find_version

if TYPE_CHECKING:
    import psycopg

_STREAMED_ROWS = 500
"""Rows of a streamed query that are in memory at a time."""
_APPEND_LOCK = int.from_bytes(b"tavusmcp", "big", signed=True)
"""The key of the advisory lock that a writer holds."""
_LOCK = b"SELECT pg_advisory_xact_lock(%s), set_config('synchronous_commit', %s, true)"
_LOCK_AND_IDENTIFY = _LOCK + b", (SELECT version FROM version), (SELECT journal_id FROM identity)"
_REPLACED = (
    "its tables were removed or replaced while this server ran",
    "Restart the server to use the journal that is there now.",
)
_COMMITS = {True: "on", False: "off"}
"""Whether a commit waits for the disk, as PostgreSQL's setting ``synchronous_commit``."""
_ALLOW_REWRITING = "SELECT set_config('tavus_mcp.rewriting', ?, true)"
_INSERTED_ROWS = 1_000
"""Rows that are inserted in one go."""


@dataclass(frozen=True)
class PostgresLocation:
    """Where a journal in PostgreSQL is: its URL, and the folder for the anchor of this machine.

    ``attempts`` limits how often it is connected to while that fails.
    """

    url: str = field(repr=False)
    folder: Path
    attempts: ConnectionAttempts = field(
        default_factory=ConnectionAttempts, repr=False, compare=False
    )

    @property
    def name(self) -> str:
        """The URL without user, password and options, but with a host that is an option."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2] or "".join(parse_qs(parts.query).get("host", []))
        return f"postgresql://{host}{parts.path}"

    @property
    def anchor_base(self) -> Path:
        """The path that the anchor is beside."""
        digest = hashlib.sha256(self.name.encode()).hexdigest()[:12]
        return self.folder / f"journal-{digest}"

    def __str__(self) -> str:
        """Return the name."""
        return self.name


@dataclass
class _Result:
    """The rows of a statement, read as a whole."""

    description: Any
    _rows: list[Any]

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())


class PostgresDatabase(Database):
    """A connection to the database; one that was lost is replaced."""

    def __init__(self, location: PostgresLocation) -> None:
        self.anchor_base = location.anchor_base
        self.name = location.name
        self._connection = PostgresConnection(location.url, location.attempts)
        self._transaction: psycopg.Connection[Any] | None = None
        self._journal_id: str | None = None

    @classmethod
    def open(cls, location: PostgresLocation) -> PostgresDatabase:
        """Connect, and create the tables where there are none.

        Raises ``DatabaseError`` when that fails, ``NewerJournal`` when the tables were made by a
        newer version.
        """
        location.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as undo:
            db = cls(location)
            undo.callback(db.close)
            if db.require_known_version() == 0:
                with db._begin() as connection:
                    connection.execute(_LOCK, (_APPEND_LOCK, _COMMITS[True]))
                    create_tables(connection)
            undo.pop_all()
        return db

    @classmethod
    def open_unchanged(cls, location: PostgresLocation) -> PostgresDatabase | None:
        """Connect without creating anything; return None when there is no journal.

        Raises like ``open``.
        """
        with ExitStack() as undo:
            db = cls(location)
            undo.callback(db.close)
            if db.require_known_version() == 0:
                return None
            undo.pop_all()
        return db

    def require_known_version(self) -> int:
        """Return the version of the tables, 0 without any; refuse that of a newer program."""
        return _require_known(self.version)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> _Result:
        """Run a statement, in the open transaction or in one of its own."""
        with self._connection.translate_errors():
            cursor = self._current().execute(_translate(statement), values)
            rows = cursor.fetchall() if cursor.description else []
            return _Result(cursor.description, rows)

    def insert_rows(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run a statement for each row, many in one go; return how many there were."""
        count, rows = 0, iter(rows)
        with self._connection.translate_errors(), self._current().cursor() as cursor:
            while batch := list(islice(rows, _INSERTED_ROWS)):
                cursor.executemany(_translate(statement), batch)
                count += len(batch)
        return count

    @contextmanager
    def long_work(self) -> Iterator[None]:
        """Let the statements in this block take as long as they need; for commands."""
        with self._connection.translate_errors(), self._connection.long_work():
            yield

    def stream(self, query: str, values: Sequence[Any] = ()) -> _Stream:
        """Run a query in the open transaction with a cursor of the server."""
        if self._transaction is None:
            raise RuntimeError("stream is used in snapshot only")
        return _Stream(self._transaction, query, values)

    @contextmanager
    def write(self, *, sync: bool = False) -> Iterator[None]:
        """Hold the advisory lock for a transaction.

        Raises ``NewerJournal`` when a newer program has changed the tables meanwhile, and
        ``JournalReplacedError`` when they hold another journal.
        """
        with self._begin() as connection:
            cursor = connection.execute(_LOCK_AND_IDENTIFY, (_APPEND_LOCK, _COMMITS[sync]))
            _, _, version, journal_id = cursor.fetchone() or (None, None, 0, None)
            _require_known(version)
            self._journal_id = self._journal_id or journal_id
            if journal_id != self._journal_id:
                raise JournalReplacedError(*_REPLACED)
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one state of the database in this block."""
        with self._begin() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield

    @contextmanager
    def allow_rewriting(self) -> Iterator[None]:
        """Set the variable that the triggers ask for, for this block."""
        with self._connection.translate_errors(), self._connection.long_work():
            self.execute(_ALLOW_REWRITING, ("on",))
            yield
            self.execute(_ALLOW_REWRITING, ("off",))

    def compact(self) -> bool:
        """Write the tables anew; copies outside of them are not in our hands."""
        statement = f"VACUUM (FULL) {SCHEMA}.entries, {SCHEMA}.documents"
        try:
            with self.long_work():
                self._current().execute(statement.encode())
        except DatabaseError:  # others use the tables, or the disk is full
            return False
        return True

    def integrity_faults(self) -> list[str]:
        """Return none: PostgreSQL checks its pages when it reads them."""
        return []

    @property
    def version(self) -> int:
        """The version of the tables."""
        with self._connection.translate_errors():
            return find_version(self._current())

    def require_unchanged(self) -> None:
        """Accept whatever the server answers: it is the server's task to keep the database."""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def _begin(self) -> Iterator[psycopg.Connection[Any]]:
        with self._connection.translate_errors():
            connection = self._connection.get()
            with connection.transaction():
                self._transaction = connection
                try:
                    yield connection
                finally:
                    self._transaction = None

    def _current(self) -> psycopg.Connection[Any]:
        """Return the connection of the open transaction, else one that commits each statement."""
        return self._transaction or self._connection.get()


class _Stream:
    """The rows of a query, fetched a few at a time by a cursor of the server."""

    def __init__(
        self, connection: psycopg.Connection[Any], query: str, values: Sequence[Any]
    ) -> None:
        self._cursor = connection.cursor(name="journal")
        self._cursor.itersize = _STREAMED_ROWS
        self._cursor.execute(_translate(query), values)
        self.description = self._cursor.description

    def fetchone(self) -> Any:
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        return list(self)

    def __iter__(self) -> Iterator[Any]:
        with self._cursor as rows:
            yield from rows


def _require_known(version: int) -> int:
    if version > len(MIGRATIONS):
        raise NewerJournal(version, len(MIGRATIONS))
    return version


def _translate(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()
