"""The one write path: read, apply, diff, check, send, read back, answer.

Whatever changes a persona comes through ``edit``, with a ``Change`` that says what is to be
different. Only the leaves that differ are sent, so what other people edit meanwhile, what we do
not know, and what Tavus masks is never written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict, Refused, TavusError
from tavus_mcp.models.changes import Change
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding, by_severity
from tavus_mcp.models.patch import Operation, diff
from tavus_mcp.models.receipt import Receipt, Undo, changes_of
from tavus_mcp.models.secrets import is_masked
from tavus_mcp.usecases.checking import check_change, not_stuck
from tavus_mcp.usecases.spelling import respelled

Undoing = Callable[[Document, Sequence[Operation]], Undo | None]
"""Given the persona as it was and what was changed: the call that undoes it."""


@dataclass(frozen=True)
class Edit:
    """A change as it was asked for."""

    persona_id: str
    change: Change
    undo: Undoing
    dry_run: bool = False
    if_revision: str | None = None
    allow_unknown: bool = False
    remarks: Sequence[Finding] = field(default_factory=tuple)


async def edit(app: App, asked: Edit) -> Receipt:
    """Carry out a change on the persona as it is now, or show it when ``dry_run``.

    Raises ``Conflict`` when the persona is not at ``if_revision``, ``Refused`` when Tavus would
    reject the result, and the errors of the API.
    """
    before = await app.api.get_persona(asked.persona_id)
    expect(before, asked.if_revision)
    after, operations, findings = plan(app, before, asked)
    if not operations:
        return _receipt("unchanged", app, before, before, (), findings)
    if asked.dry_run:
        return _receipt("planned", app, before, before, operations, findings)
    changed = await app.api.patch_persona(asked.persona_id, operations)
    now, remarks = await read_back(app, after, asked.persona_id, operations)
    findings = by_severity([*findings, *remarks])
    if not changed:
        return _receipt("unchanged", app, before, now, (), findings)
    undo = asked.undo(before, operations)
    return _receipt("applied", app, before, now, operations, findings, undo)


def plan(
    app: App, before: Document, asked: Edit
) -> tuple[Document, list[Operation], list[Finding]]:
    """Return the persona as it is to be, the smallest patch to it, and what is to be said of it."""
    data, respellings = respelled(before.data, asked.change.apply(before.data), app.catalog)
    after = Document(data)
    operations = diff(before.data, after.data)
    _refuse_masks(operations)
    _refuse_mixed_conferencing(operations)
    findings = check_change(
        before, after, operations, app.catalog, allow_unknown=asked.allow_unknown
    )
    return after, operations, by_severity([*asked.remarks, *respellings, *findings])


async def read_back(
    app: App, wanted: Document, persona_id: str, operations: Sequence[Operation]
) -> tuple[Document, list[Finding]]:
    """Read a persona after a write: as it is now, and what of the write did not stick.

    When it cannot be read, the write stands all the same, and the finding says so.
    """
    try:
        now = await app.api.get_persona(persona_id)
    except TavusError as error:
        unread = Finding(
            severity="warning",
            path="",
            message=f"Tavus accepted the write, but reading it back failed: {error}",
            hint=f"Read persona {persona_id!r} with get_persona before changing it again.",
            rule="not-read-back",
        )
        return Document({**wanted.data, "persona_id": persona_id}), [unread]
    return now, not_stuck(wanted, now, operations, app.catalog)


def expect(document: Document, revision: str | None) -> None:
    """Refuse when the persona is not at the revision the caller has seen."""
    if revision is not None and revision != document.revision:
        raise Conflict(
            f"Persona {document.persona_id!r} is at revision {document.revision}, not at the "
            "if_revision that was given: someone changed it meanwhile. Nothing was written. Read "
            "it with get_persona, look at what changed, and call again with the new revision."
        )


def _receipt(
    status: str,
    app: App,
    before: Document,
    now: Document,
    operations: Sequence[Operation],
    findings: list[Finding],
    undo: Undo | None = None,
) -> Receipt:
    return Receipt.model_validate(
        {
            "status": status,
            "persona_id": now.persona_id,
            "persona_name": now.name,
            "revision": now.revision,
            "previous_revision": before.revision if status == "applied" else None,
            "changes": changes_of(before.data, list(operations), app.masker),
            "findings": findings,
            "undo": undo,
        }
    )


def _refuse_masks(operations: Sequence[Operation]) -> None:
    masked = [operation.path for operation in operations if _holds_mask(operation.value)]
    if masked:
        raise Refused(
            f"{', '.join(masked)}: this is the mask that stands for a secret, not the secret. "
            "Leave the field out to keep the stored key, or name a new one with api_key_ref."
        )


def _holds_mask(value: object) -> bool:
    if isinstance(value, dict):
        return any(_holds_mask(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_mask(item) for item in value)
    return is_masked(value)


def _refuse_mixed_conferencing(operations: Sequence[Operation]) -> None:
    meeting = [item for item in operations if item.path.startswith("/layers/conferencing")]
    if meeting and len(meeting) < len(operations):
        raise Refused(
            "/layers/conferencing: Tavus takes this layer only in a change of its own (vendor: "
            "meetings). Make two calls: one for conferencing, one for the rest."
        )
