"""Writing down what is about to be sent and what came of it.

The intent is on disk before the request leaves; the outcome follows. An intent without an outcome
is what a process leaves that was killed in between; ``history`` tells what became of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from tavus_mcp.app import App
from tavus_mcp.errors import NotFound, NotRecorded
from tavus_mcp.journal.entry import Entry
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.json_patch import Operation, find, tokens
from tavus_mcp.models.masking import hides
from tavus_mcp.models.persona import WRITE_ONLY

ELSEWHERE = "elsewhere"
"""The name of the tool for what was not done through this journal."""
REVIVED_AS, REVIVES = "revived_as", "revives"
"""Where the line of a deleted persona names the new one that brings it back, and the reverse."""


async def seen(app: App, document: Document) -> None:
    """Write down a persona as it was found, when the journal does not know this state of it."""
    known = await app.diary.latest(document.persona_id)
    if known is None or known.revision != document.revision:
        await app.diary.append(_line(app, "seen", document, tool=ELSEWHERE, status="seen"))


async def intend(
    app: App,
    tool: str,
    before: Document,
    after: Document,
    operations: Sequence[Operation],
    *,
    claim: int = 0,
) -> Entry:
    """Write down a change before it is sent; raise ``NotRecorded`` when that cannot be.

    ``claim`` is the line by which it took its plan, when it has one.
    """
    await seen(app, before)
    return await app.diary.append(
        Entry(
            kind="intent",
            persona_id=before.persona_id,
            at=app.now(),
            tool=tool,
            revision=before.revision,
            paths=tuple(app.masker.mask_text(item.path) for item in operations),
            ref=claim,
            detail={"wanted": _wanted(app, after, operations)},
        )
    )


async def settle(
    app: App, intent: Entry, status: str, document: Document | None = None, persona_id: str = ""
) -> list[Finding]:
    """Write down what came of an intent; a finding when it could not be written."""
    owner = document.persona_id if document else persona_id or intent.persona_id
    line = Entry("outcome", owner, app.now(), intent.tool, status, ref=intent.seq)
    if document is not None:
        line = _line(app, "outcome", document, tool=intent.tool, status=status, ref=intent.seq)
    if REVIVES in intent.detail:
        line = replace(line, detail={REVIVES: intent.detail[REVIVES]})
    return await _afterwards(app, line)


async def revived(app: App, intent: Entry, gone: str, now: Document) -> list[Finding]:
    """Write down, for a deleted persona, the new one that brings it back."""
    line = Entry("outcome", gone, app.now(), intent.tool, "applied", ref=intent.seq)
    return await _afterwards(app, replace(line, detail={REVIVED_AS: now.persona_id}))


async def lives_as(app: App, persona_id: str) -> str:
    """Return the id under which a deleted persona was brought back last, or an empty text."""
    lines = await app.diary.of_persona(persona_id)
    return next((line.detail[REVIVED_AS] for line in lines if REVIVED_AS in line.detail), "")


async def _afterwards(app: App, line: Entry) -> list[Finding]:
    """Write down what was carried out already; a finding when that cannot be."""
    try:
        await app.diary.append(line)
    except NotRecorded as error:
        return [
            Finding(
                severity="warning",
                path="",
                message=f"The write was carried out, but not recorded: {error}",
                rule="not-recorded",
            )
        ]
    return []


async def told_of_cancelled(app: App, document: Document) -> list[Finding]:
    """Tell whether a write that was cancelled took effect, now that the persona was read."""
    intent = app.unsettled.pop(document.persona_id, None)
    if intent is None:
        return []
    there = took_effect(app, intent, document)
    unrecorded = await settle(app, intent, "applied" if there else "unknown", document)
    told = "took effect" if there else "has not taken effect so far, as far as can be seen"
    cancelled = Finding(
        severity="warning",
        path="",
        message=f"The {intent.tool} that was cancelled {told}.",
        hint="list_revisions tells what was changed; restore_revision takes it back.",
        rule="cancelled-write",
    )
    return [cancelled, *unrecorded]


async def gone_by_cancelled(app: App, persona_id: str, error: NotFound) -> NotFound:
    """Return the error for a persona that is gone; tells when a cancelled deletion did it."""
    intent = app.unsettled.get(persona_id)
    if intent is None or intent.tool != "delete_persona":
        return error
    del app.unsettled[persona_id]
    await settle(app, intent, "applied")
    return NotFound(f"{error} The delete_persona that was cancelled took effect.", status=404)


def took_effect(app: App, intent: Entry, now: Document) -> bool:
    """Tell whether a persona shows that an intent was carried out.

    Masked keys and fields that Tavus never shows prove nothing, either way.
    """
    shown = app.masker.mask(now.data)
    wanted: dict[str, object] = intent.detail.get("wanted", {})
    telling = {
        path: value
        for path, value in wanted.items()
        if not hides(path.rsplit("/", 1)[-1], value) and path.split("/")[1] not in WRITE_ONLY
    }
    return bool(telling) and all(find(shown, path) == value for path, value in telling.items())


def canonical(app: App, document: Document) -> str:
    """Return a document as it may reach the disk: without secrets, in one spelling."""
    return json.dumps(app.masker.mask(document.kept()), sort_keys=True, separators=(",", ":"))


def _line(
    app: App, kind: str, document: Document, *, tool: str, status: str, ref: int = 0
) -> Entry:
    return Entry(
        kind=kind,  # type: ignore[arg-type]  # the two callers give two of its literals
        persona_id=document.persona_id,
        at=app.now(),
        tool=tool,
        status=status,
        revision=document.revision,
        ref=ref,
        body=canonical(app, document),
    )


def _wanted(app: App, after: Document, operations: Sequence[Operation]) -> dict[str, object]:
    """Return the values that a change means to bring, by path, so that its effect can be told."""
    wanted: dict[str, object] = {}
    for operation in operations:
        value = after.at(operation.path)
        wanted[app.masker.mask_text(operation.path)] = app.masker.mask_at(
            tokens(operation.path), value
        )
    return wanted
