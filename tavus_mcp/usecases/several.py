"""Doing one thing to many: so many at once and no more, and each as soon as there is room."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")
AT_ONCE = 8
"""How many requests of one call may be on their way; Tavus publishes no rate limit."""


async def each(
    items: AsyncIterable[T], work: Callable[[T], Awaitable[None]], *, at_once: int = AT_ONCE
) -> None:
    """Do the work for every item, ``at_once`` at a time; nothing is taken before there is room.

    What the work raises ends everything; work that may fail for one item must catch it. Cancelling
    the caller stops all that is under way.
    """
    room = anyio.CapacityLimiter(at_once)

    async def one(item: T, ticket: object) -> None:
        try:
            await work(item)
        finally:
            room.release_on_behalf_of(ticket)

    async with anyio.create_task_group() as tasks:
        async for item in items:
            ticket = object()
            await room.acquire_on_behalf_of(ticket)
            tasks.start_soon(one, item, ticket)
