"""One deadline for everything that a call does.

Many hosts give up a call after 60 s. ``limit_call`` opens the deadline of a call; every request to
Tavus ends by it, and so do its retries. Functions that process many objects ask ``time_left`` or
``has_time_for_more`` and return what they have. Outside of ``limit_call``, as in commands, there is
no deadline.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

import anyio

T = TypeVar("T")


@dataclass(frozen=True)
class CallLimits:
    """The seconds of a call.

    Its requests end after ``seconds``, so that it can still record and report what is known. It is
    cancelled after ``stop_seconds``; a write in flight then has 5 more seconds
    (``concurrency.WRITE_GRACE_SECONDS``). Progress is reported after ``first_progress_seconds`` and
    at ``progress_interval_seconds``.
    """

    seconds: float = 45.0
    stop_seconds: float = 50.0
    first_progress_seconds: float = 2.0
    progress_interval_seconds: float = 5.0
    lookup_seconds: float = 5.0
    """The time of look-ups without which a call can go on (``limit_lookups``)."""

    @property
    def verification_seconds(self) -> float:
        """The time that a write leaves for reading back what it did."""
        return self.seconds / 5


class CallTimedOut(Exception):
    """A call was cancelled because it did not end by itself."""


class CallDeadline:
    """The deadline of a running call; ``has_reported`` is True once its work reports progress."""

    def __init__(self, limits: CallLimits) -> None:
        self.limits = limits
        self.has_reported = False
        now = anyio.current_time()
        self._expires_at = now + limits.seconds
        self.scope = anyio.CancelScope(deadline=now + limits.stop_seconds)

    @property
    def seconds_left(self) -> float:
        """The seconds until the requests of this call end; negative after that."""
        return self._expires_at - anyio.current_time()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Stop the clock in this block."""
        started_at, stops_at = anyio.current_time(), self.scope.deadline
        self.scope.deadline = math.inf
        try:
            yield
        finally:
            elapsed = anyio.current_time() - started_at
            self._expires_at += elapsed
            self.scope.deadline = stops_at + elapsed


_running_call: ContextVar[CallDeadline | None] = ContextVar("running_call", default=None)


@contextmanager
def limit_call(limits: CallLimits) -> Iterator[CallDeadline]:
    """Give the call in this block a deadline; raise ``CallTimedOut`` if it had to be cancelled."""
    deadline = CallDeadline(limits)
    token = _running_call.set(deadline)
    try:
        with deadline.scope:
            yield deadline
    finally:
        _running_call.reset(token)
    if deadline.scope.cancelled_caught:
        raise CallTimedOut


def time_left() -> float:
    """Return the seconds that requests of the running call may still take; infinite without one."""
    deadline = _running_call.get()
    return math.inf if deadline is None else deadline.seconds_left


def time_left_for_write() -> float:
    """Return ``time_left`` less the time that is needed to read back what was written."""
    deadline = _running_call.get()
    if deadline is None:
        return math.inf
    return deadline.seconds_left - deadline.limits.verification_seconds


def has_time_for_more() -> bool:
    """Tell whether the running call may begin with another object; use it between objects."""
    return time_left_for_write() > 0


def iter_in_time(items: Iterable[T]) -> Iterator[T]:
    """Yield items as long as the running call may begin with another one."""
    for item in items:
        if not has_time_for_more():
            return
        yield item


@contextmanager
def limit_lookups() -> Iterator[None]:
    """Give the requests of this block a small share of the time that the running call has left.

    A wait for a retry that is longer is not made.
    """
    deadline = _running_call.get()
    limits = CallLimits() if deadline is None else deadline.limits
    seconds = min(limits.lookup_seconds, time_left_for_write())
    with limit_call(CallLimits(seconds, stop_seconds=math.inf)):
        yield


@contextmanager
def pause_for_person() -> Iterator[None]:
    """Stop the clock of the running call in this block: a person is being asked."""
    deadline = _running_call.get()
    if deadline is None:
        yield
        return
    with deadline.pause():
        yield


def note_own_progress() -> None:
    """Note that the running call reports its own progress."""
    deadline = _running_call.get()
    if deadline is not None:
        deadline.has_reported = True


async def report_waiting(
    deadline: CallDeadline, report: Callable[[float, float | None, str | None], Awaitable[None]]
) -> None:
    """Report progress of a slow call at intervals, until its work reports its own.

    The values are below 1, because progress may only grow and the work counts from 1.
    """
    limits, waited = deadline.limits, deadline.limits.first_progress_seconds
    await anyio.sleep(waited)
    while not deadline.has_reported:
        await report(waited / (waited + limits.seconds), None, "Waiting for Tavus")
        await anyio.sleep(limits.progress_interval_seconds)
        waited += limits.progress_interval_seconds
