"""A page of a persona's history: what was done or seen, with the changed values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument, NotFound, TavusError
from tavus_mcp.history.accounts import require_own_persona
from tavus_mcp.history.cancelled_writes import has_taken_effect
from tavus_mcp.history.effective_defaults import defaults_of_change
from tavus_mcp.history.record import DELETIONS, EXPECTED_VALUES, READ_AGAIN
from tavus_mcp.history.revivals import REVIVED_AS, REVIVES, describe_former_id
from tavus_mcp.history.states import parse_state
from tavus_mcp.journal.entry import JournalEntry, plan_id_of, split_journal_id
from tavus_mcp.journal.history import HistorySlice
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.json_patch import ABSENT, diff, get_at
from tavus_mcp.models.receipt import FieldChange, changes_of
from tavus_mcp.models.text_differences import abridge
from tavus_mcp.tavus_api.endpoints import ENDPOINTS
from tavus_mcp.text import truncate

FIRST_SEEN, CHANGED_OUTSIDE = "first seen", "changed outside"
"""The statuses of rows for states that were read, not written: the first one, and later ones."""
_MAX_LISTED_CHANGES = 5
_MAX_VALUE_CHARS = 80
"""Characters of a value in a row; compare_personas shows more."""
_CONTEXT_CHARS = 20
"""Characters shown before and after the part in which two long texts differ."""
_MIN_ROWS_OF_COMMON_AUTHOR = 2
_CURSOR = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class PersonaHistoryPage:
    """Rows of a persona's history, newest first, the cursor of the next page, and a note.

    ``common`` holds the author of all rows but those of states that were read, if they share one.
    """

    rows: list[JsonObject]
    common: JsonObject | None
    next_cursor: str | None
    note: str


async def read_history_page(
    app: App, persona_id: str, limit: int, cursor: str | None
) -> PersonaHistoryPage:
    """Return a page of a persona's history; an intent without an outcome is looked into.

    A cursor is the number of the last entry of a page; raises ``InvalidArgument`` when it is none,
    and ``Refused`` when the journal holds the persona for another account only.
    """
    if cursor is not None and _CURSOR.fullmatch(cursor) is None:
        raise InvalidArgument(["/cursor: not a cursor of list_revisions; leave it out to start."])
    before = int(cursor) if cursor else None
    history = await app.journal.history(persona_id, limit + 1, before=before, hidden=READ_AGAIN)
    if history.first is None:
        await require_own_persona(app, persona_id)
    page = history.entries[:limit]
    current = None
    if any(_is_open(history, entry) for entry in page):
        current = await _load_current(app, persona_id)
    rows = [_build_row(app, history, entry, current) for entry in page]
    next_cursor = str(page[-1].seq) if len(history.entries) > limit else None
    noun = ENDPOINTS[split_journal_id(persona_id)[0]].noun
    rows, common = _share_author(rows)
    return PersonaHistoryPage(rows, common, next_cursor, _describe_beginning(history, noun))


def _share_author(rows: list[JsonObject]) -> tuple[list[JsonObject], JsonObject | None]:
    """Return the rows without the author that all changes made here share, and that author."""
    authors = [row["author"] for row in rows if "author" in row]
    if len(authors) < _MIN_ROWS_OF_COMMON_AUTHOR or len(set(authors)) > 1:
        return rows, None
    own = [{name: value for name, value in row.items() if name != "author"} for row in rows]
    return own, {"author": authors[0]}


def _describe_beginning(history: HistorySlice, noun: str) -> str:
    """Return the note on what a history cannot hold."""
    if history.first is not None:
        is_erased = not history.first.revision and not history.first.detail
        former_id = history.first.detail.get(REVIVES, "")
        return (
            f"This journal's history of the {noun} begins at {history.first.at}. A change made "
            "elsewhere is in it only if the result was read here."
            + (f" {describe_former_id(former_id)}" if former_id else "")
            + (" The contents of its oldest rows were erased." if is_erased else "")
        )
    beginning = f"It begins at {history.journal_begins}." if history.journal_begins else ""
    return (
        f"This journal holds nothing about the {noun}: it records changes made through this "
        f"server, and what they found. Changes made elsewhere are not in it. {beginning}"
    ).rstrip()


def _is_open(history: HistorySlice, entry: JournalEntry) -> bool:
    outcome = history.outcomes.get(entry.seq)
    return entry.kind == "intent" and (outcome is None or outcome.status == "unknown")


def _build_row(
    app: App, history: HistorySlice, entry: JournalEntry, current: Document | None
) -> JsonObject:
    outcome = history.outcomes.get(entry.seq)
    plan = history.plans.get(entry.seq)
    row: JsonObject = {
        "revision": entry.revision,
        "at": entry.at,
        "tool": entry.tool,
        "status": entry.status,
        "author": entry.author,
        "paths": list(entry.paths),
        **_list_changes(app, history, entry),
        **{name: entry.detail.get(name, "") for name in (REVIVED_AS, REVIVES)},
        "plan_id": plan_id_of(plan) if plan else "",
    }
    if entry.kind == "seen":
        is_first = history.first is not None and history.first.seq == entry.seq
        row |= {"tool": "", "status": FIRST_SEEN if is_first else CHANGED_OUTSIDE, "author": ""}
    if entry.kind == "intent":
        row["revision"] = outcome.revision if outcome else ""
        row["status"] = outcome.status if outcome else "unknown"
        if _is_open(history, entry) and current is not None:
            row |= _infer_outcome(app, entry, current)
    return {key: value for key, value in row.items() if value not in ("", [])}


def _list_changes(app: App, history: HistorySlice, entry: JournalEntry) -> JsonObject:
    """Return the changed fields with short values, as far as both states are recorded.

    Of many changes the first are listed, and the others counted.
    """
    outcome = history.outcomes.get(entry.seq)
    states = [history.states_before.get(entry.seq), outcome or entry]
    before, after = (
        parse_state(state) if state is not None and state.body and state.is_intact else None
        for state in states
    )
    if before is None or after is None:
        return {}
    left, right = before.writable_fields(), after.writable_fields()
    operations = [item for item in diff(left, right) if not before.was_unread(item.path)]
    defaults = defaults_of_change(before, after, app.catalog)
    changes = changes_of(left, operations, app.masker, defaults)
    if (sent := entry.detail.get(EXPECTED_VALUES)) is not None:
        changes = [change for change in changes if not _is_filled_in(change, sent)]
    return {
        "changes": [_build_change(item) for item in changes[:_MAX_LISTED_CHANGES]],
        "omitted_changes": max(0, len(changes) - _MAX_LISTED_CHANGES) or "",
    }


def _is_filled_in(change: FieldChange, sent: Mapping[str, Any]) -> bool:
    """Return True for a default that Tavus added by itself; ``sent`` are values by path."""
    is_default = change.before is None and change.after == change.default
    return is_default and not any(
        get_at(value, change.path.removeprefix(path), ABSENT) is not ABSENT
        for path, value in sent.items()
        if change.path == path or change.path.startswith(f"{path}/")
    )


def _build_change(change: FieldChange) -> JsonObject:
    """Return a change with short values: of two long texts the parts that differ."""
    before, after = change.before, change.after
    if isinstance(before, str) and isinstance(after, str):
        before, after = abridge(
            before, after, max_chars=_MAX_VALUE_CHARS, context_chars=_CONTEXT_CHARS
        )
    values = {
        "path": change.path,
        "before": _shorten(before),
        "after": _shorten(after),
        "default": change.default,
    }
    return {name: value for name, value in values.items() if value is not None}


def _shorten(value: object) -> object:
    if isinstance(value, str):
        return truncate(value, _MAX_VALUE_CHARS)
    is_long = len(json.dumps(value, ensure_ascii=False)) > _MAX_VALUE_CHARS
    if not is_long or not isinstance(value, (dict, list)):
        return value
    noun = ("field" if isinstance(value, dict) else "item") + "s" * (len(value) != 1)
    return f"({len(value)} {noun})"


def _infer_outcome(app: App, entry: JournalEntry, current: Document) -> JsonObject:
    """Return what the current persona shows of an intent without an outcome."""
    if entry.tool in DELETIONS:
        return {"status": "unknown" if current.data else "applied"}
    if has_taken_effect(app, entry, current):
        return {"status": "applied", "revision": current.revision}
    return {"status": "unknown"}


async def _load_current(app: App, persona_id: str) -> Document | None:
    """Return the persona; an empty document if it was deleted, None if it cannot be read."""
    try:
        kind, object_id = split_journal_id(persona_id)
        return await app.api.get_object(ENDPOINTS[kind], object_id)
    except NotFound:
        return PersonaDocument({})
    except TavusError:
        return None
