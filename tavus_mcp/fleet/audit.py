"""Checking every persona of an account, so many at once, keeping counts and no documents."""

from __future__ import annotations

from dataclasses import dataclass, field

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.checker import check
from tavus_mcp.concurrency import ProgressCallback, ProgressReporter
from tavus_mcp.errors import InvalidKey, TavusError
from tavus_mcp.fleet.finding_summary import FindingSummary
from tavus_mcp.fleet.selection import PersonaFilter, PersonaSelection
from tavus_mcp.models.base import JsonObject, parse_id
from tavus_mcp.models.document import PersonaDocument

MAX_LISTED_FAILURES = 10
"""Personas that could not be read of which each is told; the rest are counted."""


@dataclass
class AuditResult:
    """What an audit found: how many were looked at, and what was wrong, by rule."""

    finding_summary: FindingSummary
    checked_count: int = 0
    unread_count: int = 0
    failures: list[JsonObject] = field(default_factory=list)
    total: int | None = None
    stop_reason: str = ""

    @property
    def is_complete(self) -> bool:
        """Tell whether every persona that Tavus counts was checked."""
        return (
            not self.stop_reason
            and not self.unread_count
            and self.checked_count >= (self.total or 0)
        )


async def audit(
    app: App, persona_filter: PersonaFilter, severity: str, report_progress: ProgressCallback
) -> AuditResult:
    """Check every persona that is meant; those that cannot be read are told, and stop nothing.

    Raises the errors of the API when the list cannot be read at all, and ``InvalidKey`` whenever
    it comes up: it would come up for all.
    """
    roll, found, progress = (
        PersonaSelection(app, persona_filter),
        AuditResult(FindingSummary(severity)),
        ProgressReporter(report_progress),
    )
    await roll.fetch_next_page()

    async def look(persona_id: str) -> None:
        document = await read_persona(app, persona_id)
        if isinstance(document, TavusError):
            roll.note_result(document)
            found.unread_count += 1
            if len(found.failures) < MAX_LISTED_FAILURES:
                found.failures.append({"persona_id": persona_id, "error": str(document)})
        else:
            roll.note_result(None)
            found.checked_count += 1
            found.finding_summary.add(persona_id, check.check(document, app.catalog))
        await progress.advance(roll.total)

    await concurrency.for_each(roll.iter_ids(), look)
    found.total, found.stop_reason = roll.total, roll.stop_reason
    return found


async def read_persona(app: App, persona_id: str) -> PersonaDocument | TavusError:
    """Read one persona of many; return what went wrong with it, unless it is the key."""
    try:
        parse_id(persona_id)
    except ValueError:
        return TavusError("The list of personas names one by what is no id; it cannot be read.")
    try:
        return await app.api.get_persona(persona_id)
    except InvalidKey:
        raise
    except TavusError as error:
        return error
