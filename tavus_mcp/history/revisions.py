"""What became of a persona: its revisions, and their differences."""

from __future__ import annotations

from dataclasses import dataclass

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument, NotFound, Refused, TavusError
from tavus_mcp.history.cancelled_writes import has_taken_effect
from tavus_mcp.history.revivals import REVIVED_AS, REVIVES
from tavus_mcp.journal.entry import JournalEntry, plan_id_of
from tavus_mcp.models.base import JsonObject, parse_id
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import diff
from tavus_mcp.models.receipt import changes_of
from tavus_mcp.text import suggestion_or_period


@dataclass(frozen=True)
class PersonaHistoryPage:
    """Rows of a persona's history, newest first, and where to go on."""

    rows: list[JsonObject]
    next_cursor: str | None


async def read_history_page(
    app: App, persona_id: str, limit: int, cursor: str | None
) -> PersonaHistoryPage:
    """Tell what happened to a persona, newest first; what has no outcome is looked into.

    Raises ``InvalidArgument`` when the cursor is not a number of a line.
    """
    if cursor is not None and not cursor.isdecimal():
        raise InvalidArgument(["/cursor: not a cursor of list_revisions; leave it out to start."])
    lines = await app.journal.entries_of_persona(persona_id)
    outcomes = {line.ref: line for line in lines if line.kind == "outcome"}
    intents = {line.seq for line in lines if line.kind == "intent"}
    told = [
        line
        for line in lines
        if line.kind in ("seen", "intent") or (line.kind == "outcome" and line.ref not in intents)
    ]
    start = int(cursor) if cursor else 2**62
    page = [line for line in told if line.seq < start][: limit + 1]
    now = (
        await _load_current(app, persona_id)
        if any(_is_open(line, outcomes) for line in page)
        else None
    )
    rows = [
        {**_build_row(app, line, outcomes, now), **await _bulk_plan_fields(app, line, lines)}
        for line in page[:limit]
    ]
    return PersonaHistoryPage(rows, str(page[limit - 1].seq) if len(page) > limit else None)


async def load_referenced_persona(
    app: App, reference: str, argument: str
) -> tuple[str, PersonaDocument]:
    """Return the persona that ``ID`` or ``ID@REVISION`` names, and its id.

    Raises ``Refused`` when the journal does not hold the revision, naming the nearest, and
    ``InvalidArgument`` naming the argument ``where`` it stands.
    """
    persona_id, revision = split_reference(reference, argument)
    if not revision:
        return persona_id, await app.api.get_persona(persona_id)
    return persona_id, await load_revision(app, persona_id, revision)


def split_reference(reference: str, argument: str) -> tuple[str, str]:
    """Return the id and the revision that ``ID@REVISION`` names; no revision in a bare ``ID``.

    Raises ``InvalidArgument`` naming the argument ``where`` it stands.
    """
    persona_id, _, revision = reference.partition("@")
    try:
        return parse_id(persona_id), parse_id(revision) if revision else ""
    except ValueError as error:
        raise InvalidArgument([f"/{argument}: must be ID or ID@REVISION: {error}."]) from None


async def load_revision(app: App, persona_id: str, revision: str) -> PersonaDocument:
    """Return a persona as the journal holds it; refuse a revision it does not hold."""
    data = await app.journal.document(persona_id, revision)
    if data is None:
        lines = await app.journal.entries_of_persona(persona_id)
        names = list(dict.fromkeys(line.revision for line in lines if line.revision))
        raise Refused(
            f"The journal holds no such revision of persona {persona_id!r}"
            f"{suggestion_or_period(revision, names)} list_revisions shows those it holds."
        )
    return PersonaDocument(data)


def differences(app: App, first: PersonaDocument, second: PersonaDocument) -> list[JsonObject]:
    """Return the fields in which two personas differ, those that Tavus sets left out."""
    one, other = (app.masker.mask(document.writable_fields()) for document in (first, second))
    changes = changes_of(one, diff(one, other), app.masker)
    return [{"path": item.path, "first": item.before, "second": item.after} for item in changes]


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
    told: JsonObject = {
        "revision": entry.revision,
        "at": entry.at,
        "tool": entry.tool,
        "status": entry.status,
        "paths": list(entry.paths),
        **{name: entry.detail.get(name, "") for name in (REVIVED_AS, REVIVES)},
    }
    if entry.kind == "intent":
        told |= {"revision": outcome.revision if outcome else "", "status": "unknown"}
        told["status"] = outcome.status if outcome else "unknown"
        if _is_open(entry, outcomes) and current is not None:
            told |= _infer_outcome(app, entry, current)
    return {key: value for key, value in told.items() if value not in ("", [])}


async def _bulk_plan_fields(
    app: App, entry: JournalEntry, entries: list[JournalEntry]
) -> JsonObject:
    """Name the bulk plan that a change was a part of, so that all of it can be taken back."""
    claim = next((one for one in entries if one.kind == "used" and one.seq == entry.ref), None)
    plan = await app.journal.entry(claim.ref) if claim else None
    return {"plan_id": plan_id_of(plan)} if plan else {}


def _infer_outcome(app: App, entry: JournalEntry, current: PersonaDocument) -> JsonObject:
    """Tell what became of an intent without an outcome, as far as the persona shows it."""
    if entry.tool == "delete_persona":
        return {"status": "unknown" if current.data else "applied"}
    if has_taken_effect(app, entry, current):
        return {"status": "applied", "revision": current.revision}
    return {"status": "unknown"}


async def _load_current(app: App, persona_id: str) -> PersonaDocument | None:
    """Return the persona as it is; an empty document when it is gone, None when unknown."""
    try:
        return await app.api.get_persona(persona_id)
    except NotFound:
        return PersonaDocument({})
    except TavusError:
        return None
