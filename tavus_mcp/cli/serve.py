"""Serve MCP on stdin and stdout: what ``tavus-mcp`` does without a command."""

from __future__ import annotations

import argparse

import anyio

from tavus_mcp.cli.wiring import build_app
from tavus_mcp.logs import log_to_stderr
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import Settings


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve until the client closes stdin, a signal, or the end of process ``parent``."""
    app = build_app(settings)
    log_to_stderr(app.masker, settings.log_level)
    anyio.run(build_server(app, settings).serve_stdio, arguments.parent)
    return 0
