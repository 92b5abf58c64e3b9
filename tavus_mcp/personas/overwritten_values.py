"""Find what a change that was sent without ``test`` operations may have overwritten.

Two servers that share a journal see each other's writes there. An edit made elsewhere, between the
last read of a persona and the write, leaves no trace at the fields that are written: the answer and
later reads show the new values only. An edit that concerned other fields as well shows there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.history.record import EXPECTED_VALUES, RecordedWrite, may_be_under_way
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.json_patch import (
    ABSENT,
    Operation,
    PatchError,
    apply_patch,
    get_at,
    outermost_list,
    overlaps,
)
from tavus_mcp.personas.change_lines import render_values
from tavus_mcp.personas.readback import unexpected_differences
from tavus_mcp.text import quote_paths

OVERWRITTEN = "overwritten"
_MAX_LISTED_PATHS = 8


async def overwritten_findings(
    app: App,
    write: RecordedWrite,
    latest: Document,
    current: Document,
    operations: Sequence[Operation],
) -> list[RuleFinding]:
    """Return what shows that a write without ``test`` operations may have overwritten an edit.

    ``latest`` is the object as it was read last before the write, ``current`` as it was read back.
    There is a finding for each value of another recorded write that was replaced unseen.
    """
    own = write.intent
    entries = await app.journal.entries_of_persona(latest.journal_id)
    outcomes = {entry.ref: entry for entry in entries if entry.kind == "outcome"}
    visible = app.masker.mask(latest.data)
    findings = [
        _overwritten_finding(intent, path, value)
        for intent in entries
        if intent.kind == "intent"
        and intent.seq != own.seq
        and _is_simultaneous(app, own, intent, outcomes.get(intent.seq))
        for path, value in intent.detail.get(EXPECTED_VALUES, {}).items()
        if any(overlaps(outermost_list(latest.data, path), item.path) for item in operations)
        and get_at(visible, path, ABSENT) != value
    ]
    if not findings and latest.kind == "persona" and write.is_read_back:
        findings += _simultaneous_edit_findings(app, latest, current, operations)
    return findings


def _simultaneous_edit_findings(
    app: App, latest: Document, current: Document, operations: Sequence[Operation]
) -> list[RuleFinding]:
    """Return a finding if fields that were not written changed between two reads."""
    try:
        expected = latest.with_data(apply_patch(latest.data, operations))
    except PatchError:
        return []
    written = [outermost_list(latest.data, item.path) for item in operations]
    edited = [
        path
        for path in unexpected_differences(expected, current, app.catalog)
        if not any(overlaps(path, own) for own in written)
    ]
    if not edited:
        return []
    return [
        warning(
            OVERWRITTEN,
            f"{quote_paths(edited, _MAX_LISTED_PATHS)}: edited elsewhere in the same moment. If "
            "that edit concerned the fields of this change as well, it was overwritten there, "
            "and its values cannot be shown.",
            path=edited[0],
            hint="Show this to the person, who can ask the others.",
        )
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
