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
    replacing it would separate the names.
    """
    path = resolve_links(path)
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


def resolve_links(path: Path) -> Path:
    """Return the target of links; raise ``OSError`` when they form a circle."""
    with suppress(FileNotFoundError):
        path.stat()
    return path.resolve()
