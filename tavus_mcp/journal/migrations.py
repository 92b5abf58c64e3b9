"""The tables of the journal, and the steps that bring an older file up to date.

Each function raises the version of the file by one; ``MIGRATIONS`` is only ever appended to.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Sequence

from tavus_mcp.journal.database import NewerJournal
from tavus_mcp.journal.entry import GENESIS

_REWRITING = tuple(
    (table, verb) for table in ("entries", "documents") for verb in ("UPDATE", "DELETE")
)


def create_tables(db: sqlite3.Connection) -> None:
    """Version 1: the entries, and their documents, each stored once."""
    db.execute("CREATE TABLE documents (digest TEXT PRIMARY KEY, body TEXT NOT NULL)")
    db.execute(
        "CREATE TABLE entries (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
        " persona_id TEXT NOT NULL, at TEXT NOT NULL, tool TEXT NOT NULL, status TEXT NOT NULL,"
        " revision TEXT NOT NULL, paths TEXT NOT NULL, ref INTEGER NOT NULL, detail TEXT NOT NULL,"
        " body TEXT NOT NULL, parent TEXT NOT NULL, digest TEXT NOT NULL UNIQUE)"
    )


def index_entries(db: sqlite3.Connection) -> None:
    """Version 2: indexes for the entries of a persona and the outcome of an intent."""
    db.execute("CREATE INDEX entries_of_persona ON entries (persona_id, seq)")
    db.execute("CREATE INDEX entries_by_ref ON entries (ref) WHERE ref > 0")


def forbid_rewriting(db: sqlite3.Connection) -> None:
    """Version 3: triggers that forbid UPDATE and DELETE."""
    for table, verb in _REWRITING:
        db.execute(
            f"CREATE TRIGGER no_{verb.lower()}_{table} BEFORE {verb} ON {table}"
            " BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
        )


def allow_rewriting(db: sqlite3.Connection) -> None:
    """Drop those triggers, for the rest of a transaction that calls ``forbid_rewriting`` again."""
    for table, verb in _REWRITING:
        db.execute(f"DROP TRIGGER no_{verb.lower()}_{table}")


def forbid_replacing(db: sqlite3.Connection) -> None:
    """Version 4: triggers that forbid INSERT OR REPLACE, which rewrites without an UPDATE."""
    db.execute(
        "CREATE TRIGGER no_replace_entries BEFORE INSERT ON entries"
        " WHEN EXISTS (SELECT 1 FROM entries WHERE seq = NEW.seq OR digest = NEW.digest)"
        " BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
    )
    db.execute(
        "CREATE TRIGGER no_replace_documents BEFORE INSERT ON documents WHEN EXISTS"
        " (SELECT 1 FROM documents WHERE digest = NEW.digest)"
        " BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
    )


def store_chain_head(db: sqlite3.Connection) -> None:
    """Version 5: the number and digest of the last entry, so that a truncated end is detected."""
    db.execute("CREATE TABLE head (seq INTEGER NOT NULL, digest TEXT NOT NULL)")
    last = db.execute("SELECT seq, digest FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    db.execute("INSERT INTO head VALUES (?, ?)", last or (0, GENESIS))


def add_accounts_and_digests(db: sqlite3.Connection) -> None:
    """Version 6: accounts, authors, full digests of revisions, masked places, and their indexes.

    ``format`` tells by which formula the digest of an entry was made: those of older files stay as
    they are. ``account_keys`` holds hashes of keys, made with the salt of this journal.
    """
    for column in (
        "revision_digest TEXT NOT NULL DEFAULT ''",
        "masked TEXT",
        "account TEXT NOT NULL DEFAULT ''",
        "author TEXT NOT NULL DEFAULT ''",
        "format INTEGER NOT NULL DEFAULT 1",
        "object_kind TEXT AS (CASE WHEN instr(persona_id, '/') = 0 THEN 'persona'"
        " ELSE substr(persona_id, 1, instr(persona_id, '/') - 1) END)",
        "object_id TEXT AS (substr(persona_id, instr(persona_id, '/') + 1))",
    ):
        db.execute(f"ALTER TABLE entries ADD COLUMN {column}")
    db.execute("CREATE INDEX entries_of_revision ON entries (persona_id, revision)")
    db.execute("CREATE INDEX accounts_of_persona ON entries (persona_id, account)")
    db.execute("CREATE INDEX adoptions ON entries (persona_id, account) WHERE kind = 'adopt'")
    db.execute(
        "CREATE TABLE accounts (id TEXT PRIMARY KEY, base_url TEXT NOT NULL, label TEXT NOT NULL,"
        " same_as TEXT NOT NULL DEFAULT '')"
    )
    db.execute("CREATE TABLE account_keys (fingerprint TEXT PRIMARY KEY, account TEXT NOT NULL)")
    db.execute("CREATE TABLE identity (journal_id TEXT NOT NULL, salt TEXT NOT NULL)")
    db.execute("INSERT INTO identity VALUES (?, ?)", (secrets.token_hex(8), secrets.token_hex(16)))


MIGRATIONS: Sequence[Callable[[sqlite3.Connection], None]] = (
    create_tables,
    index_entries,
    forbid_rewriting,
    forbid_replacing,
    store_chain_head,
    add_accounts_and_digests,
)
VERSION_WITH_HEAD = 5
VERSION_WITH_FORMATS = 6
"""The first versions with a head, and with the columns of entries of format 2 and an anchor."""


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file to the newest version; several processes may do so at once.

    Raises ``NewerJournal`` when the file was written by a newer version.
    """
    if version_of(db) == len(MIGRATIONS):
        return
    with db:
        db.execute("BEGIN IMMEDIATE")
        for step in MIGRATIONS[_known_version(db) :]:
            step(db)
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _known_version(db: sqlite3.Connection) -> int:
    version = version_of(db)
    if version > len(MIGRATIONS):
        raise NewerJournal(version, len(MIGRATIONS))
    return version


def version_of(db: sqlite3.Connection) -> int:
    """Return the version of the tables, 0 without any."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])
