"""``tavus-mcp journal show`` and ``adopt``."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from forked_processes import ForkServer

from tavus_mcp.cli import main
from tavus_mcp.cli.wiring import JOURNAL_FILE_NAME, SANDBOX_JOURNAL_FILE_NAME
from tavus_mcp.journal.accounts import Credentials
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.verification import verify_journal

FIXTURES = Path(__file__).parents[1] / "guarantees" / "compatibility" / "fixtures" / "journals"
KEY = "key-of-production-1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("TAVUS_MCP_DATA_DIR", str(folder))
    monkeypatch.setenv("TAVUS_MCP_AUTHOR", "Ada")
    return folder


def test_an_entry_is_one_line_whatever_others_have_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials = Credentials("https://tavus.example/v2", KEY, "production")
    hostile = "/x\n9  2026  p9  outcome\u202e\x1b[2J"
    author = "Eve\n2  forged"
    path = folder / JOURNAL_FILE_NAME
    with closing(JournalStore.open(path, credentials, lambda: author)) as journal:
        journal.append(
            JournalEntry("intent", "p1", "2026-01-01", "update_persona\nx", paths=(hostile,))
        )
    assert main.run(["journal", "show"]) == 0
    output = capsys.readouterr().out
    assert len(output.splitlines()) == 1
    assert "\u202e" not in output
    assert "\x1b" not in output
    assert "by" in output
    assert "Eve" in output
    assert "production (https://tavus.example/v2)" in output


def test_a_single_entry_is_counted_as_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(JournalStore.open(folder / JOURNAL_FILE_NAME)) as journal:
        journal.append(JournalEntry("seen", "p1", "2026-01-01", revision="other"))
    assert main.run(["journal", "verify"]) == 0
    assert "The journal is intact: 1 entry, none" in capsys.readouterr().out


def test_only_the_entries_of_one_persona_are_listed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(JournalStore.open(folder / JOURNAL_FILE_NAME)) as journal:
        for persona_id in ("p1", "p2", "p1"):
            journal.append(JournalEntry("seen", persona_id, "2026-01-01", revision="other"))
    assert main.run(["journal", "show", "p2"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert "p2" in line


def test_entries_without_an_account_are_adopted_by_the_account_of_the_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / JOURNAL_FILE_NAME
    shutil.copy(FIXTURES / "everyday" / "sandbox-journal.sqlite3", path)
    assert main.run(["journal", "adopt"]) == 64
    assert "TAVUS_API_KEY" in capsys.readouterr().err
    monkeypatch.setenv("TAVUS_API_KEY", KEY)
    assert main.run(["journal", "adopt"]) == 0
    credentials = Credentials("https://tavusapi.com/v2", KEY)
    with closing(JournalStore.open(path, credentials)) as journal:
        assert len(journal.entries_of_persona("pe61e660e291")) > 10
        assert {entry.author for entry in journal.entries() if entry.kind == "adopt"} == {"Ada"}
    with closing(JournalStore.open(path, Credentials("https://tavusapi.com/v2", "x"))) as other:
        assert other.entries_of_persona("pe61e660e291") == []
    assert verify_journal(path).faults == []
    capsys.readouterr()
    assert main.run(["journal", "adopt"]) == 0
    assert "Nothing to adopt" in capsys.readouterr().out


def test_the_journal_of_the_sandbox_is_adopted_without_a_key(folder: Path) -> None:
    path = folder / SANDBOX_JOURNAL_FILE_NAME
    shutil.copy(FIXTURES / "everyday" / path.name, path)
    assert main.run(["--sandbox", "journal", "adopt"]) == 0


@pytest.mark.parametrize("action", ["show", "adopt", "erase"])
def test_without_a_journal_the_command_ends_with_4(
    folder: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setenv("TAVUS_API_KEY", KEY)
    assert main.run(["journal", action, "p1"]) == 4
    assert list(folder.iterdir()) == []


def test_output_that_is_not_read_to_its_end_is_no_error_of_the_journal(
    folder: Path, fork_server: ForkServer
) -> None:
    with closing(JournalStore.open(folder / JOURNAL_FILE_NAME)) as journal:
        journal.append(JournalEntry("seen", "p1", "2026-01-01"))
    with fork_server.start(folder, "journal", "show", reads=False, finalizes=True) as process:
        process.process.stdout.close()
        process.wait_for_exit()
        assert process.process.returncode == 1
        assert process.read_stderr() == ""
