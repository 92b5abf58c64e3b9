"""Find personas that were deleted through this journal, so that they can be brought back."""

from __future__ import annotations

from dataclasses import dataclass

from tavus_mcp.app import App
from tavus_mcp.errors import JournalUnavailable
from tavus_mcp.history.record import deletion_tool
from tavus_mcp.history.revivals import revived_id
from tavus_mcp.history.states import parse_state
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.text import quote_foreign, render_json_line

_MAX_OUTCOMES = 1_000
"""Newest writes of the account that are searched for deletions."""
_MAX_DELETED = 50
"""Newest deleted personas whose names are compared."""


@dataclass(frozen=True)
class DeletedPersona:
    """A persona that was deleted: its last name and revision, and when it was deleted.

    ``new_id`` is the id under which it was brought back, or an empty string.
    """

    persona_id: str
    name: str
    revision: str
    deleted_at: str
    new_id: str

    def describe(self, name: str) -> str:
        """Return a sentence about it; ``name`` is its name without secrets."""
        deleted = f"{quote_foreign(name)} ({self.persona_id}) was deleted at {self.deleted_at[:16]}"
        if self.new_id:
            return f"{deleted} and brought back as {self.new_id}."
        arguments = f"persona_id={render_json_line(self.persona_id)}, revision="
        call = f"restore_revision({arguments}{render_json_line(self.revision)})"
        return f"{deleted}. {call} brings it back under a new id."


async def describe_deleted_personas(app: App, name_part: str) -> list[str]:
    """Return a sentence on each deleted persona with a text in its name, the last deleted first.

    There are none while the journal cannot be used: a read works without it.
    """
    try:
        outcomes = await app.journal.outcomes_without_plan("", 0, _MAX_OUTCOMES)
        deletions: dict[str, JournalEntry] = {}
        for outcome in filter(_is_deletion, outcomes):
            deletions.setdefault(outcome.persona_id, outcome)
        newest = list(deletions.values())[:_MAX_DELETED]
        found = [await _load_deleted(app, deletion) for deletion in newest]
    except JournalUnavailable:
        return []
    folded = name_part.casefold()
    return [
        persona.describe(app.masker.mask_text(persona.name))
        for persona in found
        if persona is not None and folded in persona.name.casefold()
    ]


async def describe_deletion(app: App, persona_id: str) -> str:
    """Return a sentence on a persona that was deleted, else an empty string."""
    if not app.journal.may_exist:
        return ""
    try:
        entries = await app.journal.entries_of_persona(persona_id)
        deletion = next(filter(_is_deletion, entries), None)
        persona = await _load_deleted(app, deletion) if deletion is not None else None
    except JournalUnavailable:
        return ""
    return persona.describe(app.masker.mask_text(persona.name)) if persona is not None else ""


def _is_deletion(entry: JournalEntry) -> bool:
    return (
        entry.kind == "outcome"
        and entry.status == "applied"
        and entry.tool == deletion_tool("persona")
    )


async def _load_deleted(app: App, deletion: JournalEntry) -> DeletedPersona | None:
    """Return the persona of a deletion with its last state, None if that was erased."""
    latest = await app.journal.latest_entry(deletion.persona_id)
    stored = await app.journal.entry(latest.seq) if latest is not None else None
    if stored is None or not stored.body:
        return None
    state = parse_state(stored)
    new_id = await revived_id(app, deletion.persona_id)
    return DeletedPersona(deletion.persona_id, state.name, state.revision, deletion.at, new_id)
