"""Letting a write that has begun come to its end, also when its caller is cancelled meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

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
