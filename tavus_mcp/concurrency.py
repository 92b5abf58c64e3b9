"""Doing one thing to many: so many at once and no more, and each as soon as there is room."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")
AT_ONCE = 4
"""How many requests of one call may be on their way; Tavus publishes no rate limit.

Fewer than the connections that the client keeps (``client.api.LIMITS``): none is opened and closed
all the time, and two are left for other calls meanwhile.
"""


async def each(
    items: AsyncIterable[T], work: Callable[[T], Awaitable[None]], *, at_once: int = AT_ONCE
) -> None:
    """Do the work for every item, ``at_once`` at a time; nothing is taken before there is room.

    What the work raises ends everything and is raised as it is; work that may fail for one item
    must catch it. Cancelling the caller stops all that is under way.
    """
    source, turn = aiter(items), anyio.Lock()

    async def worker() -> None:
        while True:
            async with turn:
                try:
                    item = await anext(source)
                except StopAsyncIteration:
                    return
            await work(item)

    try:
        async with anyio.create_task_group() as workers:
            for _ in range(at_once):
                workers.start_soon(worker)
    except ExceptionGroup as raised:
        first = _first(raised)
        raise first from first.__cause__


def _first(raised: ExceptionGroup[Exception]) -> Exception:
    inner = raised.exceptions[0]
    return _first(inner) if isinstance(inner, ExceptionGroup) else inner


GRACE = 5.0
"""Seconds that a write under way is given when the call is cancelled, or the server ended."""

Begun = Callable[[], None]


async def finished(work: Callable[[Begun], Awaitable[None]], grace: float = GRACE) -> None:
    """Do the work; once it has said that it has begun, cancelling waits for it, but not forever."""
    scope = anyio.CancelScope()

    def begun() -> None:
        scope.shield = True

    async def watch() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            scope.deadline = anyio.current_time() + grace

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        with scope:
            await work(begun)
        tasks.cancel_scope.cancel()


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
