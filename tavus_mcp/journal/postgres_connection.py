"""One connection to PostgreSQL that is opened again when it was lost, and its errors.

Neither a database that is away nor one that hangs may hold up a call: an attempt to connect and a
statement have a limit each, and after a failure the next attempt is made a while later only. Until
then the same error is raised at once.
"""

from __future__ import annotations

import logging
import math
import select
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from tavus_mcp.journal.database import DatabaseError
from tavus_mcp.journal.postgres_errors import (
    AWAY_ADVICE,
    URL_ADVICE,
    answer_timeout_class,
    find_advice,
    is_timeout,
    render_reason,
)
from tavus_mcp.journal.postgres_schema import SCHEMA

if TYPE_CHECKING:
    import psycopg

CONNECT_TIMEOUT_SECONDS = 5
RETRY_AFTER_SECONDS = 15.0
"""Seconds after a failed attempt to connect in which no other is made."""
STATEMENT_TIMEOUT_SECONDS = 8
"""Seconds after which the server ends a statement of a call, also one that waits for a lock."""
MAX_ANSWER_SECONDS = 10.0
"""Seconds to wait for an answer of the server, which may hang and end nothing by itself.

The requests of a call end after 45 s, so that it ends within 55 s.
"""
_OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "application_name": "tavus-mcp",
    "client_encoding": "UTF8",
}
_SETTINGS = {
    "search_path": SCHEMA,
    "lock_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
    "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
    # the lock of a machine that went to sleep would otherwise keep all others from writing
    "idle_in_transaction_session_timeout": "30s",
}
_RESTORE_TIMEOUT = f"SET statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'".encode()
_logger = logging.getLogger(__name__)


class ConnectionAttempts:
    """When a database may be connected to: not for a while after a failure.

    ``clock`` returns seconds. One is shared by all that connect to the same database.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_at = -math.inf
        self._failure: DatabaseError | None = None

    def require_allowed(self) -> None:
        """Raise ``DatabaseError`` as at the last failure while it is too early."""
        if self._failure is not None and self._clock() < self._next_at:
            raise DatabaseError(str(self._failure), self._failure.advice)

    def record_failure(self, failure: DatabaseError) -> None:
        """Allow no attempt for ``RETRY_AFTER_SECONDS``."""
        self._failure = failure
        self._next_at = self._clock() + RETRY_AFTER_SECONDS


class PostgresConnection:
    """A connection to the database of a URL, opened when it is asked for."""

    def __init__(self, url: str, attempts: ConnectionAttempts) -> None:
        self._parameters = _parse_url(url)
        self._attempts = attempts
        self._connection: psycopg.Connection[Any] | None = None

    def get(self) -> psycopg.Connection[Any]:
        """Return the open connection, or a new one where there is none or it was lost.

        Raises ``DatabaseError``, at once after a recent failure.
        """
        if self._connection is None or not _is_usable(self._connection):
            self.close()
            self._attempts.require_allowed()
            self._connection = self._connect()
        return self._connection

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise ``DatabaseError`` for what psycopg raises; its text never holds the password."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            failure = DatabaseError(self._render(error), find_advice(error))
            if is_timeout(error):
                self._attempts.record_failure(failure)
                self.close()
            elif self._connection is not None and self._connection.closed:
                _logger.warning("The connection to the journal was lost: %s", failure)
            raise failure from None

    @contextmanager
    def long_work(self) -> Iterator[None]:
        """Let the statements of a command take as long as they need, in this block."""
        connection = self.get()
        connection.execute("SET statement_timeout = 0")
        _limit_answers(connection, math.inf)
        try:
            yield
        finally:
            _limit_answers(connection, MAX_ANSWER_SECONDS)
            if connection.info.transaction_status.name in ("IDLE", "INTRANS"):
                connection.execute(_RESTORE_TIMEOUT)  # a transaction that failed restores it itself

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg

        try:
            connection = _connection_class().connect(**self._parameters, **_OPTIONS)
            # a writer must see what was committed while it waited for the lock
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            _limit_answers(connection, MAX_ANSWER_SECONDS)
            for name, value in _SETTINGS.items():
                connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        except psycopg.Error as error:
            failure = DatabaseError(self._render(error), AWAY_ADVICE)
            self._attempts.record_failure(failure)
            raise failure from None
        return connection

    def _render(self, error: psycopg.Error) -> str:
        return render_reason(error, self._parameters)


def _parse_url(url: str) -> dict[str, Any]:
    """Return the parameters of a URL; the errors of psycopg would repeat parts of it."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parameters = conninfo_to_dict(url)
    except psycopg.Error:
        raise DatabaseError("the URL is not valid", URL_ADVICE) from None
    return {name: value for name, value in parameters.items() if name not in _OPTIONS}


def _is_usable(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether a connection is open; it is asked only when something arrived meanwhile.

    A server that ends a connection sends that, so that the socket of an idle one can be read from.
    """
    import psycopg

    if connection.closed:
        return False
    try:
        if select.select([connection.fileno()], [], [], 0)[0]:
            connection.execute("")
    except (psycopg.Error, OSError, ValueError):
        return False
    return True


@cache
def _connection_class() -> type[psycopg.Connection[Any]]:
    """Return a class whose connections wait ``max_answer_seconds`` for an answer at most."""
    import psycopg

    class LimitedConnection(psycopg.Connection[Any]):
        max_answer_seconds = math.inf

        def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
            try:
                limited = _limit_waiting(gen, self.max_answer_seconds)
                return super().wait(limited, *arguments, **options)
            except answer_timeout_class():
                self.close()
                raise

    return LimitedConnection


def _limit_answers(connection: Any, seconds: float) -> None:
    """Let a connection of ``_connection_class`` wait so long for each answer."""
    connection.max_answer_seconds = seconds


def _limit_waiting(work: Generator[Any, Any, Any], seconds: float) -> Generator[Any, Any, Any]:
    """Pass the steps of a generator of psycopg on; raise ``AnswerTimeout`` after ``seconds``.

    psycopg sends 0 into it several times a second while nothing can be read or written.
    """
    expires_at = time.monotonic() + seconds
    try:
        step = next(work)
        while True:
            ready = yield step
            if not ready and time.monotonic() > expires_at:
                raise answer_timeout_class()(f"the server did not answer within {seconds:.0f} s")
            step = work.send(ready)
    except StopIteration as end:
        return end.value
