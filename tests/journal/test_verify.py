"""``tavus-mcp journal verify``: changes of the files and the answers of the command."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tavus_mcp.cli import main
from tavus_mcp.cli.journal import ALTERED, UNREADABLE
from tavus_mcp.cli.wiring import JOURNAL_FILE_NAME
from tavus_mcp.journal.anchor import anchor_path, read_anchor
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.verification import verify_journal

COUNT = 6
FIXTURES = Path(__file__).parents[1] / "guarantees" / "compatibility" / "fixtures" / "journals"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal with some entries, where the command looks for it."""
    monkeypatch.setenv("TAVUS_MCP_DATA_DIR", str(tmp_path / "data"))
    path = tmp_path / "data" / JOURNAL_FILE_NAME
    append_entries(path, COUNT)
    return path


def append_entries(path: Path, count: int) -> None:
    with closing(JournalStore.open(path)) as journal:
        for number in range(count):
            journal.append(JournalEntry("seen", "p1", f"time {number}", revision=f"r{number}"))


def alter(path: Path, *statements: str) -> None:
    """Alter a journal after removing its triggers."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for (name,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)


def cut_end_and_move_head(path: Path) -> None:
    alter(
        path,
        "DELETE FROM entries WHERE seq > 4",
        "UPDATE head SET seq = 4, digest = (SELECT digest FROM entries WHERE seq = 4)",
    )


def remove_all_entries(path: Path) -> None:
    alter(path, "DELETE FROM entries", "UPDATE head SET seq = 0, digest = printf('%064d', 0)")


def replace_by_new_journal(path: Path) -> None:
    path.unlink()
    append_entries(path, COUNT + 1)


def damage_pages(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        (page,) = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'accounts_of_persona'"
        ).fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek(page * size - 500)
        file.write(b"\xff" * 500)


@pytest.mark.parametrize(
    "damage",
    [
        cut_end_and_move_head,
        remove_all_entries,
        replace_by_new_journal,
        damage_pages,
        lambda path: path.write_bytes(b""),
        lambda path: Path(f"{path}.anchor").unlink(),
        lambda path: Path(f"{path}.anchor").write_text("[]\n"),
        lambda path: alter(path, "UPDATE entries SET status = 'applied' WHERE seq = 4"),
        lambda path: alter(path, "DELETE FROM head"),
    ],
    ids=[
        "cut end with moved head",
        "no entries left",
        "another journal",
        "damaged pages",
        "empty file",
        "no anchor",
        "damaged anchor",
        "altered entry",
        "no head",
    ],
)
def test_an_altered_journal_ends_with_1(path: Path, damage: Callable[[Path], None]) -> None:
    damage(path)
    assert main.run(["journal", "verify"]) == ALTERED


def test_a_journal_whose_end_was_cut_stays_noticed_while_entries_are_added(path: Path) -> None:
    cut_end_and_move_head(path)
    append_entries(path, COUNT)
    assert main.run(["journal", "verify"]) == ALTERED


def test_a_damaged_anchor_stops_no_server_and_stays_noticed(path: Path) -> None:
    Path(f"{path}.anchor").write_text("not an anchor\n")
    append_entries(path, 1)
    assert main.run(["journal", "verify"]) == ALTERED
    with closing(JournalStore.open(path)) as journal:
        Path(f"{path}.anchor").write_text("not an anchor\n")
        journal.append(JournalEntry("seen", "p1", "later"))
        assert len(list(journal.entries())) == COUNT + 2


def test_the_anchor_names_the_newest_entry_of_two_servers(path: Path) -> None:
    with closing(JournalStore.open(path)) as first, closing(JournalStore.open(path)) as second:
        for journal in (first, second, second, first, first):
            entry = journal.append(JournalEntry("seen", "p1", "later"))
            assert [(line.seq, line.digest) for line in read_anchor(path)] == [
                (entry.seq, entry.digest)
            ]


def test_damage_of_the_anchor_between_two_entries_is_noticed(path: Path) -> None:
    with closing(JournalStore.open(path)) as journal:
        for _ in range(2):
            journal.append(JournalEntry("seen", "p1", "later"))
        content = anchor_path(path).read_bytes()
        anchor_path(path).write_bytes(content.replace(b'"', b"'", 1))
        journal.append(JournalEntry("seen", "p1", "later"))
    assert "an anchor was damaged" in verify_journal(path).faults[0]


def test_a_lost_write_ahead_log_is_noticed(path: Path, tmp_path: Path) -> None:
    with closing(JournalStore.open(path)) as journal:
        journal.append(JournalEntry("seen", "p1", "later"))
        copy = tmp_path / "copy" / path.name
        copy.parent.mkdir()
        for suffix in ("", ".anchor"):
            shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    assert verify_journal(path).faults == []
    assert verify_journal(copy).faults != []


@pytest.mark.parametrize("is_deleted", [True, False], ids=["deleted", "never there"])
def test_a_missing_journal_ends_with_4(
    path: Path, capsys: pytest.CaptureFixture[str], is_deleted: bool
) -> None:
    path.unlink()
    if not is_deleted:
        Path(f"{path}.anchor").unlink()
    assert main.run(["journal", "verify"]) == UNREADABLE
    error = capsys.readouterr().err
    assert "no journal" in error
    assert (f"held {COUNT} entries" in error) is is_deleted
    assert not path.exists()


def test_a_file_that_is_no_journal_ends_with_4(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 40)
    assert main.run(["journal", "verify"]) == UNREADABLE
    assert "cannot be read" in capsys.readouterr().err


def test_an_intact_journal_ends_with_0_and_the_limits_of_the_proof_are_stated(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["journal", "verify"]) == 0
    output = capsys.readouterr().out
    assert f"{COUNT} entries" in output
    assert "cannot show" in output


def test_the_altered_entry_is_named(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alter(path, "UPDATE entries SET status = 'applied' WHERE seq = 4")
    assert main.run(["journal", "verify"]) == ALTERED
    assert "entry 4 is not as it was written" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(folder.name for folder in FIXTURES.glob("*/")))
def test_a_journal_of_an_older_version_is_intact_and_not_changed_by_verifying(
    tmp_path: Path, name: str
) -> None:
    path = Path(shutil.copy(FIXTURES / name / "sandbox-journal.sqlite3", tmp_path))
    before = path.read_bytes()
    assert verify_journal(path).faults == []
    assert path.read_bytes() == before
    JournalStore.open(path).close()
    assert verify_journal(path).faults == []


def test_verifying_while_another_thread_writes_reports_nothing(path: Path) -> None:
    is_done = threading.Event()

    def write() -> None:
        with closing(JournalStore.open(path)) as journal:
            while not is_done.is_set():
                journal.append(JournalEntry("seen", "p1", "now"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(30):
            assert verify_journal(path).faults == []
    finally:
        is_done.set()
        writer.join()
