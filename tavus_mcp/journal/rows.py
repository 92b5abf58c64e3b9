"""Entries as rows of the database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from tavus_mcp.journal.database import Database
from tavus_mcp.journal.entry import JournalEntry

T = TypeVar("T", list[Any], dict[str, Any])
_PAGE_ENTRIES = 200
"""Entries that ``read_pages`` reads at a time."""
_OLD_COLUMNS = (
    "seq, kind, persona_id, at, tool, status, revision, paths, ref, detail, parent, digest"
)
COLUMNS = f"{_OLD_COLUMNS}, revision_digest, masked, account, author, format"
"""The columns that are members of an entry, in the order of ``to_row``."""
_NAMES = COLUMNS.split(", ")
INSERT = (
    f"INSERT INTO entries ({COLUMNS}, body)"  # noqa: S608 - names of columns only
    f" VALUES ({', '.join('?' * (len(_NAMES) + 1))})"
)
_BODY = "coalesce((SELECT d.body FROM documents d WHERE d.digest = e.body), '')"


def read_entries(
    db: Database,
    clauses: str,
    values: Sequence[Any] = (),
    *,
    bodies: bool = False,
    is_old: bool = False,
    is_streamed: bool = False,
) -> Iterator[JournalEntry]:
    """Yield the entries that a query finds; ``clauses`` follow ``FROM entries e``.

    The text of the query is made of column names and of clauses in this package only. ``is_old``
    tells that the file is of version 5 or older, so that entries have fewer columns;
    ``is_streamed`` reads few entries at a time, in a snapshot.
    """
    columns = f"{_OLD_COLUMNS}, 1 AS format" if is_old else COLUMNS
    query = f"SELECT {columns}, {_BODY if bodies else repr('')} AS body FROM entries e {clauses}"  # noqa: S608
    cursor = (db.stream if is_streamed else db.execute)(query, values)
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield _entry_from_row(dict(zip(names, row, strict=True)))


def read_pages(
    read: Callable[[str, Sequence[Any]], list[JournalEntry]],
    condition: str,
    values: Sequence[Any] = (),
) -> Iterator[JournalEntry]:
    """Yield the entries that meet a condition, oldest first, of which few are in memory.

    ``read`` returns those that a query finds. Entries may be written between two of its calls.
    """
    seq = 0
    while True:
        clauses = f"WHERE e.seq > ? AND {condition} ORDER BY e.seq LIMIT {_PAGE_ENTRIES}"
        page = read(clauses, (seq, *values))
        yield from page
        if len(page) < _PAGE_ENTRIES:
            return
        seq = page[-1].seq


def to_row(entry: JournalEntry, body_digest: str) -> tuple[Any, ...]:
    """Return the values of ``INSERT``; ``body_digest`` is that of the entry."""
    values = {name: getattr(entry, name) for name in _NAMES}
    values |= {name: json.dumps(values[name]) for name in ("paths", "detail")}
    values["masked"] = None if entry.masked is None else json.dumps(entry.masked)
    return (*values.values(), body_digest)


def _entry_from_row(values: dict[str, Any]) -> JournalEntry:
    values["paths"] = tuple(_parse_column(values["paths"], list))
    values["detail"] = _parse_column(values["detail"], dict)
    if values.get("masked") is not None:
        values["masked"] = tuple(_parse_column(values["masked"], list))
    return JournalEntry(**values)


def _parse_column(text: str, kind: type[T]) -> T:
    """Return the JSON value of a column; of an altered one, a value that fails the digest check."""
    try:
        value = json.loads(text)
    except (ValueError, TypeError):
        value = None
    if isinstance(value, kind):
        return value
    return kind([("altered", text)])
