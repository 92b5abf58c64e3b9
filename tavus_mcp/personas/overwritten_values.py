"""Find what a change that was sent without ``test`` operations may have overwritten.

Two servers that share a journal see each other's writes there. An edit made elsewhere, between the
last read of a persona and the write, leaves no trace that could be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.history.record import EXPECTED_VALUES, may_be_under_way
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.json_patch import ABSENT, Operation, get_at, outermost_list, overlaps
from tavus_mcp.personas.change_lines import render_values

OVERWRITTEN = "overwritten"


async def overwritten_findings(
    app: App, own: JournalEntry, before: Document, operations: Sequence[Operation]
) -> list[RuleFinding]:
    """Return a finding for each value of another recorded write that this one replaced unseen.

    ``own`` is the intent of the change, ``before`` the persona as it was read for it.
    """
    entries = await app.journal.entries_of_persona(before.journal_id)
    outcomes = {entry.ref: entry for entry in entries if entry.kind == "outcome"}
    visible = app.masker.mask(before.data)
    return [
        _overwritten_finding(intent, path, value)
        for intent in entries
        if intent.kind == "intent"
        and intent.seq != own.seq
        and _is_simultaneous(app, own, intent, outcomes.get(intent.seq))
        for path, value in intent.detail.get(EXPECTED_VALUES, {}).items()
        if any(overlaps(outermost_list(before.data, path), item.path) for item in operations)
        and get_at(visible, path, ABSENT) != value
    ]


def _is_simultaneous(
    app: App, own: JournalEntry, intent: JournalEntry, outcome: JournalEntry | None
) -> bool:
    """Tell whether another write may have taken effect after this one read the persona."""
    if outcome is not None:
        return outcome.seq > own.seq and outcome.status != "failed"
    return may_be_under_way(app, intent)


def _overwritten_finding(intent: JournalEntry, path: str, value: Any) -> RuleFinding:
    (text,) = render_values([value])
    return warning(
        OVERWRITTEN,
        f"{intent.tool} wrote {text} here in the same moment, and this change overwrote it. The "
        "journal holds that value.",
        path=path,
        hint="Show this to the person, and set the value again if it is wanted.",
    )
