"""Find the object that a creation made whose answer never came, and record it.

The creation was cancelled, its answer was lost, or its process was killed. Its intent in the
journal holds the values that were sent, by which it is recognised.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import JournalUnavailable, TavusError
from tavus_mcp.history.record import (
    EXPECTED_VALUES,
    MAX_WRITE_AGE,
    deletion_tool,
    journal_id,
    may_be_under_way,
    record_outcome,
)
from tavus_mcp.history.revivals import REVIVES, record_revived_as
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.base import JsonObject, is_id
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.models.masking import has_secret_at
from tavus_mcp.personas.readback import is_equivalent_value
from tavus_mcp.tavus_api.endpoints import ENDPOINTS, PART_ENDPOINTS
from tavus_mcp.text import quote_foreign


async def report_lost_creations(app: App) -> list[RuleFinding]:
    """Record and report what became of creations whose answer never came; none is the rule.

    Nothing is reported while the journal cannot be used: a read works without it. Those of this
    process are looked for at once, those of others when they cannot be under way any more. Each is
    reported when it is found, or once when it is not.
    """
    try:
        await _load_open_creations(app)
    except JournalUnavailable:
        return []
    findings: list[RuleFinding] = []
    for intent in list(app.lost_creations.intents.values()):
        is_old = not may_be_under_way(app, intent)
        if not is_old and intent.seq not in app.lost_creations.own:
            continue
        try:
            documents = await find_created(app, intent)
        except (TavusError, JournalUnavailable):
            continue  # it is looked for again at the next read
        if len(documents) == 1:
            findings += await adopt_creation(app, intent, documents[0])
        elif documents or is_old:
            findings.append(_not_found_finding(intent, documents))
            findings += await record_outcome(app, intent, "unknown")
            forget_creation(app, intent)
    return findings


async def find_created(app: App, intent: JournalEntry) -> list[Document]:
    """Return the objects that a creation may have made: like it, new, and not in the journal."""
    kind = intent.object_kind
    endpoint = ENDPOINTS[kind]
    listing = endpoint.listing
    if listing is None:
        return []
    wanted: Mapping[str, Any] = intent.detail.get(EXPECTED_VALUES, {})
    started_at = datetime.fromisoformat(intent.at)
    name_field = endpoint.name_field
    found = list[Document]()
    async for row in app.api.iter_all(listing):
        object_id = listing.row_id(row)
        has_name = (row.get(name_field) or "") == (wanted.get(f"/{name_field}") or "")
        if not has_name or not is_id(object_id) or not _is_new(kind, row, started_at):
            continue
        if await app.journal.latest_entry(journal_id(endpoint.kind, object_id)) is None:
            document = await app.api.get_object(endpoint, object_id)
            if _is_as_wanted(app, wanted, document):
                found.append(document)
    return found


async def adopt_creation(app: App, intent: JournalEntry, document: Document) -> list[RuleFinding]:
    """Record the persona that a creation made; return the finding that reports it."""
    forget_creation(app, intent)
    unrecorded = await record_outcome(app, intent, "applied", document)
    if revives := intent.detail.get(REVIVES):
        unrecorded += await record_revived_as(app, intent, revives, document.journal_id)
    message = (
        f"The {intent.tool} of {intent.at} that was not answered took effect: it made "
        f"{document.noun} {document.object_id} "
        f"({quote_foreign(app.masker.mask_text(document.name))}). It is recorded now."
    )
    tool = deletion_tool(document.kind)
    hint = f"Do not create it again. If it is not wanted, {tool} removes it."
    return [warning("lost-creation", message, hint=hint), *unrecorded]


def forget_creation(app: App, intent: JournalEntry) -> None:
    """Stop looking for what a creation made."""
    app.lost_creations.intents.pop(intent.seq, None)
    app.lost_creations.own.discard(intent.seq)


def _not_found_finding(intent: JournalEntry, documents: list[Document]) -> RuleFinding:
    endpoint = ENDPOINTS[intent.object_kind]
    result = f"no {endpoint.noun} like it is there, so it had no effect"
    if documents:
        ids = ", ".join(document.object_id for document in documents)
        result = f"several {endpoint.plural} like it are there, and any of them may be it: {ids}"
    return warning("lost-creation", f"The {intent.tool} of {intent.at} was not answered: {result}.")


async def _load_open_creations(app: App) -> None:
    """Load, once per process, the creations that the journal holds without an outcome."""
    if app.lost_creations.is_loaded or not app.journal.may_exist:  # a read creates no file
        return
    try:
        intents = [
            intent for name in _NEW_OBJECTS for intent in await app.journal.open_intents(name)
        ]
    except JournalUnavailable:  # a write will say so; reading goes on without it
        return
    for intent in intents:
        if EXPECTED_VALUES in intent.detail:  # version 0.1 did not store what a creation sent
            app.lost_creations.intents.setdefault(intent.seq, intent)
    app.lost_creations.is_loaded = True


def _is_as_wanted(app: App, wanted: Mapping[str, Any], document: Document) -> bool:
    """Tell whether a persona has every value that was sent; secrets are not compared."""
    return all(
        is_equivalent_value(value, document.at(path), path, app.catalog)
        for path, value in wanted.items()
        if not has_secret_at(pointer_tokens(path), value)
    )


def _is_new(kind: str, row: JsonObject, started_at: datetime) -> bool:
    """Tell whether a row was created since; our clock may differ from that of Tavus.

    Some kinds of parts have times without a time zone.
    """
    try:
        created_at = datetime.fromisoformat(str(row.get("created_at")).replace("Z", "+00:00"))
    except ValueError:
        return False
    if kind != "persona" and created_at.tzinfo is None:
        created_at = created_at.replace(tzinfo=UTC)
    return created_at.tzinfo is not None and created_at >= started_at - MAX_WRITE_AGE


_NEW_OBJECTS = (
    "",
    *(f"{kind}/" for kind, endpoint in PART_ENDPOINTS.items() if endpoint.listing is not None),
)
"""The ids in the journal of objects that are being created."""
