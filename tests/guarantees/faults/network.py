"""A sandbox on a real socket with planned failures, and a client with short time limits."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2
from anyio.from_thread import start_blocking_portal
from mcp import Client
from mcp_client import ToolClient
from sandbox_server import serve_in_background
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.journal.journal import Journal
from tavus_mcp.models.masking import Masker
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Row, Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, Settings
from tavus_mcp.tavus_api.client import TavusApi

REQUEST_TIMEOUT_SECONDS = 0.4
TOTAL_TIMEOUT_SECONDS = 2.4
"""Seconds without a byte after which this client gives up; the server's own are thirty."""

RequestPredicate = Callable[[str, str], bool]


def matches_no_request(_method: str, _path: str) -> bool:
    return False


@dataclass
class FaultyApp:
    """An ASGI application that carries requests out, and answers slowly or never."""

    app: ASGIApp
    is_withheld: RequestPredicate = matches_no_request
    is_sent_slowly: RequestPredicate = matches_no_request
    sends_forever: bool = False
    idle: threading.Event = field(default_factory=threading.Event)
    _open_request_count: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_line = scope["method"], scope["path"]
        self._open_request_count += 1
        self.idle.clear()
        try:
            if self.is_withheld(*request_line):
                await self.app(scope, receive, _discard_message)
                while (await receive())["type"] != "http.disconnect":
                    pass
            elif self.is_sent_slowly(*request_line):
                await self._send_slowly(scope, receive, send)
            else:
                await self.app(scope, receive, send)
        finally:
            self._open_request_count -= 1
            if not self._open_request_count:
                self.idle.set()

    async def _send_slowly(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def listen(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, listen)
        status = 200 if messages[0]["status"] == 204 else messages[0]["status"]
        headers = [item for item in messages[0]["headers"] if item[0] != b"content-length"]
        body = b"".join(message.get("body", b"") for message in messages)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        while self.sends_forever:
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await anyio.sleep(REQUEST_TIMEOUT_SECONDS / 8)  # what a drip is
        for start in range(0, len(body), len(body) // 5 + 1):
            part = body[start : start + len(body) // 5 + 1]
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await anyio.sleep(REQUEST_TIMEOUT_SECONDS / 8)  # what a drip is
        await send({"type": "http.response.body", "body": b""})


async def _discard_message(_message: Message) -> None:
    """Discard a part of an answer."""


@dataclass
class SandboxServer:
    """A sandbox on a TCP port, in a thread of its own."""

    url: str
    store: Store
    faulty_app: FaultyApp

    def send_control_request(self, method: str, resource: str, body: Any = None) -> None:
        answer = httpx2.request(
            method,
            self.url.replace("/v2", f"/_sandbox/{resource}"),
            json=body,
            headers={"x-api-key": "any"},
            trust_env=False,
        )
        assert answer.status_code == 204, answer.text

    def clear_faults(self) -> None:
        """Let every answer through again, and wait until no request is under way."""
        self.faulty_app.is_withheld = self.faulty_app.is_sent_slowly = matches_no_request
        self.faulty_app.sends_forever = False
        self.send_control_request("DELETE", "faults")
        assert self.faulty_app.idle.wait(10)

    def find_persona(self, persona_id: str) -> Row | None:
        return self.store.get("persona", persona_id)

    def find_personas_by_name(self, name: str) -> list[Row]:
        return [row for row in self.store.all("persona") if row["persona_name"] == name]


@contextmanager
def serve_sandbox() -> Iterator[SandboxServer]:
    """Serve a sandbox until the block ends."""
    store = Store.open(None)
    hindered = FaultyApp(build_sandbox(store))
    with start_blocking_portal() as portal:
        # serving() asks only for an ASGI application
        app = cast(Starlette, hindered)
        with portal.wrap_async_context_manager(serve_in_background(app)) as url:
            yield SandboxServer(url, store, hindered)
    store.close()


@dataclass
class ShortTimeoutTransport(httpx2.AsyncBaseTransport):
    """A transport with short timeouts that can send a request to a closed port."""

    is_refused: RequestPredicate = matches_no_request
    wrapped_transport: httpx2.AsyncHTTPTransport = field(default_factory=httpx2.AsyncHTTPTransport)
    request_lines: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.request_lines.append(f"{request.method} {request.url.path}")
        phases = ("connect", "read", "write", "pool")
        request.extensions = {
            **request.extensions,
            "timeout": dict.fromkeys(phases, REQUEST_TIMEOUT_SECONDS),
        }
        if not self.is_refused(request.method, request.url.path):
            return await self.wrapped_transport.handle_async_request(request)
        with socket.socket() as deaf:  # bound, but not listening: a connection is refused
            deaf.bind(("127.0.0.1", 0))
            there = request.url
            request.url = there.copy_with(port=deaf.getsockname()[1])
            try:
                return await self.wrapped_transport.handle_async_request(request)
            finally:
                request.url = there

    async def aclose(self) -> None:
        await self.wrapped_transport.aclose()


@dataclass
class FaultScenario:
    """A client of the server, the transport, and the sandbox that it sends to."""

    tool_client: ToolClient
    transport: ShortTimeoutTransport
    sandbox_server: SandboxServer
    journal_path: Path


@asynccontextmanager
async def connect_tool_client(
    sandbox_server: SandboxServer, data_folder: Path
) -> AsyncIterator[tuple[ToolClient, ShortTimeoutTransport]]:
    """Open a server that sends to this sandbox over TCP, and a client of the server."""
    wire = ShortTimeoutTransport()
    api = TavusApi(
        sandbox_server.url,
        "test-key-0123456789",
        transport=lambda: wire,
        timeout_seconds=TOTAL_TIMEOUT_SECONDS,
    )
    app = App(api, load_catalog(), Journal(data_folder / "journal.sqlite3"), Masker())
    server = build_server(app, Settings(toolsets=TOOLSETS))
    async with Client(server, mode="legacy") as client:
        yield ToolClient(client, cast(Any, wire), server), wire
