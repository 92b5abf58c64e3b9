"""The journal as a file: append-only, chained, shared by processes, and private."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.journal.entry import GENESIS, JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.migrations import MIGRATIONS
from tavus_mcp.journal.verification import verify_journal

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
    "revision_digest",
    "masked",
    "account",
    "author",
    "format",
]


def build_entry(number: int, **more: Any) -> JournalEntry:
    body = json.dumps({"persona_id": "p1", "greeting": f"Hi {number}."})
    fields = {"revision": f"r{number}", "paths": ("/greeting",), "body": body, "tool": "t", **more}
    return JournalEntry("seen", "p1", f"2026-01-01T00:00:{number:02}", **fields)


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.sqlite3"


@contextmanager
def open_journal(path: Path) -> Iterator[JournalStore]:
    with closing(JournalStore.open(path)) as journal:
        yield journal


def fill_journal(path: Path, count: int = 6) -> None:
    with open_journal(path) as journal:
        for number in range(1, count + 1):
            journal.append(build_entry(number))


@contextmanager
def open_raw_database(path: Path, *, unlocked: bool = True) -> Iterator[sqlite3.Connection]:
    """Open the file as anybody could, the triggers out of the way."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names if unlocked else ():
            db.execute(f"DROP TRIGGER {name}")
        yield db


def find_faults(path: Path) -> Sequence[str]:
    return verify_journal(path).faults


@pytest.mark.parametrize("table", ["entries", "documents"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET body = 'x'", "DELETE FROM {}"])
def test_entries_cannot_be_updated(journal_path: Path, table: str, verb: str) -> None:
    fill_journal(journal_path)
    with (
        open_raw_database(journal_path, unlocked=False) as db,
        pytest.raises(sqlite3.IntegrityError, match="append"),
    ):
        db.execute(verb.format(table))
    assert find_faults(journal_path) == []


@pytest.mark.parametrize("table", ["entries", "documents"])
def test_entries_cannot_be_replaced(journal_path: Path, table: str) -> None:
    fill_journal(journal_path)
    with open_raw_database(journal_path, unlocked=False) as db:
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]  # none is computed
        columns = ", ".join(names)
        row = db.execute(f"SELECT {columns} FROM {table}").fetchone()  # noqa: S608 - our own names
        places = ", ".join("?" * len(row))
        with pytest.raises(sqlite3.IntegrityError, match="append"):
            db.execute(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({places})", row)  # noqa: S608


@pytest.fixture(scope="module")
def intact_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "journal.sqlite3"
    fill_journal(path)
    with open_raw_database(path, unlocked=False) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    return path


def copy_journal(source: Path, path: Path) -> None:
    """Copy a journal with its anchor."""
    path.parent.mkdir(exist_ok=True)
    for suffix in ("", ".anchor"):
        shutil.copy(f"{source}{suffix}", f"{path}{suffix}")


def alter_copy(path: Path, intact: Path, statement: str, *values: Any) -> bool:
    """Alter a copy of an intact journal; tell whether that changed anything."""
    copy_journal(intact, path)
    with open_raw_database(path) as db:
        try:
            return db.execute(statement, values).rowcount > 0
        except sqlite3.IntegrityError:
            return False


_SETTINGS = settings(
    max_examples=examples(150),
    database=None,
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
def test_any_altered_column_is_detected(
    journal_path: Path, intact_journal: Path, column: str, seq: int, value: int | str
) -> None:
    statement = f"UPDATE entries SET {column} = ?1 WHERE seq = ?2 AND {column} IS NOT ?1"  # noqa: S608
    if column in ("paths", "detail", "masked") and not _is_json(value):
        return  # see the next test
    if alter_copy(journal_path, intact_journal, statement, value, seq):
        assert find_faults(journal_path) != []


def _is_json(value: int | str) -> bool:
    return value in ('["/other"]', '{"a": 1}', "[]", "{}")


@pytest.mark.parametrize("column", ["paths", "detail", "masked"])
def test_a_column_with_invalid_json_is_detected(
    journal_path: Path, intact_journal: Path, column: str
) -> None:
    assert alter_copy(
        journal_path,
        intact_journal,
        f"UPDATE entries SET {column} = 'x' WHERE seq = 3",  # noqa: S608
    )
    assert any("3" in fault for fault in find_faults(journal_path))


@settings(_SETTINGS, max_examples=examples(60))
@given(seq=st.integers(1, 6), body=st.text(st.characters(codec="utf-8"), max_size=20))
def test_any_altered_document_is_detected(
    journal_path: Path, intact_journal: Path, seq: int, body: str
) -> None:
    find = "digest = (SELECT body FROM entries WHERE seq = ?2)"
    if alter_copy(
        journal_path,
        intact_journal,
        f"UPDATE documents SET body = ?1 WHERE {find}",  # noqa: S608
        body,
        seq,
    ):
        assert find_faults(journal_path) != []


@settings(_SETTINGS, max_examples=examples(60))
@given(removed=st.sets(st.integers(1, 6), min_size=1, max_size=5).filter(lambda s: 6 not in s))
def test_any_removed_entry_is_detected(
    journal_path: Path, intact_journal: Path, removed: set[int]
) -> None:
    places = ", ".join("?" * len(removed))
    assert alter_copy(
        journal_path,
        intact_journal,
        f"DELETE FROM entries WHERE seq IN ({places})",  # noqa: S608
        *removed,
    )
    assert find_faults(journal_path) != []


@pytest.mark.parametrize("first", [1, 4, 6])
def test_a_truncated_journal_is_detected(
    journal_path: Path, intact_journal: Path, first: int
) -> None:
    assert alter_copy(journal_path, intact_journal, "DELETE FROM entries WHERE seq >= ?", first)
    assert find_faults(journal_path) != []


@settings(_SETTINGS, max_examples=examples(60))
@given(order=st.permutations(range(1, 7)))
def test_any_reordering_of_entries_is_detected(
    journal_path: Path, intact_journal: Path, order: list[int]
) -> None:
    copy_journal(intact_journal, journal_path)
    with open_raw_database(journal_path) as db:
        db.execute("UPDATE entries SET seq = seq + 100")
        for old, new in enumerate(order, 1):
            db.execute("UPDATE entries SET seq = ? WHERE seq = ?", (new, old + 100))
    assert bool(find_faults(journal_path)) == (order != sorted(order))


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_file_of_any_older_version_is_migrated(journal_path: Path, version: int) -> None:
    journal_path.parent.mkdir()
    lines = write_old_file(journal_path, version)
    with open_journal(journal_path) as journal:
        assert journal.verify() == []
        assert [line.digest for line in journal.entries()] == [line.digest for line in lines]
        assert [state.body for state in journal.states("p1", "r2")] == [lines[1].body]
        assert journal.append(build_entry(4)).parent == lines[-1].digest
        assert journal.verify() == []
    with open_raw_database(journal_path, unlocked=False) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        with pytest.raises(sqlite3.IntegrityError, match="append"):
            db.execute("DELETE FROM entries")


def write_old_file(path: Path, version: int) -> list[JournalEntry]:
    """Write a file as the program of that version left it."""
    lines: list[JournalEntry] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for step in MIGRATIONS[:version]:
            step(db)
        db.execute(f"PRAGMA user_version = {version}")
        for number in (1, 2, 3):
            line = build_entry(number, format=1).with_position(
                number, lines[-1].digest if lines else GENESIS
            )
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
        if version > 4:
            db.execute("UPDATE head SET seq = ?, digest = ?", (lines[-1].seq, lines[-1].digest))
    return lines


def test_the_state_before_an_intent_is_recorded_with_it_once(journal_path: Path) -> None:
    digests: list[str] = []

    def build_state(known: JournalEntry | None) -> JournalEntry:
        digests.append(known.revision_digest if known else "")
        return build_entry(1, revision_digest=digest)

    intent = JournalEntry("intent", "p1", "now")
    with open_journal(journal_path) as journal:
        for digest in ("first", "first", "second", "second"):
            journal.append_intent("p1", intent, digest, build_state)
        kinds = [entry.kind for entry in journal.entries()]
        assert journal.verify() == []
    assert kinds == ["seen", "intent", "intent", "seen", "intent", "intent"]
    assert digests == ["", "first"]


def test_an_intent_is_not_recorded_without_the_state_before_it(journal_path: Path) -> None:
    def fail(_: JournalEntry | None) -> JournalEntry:
        raise OSError("no space")

    with open_journal(journal_path) as journal:
        with pytest.raises(OSError, match="no space"):
            journal.append_intent("p1", JournalEntry("intent", "p1", "now"), "first", fail)
        assert list(journal.entries()) == []
        journal.append(build_entry(1))
        assert journal.verify() == []


def test_a_file_of_a_newer_version_is_refused_and_not_modified(journal_path: Path) -> None:
    fill_journal(journal_path)
    with open_raw_database(journal_path, unlocked=False) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(ValueError, match="newer"):
        JournalStore.open(journal_path)
    with open_raw_database(journal_path, unlocked=False) as db:
        assert db.execute("SELECT count(*) FROM entries").fetchone() == (6,)


def test_the_folder_and_the_files_are_private(journal_path: Path) -> None:
    with open_journal(journal_path) as journal:
        journal.append(build_entry(1))
        modes = {
            file.name: stat.S_IMODE(file.stat().st_mode) for file in journal_path.parent.iterdir()
        }
    assert modes == dict.fromkeys(modes, 0o600)
    assert set(modes) == {
        f"{journal_path.name}{suffix}" for suffix in ("", "-wal", "-shm", ".anchor")
    }
    assert stat.S_IMODE(journal_path.parent.stat().st_mode) == 0o700


def test_a_file_readable_by_others_is_made_private(journal_path: Path) -> None:
    fill_journal(journal_path)
    journal_path.chmod(0o644)
    fill_journal(journal_path, 0)
    assert stat.S_IMODE(journal_path.stat().st_mode) == 0o600
