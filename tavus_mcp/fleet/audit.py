"""Check every selected persona concurrently; only counts and examples are stored, no documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tavus_mcp.app import App
from tavus_mcp.concurrency import ProgressCallback
from tavus_mcp.errors import TavusError
from tavus_mcp.fleet.finding_summary import FindingSummary
from tavus_mcp.fleet.selection import PersonaFilter, PersonaSelection
from tavus_mcp.fleet.unmatched_filters import explain_no_match
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.personas import persona_check
from tavus_mcp.text import truncate

MAX_NAMES, _MAX_NAME_CHARS = 40, 40
"""Most personas whose names are returned, and the length at which a name is cut."""
MAX_LISTED_FAILURES = 10
"""Most unreadable personas that are listed with their error; the rest are counted."""


@dataclass
class AuditResult:
    """The findings of an audit by rule, and how many personas were checked.

    ``unmatched`` says why no persona was selected.
    """

    finding_summary: FindingSummary
    checked_count: int = 0
    unread_count: int = 0
    names: dict[str, str] = field(default_factory=dict)
    failures: list[JsonObject] = field(default_factory=list)
    total: int | None = None
    next_cursor: str | None = None
    stop_reason: str = ""
    is_continued: bool = False
    unmatched: list[RuleFinding] = field(default_factory=list)

    def names_of(self, groups: Sequence[JsonObject]) -> dict[str, str]:
        """Return the names of the first personas that the rows of groups list, by id, cut."""
        ids = (persona_id for group in groups for persona_id in group.get("persona_ids", ()))
        listed = list(dict.fromkeys(ids))[:MAX_NAMES]
        return {
            persona_id: truncate(self.names[persona_id], _MAX_NAME_CHARS) for persona_id in listed
        }

    @property
    def is_complete(self) -> bool:
        """Return True if every persona that Tavus counts was checked."""
        return (
            not self.stop_reason
            and not self.is_continued
            and not self.unread_count
            and self.checked_count >= (self.total or 0)
        )


async def audit(
    app: App,
    persona_filter: PersonaFilter,
    severity: str,
    report_progress: ProgressCallback,
    cursor: str | None = None,
) -> AuditResult:
    """Check every selected persona; one that cannot be read is reported and does not stop it.

    ``severity`` is the least severe level that is reported. ``cursor`` continues an audit whose
    time was over. Raises the errors of the API when the
    list cannot be read at all, and ``InvalidKey`` at any time, since it concerns every persona.
    """
    selection = PersonaSelection(app, persona_filter, cursor)
    result = AuditResult(FindingSummary(severity))
    await selection.fetch_next_page()

    async def check_persona(persona_id: str, document: PersonaDocument | TavusError) -> None:
        if isinstance(document, TavusError):
            result.unread_count += 1
            if len(result.failures) < MAX_LISTED_FAILURES:
                result.failures.append({"persona_id": persona_id, "error": str(document)})
        else:
            result.checked_count += 1
            result.names[persona_id] = document.name
            result.finding_summary.add(persona_id, persona_check.check_persona(app, document))

    await selection.read_each(check_persona, report_progress)
    if not selection.yielded_count and not selection.stop_reason and not cursor:
        names = selection.listed_names
        result.unmatched = explain_no_match(persona_filter, names, app.catalog)
    result.total, result.stop_reason = selection.total, selection.stop_reason
    result.next_cursor = selection.next_cursor
    result.is_continued = cursor is not None
    return result
