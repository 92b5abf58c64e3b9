"""The file of the anchor: how it is written on Windows, and on a full disk."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from tavus_mcp.journal.anchor import Anchor, AnchorLine, anchor_path, append_line, read_anchor

LINES = [AnchorLine("journal", number, "digest") for number in range(3)]


def test_lines_are_replaced_byte_by_byte_also_where_files_have_a_text_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the flag Windows writes two bytes for a line end, so that a line grows."""
    open_file, flag = os.open, 1 << 30
    opened: list[int] = []

    def open_on_windows(path: str | Path, flags: int, mode: int = 0o777) -> int:
        opened.append(flags)
        return open_file(path, flags & ~flag, mode)

    monkeypatch.setattr("tavus_mcp.journal.anchor._BINARY", flag)
    monkeypatch.setattr(os, "open", open_on_windows)
    append_line(tmp_path / "journal", LINES[0])
    Anchor(tmp_path / "journal").advance(LINES[1], sync=True)
    assert all(flags & flag for flags in opened)
    assert len(opened) >= 2
    assert read_anchor(tmp_path / "journal") == [LINES[1]]


def test_a_line_that_the_journal_contradicts_stays(tmp_path: Path) -> None:
    append_line(tmp_path / "journal", LINES[0])
    anchor = Anchor(tmp_path / "journal", lambda line: line != LINES[0])
    anchor.advance(LINES[1], sync=True)
    anchor.advance(LINES[2], sync=True)
    assert read_anchor(tmp_path / "journal") == [LINES[0], LINES[2]]


@pytest.mark.skipif(sys.platform == "win32", reason="another lock")
def test_no_other_process_writes_between_reading_and_replacing_a_line(tmp_path: Path) -> None:
    """Otherwise it could replace the line of a newer entry, whose loss would not be noticed."""
    import fcntl

    append_line(tmp_path / "journal", LINES[0])

    def try_lock(_: AnchorLine) -> bool:
        path = anchor_path(tmp_path / "journal")
        with path.open("r+b") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True

    Anchor(tmp_path / "journal", try_lock).advance(LINES[1], sync=True)
    assert read_anchor(tmp_path / "journal") == [LINES[1]]


def test_a_line_that_a_full_disk_cuts_short_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system writes what fits, and says how much that was."""
    append_line(tmp_path / "journal", LINES[0])
    write = os.write
    with monkeypatch.context() as patcher:
        patcher.setattr(os, "write", lambda handle, text: write(handle, text[:10]))
        with pytest.raises(OSError, match="No space left on device") as error:
            append_line(tmp_path / "journal", LINES[1])
    assert error.value.errno == errno.ENOSPC
    assert read_anchor(tmp_path / "journal") == [LINES[0]]
