"""Find out which entries of a journal belong to the account that this process uses.

An object whose entries are of another account, or of none, is looked for with the key of this
process. A user persona of an account that is there proves that both are the same account, as ids
are unique; stock personas prove nothing. What was found out is recorded, so that it is asked once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import anyio

from tavus_mcp.journal.accounts import UNKNOWN, Account, Credentials
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.store import JournalStore

R = TypeVar("R")
IsLive = Callable[[str], Awaitable[bool]]
"""Tells whether a user persona is there with the key of this process."""
_MAX_RECOGNITION_PROBES = 5
"""Personas of another account that are looked for before it counts as another one."""
_MAX_ADOPTION_PROBES = 20
"""Personas without an account that must all be there before all entries without one are adopted."""


class OwnedJournal(Protocol):
    """What ``Ownership`` needs of the journal."""

    credentials: Credentials | None
    is_live: IsLive

    async def run(self, function: Callable[[JournalStore], R]) -> R:
        """Run a function of the store in a worker thread."""


class Ownership:
    """Which objects of a journal belong to the account of this process.

    Methods raise the errors of the API when that must be looked up and cannot be.
    """

    def __init__(self, journal: OwnedJournal) -> None:
        self._journal = journal
        self._lock = anyio.Lock()
        self._settled: set[str] = set()
        self._unrelated: set[str] = set()
        self._probed: dict[str, bool] = {}

    async def settle(self, persona_id: str) -> None:
        """Make the entries about an object readable, if they belong to this account."""
        if self._journal.credentials is None or persona_id in self._settled:
            return
        async with self._lock:
            for account in await self._foreign_owners(persona_id):
                if account == UNKNOWN:
                    await self._adopt(persona_id)
                else:
                    await self._recognize(account, persona_id)
        self._settled.add(persona_id)

    async def foreign_account(self, persona_id: str) -> Account | None:
        """Return the account that a user persona belongs to, None if it is this one or none."""
        await self.settle(persona_id)
        if self._journal.credentials is None:
            return None
        owners = await self._foreign_owners(persona_id)
        is_user = await self._journal.run(lambda store: store.is_user_persona(persona_id))
        if not owners or not is_user:
            return None
        return await self._journal.run(lambda store: store.find_account(owners[0]))

    async def foreign_account_of(self, entry: JournalEntry) -> Account | None:
        """Return the account that an entry belongs to, None if it is this one."""
        await self.settle(entry.persona_id)
        if self._journal.credentials is None:
            return None
        if await self._is_own(entry):
            return None
        if entry.account != UNKNOWN:
            async with self._lock:
                await self._recognize(entry.account, entry.persona_id)
            if await self._is_own(entry):
                return None
        return await self._journal.run(lambda store: store.find_account(entry.account))

    async def _is_own(self, entry: JournalEntry) -> bool:
        return await self._journal.run(lambda store: store.is_own(entry))

    async def _foreign_owners(self, persona_id: str) -> list[str]:
        return await self._journal.run(lambda store: store.foreign_owners(persona_id))

    async def _recognize(self, account: str, persona_id: str) -> None:
        """Merge with an account of the same base URL if a user persona of it is there."""
        if account in self._unrelated:
            return
        known = await self._journal.run(
            lambda store: (
                _candidates(store, account, persona_id, _MAX_RECOGNITION_PROBES)
                if store.has_same_url(account)
                else []
            )
        )
        for candidate in known:
            if await self._is_live(candidate):
                await self._journal.run(lambda store: store.merge_with(account))
                return
        self._unrelated.add(account)

    async def _adopt(self, persona_id: str) -> None:
        """Adopt what has no account: all of it, or only the objects that are there."""
        everything = await self._journal.run(JournalStore.unowned_objects)
        if self._journal.credentials is not None and self._journal.credentials.has_own_journal:
            adopted = everything
        else:
            known = await self._journal.run(
                lambda store: _candidates(store, UNKNOWN, persona_id, _MAX_ADOPTION_PROBES)
            )
            live = [candidate for candidate in known if await self._is_live(candidate)]
            adopted = everything if live and len(live) == len(known) else live
        if adopted:
            await self._journal.run(lambda store: store.adopt(adopted))

    async def _is_live(self, persona_id: str) -> bool:
        if persona_id not in self._probed:
            self._probed[persona_id] = await self._journal.is_live(persona_id)
        return self._probed[persona_id]


def _candidates(store: JournalStore, account: str, persona_id: str, limit: int) -> list[str]:
    """Return the user personas that may prove what account this is; the one asked about first."""
    found = store.user_personas(account)
    return sorted(found, key=lambda candidate: candidate != persona_id)[:limit]
