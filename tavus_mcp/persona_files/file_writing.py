"""Write files completely or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path


def write_file(path: Path, text: str, *, mode: int | None = None) -> None:
    """Write a file completely or not at all; links are followed.

    The permissions are ``mode``; without it they stay, and a new file has those of the umask.
    A file with several hard links is written in place, after a complete copy is on the disk, as
    replacing it would separate the names. Raises ``OSError`` with the path of the file.
    """
    try:
        _write_resolved(resolve_links(path), text, mode)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _write_resolved(path: Path, text: str, mode: int | None) -> None:
    status = path.stat() if path.exists() else None
    if mode is None and status is not None:
        mode = stat.S_IMODE(status.st_mode)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # a new file gets the permissions that the umask leaves
    handle = os.open(temporary, flags, 0o666 if mode is None else 0o600)
    is_only_copy = False
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            temporary.chmod(mode)
        if status is not None and status.st_nlink > 1:
            if mode is not None:
                path.chmod(mode)
            is_only_copy = True
            _write_in_place(path, text.encode(), temporary)
            is_only_copy = False
        else:
            temporary.replace(path)
    finally:
        if not is_only_copy:
            temporary.unlink(missing_ok=True)


def _write_in_place(path: Path, content: bytes, copy: Path) -> None:
    """Write a file of several names; raise ``OSError`` that names the copy if it is cut short."""
    try:
        path.write_bytes(content)
    except OSError as error:
        message = f"{error.strerror}. It may be cut short; all of it is in {copy}"
        raise OSError(error.errno, message) from error


def resolve_links(path: Path) -> Path:
    """Return the target of links; raise ``OSError`` when they form a circle."""
    with suppress(FileNotFoundError):
        path.stat()
    return path.resolve()
