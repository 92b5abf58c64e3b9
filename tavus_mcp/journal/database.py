"""What a journal needs of its database: one interface for SQLite and for PostgreSQL.

Statements are written once, in the SQL that both know, with ``?`` for each value. Where they
differ, the method of ``Database`` says what happens. One thread at a time uses a database; the
store sees to that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

LOCK_TIMEOUT_SECONDS = 10.0
"""Seconds to wait for another process that is writing."""
SHORT_LOCK_TIMEOUT_SECONDS = 0.5
"""Seconds to wait for it once that was in vain, so that several writes of a call end in time."""


class JournalReplacedError(Exception):
    """The journal was deleted or replaced while it was open; ``advice`` says what to do."""

    def __init__(self, reason: str, advice: str) -> None:
        self.advice = advice
        super().__init__(reason)


class DatabaseError(Exception):
    """The database cannot be used; the text says why, in one line and without its password.

    ``advice`` says what to do.
    """

    def __init__(self, reason: str, advice: str) -> None:
        self.advice = advice
        super().__init__(reason)


class NewerJournal(ValueError):
    """The journal was written by a newer version of this program."""

    def __init__(self, version: int, known_version: int) -> None:
        super().__init__(
            f"it is of version {version}, made by a newer tavus-mcp; this one knows version "
            f"{known_version}"
        )


class MissingJournal(Exception):
    """There is no journal to verify; the text says what is known of it."""


class Rows(Protocol):
    """The rows that a statement returned."""

    @property
    def description(self) -> Any:
        """A sequence of columns, each with its name first."""

    def fetchone(self) -> Any:
        """Return the next row, or None."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that are left."""


class Database(ABC):
    """An open database with the tables of a journal.

    ``anchor_base`` is the path that the anchor is beside; ``name`` is what people call the
    journal.
    """

    anchor_base: Path
    name: str

    @abstractmethod
    def execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        """Run a statement, in the open transaction or in one of its own."""

    @abstractmethod
    def stream(self, query: str, values: Sequence[Any] = ()) -> Rows:
        """Run a query whose rows are read a few at a time; only in ``snapshot``."""

    @abstractmethod
    def write(self, *, sync: bool = False) -> AbstractContextManager[None]:
        """Hold the write lock for a transaction; ``sync`` waits until it is on the disk.

        What is not synced may be lost with the power, but only together with all that follows.
        """

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """Read one state of the database in this block."""

    @abstractmethod
    def allow_rewriting(self) -> AbstractContextManager[None]:
        """Let entries be changed in this block, which is part of a transaction."""

    @abstractmethod
    def compact(self) -> bool:
        """Remove what was deleted from the files; False while another process prevents it."""

    @abstractmethod
    def integrity_faults(self) -> list[str]:
        """Return what the database reports about damage of its own files, one sentence each."""

    @property
    @abstractmethod
    def version(self) -> int:
        """The version of the tables (see ``migrations``)."""

    @abstractmethod
    def require_unchanged(self) -> None:
        """Raise ``JournalReplacedError`` when this is not the journal that was opened."""

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""
