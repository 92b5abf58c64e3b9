"""Reading and writing persona files, and what ``export`` and ``apply`` print about them."""

from __future__ import annotations

import os
import select
import stat
import sys
from pathlib import Path

from tavus_mcp.app import App
from tavus_mcp.cli.command_texts import describe_error
from tavus_mcp.cli.output import fail
from tavus_mcp.invisible_characters import escape_invisible, escape_line
from tavus_mcp.persona_files.file_writing import resolve_links
from tavus_mcp.persona_files.yaml_reader import MAX_FILE_BYTES

STDIN = "-"
PIPE_TIMEOUT_SECONDS = 30.0
"""How long a named pipe may be silent before reading it ends with an error."""


def read_bytes(name: str, *, pipe_timeout_seconds: float = PIPE_TIMEOUT_SECONDS) -> bytes:
    """Read a file, or stdin if ``name`` is ``-``: at most one byte more than a file may have.

    Raises ``OSError`` when the file cannot be read, or is a named pipe into which nobody writes.
    """
    if name == STDIN:
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if stat.S_ISFIFO(Path(name).stat().st_mode):
        return _read_pipe(name, pipe_timeout_seconds)
    with Path(name).open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _read_pipe(name: str, timeout_seconds: float) -> bytes:
    """Read a named pipe to its end; opened without waiting, as a writer may never come."""
    content = b""
    with os.fdopen(os.open(name, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as pipe:
        while len(content) <= MAX_FILE_BYTES:
            chunk = pipe.read(MAX_FILE_BYTES + 1 - len(content))
            if chunk:
                content += chunk
            elif chunk is not None and content:  # the end; before any data it means: no writer yet
                break
            elif not select.select([pipe], [], [], timeout_seconds)[0]:
                raise OSError(f"it is a pipe, and nothing came from it for {timeout_seconds:g} s")
    return content


def find_identity(name: str) -> object:
    """Return what all names of a file have in common; raise ``OSError`` if there is none."""
    if name == STDIN:
        return name
    status = Path(name).stat()
    return status.st_dev, status.st_ino


def is_regular_file(name: str) -> bool:
    """Return True if a result can be written back: not to stdin, nor to a pipe."""
    return name != STDIN and Path(name).is_file()


def require_writable(name: str) -> None:
    """Raise ``OSError`` for a file that could not be written after the change was sent."""
    if not is_regular_file(name):
        return
    path = resolve_links(Path(name))
    if not all(os.access(checked, os.W_OK) for checked in (path, path.parent)):
        raise OSError("it cannot be written, so its revision could not be; nothing was sent")


def print_text(app: App, text: str) -> None:
    """Print lines of a result, masked."""
    print_utf8(escape_invisible(app.masker.mask_text(text)) + "\n")


def print_utf8(text: str) -> None:
    """Print UTF-8 with plain line ends, whatever the terminal and the system prefer."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    sys.stdout.buffer.flush()


def print_error(app: App, message: str, status: int = 1) -> int:
    """Print an error, masked; return ``status``."""
    return fail(app.masker.mask_text(escape_invisible(message)), status)


def error_message(error: Exception, name: object) -> str:
    """Return the text of an error with the name of the file that it concerns, if there is one."""
    message = describe_error(error)
    if isinstance(error, OSError) and error.strerror:
        message, name = error.strerror, name or error.filename
    return f"{escape_line(str(name))}: {message}" if name else message
