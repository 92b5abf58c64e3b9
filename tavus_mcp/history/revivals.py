"""Bring a deleted persona back once: claim that in the journal, and record its new id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict
from tavus_mcp.history.record import append_or_report, may_be_under_way
from tavus_mcp.journal.entry import JournalEntry, split_journal_id
from tavus_mcp.models.base import map_texts
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.text import render_json_line

REVIVED_AS, REVIVES = "revived_as", "revives"
"""Members of an entry's detail: of a deleted persona, its new id; of the new one, the old id."""


@dataclass
class ReplacedIds:
    """The ids of deleted objects, and those under which they exist since they were brought back."""

    new_ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_outcomes(cls, outcomes: Iterable[JournalEntry]) -> ReplacedIds:
        """Return the ids that outcomes of the journal, newest first, record as replaced."""
        result = cls()
        for old_id, new_id in reversed(list(iter_revivals(outcomes))):
            result.add(split_journal_id(old_id)[1], split_journal_id(new_id)[1])
        return result

    def add(self, old_id: str, new_id: str) -> None:
        """Add an object that was brought back; earlier ids of it lead to the new one, too."""
        for earlier_id, known_id in self.new_ids.items():
            if known_id == old_id:
                self.new_ids[earlier_id] = new_id
        self.new_ids[old_id] = new_id


def iter_revivals(outcomes: Iterable[JournalEntry]) -> Iterator[tuple[str, str]]:
    """Yield the ids of the journal before and after, for each object that was brought back."""
    return (
        (row.persona_id, row.detail[REVIVED_AS]) for row in outcomes if REVIVED_AS in row.detail
    )


def replace_ids(value: Any, new_ids: Mapping[str, str]) -> Any:
    """Return a JSON value with the ids of objects that were brought back in place of their old."""
    return map_texts(value, lambda text: new_ids.get(text, text))


def _subject(journal_id: str) -> str:
    kind, object_id = split_journal_id(journal_id)
    return f"{kind} {object_id!r}"


async def record_revived_as(
    app: App, intent: JournalEntry, deleted_id: str, new_id: str
) -> list[RuleFinding]:
    """Record, for a deleted persona, the id of the one that replaces it."""
    detail = {REVIVED_AS: new_id}
    entry = JournalEntry(
        "outcome", deleted_id, app.now(), intent.tool, "applied", ref=intent.seq, detail=detail
    )
    return await append_or_report(app, entry)


async def revived_id(app: App, persona_id: str) -> str:
    """Return the id under which a deleted persona was brought back last, or an empty string."""
    entries = await app.journal.entries_of_persona(persona_id)
    return next((item.detail[REVIVED_AS] for item in entries if REVIVED_AS in item.detail), "")


async def latest_id(app: App, persona_id: str) -> str:
    """Return the id that a persona has since it was deleted and brought back, else its own."""
    seen: dict[str, None] = {}
    while persona_id and persona_id not in seen:
        seen[persona_id] = None
        persona_id = await revived_id(app, persona_id)
    return next(reversed(seen))


async def find_former_id(app: App, persona_id: str) -> str:
    """Return the id from which a persona was brought back, or an empty string."""
    entries = await app.journal.entries_of_persona(persona_id)
    return next((item.detail[REVIVES] for item in entries if REVIVES in item.detail), "")


def describe_former_id(former_id: str, revision: str = "REVISION") -> str:
    """Return where the earlier revisions of an object are that was brought back from an id."""
    argument = f"persona_id={render_json_line(former_id)}"
    return (
        f"It was brought back from {split_journal_id(former_id)[1]!r}, which keeps its earlier "
        f"revisions: list_revisions({argument}) lists them, and "
        f"restore_revision({argument}, revision={render_json_line(revision)}) restores one."
    )


async def load_revival_claim(app: App, persona_id: str) -> JournalEntry | None:
    """Return the last claim to bring a deleted persona back, or None."""
    first_seq, entries = await _load_entries(app, persona_id)
    claims = (item for item in entries if item.kind == "used" and item.ref == first_seq)
    return next(claims, None)


async def claim_revival(
    app: App, tool: str, persona_id: str, previous: JournalEntry | None
) -> JournalEntry:
    """Claim to bring a deleted persona back, so that no other server does at the same time.

    ``previous`` is an earlier claim that came to nothing. Raises ``Conflict`` when another server
    has claimed it since that was read.
    """
    first_seq, _ = await _load_entries(app, persona_id)
    claim = JournalEntry("used", persona_id, app.now(), tool, ref=first_seq)
    entry = await app.journal.mark_used(claim, previous_use_seq=previous.seq if previous else 0)
    if entry is None:
        raise revival_under_way(persona_id)
    return entry


def revival_under_way(persona_id: str) -> Conflict:
    """Return the error for a persona that another call is bringing back."""
    return Conflict(
        f"Another call is bringing {_subject(persona_id)} back right now. Nothing was sent. Call "
        "again in a minute: list_revisions then shows its new id."
    )


@dataclass(frozen=True)
class RevivalResult:
    """What a claimed revival led to: the id of the new persona, or an intent that may have.

    Both are empty when it came to nothing.
    """

    new_id: str = ""
    intent: JournalEntry | None = None


async def load_revival_result(app: App, claim: JournalEntry) -> RevivalResult:
    """Return what a claimed revival led to; raise ``Conflict`` while it may be under way."""
    entries = await app.journal.descendants(claim.seq)
    intent = next((item for item in entries if item.kind == "intent"), None)
    outcomes = [item for item in entries if item.kind == "outcome"]
    for outcome in outcomes:
        if outcome.object_id and outcome.persona_id != claim.persona_id:
            return RevivalResult(new_id=outcome.persona_id)
    if any(outcome.status == "failed" for outcome in outcomes):
        return RevivalResult()
    is_own = intent is not None and intent.seq in app.lost_creations.own
    if may_be_under_way(app, claim) and not is_own and not outcomes:
        raise revival_under_way(claim.persona_id)
    return RevivalResult(intent=intent)


async def _load_entries(app: App, persona_id: str) -> tuple[int, list[JournalEntry]]:
    """Return the number of the oldest entry of a persona, and its entries, newest first."""
    entries = await app.journal.entries_of_persona(persona_id)
    return min((item.seq for item in entries if item.kind != "plan"), default=0), entries
