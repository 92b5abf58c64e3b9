"""Find out whether a cancelled or unanswered write of an object took effect."""

from __future__ import annotations

from collections.abc import Callable

from tavus_mcp.app import App
from tavus_mcp.errors import NotFound
from tavus_mcp.history.record import DELETIONS, EXPECTED_VALUES, record_outcome
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.hidden_keys import may_hide_key
from tavus_mcp.models.json_patch import get_at, pointer_tokens
from tavus_mcp.models.masking import has_secret_at
from tavus_mcp.models.persona import is_unread

IsSameValue = Callable[[object, object, str], bool]
"""Tells whether a value that was to be written, and the one at its pointer now, are the same."""


def _is_equal(expected: object, actual: object, path: str) -> bool:
    return expected == actual


async def report_cancelled_write(app: App, document: Document) -> list[RuleFinding]:
    """Record and report whether a cancelled write of an object, as just read, took effect."""
    intent = app.cancelled_writes.pop(document.journal_id, None)
    if intent is None:
        return []
    is_applied = has_taken_effect(app, intent, document)
    unrecorded = await record_outcome(app, intent, "applied" if is_applied else "unknown", document)
    effect = "took effect" if is_applied else "has not taken effect, as far as a read shows"
    cancelled = warning(
        "cancelled-write",
        f"The {intent.tool} that was cancelled {effect}.",
        hint="list_revisions shows what changed. restore_revision undoes it.",
    )
    return [cancelled, *unrecorded]


async def explain_missing(app: App, persona_id: str, error: NotFound) -> NotFound:
    """Return the error to raise for a missing object.

    If a cancelled deletion is pending for it, record that as applied and say so.
    """
    intent = app.cancelled_writes.get(persona_id)
    if intent is None or intent.tool not in DELETIONS:
        return error
    del app.cancelled_writes[persona_id]
    await record_outcome(app, intent, "applied")
    return NotFound(f"{error} The {intent.tool} that was cancelled took effect.", status=404)


def has_taken_effect(
    app: App, intent: JournalEntry, current: Document, is_same: IsSameValue = _is_equal
) -> bool:
    """Tell whether an object holds every value that an intent was to bring.

    Masked keys and fields that Tavus never returns prove nothing; with nothing else to compare,
    the answer is False.
    """
    visible = app.masker.mask(current.data)
    expected: dict[str, object] = intent.detail.get(EXPECTED_VALUES, {})
    comparable = {
        path: value
        for path, value in expected.items()
        if not has_secret_at(pointer_tokens(path), value)
        and not is_unread(current.data, path)
        and not may_hide_key(current.data, path)
    }
    return bool(comparable) and all(
        is_same(value, get_at(visible, path), path) for path, value in comparable.items()
    )
