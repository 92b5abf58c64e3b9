"""Checking every persona of an account, so many at once, keeping counts and no documents."""

from __future__ import annotations

from dataclasses import dataclass, field

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.checker import check
from tavus_mcp.concurrency import ProgressCallback, ProgressReporter
from tavus_mcp.errors import InvalidKey, TavusError
from tavus_mcp.fleet.finding_summary import Tally
from tavus_mcp.fleet.selection import Roll, Selection
from tavus_mcp.models.base import JsonObject, parse_id
from tavus_mcp.models.document import PersonaDocument

FAILED = 10
"""Personas that could not be read of which each is told; the rest are counted."""


@dataclass
class Found:
    """What an audit found: how many were looked at, and what was wrong, by rule."""

    tally: Tally
    checked: int = 0
    unread: int = 0
    failed: list[JsonObject] = field(default_factory=list)
    total: int | None = None
    stopped: str = ""

    @property
    def complete(self) -> bool:
        """Tell whether every persona that Tavus counts was checked."""
        return not self.stopped and not self.unread and self.checked >= (self.total or 0)


async def audit(app: App, selection: Selection, severity: str, tell: ProgressCallback) -> Found:
    """Check every persona that is meant; those that cannot be read are told, and stop nothing.

    Raises the errors of the API when the list cannot be read at all, and ``InvalidKey`` whenever
    it comes up: it would come up for all.
    """
    roll, found, progress = Roll(app, selection), Found(Tally(severity)), ProgressReporter(tell)
    await roll.turn_page()

    async def look(persona_id: str) -> None:
        document = await read(app, persona_id)
        if isinstance(document, TavusError):
            roll.heard(document)
            found.unread += 1
            if len(found.failed) < FAILED:
                found.failed.append({"persona_id": persona_id, "error": str(document)})
        else:
            roll.heard(None)
            found.checked += 1
            found.tally.add(persona_id, check.check(document, app.catalog))
        await progress.advance(roll.total)

    await concurrency.for_each(roll.ids(), look)
    found.total, found.stopped = roll.total, roll.stopped
    return found


async def read(app: App, persona_id: str) -> PersonaDocument | TavusError:
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
