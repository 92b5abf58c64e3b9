"""Servers as processes that can be killed, and a Tavus that says how far their requests are."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.http_server import serve_in_background
from tavus_mcp.sandbox.store import Store

FORKSERVER = Path(__file__).with_name("forkserver.py")
LONGEST = 20.0
"""Seconds after which something that should have come will not come."""


@dataclass
class Staged:
    """An ASGI application that tells when its chosen moment has come, and may stop there.

    The moments of a request are its arrival, before it takes effect, and its end, before its answer
    leaves; they are counted over all requests since ``watch``.
    """

    app: ASGIApp
    reached: threading.Event = field(default_factory=threading.Event)
    idle: threading.Event = field(default_factory=threading.Event)
    _moment: int = -1
    _passed: int = 0
    _open: int = 0
    _drops: bool = False
    _gate: anyio.Event | None = None

    def watch(self, moment: int, *, held: bool, drops: bool) -> None:
        """Choose a moment; ``held`` stops there, ``drops`` forgets the request after that."""
        self._moment, self._passed, self._drops = moment, 0, drops
        self._gate = anyio.Event() if held else None
        self.reached.clear()

    def go_on(self) -> None:
        """Let the request that was held go on, and watch no more."""
        self._moment = -1
        if self._gate is not None:
            self._gate.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._open += 1
        self.idle.clear()
        try:
            if await self._passes():
                await self.app(scope, receive, self._slowly(send))
        finally:
            self._open -= 1
            if not self._open:
                self.idle.set()

    def _slowly(self, send: Send) -> Send:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                await self._passes()
            await send(message)

        return sending

    async def _passes(self) -> bool:
        here = self._passed == self._moment
        self._passed += 1
        if not here:
            return True
        self.reached.set()
        if self._gate is not None:
            await self._gate.wait()
        return not self._drops


@dataclass
class Process:
    """A server in a process of its own, spoken to line by line."""

    pid: int
    stdin: int
    stdout: int
    _rest: bytes = b""

    def begin(self, tool: str, arguments: dict[str, Any]) -> None:
        """Greet the server and send a call, without waiting for its answer."""
        client = {"name": "test", "version": "1"}
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
        self._send({"id": 1, "method": "initialize", "params": hello})
        self._answer(1)
        self._send({"method": "notifications/initialized"})
        called = {"name": tool, "arguments": arguments}
        self._send({"id": 2, "method": "tools/call", "params": called})

    def result(self) -> dict[str, Any]:
        """Return the answer to the call."""
        return dict(self._answer(2)["result"])

    def says_something_within(self, seconds: float) -> bool:
        """Wait until the server writes, but no longer than so many seconds."""
        return bool(select.select([self.stdout], [], [], seconds)[0])

    def kill(self) -> None:
        """End the process without a warning."""
        os.kill(self.pid, signal.SIGKILL)

    def _send(self, message: dict[str, Any]) -> None:
        os.write(self.stdin, json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def _answer(self, number: int) -> dict[str, Any]:
        while True:
            line, newline, rest = self._rest.partition(b"\n")
            if newline:
                self._rest = rest
                message = json.loads(line)
                if message.get("id") == number:
                    return dict(message)
                continue
            assert self.says_something_within(LONGEST), "no answer"
            more = os.read(self.stdout, 65536)
            assert more, "the server ended"
            self._rest += more


@dataclass
class Hatchery:
    """Where servers come from: a warm process that forks them."""

    wire: socket.socket

    @contextmanager
    def server(self) -> Iterator[Process]:
        """Fork a server; it is killed, if it was not yet, and gone when the block ends."""
        reads_in, writes_in = os.pipe()
        reads_out, writes_out = os.pipe()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        socket.send_fds(self.wire, [b"fork"], [reads_in, writes_out, nowhere])
        for number in (reads_in, writes_out, nowhere):
            os.close(number)
        process = Process(int(self._line()), writes_in, reads_out)
        try:
            yield process
        finally:
            process.kill()
            assert self._line() == "gone"
            os.close(writes_in)
            os.close(reads_out)

    def _line(self) -> str:
        text = b""
        while not text.endswith(b"\n"):
            more = self.wire.recv(1)
            assert more, "the fork server ended"
            text += more
        return text.decode().strip()


@dataclass
class World:
    """A Tavus, servers that talk to it, and the journal they share."""

    store: Store
    staged: Staged
    portal: BlockingPortal
    http: httpx2.Client
    hatchery: Hatchery
    journal: Path

    def persona(self) -> str:
        """Make a persona as a dashboard would."""
        body = {
            "persona_name": "Ada",
            "system_prompt": "You are Ada.",
            "greeting": "Hi.",
            "layers": {"tts": {"tts_engine": "cartesia"}},
        }
        return str(self.http.post("/personas", json=body).json()["persona_id"])

    def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Ask a fresh server, which must succeed."""
        with self.hatchery.server() as server:
            server.begin(tool, arguments)
            result = server.result()
        assert not result.get("isError"), result
        return dict(result["structuredContent"])

    def killed(
        self, moment: int, wait: float, tool: str, *, held: bool, drops: bool = False, **more: Any
    ) -> None:
        """Call a tool, and kill its server ``wait`` seconds after a moment of its requests."""
        self.portal.call(lambda: self.staged.watch(moment, held=held, drops=drops))
        with self.hatchery.server() as server:
            server.begin(tool, more)
            assert self.staged.reached.wait(LONGEST)
            server.says_something_within(wait)
            server.kill()
        self.portal.call(self.staged.go_on)
        assert self.staged.idle.wait(LONGEST)


@contextmanager
def world(data: Path) -> Iterator[World]:
    """Serve a sandbox, and start the process that forks servers for it."""
    store = Store.open(None)
    staged = Staged(build_sandbox(store))
    ours, theirs = socket.socketpair()
    with start_blocking_portal() as portal, ours, theirs:
        app = cast(Starlette, staged)  # serving() asks only for an ASGI application
        with (
            portal.wrap_async_context_manager(serve_in_background(app)) as url,
            httpx2.Client(base_url=url, headers={"x-api-key": "any"}, trust_env=False) as http,
        ):
            environment = {
                **os.environ,
                "TAVUS_API_KEY": "test-key-0123456789",
                "TAVUS_BASE_URL": url,
                "TAVUS_MCP_DATA_DIR": str(data),
            }
            arguments = [sys.executable, str(FORKSERVER), str(theirs.fileno())]
            with subprocess.Popen(arguments, env=environment, pass_fds=[theirs.fileno()]) as warm:
                theirs.close()
                assert ours.recv(6) == b"ready\n"
                journal = data / "journal.sqlite3"
                yield World(store, staged, portal, http, Hatchery(ours), journal)
                ours.close()
                assert warm.wait(LONGEST) == 0
    store.close()
