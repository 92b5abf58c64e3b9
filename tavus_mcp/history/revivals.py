"""Record under which new id a deleted persona was brought back."""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.history.record import append_or_report
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.findings import RuleFinding

REVIVED_AS, REVIVES = "revived_as", "revives"
"""Members of an entry's detail: of a deleted persona, its new id; of the new one, the old id."""


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
