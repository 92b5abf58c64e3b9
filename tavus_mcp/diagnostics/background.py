"""Work that is waited for only so long, in a thread that does not keep the process alive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


class BackgroundWork(Generic[_Result]):
    """A function that runs in a thread of its own.

    The name server and a slow disk cannot be interrupted, so that they are left behind when the
    time is over; pools of threads would be waited for at the end of the process.
    """

    def __init__(self, function: Callable[[], _Result]) -> None:
        self._function = function
        self._results: list[_Result] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self, seconds: float) -> _Result | None:
        """Return the result; None if it did not come within so many seconds, or never will."""
        self._thread.join(max(0.0, seconds))
        return self._results[0] if self._results else None

    def _run(self) -> None:
        self._results.append(self._function())
