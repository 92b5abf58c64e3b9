"""Reading and writing persona files, and what ``export`` and ``apply`` print about them."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tavus_mcp.app import App
from tavus_mcp.cli.output import fail
from tavus_mcp.persona_files.yaml_reader import MAX_FILE_BYTES
from tavus_mcp.server.text_rendering import render_text, without_nulls
from tavus_mcp.text import escape_invisible

STDIN = "-"


def read_bytes(name: str) -> bytes:
    """Read a file, or stdin if ``name`` is ``-``: at most one byte more than a file may have."""
    if name == STDIN:
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


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


def write_atomically(path: Path, text: str) -> None:
    """Write a file completely or not at all; links are followed, the permissions stay."""
    path = _resolve_links(path)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # a new file gets the permissions that the umask leaves
    handle = os.open(temporary, flags, 0o666 if mode is None else 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
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


def present_fields(result: BaseModel) -> dict[str, Any]:
    """Return the members of a result that are not null."""
    return dict(without_nulls(result.model_dump(mode="json")))


def print_facts(app: App, facts: dict[str, Any]) -> None:
    """Print a result as compact text, masked."""
    print_utf8(escape_invisible(render_text(app.masker.mask(facts))) + "\n")


def print_utf8(text: str) -> None:
    """Print UTF-8 with plain line ends, whatever the terminal and the system prefer."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    sys.stdout.buffer.flush()


def print_error(app: App, message: str) -> int:
    """Print an error, masked; return the exit status 1."""
    return fail(app.masker.mask_text(escape_invisible(message)))


def error_message(error: Exception, name: object) -> str:
    """Return the text of an error with the name of the file that it concerns, if there is one."""
    message = str(error)
    if isinstance(error, OSError) and error.strerror:
        message, name = error.strerror, name or error.filename
    return f"{name}: {message}" if name else message
