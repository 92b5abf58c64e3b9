"""Ask a person on the terminal before something is written."""

from __future__ import annotations

import sys

from tavus_mcp.app import App
from tavus_mcp.cli import files
from tavus_mcp.cli.output import ExitStatus


def is_confirmed(app: App, question: str, expected: str) -> bool:
    """Ask for ``expected`` to be typed; return False for anything else, or without a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        files.print_error(app, "Nothing was sent: without a terminal, --yes is needed.")
        return False
    sys.stderr.write(f"{question} ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() == expected:
        return True
    files.print_error(app, "Nothing was sent.", ExitStatus.REFUSED)
    return False
