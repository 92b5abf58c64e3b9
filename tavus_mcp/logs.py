"""Log to stderr, with every known secret masked, in tracebacks too."""

from __future__ import annotations

import logging
import sys

from tavus_mcp.invisible_characters import escape_invisible
from tavus_mcp.models.masking import Masker

# These log whole messages at DEBUG, when the secrets in them are not known yet.
_VERBOSE_LOGGERS = ("mcp", "httpcore", "httpcore2", "sse_starlette", "asyncio", "psycopg")


class MaskingFormatter(logging.Formatter):
    """Formats a record, masks every known secret value, and makes invisible characters visible."""

    def __init__(self, masker: Masker) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record; only its first line begins at the margin."""
        text = escape_invisible(self._masker.mask_message(super().format(record)))
        return text.replace("\n", "\n  ")


def log_to_stderr(masker: Masker, level: str) -> None:
    """Send all logs of this process from ``level`` up to stderr, masked."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter(masker))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.INFO, root.level))
