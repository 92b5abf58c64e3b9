"""A slice of the history of an object: its entries of a page, and what belongs to each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tavus_mcp.journal.entry import JournalEntry

_LISTED = (
    "AND e.seq < ? AND e.tool != ? AND (e.kind IN ('seen', 'intent') OR (e.kind = 'outcome'"
    " AND NOT EXISTS (SELECT 1 FROM entries i WHERE i.seq = e.ref AND i.kind = 'intent'"
    " AND i.persona_id = e.persona_id))) ORDER BY e.seq DESC LIMIT ?"
)
"""States that were read, intents, and the outcomes of intents that do not name the object."""


@dataclass(frozen=True)
class HistorySlice:
    """Entries of a page, newest first, with the states of those that hold one.

    By the number of an entry: ``outcomes`` of intents, with their states; ``plans`` that intents
    carried out; ``states_before``, the entries with the states before them. ``first`` is the oldest
    entry about the object, None without any; ``journal_begins`` the time of the oldest of all.
    """

    entries: Sequence[JournalEntry]
    outcomes: Mapping[int, JournalEntry]
    plans: Mapping[int, JournalEntry]
    states_before: Mapping[int, JournalEntry]
    first: JournalEntry | None
    journal_begins: str


class Reader(Protocol):
    """Reads the entries that a query finds; of an object, those that belong to the account."""

    def __call__(
        self, clauses: str, values: Sequence[Any] = (), *, bodies: bool = False
    ) -> list[JournalEntry]:
        """Return the entries."""


def read_history(
    read: Reader, read_of_object: Reader, before: int, limit: int, hidden: str
) -> HistorySlice:
    """Return the slice of at most ``limit`` entries before the number ``before``.

    ``hidden`` is the tool of entries that are left out.
    """
    entries = read_of_object(_LISTED, (before, hidden, limit), bodies=True)
    first = read_of_object("ORDER BY e.seq LIMIT 1")
    return HistorySlice(
        entries,
        _read_outcomes(read, entries),
        _read_plans(read, entries),
        _read_states_before(read_of_object, entries),
        first[0] if first else None,
        next((entry.at for entry in read("ORDER BY e.seq LIMIT 1")), ""),
    )


def _read_outcomes(read: Reader, entries: Sequence[JournalEntry]) -> dict[int, JournalEntry]:
    """Return the newest outcome of each intent, by the number of the intent."""
    intents = {entry.seq: entry for entry in entries if entry.kind == "intent"}
    if not intents:
        return {}
    clauses = f"WHERE e.ref > 0 AND e.ref IN ({_places(intents)}) AND e.kind = 'outcome'"
    outcomes = read(f"{clauses} ORDER BY e.seq", tuple(intents), bodies=True)
    return {
        outcome.ref: outcome
        for outcome in outcomes
        if outcome.persona_id == intents[outcome.ref].persona_id
    }


def _read_plans(read: Reader, entries: Sequence[JournalEntry]) -> dict[int, JournalEntry]:
    """Return the plan that each intent carried out, by the number of the intent."""
    used_seqs = {entry.ref for entry in entries if entry.kind == "intent" and entry.ref}
    claims = _read_by_seq(read, used_seqs)
    plans = _read_by_seq(read, {claim.ref for claim in claims.values() if claim.kind == "used"})
    return {
        entry.seq: plans[claims[entry.ref].ref]
        for entry in entries
        if entry.ref in claims and claims[entry.ref].ref in plans
    }


def _read_states_before(
    read_of_object: Reader, entries: Sequence[JournalEntry]
) -> dict[int, JournalEntry]:
    """Return the newest state before each entry that may have changed it."""
    found = {}
    for entry in entries:
        states = read_of_object(
            "AND e.seq < ? AND e.body != '' ORDER BY e.seq DESC LIMIT 1", (entry.seq,), bodies=True
        )
        if states:
            found[entry.seq] = states[0]
    return found


def _read_by_seq(read: Reader, seqs: set[int]) -> dict[int, JournalEntry]:
    if not seqs:  # SQLite would read every row for an empty list
        return {}
    found = read(f"WHERE e.seq IN ({_places(seqs)})", tuple(seqs))
    return {entry.seq: entry for entry in found}


def _places(values: Mapping[int, Any] | set[int]) -> str:
    return ", ".join("?" * len(values))
