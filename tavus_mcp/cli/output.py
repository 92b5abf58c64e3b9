"""What commands print."""

from __future__ import annotations

import sys
from enum import IntEnum

from tavus_mcp.invisible_characters import escape_invisible


class ExitStatus(IntEnum):
    """What a command ends with.

    ``CHANGES``: a dry run found something to change. ``CONFLICT``: someone else edited the persona.
    ``INVALID``: a file or an argument would be rejected. ``REFUSED``: not permitted, or a person
    said no. ``WRONG_USAGE``: a wrong option or setting (EX_USAGE of sysexits.h).
    """

    DONE = 0
    FAILURE = 1
    CHANGES = 2
    CONFLICT = 3
    INVALID = 4
    REFUSED = 5
    WRONG_USAGE = 64


def report(text: str, status: int = 0) -> int:
    """Print a line on stdout, or on stderr if ``status`` is not 0; return ``status``."""
    (sys.stderr if status else sys.stdout).write(escape_invisible(text) + "\n")
    return status


def fail(message: str, status: int = 1) -> int:
    """Print an error of the command on stderr; return ``status``."""
    return report(f"tavus-mcp: {message}", status)
