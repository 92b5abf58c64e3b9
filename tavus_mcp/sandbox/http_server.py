"""The sandbox on a TCP port, by default on loopback only."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from tavus_mcp.sandbox.faults import RESET_EXTENSION
from tavus_mcp.sandbox.http import json_response

_ALL_ADDRESSES = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:\[(?P<address>[^\[\]]+)\]|(?P<name>[\w.-]+))(?::\d*)?")
"""A Host header (RFC 9110, section 7.2)."""
_NO_LINGER = struct.pack("ii", 1, 0)
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class BreakableProtocol(H11Protocol):
    """HTTP/1.1 with an ASGI extension that breaks the connection of a request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put ``abort`` into the scope of every request on this connection."""
        super().connection_made(transport)
        app = self.app

        def abort(hard: bool) -> None:
            if hard:  # without lingering, closing sends RST instead of FIN
                raw: socket.socket = transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            transport.abort()

        async def app_with_abort(scope: Scope, receive: Receive, send: Send) -> None:
            extensions = {**scope.get("extensions", {}), RESET_EXTENSION: {"abort": abort}}
            await app({**scope, "extensions": extensions}, receive, send)

        self.app = app_with_abort


class HostMiddleware:
    """Refuses requests whose Host header names another machine.

    A page in a browser could otherwise reach the sandbox by a host name that resolves to loopback
    (DNS rebinding). A server that listens on all addresses accepts every name.
    """

    def __init__(self, app: ASGIApp, bound_host: str) -> None:
        self._app = app
        names = {*_LOOPBACK_NAMES, bound_host.lower()}
        self._allowed = None if bound_host in _ALL_ADDRESSES else names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421."""
        match = _HOST.fullmatch(Headers(scope=scope).get("host", ""))
        host = match and (match["address"] or match["name"]).lower()
        if self._allowed is None or host in self._allowed:
            await self._app(scope, receive, send)
        else:
            refusal = json_response({"error": "This server does not serve that host name"}, 421)
            await refusal(scope, receive, send)


def run(app: Starlette, *, host: str, port: int) -> None:
    """Serve until interrupted or terminated, then return."""
    server = _StandaloneServer(build_config(app, host, port))
    with bind_socket(host, port) as listening:
        url = _base_url(host, listening.getsockname()[1])
        keys = "any non-empty x-api-key works" if app.state.any_key else "x-api-key needed"
        sys.stderr.write(f"tavus sandbox at {url} ({keys})\n")
        sys.stderr.flush()
        server.run(sockets=[listening])


class _StandaloneServer(uvicorn.Server):
    """A server that is the whole program: a signal shuts it down with exit code 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Shut down on SIGINT and SIGTERM and do not raise them again."""
        before = {number: signal.signal(number, self.handle_exit) for number in _STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def build_config(app: Starlette, host: str, port: int) -> uvicorn.Config:
    """Return how a sandbox is served, in this program or in another one."""
    return uvicorn.Config(
        HostMiddleware(app, host),
        host=host,
        port=port,
        http=BreakableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=1,
    )


def bind_socket(host: str, port: int) -> socket.socket:
    """Listen on a port, 0 for a free one; raise ``OSError`` if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm only if the protocol is given: else replies take 40 ms
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening


def _base_url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/v2" if ":" in host else f"http://{host}:{port}/v2"
