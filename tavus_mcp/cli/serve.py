"""Serve MCP on stdin and stdout: what ``tavus-mcp`` does without a command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import anyio

from tavus_mcp import __version__
from tavus_mcp.app import ProjectPlace
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.logs import log_to_stderr
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import PROJECT_TOOLSET, Settings

_TERMINAL_HINT = (
    f"tavus-mcp {__version__}: an MCP server for Tavus personas (unofficial). It waits here for "
    "messages of an assistant; to connect one, end it with Ctrl+C and run `tavus-mcp install "
    "HOST`, or see `tavus-mcp --help`.\n"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the options of a server are those of every command."""


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve until the client closes stdin, a signal, or the end of process ``parent``."""
    if sys.stdin is not None and sys.stdin.isatty():
        sys.stderr.write(_TERMINAL_HINT)
    app = build_app(settings)
    if PROJECT_TOOLSET in settings.toolsets:
        app = replace(app, project=ProjectPlace(arguments.project or Path(), arguments.env or ""))
    log_to_stderr(app.masker, settings.log_level)
    with _without_rich():
        server = build_server(app, settings)
    anyio.run(server.serve_stdio, arguments.parent, arguments.early_reader)
    return 0


@contextmanager
def _without_rich() -> Iterator[None]:
    """Let the SDK not find rich, from which it would build a log handler that is not used.

    The import takes 10 ms where rich is installed. Our handler is set before.
    """
    sys.modules["rich"] = None  # type: ignore[assignment]  # an import of it raises ImportError
    try:
        yield
    finally:
        del sys.modules["rich"]
