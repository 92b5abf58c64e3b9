"""Bounded concurrency, protection of started writes from cancellation, and progress reports."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from itertools import takewhile
from typing import NoReturn, TypeVar

import anyio

from tavus_mcp.deadlines import iter_in_time, limit_lookups, note_own_progress
from tavus_mcp.errors import RateLimited, TavusError, Unavailable

T = TypeVar("T")
MAX_CONCURRENT_REQUESTS = 4
"""Concurrent requests of one call; Tavus publishes no rate limit.

Fewer than the connections that the client keeps alive (``tavus_api.client.CONNECTION_LIMITS``), so
that none is opened again and again, and other calls have some meanwhile.
"""
WRITE_GRACE_SECONDS = 5.0
"""Time to complete for a started write when its call is cancelled or the server ends."""
NOTIFICATIONS_PER_CALL = 100
"""Approximate number of progress notifications of one call."""

StartCallback = Callable[[], None]
ProgressCallback = Callable[[float, float | None], Awaitable[None]]
"""Sends a progress notification: the number done, and the total if it is known."""


async def for_each(
    items: Iterable[T] | AsyncIterable[T],
    work: Callable[[T], Awaitable[None]],
    *,
    max_concurrent: int = MAX_CONCURRENT_REQUESTS,
) -> None:
    """Run an async function over items with bounded concurrency.

    Items are pulled only when a worker is free. An exception of ``work`` cancels everything and is
    raised as it is, so work that may fail for one item must catch it.
    """
    source = aiter(items if isinstance(items, AsyncIterable) else _iterate(items))
    source_lock = anyio.Lock()

    async def worker() -> None:
        while True:
            async with source_lock:
                try:
                    item = await anext(source)
                except StopAsyncIteration:
                    return
            await work(item)

    try:
        async with anyio.create_task_group() as workers:
            for _ in range(max_concurrent):
                workers.start_soon(worker)
    except ExceptionGroup as group:
        raise_first(group)


async def look_up_each(items: Iterable[T], look_up: Callable[[T], Awaitable[None]]) -> None:
    """Run look-ups without which a call can go on, concurrently and in a small share of its time.

    Items whose look-up fails, or has no time, are left out. None is begun after one that was
    refused for too many requests, or had no answer: the others would fare alike.
    """
    is_busy = False

    async def attempt(item: T) -> None:
        nonlocal is_busy
        try:
            await look_up(item)
        except (RateLimited, Unavailable):
            is_busy = True
        except TavusError:
            return

    with limit_lookups():
        await for_each(takewhile(lambda _: not is_busy, iter_in_time(items)), attempt)


async def _iterate(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item


def raise_first(group: ExceptionGroup[Exception]) -> NoReturn:
    """Raise the first exception of a group as it is."""
    first = _first_exception(group)
    raise first from first.__cause__


def _first_exception(group: ExceptionGroup[Exception]) -> Exception:
    inner = group.exceptions[0]
    return _first_exception(inner) if isinstance(inner, ExceptionGroup) else inner


async def shield_once_started(
    work: Callable[[StartCallback], Awaitable[None]], grace_seconds: float = WRITE_GRACE_SECONDS
) -> None:
    """Run ``work``. After it calls the given function, cancellation is deferred.

    It is deferred for up to ``grace_seconds``, so that a write in flight can complete.
    """
    scope = anyio.CancelScope()

    def shield() -> None:
        scope.shield = True

    async def limit_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            scope.deadline = anyio.current_time() + grace_seconds

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(limit_when_cancelled)
        with scope:
            await work(shield)
        tasks.cancel_scope.cancel()


async def ignore_progress(*_: object) -> None:
    """Report no progress (``ProgressCallback``)."""


class ProgressReporter:
    """Counts completed items and sends progress notifications in order."""

    def __init__(self, report_progress: ProgressCallback) -> None:
        self._report_progress = report_progress
        self._lock = anyio.Lock()
        self._last_reported = 0
        self.done_count = 0

    async def advance(self, total: int | None) -> None:
        """Count one more item of ``total``, and send a notification if one is due."""
        note_own_progress()
        self.done_count += 1
        interval = max(1, (total or NOTIFICATIONS_PER_CALL * 10) // NOTIFICATIONS_PER_CALL)
        if self.done_count % interval and self.done_count != total:
            return
        async with self._lock:
            if self.done_count > self._last_reported:
                self._last_reported = self.done_count
                await self._report_progress(
                    self.done_count, max(total, self.done_count) if total else None
                )
