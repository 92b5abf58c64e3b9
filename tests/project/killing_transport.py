"""Requests to a sandbox that end at a chosen moment, as those of a killed process do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store
from tavus_mcp.sandbox.switches import Switches

Intercept = Callable[[str], httpx2.Response | None]


class Killed(BaseException):
    """Ends a command as a kill would: no handler of errors runs."""


@dataclass
class KillingTransport(httpx2.AsyncBaseTransport):
    """Passes requests on to a sandbox, and ends the command at a chosen moment.

    Every request has two moments: before it takes effect, and before its answer arrives.
    ``on_kill`` is called at the chosen one; every later request ends as well. ``failure`` is the
    request that is answered with an error of the server, and whether it takes effect all the same.
    ``intercept`` is called with each request; what it returns is the answer, and nothing happens.
    """

    store: Store
    moment: int = -1
    switches: Switches = field(default_factory=Switches)
    on_kill: Callable[[], None] = lambda: None
    failure: tuple[str, bool] = ("", False)
    intercept: Intercept = lambda _: None
    passed: int = 0
    is_dead: bool = False
    lines: list[str] = field(default_factory=list)
    carried_out: list[str] = field(default_factory=list)

    def _pass(self) -> None:
        if self.is_dead or self.passed == self.moment:
            if not self.is_dead:
                self.is_dead = True
                self.on_kill()
            raise Killed
        self.passed += 1

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._pass()
        self.lines.append(f"{request.method} {request.url.path}")
        intercepted = self.intercept(self.lines[-1])
        if intercepted is not None:
            return intercepted
        line, has_effect = self.failure
        is_failing = line == self.lines[-1]
        if is_failing and not has_effect:
            return httpx2.Response(500, json={"error": "Internal"})
        transport = httpx2.ASGITransport(app=build_sandbox(self.store, switches=self.switches))
        response = await transport.handle_async_request(request)
        await response.aread()
        if request.method != "GET" and response.is_success:
            self.carried_out.append(f"{request.method} {request.url.path}")
        self._pass()
        return httpx2.Response(500, json={"error": "Internal"}) if is_failing else response

    @property
    def writes(self) -> list[str]:
        """Return the requests that are not reads."""
        return [line for line in self.lines if not line.startswith("GET")]


@contextmanager
def surviving_kill(ended: list[bool]) -> Iterator[None]:
    """Run a block that may be killed, and note in a list if it was."""
    try:
        yield
    except Killed:
        ended.append(True)
    except BaseExceptionGroup as group:
        if group.split(Killed)[1] is not None:
            raise
        ended.append(True)
