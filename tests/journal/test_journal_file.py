"""The journal as a file: append-only, chained, shared by processes, and private."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tavus_mcp.cli.main import main
from tavus_mcp.journal.entry import GENESIS, JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.migrations import MIGRATIONS

COLUMNS = [
    "kind",
    "persona_id",
    "at",
    "tool",
    "status",
    "revision",
    "paths",
    "ref",
    "detail",
    "body",
    "parent",
    "digest",
    "seq",
]


def entry(number: int, **more: Any) -> JournalEntry:
    body = json.dumps({"persona_id": "p1", "greeting": f"Hi {number}."})
    fields = {"revision": f"r{number}", "paths": ("/greeting",), "body": body, "tool": "t", **more}
    return JournalEntry("seen", "p1", f"2026-01-01T00:00:{number:02}", **fields)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.sqlite3"


@contextmanager
def opened(path: Path) -> Iterator[JournalStore]:
    with closing(JournalStore.open(path)) as journal:
        yield journal


def filled(path: Path, count: int = 6) -> None:
    with opened(path) as journal:
        for number in range(1, count + 1):
            journal.append(entry(number))


@contextmanager
def raw(path: Path, *, unlocked: bool = True) -> Iterator[sqlite3.Connection]:
    """Open the file as anybody could, the triggers out of the way."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names if unlocked else ():
            db.execute(f"DROP TRIGGER {name}")
        yield db


def faults(path: Path) -> list[str]:
    with opened(path) as journal:
        return journal.verify()


@pytest.mark.parametrize("table", ["entries", "documents"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET body = 'x'", "DELETE FROM {}"])
def test_what_was_written_cannot_be_rewritten(path: Path, table: str, verb: str) -> None:
    filled(path)
    with raw(path, unlocked=False) as db, pytest.raises(sqlite3.IntegrityError, match="append"):
        db.execute(verb.format(table))
    assert faults(path) == []


@pytest.mark.parametrize("table", ["entries", "documents"])
def test_what_was_written_cannot_be_replaced(path: Path, table: str) -> None:
    filled(path)
    with raw(path, unlocked=False) as db:
        row = db.execute(f"SELECT * FROM {table}").fetchone()  # noqa: S608 - one of two names
        places = ", ".join("?" * len(row))
        with pytest.raises(sqlite3.Error):
            db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({places})", row)  # noqa: S608


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "journal.sqlite3"
    filled(path)
    with raw(path, unlocked=False) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


def altered(path: Path, whole: bytes, statement: str, *values: Any) -> bool:
    """Alter a copy of a whole journal; tell whether that changed anything."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(whole)
    with raw(path) as db:
        try:
            return db.execute(statement, values).rowcount > 0
        except sqlite3.IntegrityError:
            return False


_SETTINGS = settings(
    max_examples=150,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@_SETTINGS
@given(
    column=st.sampled_from(COLUMNS),
    seq=st.integers(1, 6),
    value=st.one_of(
        st.integers(0, 99),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
        st.sampled_from(['["/other"]', '{"a": 1}', GENESIS, "[]", "{}"]),
    ),
)
def test_any_altered_column_is_found(
    path: Path, whole: bytes, column: str, seq: int, value: int | str
) -> None:
    statement = f"UPDATE entries SET {column} = ?1 WHERE seq = ?2 AND {column} IS NOT ?1"  # noqa: S608
    if column in ("paths", "detail") and not _is_json(value):
        return  # see the next test
    if altered(path, whole, statement, value, seq):
        assert faults(path) != []


def _is_json(value: int | str) -> bool:
    return value in ('["/other"]', '{"a": 1}', "[]", "{}")


@pytest.mark.parametrize("column", ["paths", "detail"])
def test_a_column_that_is_no_json_any_more_is_found(path: Path, whole: bytes, column: str) -> None:
    assert altered(path, whole, f"UPDATE entries SET {column} = 'x' WHERE seq = 3")  # noqa: S608
    assert any("3" in fault for fault in faults(path))


@settings(_SETTINGS, max_examples=60)
@given(seq=st.integers(1, 6), body=st.text(st.characters(codec="utf-8"), max_size=20))
def test_any_altered_document_is_found(path: Path, whole: bytes, seq: int, body: str) -> None:
    find = "digest = (SELECT body FROM entries WHERE seq = ?2)"
    if altered(path, whole, f"UPDATE documents SET body = ?1 WHERE {find}", body, seq):  # noqa: S608
        assert faults(path) != []


@settings(_SETTINGS, max_examples=60)
@given(removed=st.sets(st.integers(1, 6), min_size=1, max_size=5).filter(lambda s: 6 not in s))
def test_any_removed_line_is_found(path: Path, whole: bytes, removed: set[int]) -> None:
    places = ", ".join("?" * len(removed))
    assert altered(path, whole, f"DELETE FROM entries WHERE seq IN ({places})", *removed)  # noqa: S608
    assert faults(path) != []


@pytest.mark.parametrize("first", [1, 4, 6])
def test_a_cut_off_end_is_found(path: Path, whole: bytes, first: int) -> None:
    assert altered(path, whole, "DELETE FROM entries WHERE seq >= ?", first)
    assert faults(path) != []


@settings(_SETTINGS, max_examples=60)
@given(order=st.permutations(range(1, 7)))
def test_any_reordering_is_found(path: Path, whole: bytes, order: list[int]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(whole)
    with raw(path) as db:
        db.execute("UPDATE entries SET seq = seq + 100")
        for old, new in enumerate(order, 1):
            db.execute("UPDATE entries SET seq = ? WHERE seq = ?", (new, old + 100))
    assert bool(faults(path)) == (order != sorted(order))


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_file_of_every_older_version_is_brought_up_to_date(path: Path, version: int) -> None:
    path.parent.mkdir()
    lines = old_file(path, version)
    with opened(path) as journal:
        assert journal.verify() == []
        assert [line.digest for line in journal.entries()] == [line.digest for line in lines]
        assert journal.document("p1", "r2") == json.loads(lines[1].body)
        assert journal.append(entry(4)).parent == lines[-1].digest
        assert journal.verify() == []
    with raw(path, unlocked=False) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        with pytest.raises(sqlite3.IntegrityError, match="append"):
            db.execute("DELETE FROM entries")


def old_file(path: Path, version: int) -> list[JournalEntry]:
    """Write a file as the program of that version left it."""
    lines: list[JournalEntry] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for step in MIGRATIONS[:version]:
            step(db)
        db.execute(f"PRAGMA user_version = {version}")
        for number in (1, 2, 3):
            line = entry(number).with_position(number, lines[-1].digest if lines else GENESIS)
            lines.append(line)
            db.execute("INSERT INTO documents VALUES (?, ?)", (line.body_digest, line.body))
            db.execute(
                f"INSERT INTO entries VALUES ({', '.join('?' * 13)})",  # noqa: S608
                (
                    *(line.seq, line.kind, line.persona_id, line.at, line.tool, line.status),
                    *(line.revision, json.dumps(line.paths), line.ref, json.dumps(line.detail)),
                    *(line.body_digest, line.parent, line.digest),
                ),
            )
    return lines


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    filled(path)
    with raw(path, unlocked=False) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(ValueError, match="newer"):
        JournalStore.open(path)
    with raw(path, unlocked=False) as db:
        assert db.execute("SELECT count(*) FROM entries").fetchone() == (6,)


def test_the_folder_and_the_files_are_private(path: Path) -> None:
    with opened(path) as journal:
        journal.append(entry(1))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(modes, 0o600)
    assert len(modes) == 3
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_was_open_to_others_is_closed_to_them(path: Path) -> None:
    filled(path)
    path.chmod(0o644)
    filled(path, 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAVUS_MCP_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data" / main.JOURNAL


def test_the_command_says_that_a_whole_journal_is_whole(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(data)
    assert main.run(["journal", "verify"]) == 0
    assert "whole" in capsys.readouterr().out


def test_the_command_ends_with_1_and_names_the_line_that_was_altered(
    data: Path, whole: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert altered(data, whole, "UPDATE entries SET status = 'applied' WHERE seq = 4")
    assert main.run(["journal", "verify"]) == 1
    assert "line 4" in capsys.readouterr().err


def test_the_command_ends_with_2_when_the_file_is_no_journal(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data.parent.mkdir()
    data.write_bytes(b"not a database, but long enough to be looked at" * 40)
    assert main.run(["journal", "verify"]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_the_command_ends_with_0_when_nothing_was_written_yet(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["journal", "verify"]) == 0
    assert "no journal" in capsys.readouterr().out
    assert not data.exists()


def test_the_command_shows_the_lines_of_one_persona(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(data, 2)
    with opened(data) as journal:
        journal.append(JournalEntry("seen", "p2", "2026-01-01", revision="other"))
    assert main.run(["journal", "show"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main.run(["journal", "show", "p2"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "other" in line
