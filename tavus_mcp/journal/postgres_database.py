"""The journal in PostgreSQL, so that servers on several machines share one history.

It needs the extra ``postgres`` (psycopg 3 and its pool), which is imported when a database is
opened. The tables are in a schema of their own. Appends are serialized by an advisory lock, which
ends with the transaction, so that a killed process leaves whole entries or none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tavus_mcp.journal.database import LOCK_TIMEOUT_SECONDS, Database, DatabaseError
from tavus_mcp.journal.migrations import MIGRATIONS
from tavus_mcp.journal.postgres_schema import SCHEMA, create_tables, find_version

if TYPE_CHECKING:
    import psycopg

CONNECT_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 30
_MAX_CONNECTIONS = 2
_STREAMED_ROWS = 500
"""Rows of a streamed query that are in memory at a time."""
_APPEND_LOCK = int.from_bytes(b"tavusmcp", "big", signed=True)
"""The key of the advisory lock that a writer holds."""
_ALLOW_REWRITING = "SELECT set_config('tavus_mcp.rewriting', ?, true)"


@dataclass(frozen=True)
class PostgresLocation:
    """Where a journal in PostgreSQL is: its URL, and the folder for the anchor of this machine."""

    url: str = field(repr=False)
    folder: Path

    @property
    def name(self) -> str:
        """The URL without user, password and options."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
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
    """A pool of connections to the database; broken ones are replaced."""

    def __init__(self, location: PostgresLocation) -> None:
        from psycopg_pool import ConnectionPool

        self.anchor_base = location.anchor_base
        self.name = location.name
        self._transaction: psycopg.Connection[Any] | None = None
        self._pool = ConnectionPool(
            location.url,
            kwargs=_CONNECTION_OPTIONS,
            configure=_configure,
            check=ConnectionPool.check_connection,
            min_size=1,
            max_size=_MAX_CONNECTIONS,
            timeout=CONNECT_TIMEOUT_SECONDS,
            num_workers=1,
            open=True,
        )

    @classmethod
    def open(cls, location: PostgresLocation) -> PostgresDatabase:
        """Connect, and create the tables where there are none.

        Raises ``DatabaseError`` when that fails, ``ValueError`` when the tables were made by a
        newer version.
        """
        location.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _connect(location.url) as connection:
            version = find_version(connection)
            if version == 0:
                with connection.transaction():
                    connection.execute(*_lock_statement())
                    create_tables(connection)
        if version > len(MIGRATIONS):
            raise ValueError("the journal was written by a newer version of tavus-mcp")
        return cls(location)

    @classmethod
    def open_unchanged(cls, location: PostgresLocation) -> PostgresDatabase | None:
        """Connect without creating anything; return None when there is no journal.

        Raises like ``open``.
        """
        with _connect(location.url) as connection:
            version = find_version(connection)
        if version > len(MIGRATIONS):
            raise ValueError("the journal was written by a newer version of tavus-mcp")
        return cls(location) if version else None

    def execute(self, statement: str, values: Sequence[Any] = ()) -> _Result:
        """Run a statement, in the open transaction or in one of its own."""
        with _errors_translated(), self._connection() as connection:
            cursor = connection.execute(_translate(statement), values)
            rows = cursor.fetchall() if cursor.description else []
            return _Result(cursor.description, rows)

    def stream(self, query: str, values: Sequence[Any] = ()) -> _Stream:
        """Run a query in the open transaction with a cursor of the server."""
        if self._transaction is None:
            raise RuntimeError("stream is used in snapshot only")
        return _Stream(self._transaction, query, values)

    @contextmanager
    def write(self, *, sync: bool = False) -> Iterator[None]:
        """Hold the advisory lock for a transaction."""
        with self._begin() as connection:
            connection.execute(*_lock_statement())
            mode = b"on" if sync else b"off"
            connection.execute(b"SET LOCAL synchronous_commit = " + mode)
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
        self.execute(_ALLOW_REWRITING, ("on",))
        yield
        self.execute(_ALLOW_REWRITING, ("off",))

    def compact(self) -> bool:
        """Free what was deleted; copies outside of the tables are not in our hands."""
        with _errors_translated(), self._pool.connection() as connection:
            connection.execute(f"VACUUM {SCHEMA}.entries, {SCHEMA}.documents".encode())
        return True

    def integrity_faults(self) -> list[str]:
        """Return none: PostgreSQL checks its pages when it reads them."""
        return []

    @property
    def version(self) -> int:
        """The version of the tables."""
        with _errors_translated(), self._connection() as connection:
            return find_version(connection)

    def require_unchanged(self) -> None:
        """Accept whatever the server answers: it is the server's task to keep the database."""

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    @contextmanager
    def _begin(self) -> Iterator[psycopg.Connection[Any]]:
        with _errors_translated(), self._pool.connection() as connection, connection.transaction():
            self._transaction = connection
            try:
                yield connection
            finally:
                self._transaction = None

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        """Yield the connection of the open transaction, else one that commits each statement."""
        if self._transaction is not None:
            yield self._transaction
            return
        with self._pool.connection() as connection:
            yield connection


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


_CONNECTION_OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "application_name": "tavus-mcp",
}


@contextmanager
def _connect(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Open one connection for this block, outside of the pool, whose errors say what is wrong."""
    import psycopg

    with _errors_translated(), psycopg.connect(url, **_CONNECTION_OPTIONS) as connection:
        _configure(connection)
        yield connection


def _configure(connection: psycopg.Connection[Any]) -> None:
    for name, value in (
        ("search_path", SCHEMA),
        ("lock_timeout", f"{LOCK_TIMEOUT_SECONDS:.0f}s"),
        ("statement_timeout", f"{STATEMENT_TIMEOUT_SECONDS}s"),
    ):
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))


def _lock_statement() -> tuple[bytes, tuple[int]]:
    return b"SELECT pg_advisory_xact_lock(%s)", (_APPEND_LOCK,)


def _translate(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()


@contextmanager
def _errors_translated() -> Iterator[None]:
    """Raise ``DatabaseError`` for what psycopg and its pool raise."""
    import psycopg
    from psycopg_pool import PoolTimeout

    try:
        yield
    except PoolTimeout:
        raise DatabaseError("the server cannot be reached") from None
    except psycopg.Error as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise DatabaseError(text) from None
