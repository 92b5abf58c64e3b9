"""The anchor: a small file beside the journal that names its newest entry.

A journal whose end was cut off, or that was emptied, deleted or replaced as a whole, still has a
correct chain of hashes. The anchor tells what it held. Its last line is of the journal in use and
is written after every entry, so that it is never ahead of what was committed. A line that the
journal contradicts is kept, and a new one is added, until a person removes the file.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_CHECK_DIGITS = 16
_SEQ_DIGITS = 18
_BINARY = getattr(os, "O_BINARY", 0)
"""Without this flag a line end has two bytes on Windows, so that no line is replaced exactly."""
_LOCKED_BYTE = 1 << 30
"""What is locked on Windows: a byte behind the end, as no other process may read a locked one."""
_logger = logging.getLogger(__name__)
_MAX_READS = 20
"""Reads of a file that another process is writing, before it counts as damaged."""


class DamagedAnchor(ValueError):
    """The anchor file cannot be read as one."""


@dataclass(frozen=True)
class AnchorLine:
    """The id of a journal, and the number and digest of its newest entry."""

    journal_id: str
    seq: int
    digest: str

    def render(self) -> str:
        """Return the line, always of the same length for the same journal."""
        fields = [self.journal_id, f"{self.seq:0{_SEQ_DIGITS}d}", self.digest]
        return json.dumps([*fields, _check_digits(fields)]) + "\n"

    @classmethod
    def parse(cls, line: str) -> AnchorLine:
        """Return what a line says; raise ``ValueError`` when it was not written as a whole."""
        *fields, check = json.loads(line)
        journal_id, seq, digest = fields
        if check != _check_digits(fields):
            raise ValueError("wrong check digits")
        return cls(str(journal_id), int(seq), str(digest))


def anchor_path(journal_path: Path) -> Path:
    """Return the path of the anchor of a journal."""
    return journal_path.with_name(f"{journal_path.name}.anchor")


def read_anchor(journal_path: Path) -> list[AnchorLine]:
    """Return the lines of the anchor, none without one; raise ``DamagedAnchor`` if unreadable."""
    for _ in range(_MAX_READS):
        try:
            return _parse(anchor_path(journal_path).read_bytes())
        except FileNotFoundError:
            return []
        except (ValueError, TypeError) as error:
            cause = error
    raise DamagedAnchor(f"the anchor {anchor_path(journal_path)} is damaged") from cause


def damaged_path(journal_path: Path) -> Path:
    """Return where a damaged anchor is moved to, for ``journal verify`` to report."""
    return journal_path.with_name(f"{journal_path.name}.anchor.damaged")


def read_or_set_aside(journal_path: Path) -> list[AnchorLine]:
    """Return the lines of the anchor; a damaged file is moved away, and none is returned."""
    try:
        return read_anchor(journal_path)
    except DamagedAnchor as error:
        anchor_path(journal_path).replace(damaged_path(journal_path))
        _logger.warning("%s. It was moved to %s.", error, damaged_path(journal_path))
        return []


def append_line(journal_path: Path, line: AnchorLine) -> None:
    """Add a line, or create the file with it; it is on the disk afterwards."""
    flags = os.O_CREAT | os.O_APPEND
    _write_at_end(anchor_path(journal_path), line.render().encode(), flags=flags)


class Anchor:
    """The anchor of a journal in use; what it holds is parsed only if another process wrote it.

    ``is_held`` tells whether the journal holds the entry that a line of another process names.
    """

    def __init__(
        self, journal_path: Path, is_held: Callable[[AnchorLine], bool] = lambda _: True
    ) -> None:
        self._journal_path = journal_path
        self._is_held = is_held
        self._path = str(anchor_path(journal_path))
        self._content = b""
        self._last: AnchorLine | None = None

    def advance(self, line: AnchorLine, *, sync: bool) -> None:
        """Replace the last line, unless it is of a newer entry; ``sync`` waits for the disk.

        A line is added if there is none, or the journal contradicts the last one. The file is
        locked, as another process that read it before could write an older line after this one.
        """
        with _lock_file(self._path):
            last = self._read_last()
            if last is None:
                append_line(self._journal_path, line)
            elif last.journal_id != line.journal_id or last.seq < line.seq:
                text = line.render().encode()
                _write_at_end(self._path, text, replaced_bytes=len(text), sync=sync)
                self._content, self._last = self._content[: -len(text)] + text, line

    def _read_last(self) -> AnchorLine | None:
        """Return the last line that may be replaced, or None; a damaged file is moved away."""
        try:
            content = _read_file(self._path)
            if content != self._content:
                self._last, self._content = self._find_last(_parse(content)), content
        except (OSError, ValueError, TypeError):
            self._last, self._content = self._find_last(read_or_set_aside(self._journal_path)), b""
        return self._last

    def _find_last(self, lines: Sequence[AnchorLine]) -> AnchorLine | None:
        return lines[-1] if lines and self._is_held(lines[-1]) else None


@contextmanager
def _lock_file(path: str) -> Iterator[None]:
    """Keep other processes from writing a file in this block, if there is one that can be locked.

    The lock ends with the process at the latest.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | _BINARY)
    except OSError:  # what writes the file reports that
        yield
        return
    try:
        with suppress(OSError):  # a file system without locks
            _wait_for_lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _parse(content: bytes) -> list[AnchorLine]:
    return [AnchorLine.parse(line) for line in content.decode("ascii").splitlines()]


def _read_file(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | _BINARY)
    try:
        return os.read(descriptor, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


def _write_at_end(
    path: str | Path, text: bytes, *, flags: int = 0, replaced_bytes: int = 0, sync: bool = True
) -> None:
    descriptor = os.open(path, os.O_WRONLY | _BINARY | flags, mode=0o600)
    try:
        start = os.lseek(descriptor, -replaced_bytes, os.SEEK_END)
        if os.write(descriptor, text) < len(text):  # the disk is full
            os.ftruncate(descriptor, start)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_digits(fields: list[str]) -> str:
    return hashlib.sha256("\n".join(fields).encode()).hexdigest()[:_CHECK_DIGITS]
