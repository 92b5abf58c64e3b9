"""Erase what a journal holds about an object, so that the chain of hashes still verifies.

An erased entry keeps its number, time, tool, status, author and digest; documents, values, paths
and revisions go. Plans of several objects lose only what is about this one. New entries record, for
each erased one, the digest of what was left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby, islice
from typing import Any

from tavus_mcp.journal import rows
from tavus_mcp.journal.database import Database
from tavus_mcp.journal.entry import ERASED, JournalEntry, digest_of, split_journal_id
from tavus_mcp.models.base import JsonObject

_ENTRIES_OF_OBJECT = "persona_id = ? AND kind NOT IN ('adopt', 'erase')"
_WITHOUT_ID = "persona_id IN ('', ?)"
"""The condition for entries that name no object: creations, and plans of several objects."""
_REFERRED_NUMBERS = (
    "SELECT seq FROM entries WHERE persona_id IN ('', ?) AND seq IN (WITH RECURSIVE tree(seq) AS"
    " (SELECT ref FROM entries WHERE persona_id = ?"
    " UNION SELECT e.ref FROM entries e JOIN tree ON e.seq = tree.seq) SELECT seq FROM tree)"
)
"""The intent, the claim and the plan of the creation of an object, its bulk plans and its runs."""
_DELETE_DOCUMENTS = (
    "DELETE FROM documents WHERE digest IN"
    " (SELECT digest FROM documents EXCEPT SELECT body FROM entries)"
)
_OPEN_MEMBERS = ("object", "action")
"""What an erasing leaves of an item of a run: its other members hold values."""
_RECORDED_ENTRIES = 1_000
"""Erased entries that one entry records."""


@dataclass
class ErasableContents:
    """What a journal holds about an object: entries, and parts of plans of several objects."""

    entry_count: int = 0
    shared_plan_count: int = 0
    first_at: str = ""
    last_at: str = ""
    accounts: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class ErasureTarget:
    """An object whose contents are erased: all the ids that it had in the journal.

    ``names`` are its names in the runs of the projects whose states are ``states``, as far as they
    are known beforehand; those in the entries about its ids are found.
    """

    ids: tuple[str, ...]
    names: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()


def measure_contents(db: Database, target: ErasureTarget) -> ErasableContents:
    """Return how much would be erased of an object."""
    found = ErasableContents()
    for entry, remaining in _iterate_erasable(db, target):
        found.entry_count += 1
        found.shared_plan_count += bool(remaining.detail)
        found.first_at = min(found.first_at or entry.at, entry.at)
        found.last_at = max(found.last_at, entry.at)
        found.accounts.add(entry.account)
    return found


def erase_object(
    db: Database, target: ErasureTarget, append: Callable[[JournalEntry], JournalEntry]
) -> int:
    """Erase the entries about an object in the open transaction; return how many there were."""
    count = 0
    erasable = (remaining for _, remaining in _iterate_erasable(db, target))
    with db.allow_rewriting():
        while batch := list(islice(erasable, _RECORDED_ENTRIES)):
            for remaining in batch:
                _rewrite(db, remaining)
            for persona_id, erased in groupby(batch, partial(_choose_id, target)):
                append(_record_erasing(persona_id, list(erased)))
            count += len(batch)
        if count:
            db.execute(_DELETE_DOCUMENTS)
    return count


def _rewrite(db: Database, remaining: JournalEntry) -> None:
    names = [f"{name} = ?" for name in (*rows.COLUMNS.split(", "), "body")]
    statement = f"UPDATE entries SET {', '.join(names)} WHERE seq = ?"  # noqa: S608 - our own names
    db.execute(statement, (*rows.to_row(remaining, remaining.body_digest), remaining.seq))


def _choose_id(target: ErasureTarget, erased: JournalEntry) -> str:
    """Return the id under which an erased entry is recorded."""
    return erased.persona_id if erased.persona_id in target.ids else (*target.ids, "")[0]


def _record_erasing(persona_id: str, erased: Sequence[JournalEntry]) -> JournalEntry:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    digests = sorted([entry.seq, digest_of(entry, "")] for entry in erased)
    return JournalEntry(
        "erase", persona_id, at, detail={ERASED: digests}, account=erased[0].account
    )


def _iterate_erasable(
    db: Database, target: ErasureTarget
) -> Iterator[tuple[JournalEntry, JournalEntry]]:
    """Yield each entry with contents about an object, and what is to be left of it."""
    read = partial(_read, db)
    creation_id = _creation_id(target)
    referred: set[int] = set()
    for persona_id in target.ids:
        found = db.execute(_REFERRED_NUMBERS, (creation_id, persona_id)).fetchall()
        referred.update(seq for (seq,) in found)
    names, states = _find_names_and_states(read, referred)
    names, states = names | target.names, states | target.states
    is_known = bool(referred)
    for persona_id in target.ids:
        for entry in rows.read_pages(read, _ENTRIES_OF_OBJECT, (persona_id,)):
            is_known = True
            names.add(_name_in_project(entry))
            yield entry, _without_contents(entry)
    now = datetime.now(UTC)
    for entry in rows.read_pages(read, _WITHOUT_ID, (creation_id,)):
        remaining = entry
        if "parts" in entry.detail:
            remaining = _without_parts(entry, target.ids)
        elif "items" in entry.detail:
            if entry.detail.get("state") in states:
                remaining = _without_values(entry, names)
        elif entry.seq in referred or (is_known and _is_expired_creation(entry, now)):
            remaining = _without_contents(entry)
        if remaining != entry:
            yield entry, remaining


def _read(db: Database, clauses: str, values: Sequence[Any]) -> list[JournalEntry]:
    return list(rows.read_entries(db, clauses, values))


def _creation_id(target: ErasureTarget) -> str:
    """Return the id under which the creation of an object is recorded: KIND/, or nothing."""
    kind, _ = split_journal_id(target.ids[0] if target.ids else "")
    return "" if kind == "persona" else f"{kind}/"


def _name_in_project(entry: JournalEntry) -> str:
    return str(entry.detail.get("object", ""))


def _find_names_and_states(
    read: Callable[[str, Sequence[Any]], list[JournalEntry]], seqs: set[int]
) -> tuple[set[str], set[str]]:
    """Return, of entries, the names of an object in projects and the states of their runs."""
    names, states = set(), set()
    for seq in seqs:
        (entry,) = read("WHERE e.seq = ?", (seq,))
        names.add(_name_in_project(entry))
        if "items" in entry.detail:
            states.add(str(entry.detail.get("state")))
    return names, states


def _without_contents(entry: JournalEntry) -> JournalEntry:
    return replace(
        entry, revision="", paths=(), detail={}, body="", revision_digest="", masked=None
    )


def _is_expired_creation(entry: JournalEntry, now: datetime) -> bool:
    """Tell whether this is the plan of a creation that has expired.

    It is not known which object came of it, so that all of it goes.
    """
    if entry.kind != "plan" or entry.detail.get("kind") != "create":
        return False
    return datetime.fromisoformat(entry.detail["expires_at"]) < now


def _without_parts(plan: JournalEntry, persona_ids: Sequence[str]) -> JournalEntry:
    """Return a bulk plan without a persona and the patches that only it had."""
    parts = [part for part in plan.detail["parts"] if part[0] not in persona_ids]
    used = {part[-1] for part in parts}
    patches = [patch if at in used else [] for at, patch in enumerate(plan.detail["patches"])]
    detail: JsonObject = {**plan.detail, "parts": parts, "patches": patches}
    return replace(plan, detail=detail) if parts != plan.detail["parts"] else plan


def _without_values(run: JournalEntry, names: set[str]) -> JournalEntry:
    """Return a run or a plan of a project without values of an object, by its names there."""
    items = [
        {name: item[name] for name in _OPEN_MEMBERS if name in item}
        if item.get("object") in names
        else item
        for item in run.detail["items"]
    ]
    return replace(run, detail={**run.detail, "items": items})
