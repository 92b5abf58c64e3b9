"""Erase what a journal holds about an object, so that the chain of hashes still verifies.

An erased entry keeps its number, time, tool, status, author and digest; documents, values, paths
and revisions go. A new entry records, for each erased one, the digest of what was left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tavus_mcp.journal import rows
from tavus_mcp.journal.database import Database
from tavus_mcp.journal.entry import ERASED, JournalEntry, digest_of
from tavus_mcp.models.base import JsonObject

_ENTRIES_OF_OBJECT = "persona_id = ? AND kind NOT IN ('adopt', 'erase')"
_REFERRED_ENTRIES = (
    "persona_id = '' AND seq IN (WITH RECURSIVE tree(seq) AS (SELECT ref FROM entries"
    " WHERE persona_id = ? UNION SELECT e.ref FROM entries e JOIN tree ON e.seq = tree.seq)"
    " SELECT seq FROM tree)"
)
"""The intent, the claim and the plan of the creation of the object, which do not name it."""


def erase_object(
    db: Database, persona_id: str, append: Callable[[JournalEntry], JournalEntry]
) -> int:
    """Erase the entries about an object in the open transaction; return how many there were."""
    remaining = [
        *map(_without_contents, _read(db, _ENTRIES_OF_OBJECT, persona_id)),
        *map(_without_contents, _read(db, _REFERRED_ENTRIES, persona_id)),
        *_iterate_plans_without(db, persona_id),
    ]
    if not remaining:
        return 0
    with db.allow_rewriting():
        for entry in remaining:
            *values, body_digest = rows.to_row(entry)
            names = [f"{name} = ?" for name in (*rows.COLUMNS.split(", "), "body")]
            db.execute(
                f"UPDATE entries SET {', '.join(names)} WHERE seq = ?",  # noqa: S608 - our own names
                (*values, body_digest, entry.seq),
            )
        db.execute("DELETE FROM documents WHERE digest NOT IN (SELECT body FROM entries)")
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    digests = sorted([entry.seq, digest_of(entry, "")] for entry in remaining)
    account = remaining[0].account
    erasing = JournalEntry("erase", persona_id, at, detail={ERASED: digests}, account=account)
    append(erasing)
    return len(remaining)


def _read(db: Database, condition: str, *values: Any) -> list[JournalEntry]:
    return list(rows.read_entries(db, f"WHERE {condition}", values))


def _without_contents(entry: JournalEntry) -> JournalEntry:
    return replace(
        entry, revision="", paths=(), detail={}, body="", revision_digest="", masked=None
    )


def _iterate_plans_without(db: Database, persona_id: str) -> Iterator[JournalEntry]:
    """Yield the plans that name no object in their row, without what they hold about this one.

    A bulk plan loses this persona. A creation that has expired is of no use any more, and it is not
    known which persona came of it, so that all of it goes.
    """
    now = datetime.now(UTC)
    for plan in _read(db, "persona_id = '' AND kind = 'plan'"):
        if plan.detail.get("kind") == "create" and _is_expired(plan, now):
            yield _without_contents(plan)
        elif any(part[0] == persona_id for part in plan.detail.get("parts", [])):
            yield replace(plan, detail=_without_part(plan.detail, persona_id))


def _is_expired(plan: JournalEntry, now: datetime) -> bool:
    return datetime.fromisoformat(plan.detail["expires_at"]) < now


def _without_part(detail: JsonObject, persona_id: str) -> JsonObject:
    """Return the detail of a bulk plan without a persona and the patches that only it had."""
    parts = [part for part in detail["parts"] if part[0] != persona_id]
    used = {part[-1] for part in parts}
    patches = [patch if at in used else [] for at, patch in enumerate(detail["patches"])]
    return {**detail, "parts": parts, "patches": patches}
