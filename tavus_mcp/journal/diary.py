"""The journal as use cases see it: opened at the first line, never blocking the loop."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio.to_thread

from tavus_mcp.errors import NotRecorded
from tavus_mcp.journal.store import Journal
from tavus_mcp.models.entry import Entry

T = TypeVar("T")


class Diary:
    """One journal file, used from threads; every method raises ``NotRecorded`` when it cannot."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._journal: Journal | None = None

    async def append(self, entry: Entry) -> Entry:
        """Append a line; return it as it was placed."""
        return await self._do(lambda journal: journal.append(entry))

    async def claim(self, entry: Entry, *, after: int = 0) -> Entry | None:
        """Mark a plan as used for a persona; None when it was already, since ``after``."""
        return await self._do(lambda journal: journal.claim(entry, after=after))

    async def after(self, seq: int) -> list[Entry]:
        """Return the lines that go back to a line: the claims of a plan, and what came of them."""
        return await self._do(lambda journal: journal.after(seq))

    async def is_used(self, seq: int) -> bool:
        """Tell whether a plan was carried out."""
        return await self._do(lambda journal: journal.is_used(seq))

    async def of_persona(self, persona_id: str, *, before: int | None = None) -> list[Entry]:
        """Return the lines of a persona, newest first."""
        return await self._do(lambda journal: journal.of_persona(persona_id, before=before))

    async def latest(self, persona_id: str) -> Entry | None:
        """Return the newest line that tells a persona's revision."""
        return await self._do(lambda journal: journal.latest(persona_id))

    async def entry(self, seq: int) -> Entry | None:
        """Return one line with its document."""
        return await self._do(lambda journal: journal.entry(seq))

    async def document(self, persona_id: str, revision: str) -> dict[str, Any] | None:
        """Return a persona as it was at a revision."""
        return await self._do(lambda journal: journal.document(persona_id, revision))

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._journal is not None:
            self._journal.close()

    async def _do(self, work: Callable[[Journal], T]) -> T:
        try:
            return await anyio.to_thread.run_sync(lambda: work(self._opened()))
        except (sqlite3.Error, OSError, ValueError) as error:
            raise NotRecorded(str(self.path), str(error)) from error

    def _opened(self) -> Journal:
        if self._journal is None:
            self._journal = Journal.open(self.path)
        return self._journal
