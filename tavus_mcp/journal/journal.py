"""The journal for an event loop: the store in worker threads, limited to one account."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import anyio.to_thread

from tavus_mcp.errors import JournalReplaced, JournalUnavailable
from tavus_mcp.journal.accounts import Account, Credentials
from tavus_mcp.journal.database import DatabaseError, JournalReplacedError, NewerJournal
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.location import UNUSABLE, JournalLocation
from tavus_mcp.journal.ownership import IsLive, Ownership
from tavus_mcp.journal.store import JournalStore

__all__ = ["Journal", "JournalStore"]

P = ParamSpec("P")
R = TypeVar("R")


_NEWER_ADVICE = (
    "Upgrade tavus-mcp on this machine, or name another journal with TAVUS_MCP_DATA_DIR or "
    "TAVUS_MCP_JOURNAL."
)


_LOCKED_ADVICE = "Another process holds the journal. End it, or try again in a minute."


def _find_advice(error: Exception) -> str:
    """Return what to do about an error, empty for what is usual."""
    if isinstance(error, DatabaseError):
        return error.advice
    if isinstance(error, NewerJournal):
        return _NEWER_ADVICE
    return _LOCKED_ADVICE if getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY" else ""


async def _never_live(_: str) -> bool:
    return False


def _in_thread(
    method: Callable[Concatenate[JournalStore, P], R],
) -> Callable[Concatenate[Journal, P], Awaitable[R]]:
    """Return a method of ``Journal`` that runs a method of its store in a worker thread."""

    @wraps(method)
    async def run(journal: Journal, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await journal.run(lambda store: method(store, *args, **kwargs))

    return run


def _of_object(
    method: Callable[Concatenate[JournalStore, str, P], R],
) -> Callable[Concatenate[Journal, str, P], Awaitable[R]]:
    """Return a method that first finds out to which account the entries about an object belong."""

    @wraps(method)
    async def run(journal: Journal, persona_id: str, /, *args: P.args, **kwargs: P.kwargs) -> R:
        await journal.ownership.settle(persona_id)
        return await journal.run(lambda store: method(store, persona_id, *args, **kwargs))

    return run


class Journal:
    """One journal for an event loop, opened at its first use.

    Every method runs in a worker thread and raises ``JournalUnavailable`` when it cannot be
    used. Set before the first use: ``credentials``, of the account that entries are written for and
    read of (all without); ``is_live``, which looks a persona up with them; ``author``, who writes.
    """

    def __init__(self, location: JournalLocation, credentials: Credentials | None = None) -> None:
        self.location = location
        self.credentials = credentials
        self.author: Callable[[], str] = str
        self.is_live: IsLive = _never_live
        self.ownership = Ownership(self)
        self._store: JournalStore | None = None
        self._opening = threading.Lock()

    append = _in_thread(JournalStore.append)
    mark_used = _in_thread(JournalStore.mark_used)
    descendants = _in_thread(JournalStore.descendants)
    plans_of_tool = _in_thread(JournalStore.plans_of_tool)
    outcomes_without_plan = _in_thread(JournalStore.outcomes_without_plan)
    newest_seq = _in_thread(JournalStore.newest_seq)
    entry = _in_thread(JournalStore.entry)
    append_intent = _of_object(JournalStore.append_intent)
    entries_of_persona = _of_object(JournalStore.entries_of_persona)
    history = _of_object(JournalStore.history)
    open_intents = _of_object(JournalStore.open_intents)
    latest_entry = _of_object(JournalStore.latest_entry)
    states = _of_object(JournalStore.states)
    digests_of_revision = _of_object(JournalStore.digests_of_revision)

    @property
    def may_exist(self) -> bool:
        """False if there is nothing to read: a file that was not created yet."""
        return not isinstance(self.location, Path) or self.location.exists()

    async def foreign_account(self, persona_id: str) -> Account | None:
        """Return the account that a user persona belongs to, None if it is this one or none."""
        return await self.ownership.foreign_account(persona_id)

    async def foreign_account_of(self, entry: JournalEntry) -> Account | None:
        """Return the account that an entry belongs to, None if it is this one."""
        return await self.ownership.foreign_account_of(entry)

    async def run(self, function: Callable[[JournalStore], R]) -> R:
        """Run a function of the store in a worker thread."""
        try:
            return await anyio.to_thread.run_sync(lambda: function(self._checked_store()))
        except JournalReplacedError as error:
            raise JournalReplaced(str(self.location), str(error), error.advice) from None
        except (*UNUSABLE, ValueError) as error:
            raise JournalUnavailable(str(self.location), str(error), _find_advice(error)) from error

    def close(self) -> None:
        """Close the journal, if it was opened."""
        if self._store is not None:
            self._store.close()

    def _checked_store(self) -> JournalStore:
        with self._opening:
            if self._store is None:
                self._store = JournalStore.open(
                    self.location, self.credentials, lambda: self.author()
                )
        self._store.require_unchanged()
        return self._store
