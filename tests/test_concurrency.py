"""Bounded concurrency, and started work that survives cancellation."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from tavus_mcp.concurrency import StartCallback, for_each, shield_once_started

pytestmark = pytest.mark.anyio


async def iterate_numbers(count: int, taken: list[int]) -> AsyncIterator[int]:
    for number in range(count):
        taken.append(number)
        yield number


async def test_every_item_is_processed_once_and_taken_only_when_a_slot_is_free() -> None:
    taken: list[int] = []
    begun: list[int] = []
    free_slot = anyio.Event()

    async def work(number: int) -> None:
        begun.append(number)
        await free_slot.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: for_each(iterate_numbers(10, taken), work, max_concurrent=3))
        await anyio.wait_all_tasks_blocked()
        assert (taken, begun) == ([0, 1, 2], [0, 1, 2])
        free_slot.set()
    assert begun == list(range(10))


async def test_an_exception_of_the_work_propagates_and_cancels_the_rest() -> None:
    taken: list[int] = []

    async def work(number: int) -> None:
        await anyio.lowlevel.checkpoint()
        if number == 2:
            raise LookupError("two")
        await anyio.sleep_forever()

    with pytest.raises(LookupError, match="two"):
        await for_each(iterate_numbers(10, taken), work, max_concurrent=3)
    assert taken == [0, 1, 2]


async def test_an_exception_of_the_iterator_propagates() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise LookupError("no more")

    async def work(_: int) -> None:
        await anyio.lowlevel.checkpoint()

    with pytest.raises(LookupError, match="no more"):
        await for_each(broken(), work)


async def test_started_work_finishes_although_its_caller_was_cancelled() -> None:
    done: list[str] = []
    goes_on, under_way = anyio.Event(), anyio.Event()

    async def work(on_started: StartCallback) -> None:
        on_started()
        under_way.set()
        await goes_on.wait()
        done.append("finished")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shield_once_started, work)
        await under_way.wait()
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await anyio.wait_all_tasks_blocked()
            assert done == []
            goes_on.set()
    assert done == ["finished"]


async def test_work_that_has_not_started_is_cancelled_immediately() -> None:
    reached = anyio.Event()

    async def work(_: StartCallback) -> None:
        reached.set()
        await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shield_once_started, work)
        await reached.wait()
        tasks.cancel_scope.cancel()


async def test_work_that_never_ends_is_abandoned_after_the_time_limit() -> None:
    under_way = anyio.Event()

    async def work(on_started: StartCallback) -> None:
        on_started()
        under_way.set()
        await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shield_once_started, work, 0.0)
        await under_way.wait()
        tasks.cancel_scope.cancel()
