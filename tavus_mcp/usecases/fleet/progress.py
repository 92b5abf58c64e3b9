"""Telling how far a long call has come: never backwards, and not more often than anyone reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

Tell = Callable[[float, float | None], Awaitable[None]]
"""Sends one notification: how many are done, and of how many when that is known."""

STEPS = 100
"""Notifications of one call, about."""


class Progress:
    """Counts what is done and tells it, in order."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._order = anyio.Lock()
        self._told = 0
        self.done = 0

    async def step(self, total: int | None) -> None:
        """Count one more; tell it when it is time."""
        self.done += 1
        every = max(1, (total or STEPS * 10) // STEPS)
        if self.done % every and self.done != total:
            return
        async with self._order:
            if self.done > self._told:
                self._told = self.done
                await self._tell(self.done, max(total, self.done) if total else None)
