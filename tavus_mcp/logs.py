"""Logging to stderr, with every known secret masked, tracebacks included."""

from __future__ import annotations

import logging
import sys

from tavus_mcp.models.masking import Masker

# These write whole messages at DEBUG, before anybody could know what in them is secret.
_VERBOSE_LOGGERS = ("mcp", "httpcore", "httpcore2", "sse_starlette", "asyncio")


class MaskingFormatter(logging.Formatter):
    """Formats a record as usual, then hides every secret value that is known by then."""

    def __init__(self, masker: Masker) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines, of a record."""
        return self._masker.mask_text(super().format(record))


def log_to_stderr(masker: Masker, level: str) -> None:
    """Send all logs of this process to stderr at a level, masked."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter(masker))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.INFO, root.level))
