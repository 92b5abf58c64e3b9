"""Copy a journal from its file to PostgreSQL: entries, documents, accounts and identity."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tavus_mcp.journal.anchor import Anchor, AnchorLine
from tavus_mcp.journal.database import Database, Rows
from tavus_mcp.journal.postgres_database import PostgresDatabase, PostgresLocation
from tavus_mcp.journal.rows import COLUMNS
from tavus_mcp.journal.sqlite_database import SqliteDatabase


class TargetInUse(Exception):
    """The target of a copy holds another journal; nothing was copied."""


_TABLES_BESIDE_ENTRIES = {
    "accounts": "id, base_url, label, same_as",
    "account_keys": "fingerprint, account",
}


def copy_journal(source: Path, target: PostgresLocation) -> int:
    """Copy what the target lacks; return how many entries were copied.

    The target must be empty, or hold the beginning of the same journal. Raises ``TargetInUse`` when
    it holds anything else, and one of ``location.UNUSABLE`` when a database cannot be used; then
    nothing was copied.
    """
    with closing(SqliteDatabase.open(source)) as old, closing(PostgresDatabase.open(target)) as new:
        with old.snapshot(), new.long_work(), new.write(sync=True):
            last = _require_beginning(old, new, target.name)
            count = _copy_entries(old, new, last)
            for table, columns in _TABLES_BESIDE_ENTRIES.items():
                _copy_rows(new, table, columns, old.execute(f"SELECT {columns} FROM {table}"))  # noqa: S608
            seq, digest = old.execute("SELECT seq, digest FROM head").fetchone()
            journal_id, salt = old.execute("SELECT journal_id, salt FROM identity").fetchone()
            new.execute("UPDATE head SET seq = ?, digest = ?", (seq, digest))
            new.execute("UPDATE identity SET journal_id = ?, salt = ?", (journal_id, salt))
        Anchor(target.anchor_base).advance(AnchorLine(journal_id, seq, digest), sync=True)
    return count


def _require_beginning(old: Database, new: Database, name: str) -> int:
    """Return the number of the last entry of ``new``, which must be the same one in ``old``."""
    seq, digest = new.execute("SELECT seq, digest FROM head").fetchone()
    if seq == 0:
        return 0
    same = old.execute("SELECT 1 FROM entries WHERE seq = ? AND digest = ?", (seq, digest))
    identity = "SELECT journal_id FROM identity"
    is_same = old.execute(identity).fetchone()[0] == new.execute(identity).fetchone()[0]
    if same.fetchone() is None or not is_same:
        raise TargetInUse(
            f"{name} holds {seq} entries that are not in this file. Name an empty database. "
            "Nothing was copied."
        )
    return int(seq)


def _copy_entries(old: Database, new: PostgresDatabase, last: int) -> int:
    documents = old.stream(
        "SELECT digest, body FROM documents WHERE digest IN"
        " (SELECT body FROM entries WHERE seq > ?)",
        (last,),
    )
    _copy_rows(new, "documents", "digest, body", documents)
    columns = f"{COLUMNS}, body"
    query = f"SELECT {columns} FROM entries WHERE seq > ? ORDER BY seq"  # noqa: S608 - our columns
    return _copy_rows(new, "entries", columns, old.stream(query, (last,)))


def _copy_rows(new: PostgresDatabase, table: str, columns: str, rows: Rows) -> int:
    """Insert rows that are not there yet; return how many were given."""
    places = ", ".join("?" * (columns.count(",") + 1))
    statement = f"INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
    return new.insert_rows(statement, rows)
