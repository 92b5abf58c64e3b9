"""Serves a sandbox on a TCP port while a test runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
import uvicorn
from starlette.applications import Starlette

from tavus_mcp.sandbox.http_server import bind_socket, build_config

_HOST = "127.0.0.1"
_POLL_SECONDS = 0.005


@asynccontextmanager
async def serve_in_background(app: Starlette, *, port: int = 0) -> AsyncIterator[str]:
    """Serve on loopback while the context is open; yields the URL, ``http://HOST:PORT/v2``."""
    server = _EmbeddedServer(build_config(app, _HOST, port))
    with bind_socket(_HOST, port) as listening:
        url = f"http://{_HOST}:{listening.getsockname()[1]}/v2"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listening])
            try:
                while not server.started:
                    await anyio.sleep(_POLL_SECONDS)
                yield url
            finally:
                server.should_exit = True


class _EmbeddedServer(uvicorn.Server):
    """A server inside another program, which handles signals itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield
