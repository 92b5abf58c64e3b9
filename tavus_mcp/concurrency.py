"""Doing one thing to many: so many at once and no more, and each as soon as there is room."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")
MAX_CONCURRENT_REQUESTS = 4
"""How many requests of one call may be on their way; Tavus publishes no rate limit.

Fewer than the connections that the client keeps (``client.api.LIMITS``): none is opened and closed
all the time, and two are left for other calls meanwhile.
"""


async def for_each(
    items: AsyncIterable[T],
    work: Callable[[T], Awaitable[None]],
    *,
    max_concurrent: int = MAX_CONCURRENT_REQUESTS,
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
            for _ in range(max_concurrent):
                workers.start_soon(worker)
    except ExceptionGroup as raised:
        first = _first_exception(raised)
        raise first from first.__cause__


def _first_exception(group: ExceptionGroup[Exception]) -> Exception:
    inner = group.exceptions[0]
    return _first_exception(inner) if isinstance(inner, ExceptionGroup) else inner


WRITE_GRACE_SECONDS = 5.0
"""Seconds that a write under way is given when the call is cancelled, or the server ended."""

StartCallback = Callable[[], None]


async def shield_once_started(
    work: Callable[[StartCallback], Awaitable[None]], grace_seconds: float = WRITE_GRACE_SECONDS
) -> None:
    """Do the work; once it has said that it has begun, cancelling waits for it, but not forever."""
    scope = anyio.CancelScope()

    def begun() -> None:
        scope.shield = True

    async def watch() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            scope.deadline = anyio.current_time() + grace_seconds

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        with scope:
            await work(begun)
        tasks.cancel_scope.cancel()


ProgressCallback = Callable[[float, float | None], Awaitable[None]]
"""Sends one notification: how many are done, and of how many when that is known."""

NOTIFICATIONS_PER_CALL = 100
"""Notifications of one call, about."""


class ProgressReporter:
    """Counts what is done and tells it, in order."""

    def __init__(self, report_progress: ProgressCallback) -> None:
        self._report_progress = report_progress
        self._lock = anyio.Lock()
        self._last_reported = 0
        self.done_count = 0

    async def advance(self, total: int | None) -> None:
        """Count one more; tell it when it is time."""
        self.done_count += 1
        every = max(1, (total or NOTIFICATIONS_PER_CALL * 10) // NOTIFICATIONS_PER_CALL)
        if self.done_count % every and self.done_count != total:
            return
        async with self._lock:
            if self.done_count > self._last_reported:
                self._last_reported = self.done_count
                await self._report_progress(
                    self.done_count, max(total, self.done_count) if total else None
                )
