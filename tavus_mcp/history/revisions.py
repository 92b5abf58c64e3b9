"""The revisions of a persona: list them, load one, and compare two."""

from __future__ import annotations

from dataclasses import dataclass

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument, NotFound, Refused, TavusError
from tavus_mcp.history.accounts import require_own_persona
from tavus_mcp.history.cancelled_writes import has_taken_effect
from tavus_mcp.history.record import READ_AGAIN
from tavus_mcp.history.revivals import REVIVED_AS, REVIVES
from tavus_mcp.history.states import find_state
from tavus_mcp.journal.entry import JournalEntry, plan_id_of
from tavus_mcp.models.base import JsonObject, parse_id
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import diff
from tavus_mcp.models.receipt import changes_of
from tavus_mcp.text import suggestion_or_period


@dataclass(frozen=True)
class PersonaHistoryPage:
    """Rows of a persona's history, newest first, and the cursor of the next page."""

    rows: list[JsonObject]
    next_cursor: str | None


async def read_history_page(
    app: App, persona_id: str, limit: int, cursor: str | None
) -> PersonaHistoryPage:
    """Return a page of a persona's history; an intent without an outcome is looked into.

    A cursor is the number of the last entry of a page; raises ``InvalidArgument`` when it is none.
    """
    if cursor is not None and not cursor.isdecimal():
        raise InvalidArgument(["/cursor: not a cursor of list_revisions; leave it out to start."])
    entries = await app.journal.entries_of_persona(persona_id)
    if not entries:
        await require_own_persona(app, persona_id)
    outcomes = {entry.ref: entry for entry in entries if entry.kind == "outcome"}
    intents = {entry.seq for entry in entries if entry.kind == "intent"}
    start = int(cursor) if cursor else 2**62
    listed = [
        entry
        for entry in entries
        if entry.seq < start
        and entry.tool != READ_AGAIN
        and (
            entry.kind in ("seen", "intent")
            or (entry.kind == "outcome" and entry.ref not in intents)
        )
    ]
    page = listed[: limit + 1]
    current = None
    if any(_is_open(entry, outcomes) for entry in page):
        current = await _load_current(app, persona_id)
    rows = [
        {**_build_row(app, item, outcomes, current), **await _bulk_plan_fields(app, item, entries)}
        for item in page[:limit]
    ]
    return PersonaHistoryPage(rows, str(page[limit - 1].seq) if len(page) > limit else None)


async def load_referenced_persona(
    app: App, reference: str, argument: str
) -> tuple[str, PersonaDocument]:
    """Return the persona that ``ID`` or ``ID@REVISION`` names, and its id.

    Raises ``Refused``, naming the closest, when the journal does not hold the revision, and
    ``InvalidArgument``, naming ``argument``, when the reference is malformed.
    """
    persona_id, revision = split_reference(reference, argument)
    if not revision:
        return persona_id, await app.api.get_persona(persona_id)
    return persona_id, await load_revision(app, persona_id, revision)


def split_reference(reference: str, argument: str) -> tuple[str, str]:
    """Return the id and the revision in ``ID@REVISION``; an empty revision for a bare ``ID``.

    Raises ``InvalidArgument``, naming ``argument``, when one of them is malformed.
    """
    persona_id, _, revision = reference.partition("@")
    try:
        return parse_id(persona_id), parse_id(revision) if revision else ""
    except ValueError as error:
        raise InvalidArgument([f"/{argument}: must be ID or ID@REVISION: {error}."]) from None


async def load_revision(app: App, persona_id: str, revision: str) -> PersonaDocument:
    """Return a revision from the journal; raise ``Refused``, naming the closest, if absent."""
    document = await find_state(app, persona_id, revision)
    if document is None:
        await require_own_persona(app, persona_id)
        entries = await app.journal.entries_of_persona(persona_id)
        names = list(dict.fromkeys(entry.revision for entry in entries if entry.revision))
        raise Refused(
            f"The journal holds no such revision of persona {persona_id!r}"
            f"{suggestion_or_period(revision, names)} list_revisions shows those it holds."
        )
    return document


def differences(app: App, first: PersonaDocument, second: PersonaDocument) -> list[JsonObject]:
    """Return the writable fields in which two personas differ, with secrets masked."""
    left, right = (app.masker.mask(document.writable_fields()) for document in (first, second))
    changes = changes_of(left, diff(left, right), app.masker, app.catalog.default_value)
    return [
        {
            "path": item.path,
            "first": item.before,
            "second": item.after,
            "default": item.default,
        }
        for item in changes
    ]


def _is_open(entry: JournalEntry, outcomes: dict[int, JournalEntry]) -> bool:
    return entry.kind == "intent" and (
        entry.seq not in outcomes or outcomes[entry.seq].status == "unknown"
    )


def _build_row(
    app: App,
    entry: JournalEntry,
    outcomes: dict[int, JournalEntry],
    current: PersonaDocument | None,
) -> JsonObject:
    outcome = outcomes.get(entry.seq)
    row: JsonObject = {
        "revision": entry.revision,
        "at": entry.at,
        "tool": entry.tool,
        "status": entry.status,
        "paths": list(entry.paths),
        **{name: entry.detail.get(name, "") for name in (REVIVED_AS, REVIVES)},
    }
    if entry.kind == "intent":
        row["revision"] = outcome.revision if outcome else ""
        row["status"] = outcome.status if outcome else "unknown"
        if _is_open(entry, outcomes) and current is not None:
            row |= _infer_outcome(app, entry, current)
    return {key: value for key, value in row.items() if value not in ("", [])}


async def _bulk_plan_fields(
    app: App, entry: JournalEntry, entries: list[JournalEntry]
) -> JsonObject:
    """Return the id of the bulk plan that a change belongs to, so that all of it can be undone."""
    used = next((item for item in entries if item.kind == "used" and item.seq == entry.ref), None)
    plan = await app.journal.entry(used.ref) if used else None
    return {"plan_id": plan_id_of(plan)} if plan else {}


def _infer_outcome(app: App, entry: JournalEntry, current: PersonaDocument) -> JsonObject:
    """Return what the current persona shows of an intent without an outcome."""
    if entry.tool == "delete_persona":
        return {"status": "unknown" if current.data else "applied"}
    if has_taken_effect(app, entry, current):
        return {"status": "applied", "revision": current.revision}
    return {"status": "unknown"}


async def _load_current(app: App, persona_id: str) -> PersonaDocument | None:
    """Return the persona; an empty document if it was deleted, None if it cannot be read."""
    try:
        return await app.api.get_persona(persona_id)
    except NotFound:
        return PersonaDocument({})
    except TavusError:
        return None
