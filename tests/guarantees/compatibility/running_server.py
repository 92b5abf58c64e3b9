"""The server and the command as a client sees them, on the embedded sandbox.

This is the only module of the folder that names modules of the project, so that a renamed module
is renamed in one place. Everything else here goes through an MCP client or the command line.
"""

from __future__ import annotations

import gc
import io
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import httpx2
import pytest
from mcp import Client

from tavus_mcp.__main__ import main
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.sandbox.app import SandboxTransport
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import from_environment
from tavus_mcp.tavus_api.client import TavusApi

SECRET = "sk-test-compatibility-5c1e77"
"""What TAVUS_SECRET_OPENAI holds here; it must never come out."""
STATE, JOURNAL = "sandbox.sqlite3", "sandbox-journal.sqlite3"
"""The names of the sandbox's state and journal in the data folder: users have files so named."""


def environment(data: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a server on the embedded sandbox whose files are in ``data``."""
    return {
        "TAVUS_MCP_SANDBOX": "1",
        "TAVUS_MCP_DATA_DIR": str(data),
        "TAVUS_MCP_AUTHOR": "Ada",
        "TAVUS_SECRET_OPENAI": SECRET,
        **variables,
    }


@asynccontextmanager
async def connect(
    data: Path,
    *,
    clock: Callable[[], datetime] | None = None,
    wrap: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport] = lambda it: it,
    **variables: str,
) -> AsyncIterator[Client]:
    """Start a server in this process, and connect a client to it.

    ``wrap`` may put a transport of its own between the server and its sandbox.
    """
    settings = from_environment(environment(data, **variables))
    api = TavusApi(
        "http://127.0.0.1/v2", "sandbox", transport=lambda: wrap(SandboxTransport(data / STATE))
    )
    app = replace(build_app(settings), api=api)
    if clock is not None:
        app = replace(app, clock=clock)
    async with Client(build_server(app, settings), mode="legacy") as connected:
        yield connected


@dataclass(frozen=True)
class CommandResult:
    """The exit status of a command, and what it printed."""

    status: int
    output: str
    errors: str


def run_command(
    data: Path, *arguments: str, folder: Path, stdin: str = "", **variables: str
) -> CommandResult:
    """Run ``tavus-mcp`` in this process, in ``folder``."""
    streams = {name: io.TextIOWrapper(io.BytesIO(), "utf-8") for name in ("stdout", "stderr")}
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")
    root = logging.getLogger()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(root, "handlers", [*root.handlers])
        patch.setattr(root, "level", root.level)
        for name in [name for name in os.environ if name.startswith("TAVUS_")]:
            patch.delenv(name)
        patch.setenv("PYDANTIC_DISABLE_PLUGINS", "__all__")
        for name, value in environment(data, **variables).items():
            patch.setenv(name, value)
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["tavus-mcp", *arguments])
        patch.setattr(sys, "stdin", given)
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        with pytest.raises(SystemExit) as ended:
            main()
        gc.unfreeze()
    output, errors = (_content(stream) for stream in streams.values())
    return CommandResult(int(ended.value.code or 0), output, errors)


def _content(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()
