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
TIMEOUT_SECONDS = 20.0
"""Seconds after which something that should have come will not come."""


@dataclass
class PausableApp:
    """An ASGI application that tells when its chosen moment has come, and may stop there.

    The moments of a request are its arrival, before it takes effect, and its end, before its answer
    leaves; they are counted over all requests since ``watch``.
    """

    app: ASGIApp
    moment_reached: threading.Event = field(default_factory=threading.Event)
    idle: threading.Event = field(default_factory=threading.Event)
    _chosen_moment: int = -1
    _passed_moment_count: int = 0
    _open_request_count: int = 0
    _drops_request: bool = False
    _resume_event: anyio.Event | None = None

    def choose_moment(self, moment: int, *, pause: bool, drop_request: bool) -> None:
        """Choose a moment; ``held`` stops there, ``drops`` forgets the request after that."""
        self._chosen_moment, self._passed_moment_count, self._drops_request = (
            moment,
            0,
            drop_request,
        )
        self._resume_event = anyio.Event() if pause else None
        self.moment_reached.clear()

    def resume(self) -> None:
        """Let the request that was held go on, and watch no more."""
        self._chosen_moment = -1
        if self._resume_event is not None:
            self._resume_event.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._open_request_count += 1
        self.idle.clear()
        try:
            if await self._pass_moment():
                await self.app(scope, receive, self._wrap_send(send))
        finally:
            self._open_request_count -= 1
            if not self._open_request_count:
                self.idle.set()

    def _wrap_send(self, send: Send) -> Send:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                await self._pass_moment()
            await send(message)

        return sending

    async def _pass_moment(self) -> bool:
        here = self._passed_moment_count == self._chosen_moment
        self._passed_moment_count += 1
        if not here:
            return True
        self.moment_reached.set()
        if self._resume_event is not None:
            await self._resume_event.wait()
        return not self._drops_request


@dataclass
class ForkedServer:
    """A server in a process of its own, spoken to line by line."""

    pid: int
    stdin: int
    stdout: int
    _unread_output: bytes = b""

    def start_call(self, tool: str, arguments: dict[str, Any]) -> None:
        """Greet the server and send a call, without waiting for its answer."""
        client = {"name": "test", "version": "1"}
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
        self._send({"id": 1, "method": "initialize", "params": hello})
        self._wait_for_response(1)
        self._send({"method": "notifications/initialized"})
        called = {"name": tool, "arguments": arguments}
        self._send({"id": 2, "method": "tools/call", "params": called})

    def wait_for_result(self) -> dict[str, Any]:
        """Return the answer to the call."""
        return dict(self._wait_for_response(2)["result"])

    def has_output_within(self, seconds: float) -> bool:
        """Wait until the server writes, but no longer than so many seconds."""
        return bool(select.select([self.stdout], [], [], seconds)[0])

    def kill(self) -> None:
        """End the process without a warning."""
        os.kill(self.pid, signal.SIGKILL)

    def _send(self, message: dict[str, Any]) -> None:
        os.write(self.stdin, json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def _wait_for_response(self, request_id: int) -> dict[str, Any]:
        while True:
            line, newline, rest = self._unread_output.partition(b"\n")
            if newline:
                self._unread_output = rest
                message = json.loads(line)
                if message.get("id") == request_id:
                    return dict(message)
                continue
            assert self.has_output_within(TIMEOUT_SECONDS), "no answer"
            more = os.read(self.stdout, 65536)
            assert more, "the server ended"
            self._unread_output += more


@dataclass
class ForkServer:
    """Where servers come from: a warm process that forks them."""

    control_socket: socket.socket

    @contextmanager
    def fork(self) -> Iterator[ForkedServer]:
        """Fork a server; it is killed, if it was not yet, and gone when the block ends."""
        reads_in, writes_in = os.pipe()
        reads_out, writes_out = os.pipe()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        socket.send_fds(self.control_socket, [b"fork"], [reads_in, writes_out, nowhere])
        for number in (reads_in, writes_out, nowhere):
            os.close(number)
        process = ForkedServer(int(self._read_line()), writes_in, reads_out)
        try:
            yield process
        finally:
            process.kill()
            assert self._read_line() == "gone"
            os.close(writes_in)
            os.close(reads_out)

    def _read_line(self) -> str:
        text = b""
        while not text.endswith(b"\n"):
            more = self.control_socket.recv(1)
            assert more, "the fork server ended"
            text += more
        return text.decode().strip()


@dataclass
class KillScenario:
    """A Tavus, servers that talk to it, and the journal they share."""

    store: Store
    pausable_app: PausableApp
    portal: BlockingPortal
    api_client: httpx2.Client
    fork_server: ForkServer
    journal_path: Path

    def create_persona(self) -> str:
        """Make a persona as a dashboard would."""
        body = {
            "persona_name": "Ada",
            "system_prompt": "You are Ada.",
            "greeting": "Hi.",
            "layers": {"tts": {"tts_engine": "cartesia"}},
        }
        return str(self.api_client.post("/personas", json=body).json()["persona_id"])

    def call_tool(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Ask a fresh server, which must succeed."""
        with self.fork_server.fork() as server:
            server.start_call(tool, arguments)
            result = server.wait_for_result()
        assert not result.get("isError"), result
        return dict(result["structuredContent"])

    def kill_during_call(
        self,
        moment: int,
        wait_seconds: float,
        tool: str,
        *,
        pause: bool,
        drop_request: bool = False,
        **arguments: Any,
    ) -> None:
        """Call a tool, and kill its server ``wait`` seconds after a moment of its requests."""
        self.portal.call(
            lambda: self.pausable_app.choose_moment(moment, pause=pause, drop_request=drop_request)
        )
        with self.fork_server.fork() as server:
            server.start_call(tool, arguments)
            assert self.pausable_app.moment_reached.wait(TIMEOUT_SECONDS)
            server.has_output_within(wait_seconds)
            server.kill()
        self.portal.call(self.pausable_app.resume)
        assert self.pausable_app.idle.wait(TIMEOUT_SECONDS)


@contextmanager
def open_kill_scenario(data_folder: Path) -> Iterator[KillScenario]:
    """Serve a sandbox, and start the process that forks servers for it."""
    store = Store.open(None)
    staged = PausableApp(build_sandbox(store))
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
                "TAVUS_MCP_DATA_DIR": str(data_folder),
            }
            arguments = [sys.executable, str(FORKSERVER), str(theirs.fileno())]
            with subprocess.Popen(arguments, env=environment, pass_fds=[theirs.fileno()]) as warm:
                theirs.close()
                assert ours.recv(6) == b"ready\n"
                journal = data_folder / "journal.sqlite3"
                yield KillScenario(store, staged, portal, http, ForkServer(ours), journal)
                ours.close()
                assert warm.wait(TIMEOUT_SECONDS) == 0
    store.close()
