"""What commands print."""

from __future__ import annotations

import sys

from tavus_mcp.text import escape_invisible

WRONG_USE = 64
"""The exit status for a wrong option or setting (EX_USAGE of sysexits.h)."""


def report(text: str, status: int = 0) -> int:
    """Print a line on stdout, or on stderr if ``status`` is not 0; return ``status``."""
    (sys.stderr if status else sys.stdout).write(escape_invisible(text) + "\n")
    return status


def fail(message: str, status: int = 1) -> int:
    """Print an error of the command on stderr; return ``status``."""
    return report(f"tavus-mcp: {message}", status)
