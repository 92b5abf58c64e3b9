"""The tables of a journal in PostgreSQL: those of the newest version of the file, created at once.

The same columns as in ``migrations``, so that the same statements read and write them.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from tavus_mcp.journal.entry import GENESIS

if TYPE_CHECKING:
    import psycopg

SCHEMA = "tavus_mcp"
"""The schema of the tables, apart from those of other programs in the same database."""
_VERSION = 6
"""The version of the file whose tables these are."""
_TABLES = (
    "CREATE TABLE version (version integer NOT NULL)",
    "CREATE TABLE documents (digest text PRIMARY KEY, body text NOT NULL)",
    "CREATE TABLE entries (seq bigint PRIMARY KEY, kind text NOT NULL, persona_id text NOT NULL,"
    " at text NOT NULL, tool text NOT NULL, status text NOT NULL, revision text NOT NULL,"
    " paths text NOT NULL, ref bigint NOT NULL, detail text NOT NULL, body text NOT NULL,"
    " parent text NOT NULL, digest text NOT NULL UNIQUE, revision_digest text NOT NULL,"
    " masked text, account text NOT NULL, author text NOT NULL, format integer NOT NULL,"
    " object_kind text GENERATED ALWAYS AS (CASE WHEN position('/' in persona_id) = 0"
    " THEN 'persona' ELSE split_part(persona_id, '/', 1) END) STORED,"
    " object_id text GENERATED ALWAYS AS"
    " (substr(persona_id, position('/' in persona_id) + 1)) STORED)",
    "CREATE INDEX entries_of_persona ON entries (persona_id, seq)",
    "CREATE INDEX entries_by_ref ON entries (ref) WHERE ref > 0",
    "CREATE INDEX entries_of_revision ON entries (persona_id, revision)",
    "CREATE INDEX accounts_of_persona ON entries (persona_id, account)",
    "CREATE INDEX adoptions ON entries (persona_id, account) WHERE kind = 'adopt'",
    "CREATE TABLE head (seq bigint NOT NULL, digest text NOT NULL)",
    "CREATE TABLE accounts (id text PRIMARY KEY, base_url text NOT NULL, label text NOT NULL,"
    " same_as text NOT NULL DEFAULT '')",
    "CREATE TABLE account_keys (fingerprint text PRIMARY KEY, account text NOT NULL)",
    "CREATE TABLE identity (journal_id text NOT NULL, salt text NOT NULL)",
    "CREATE FUNCTION forbid_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF current_setting('tavus_mcp.rewriting', true) = 'on' THEN RETURN coalesce(NEW, OLD);"
    " END IF; RAISE EXCEPTION 'the journal is append-only'; END $$",
    *(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION forbid_rewriting()"
        for table in ("entries", "documents")
    ),
    *(
        f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting()"
        for table in ("entries", "documents")
    ),
)


def create_tables(connection: psycopg.Connection[Any]) -> None:
    """Create the tables in the open transaction, unless another process has done so."""
    if find_version(connection):
        return
    found = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (SCHEMA,))
    if found.fetchone() is None:  # a role that may not create a schema can be given one
        connection.execute(f"CREATE SCHEMA {SCHEMA}".encode())
    for statement in _TABLES:
        connection.execute(statement.encode())
    connection.execute("INSERT INTO head VALUES (0, %s)", (GENESIS,))
    identity = (secrets.token_hex(8), secrets.token_hex(16))
    connection.execute("INSERT INTO identity VALUES (%s, %s)", identity)
    connection.execute("INSERT INTO version VALUES (%s)", (_VERSION,))


def find_version(connection: psycopg.Connection[Any]) -> int:
    """Return the version of the tables, 0 without any."""
    # to_regclass() may still say that there is none when another process has just created it
    found = connection.execute(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = 'version'",
        (SCHEMA,),
    )
    if found.fetchone() is None:
        return 0
    query = f"SELECT version FROM {SCHEMA}.version"  # noqa: S608 - our own name
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0
