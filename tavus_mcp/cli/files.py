"""Reading and writing persona files, and what ``export`` and ``apply`` print about them."""

from __future__ import annotations

import os
import secrets
import select
import stat
import sys
from contextlib import suppress
from pathlib import Path

from tavus_mcp.app import App
from tavus_mcp.cli.output import fail
from tavus_mcp.invisible_characters import escape_invisible, escape_line
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


def is_regular_file(name: str) -> bool:
    """Return True if a result can be written back: not to stdin, nor to a pipe."""
    return name != STDIN and Path(name).is_file()


def require_writable(name: str) -> None:
    """Raise ``OSError`` for a file that could not be written after the change was sent."""
    if not is_regular_file(name):
        return
    path = _resolve_links(Path(name))
    if not all(os.access(checked, os.W_OK) for checked in (path, path.parent)):
        raise OSError("it cannot be written, so its revision could not be; nothing was sent")


def write_file(path: Path, text: str, *, mode: int | None = None) -> None:
    """Write a file completely or not at all; links are followed.

    The permissions are ``mode``; without it they stay, and a new file has those of the umask.
    A file with several hard links is written in place, after a complete copy is on the disk, as
    replacing it would separate the names.
    """
    path = _resolve_links(path)
    status = path.stat() if path.exists() else None
    if mode is None and status is not None:
        mode = stat.S_IMODE(status.st_mode)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # a new file gets the permissions that the umask leaves
    handle = os.open(temporary, flags, 0o666 if mode is None else 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if status is not None and status.st_nlink > 1:
            if mode is not None:
                path.chmod(mode)
            path.write_bytes(text.encode())
        else:
            if mode is not None:
                temporary.chmod(mode)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _resolve_links(path: Path) -> Path:
    """Return the target of links; raise ``OSError`` when they form a circle."""
    with suppress(FileNotFoundError):
        path.stat()
    return path.resolve()


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
    message = str(error)
    if isinstance(error, OSError) and error.strerror:
        message, name = error.strerror, name or error.filename
    return f"{escape_line(str(name))}: {message}" if name else message
