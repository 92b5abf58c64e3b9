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
