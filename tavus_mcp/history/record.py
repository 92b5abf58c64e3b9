"""Writing down what is about to be sent and what came of it.

The intent is on disk before the request leaves; the outcome follows. An intent without an outcome
is what a process leaves that was killed in between; ``history`` tells what became of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from tavus_mcp.app import App
from tavus_mcp.errors import JournalUnavailable, NotFound
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import Operation, get_at, pointer_tokens
from tavus_mcp.models.masking import is_secret_value
from tavus_mcp.models.persona import WRITE_ONLY

EXTERNAL_CHANGE = "elsewhere"
"""The name of the tool for what was not done through this journal."""
REVIVED_AS, REVIVES = "revived_as", "revives"
"""Where the line of a deleted persona names the new one that brings it back, and the reverse."""


async def record_observed(app: App, document: PersonaDocument) -> None:
    """Write down a persona as it was found, when the journal does not know this state of it."""
    known = await app.journal.latest_entry(document.persona_id)
    if known is None or known.revision != document.revision:
        await app.journal.append(
            _build_entry(app, "seen", document, tool=EXTERNAL_CHANGE, status="seen")
        )


async def record_intent(
    app: App,
    tool: str,
    before: PersonaDocument,
    after: PersonaDocument,
    operations: Sequence[Operation],
    *,
    used_seq: int = 0,
) -> JournalEntry:
    """Write down a change before it is sent; raise ``NotRecorded`` when that cannot be.

    ``claim`` is the line by which it took its plan, when it has one.
    """
    await record_observed(app, before)
    return await app.journal.append(
        JournalEntry(
            kind="intent",
            persona_id=before.persona_id,
            at=app.now(),
            tool=tool,
            revision=before.revision,
            paths=tuple(app.masker.mask_text(item.path) for item in operations),
            ref=used_seq,
            detail={"wanted": _expected_values(app, after, operations)},
        )
    )


async def record_outcome(
    app: App,
    intent: JournalEntry,
    status: str,
    document: PersonaDocument | None = None,
    persona_id: str = "",
) -> list[RuleFinding]:
    """Write down what came of an intent; a finding when it could not be written."""
    owner = document.persona_id if document else persona_id or intent.persona_id
    line = JournalEntry("outcome", owner, app.now(), intent.tool, status, ref=intent.seq)
    if document is not None:
        line = _build_entry(
            app, "outcome", document, tool=intent.tool, status=status, ref=intent.seq
        )
    if REVIVES in intent.detail:
        line = replace(line, detail={REVIVES: intent.detail[REVIVES]})
    return await _append_or_report(app, line)


async def record_revived_as(
    app: App, intent: JournalEntry, deleted_id: str, current: PersonaDocument
) -> list[RuleFinding]:
    """Write down, for a deleted persona, the new one that brings it back."""
    line = JournalEntry("outcome", deleted_id, app.now(), intent.tool, "applied", ref=intent.seq)
    return await _append_or_report(app, replace(line, detail={REVIVED_AS: current.persona_id}))


async def revived_id(app: App, persona_id: str) -> str:
    """Return the id under which a deleted persona was brought back last, or an empty text."""
    lines = await app.journal.entries_of_persona(persona_id)
    return next((line.detail[REVIVED_AS] for line in lines if REVIVED_AS in line.detail), "")


async def _append_or_report(app: App, entry: JournalEntry) -> list[RuleFinding]:
    """Write down what was carried out already; a finding when that cannot be."""
    try:
        await app.journal.append(entry)
    except JournalUnavailable as error:
        return [
            RuleFinding(
                severity="warning",
                path="",
                message=f"The write was carried out, but not recorded: {error}",
                rule="not-recorded",
            )
        ]
    return []


async def report_cancelled_write(app: App, document: PersonaDocument) -> list[RuleFinding]:
    """Tell whether a write that was cancelled took effect, now that the persona was read."""
    intent = app.cancelled_writes.pop(document.persona_id, None)
    if intent is None:
        return []
    there = has_taken_effect(app, intent, document)
    unrecorded = await record_outcome(app, intent, "applied" if there else "unknown", document)
    told = "took effect" if there else "has not taken effect so far, as far as can be seen"
    cancelled = RuleFinding(
        severity="warning",
        path="",
        message=f"The {intent.tool} that was cancelled {told}.",
        hint="list_revisions tells what was changed; restore_revision takes it back.",
        rule="cancelled-write",
    )
    return [cancelled, *unrecorded]


async def explain_missing(app: App, persona_id: str, error: NotFound) -> NotFound:
    """Return the error for a persona that is gone; tells when a cancelled deletion did it."""
    intent = app.cancelled_writes.get(persona_id)
    if intent is None or intent.tool != "delete_persona":
        return error
    del app.cancelled_writes[persona_id]
    await record_outcome(app, intent, "applied")
    return NotFound(f"{error} The delete_persona that was cancelled took effect.", status=404)


def has_taken_effect(app: App, intent: JournalEntry, current: PersonaDocument) -> bool:
    """Tell whether a persona shows that an intent was carried out.

    Masked keys and fields that Tavus never shows prove nothing, either way.
    """
    shown = app.masker.mask(current.data)
    wanted: dict[str, object] = intent.detail.get("wanted", {})
    telling = {
        path: value
        for path, value in wanted.items()
        if not is_secret_value(path.rsplit("/", 1)[-1], value)
        and path.split("/")[1] not in WRITE_ONLY
    }
    return bool(telling) and all(get_at(shown, path) == value for path, value in telling.items())


def canonical_json(app: App, document: PersonaDocument) -> str:
    """Return a document as it may reach the disk: without secrets, in one spelling."""
    return json.dumps(
        app.masker.mask(document.stable_fields()), sort_keys=True, separators=(",", ":")
    )


def _build_entry(
    app: App, kind: str, document: PersonaDocument, *, tool: str, status: str, ref: int = 0
) -> JournalEntry:
    return JournalEntry(
        kind=kind,  # type: ignore[arg-type]  # the two callers give two of its literals
        persona_id=document.persona_id,
        at=app.now(),
        tool=tool,
        status=status,
        revision=document.revision,
        ref=ref,
        body=canonical_json(app, document),
    )


def _expected_values(
    app: App, after: PersonaDocument, operations: Sequence[Operation]
) -> dict[str, object]:
    """Return the values that a change means to bring, by path, so that its effect can be told."""
    wanted: dict[str, object] = {}
    for operation in operations:
        value = after.at(operation.path)
        wanted[app.masker.mask_text(operation.path)] = app.masker.mask_at(
            pointer_tokens(operation.path), value
        )
    return wanted
