"""The one write path: read, apply, diff, check, record, send, read back, record, answer.

Whatever changes a persona comes through ``edit``, with a ``Change`` that says what is to be
different. Only the leaves that differ are sent, each with a ``test`` of what stood there, so that
what other people edit meanwhile, what we do not know, and what Tavus masks is never overwritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio

from tavus_mcp.app import App
from tavus_mcp.checker.check import PRIVATE_URLS, UNKNOWN_FIELDS, check_change
from tavus_mcp.errors import Conflict, Failure, Refused, Rejected, TavusError, Unavailable
from tavus_mcp.history import record
from tavus_mcp.journal.entry import Entry
from tavus_mcp.models.changes import Change, RawPatch
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding, by_severity
from tavus_mcp.models.json_patch import Operation, diff, tokens
from tavus_mcp.models.masking import MASK, masks_in
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.personas import plans
from tavus_mcp.personas.conflicts import changed_meanwhile, edited_meanwhile, guards, unguarded
from tavus_mcp.personas.current_spelling import respelled
from tavus_mcp.personas.readback import elsewhere, not_stuck
from tavus_mcp.personas.receipts import lost_keys, receipt_of, undo_of

NOT_READ_BACK = "not-read-back"


@dataclass(frozen=True)
class Edit:
    """A change as it was asked for; ``verbatim`` keeps older spellings, as a way back must.

    ``whole`` asks for a finding wherever the persona reads otherwise afterwards, changed or not.
    """

    tool: str
    persona_id: str
    change: Change
    dry_run: bool = False
    if_revision: str | None = None
    allow: frozenset[str] = frozenset()
    remarks: Sequence[Finding] = field(default_factory=tuple)
    plan: plans.Plan | None = None
    verbatim: bool = False
    whole: bool = False


def planned(plan: plans.Plan) -> Edit:
    """Return the edit that a change plan stands for; what was let pass then is let pass now."""
    return Edit(
        plan.tool,
        plan.persona_id,
        RawPatch(plans.patch_of(plan)),
        if_revision=plan.revision,
        allow=UNKNOWN_FIELDS | PRIVATE_URLS,
        plan=plan,
        verbatim=True,
    )


async def edit(app: App, asked: Edit) -> Receipt:
    """Carry out a change on the persona as it is now, or make a plan of it when ``dry_run``.

    Raises ``Conflict`` when the persona is not at ``if_revision`` or was changed meanwhile,
    ``Refused`` when Tavus would reject the result, ``NotRecorded`` when the journal cannot be
    written, and the errors of the API.
    """
    before = await app.api.get_persona(asked.persona_id)
    await expect(app, before, asked.if_revision, planned=asked.plan is not None)
    if asked.dry_run:
        return await preview(app, before, asked)
    after, operations, findings = work_out(app, before, asked)
    if not operations:
        return receipt_of("unchanged", app, before, before, (), findings)
    claim = await plans.claim(app, asked.plan) if asked.plan else 0
    intent = await record.intend(app, asked.tool, before, after, operations, claim=claim)
    changed, lost = True, None
    for tests in guards(before, operations):
        try:
            changed = await app.api.patch_persona(asked.persona_id, [*tests, *operations])
            break
        except anyio.get_cancelled_exc_class():
            app.unsettled[asked.persona_id] = intent
            raise
        except Unavailable as error:
            lost = error
            break
        except Failure as error:
            await _may_send_again(app, intent, before, error, again=bool(tests))
            findings = [unguarded(error), *findings]
    try:
        now = await app.api.get_persona(asked.persona_id)
        remarks = not_stuck(after, now, operations, app.catalog)
    except TavusError as error:
        now, remarks = unread(after, asked.persona_id, error)
    findings += await _found_out(app, intent, now, remarks, lost, changed=changed)
    if not changed:
        findings.append(SO_ALREADY)
    if asked.whole:
        findings += edited_meanwhile(elsewhere(after, now, app.catalog))
    status = "applied" if changed else "unchanged"
    unrecorded = await record.settle(app, intent, status, now)
    told = operations if changed else ()
    undo = undo_of(before, operations, app.masker) if changed else None
    findings = by_severity([*findings, *remarks, *unrecorded])
    return receipt_of(status, app, before, now, told, findings, undo=undo)


async def preview(app: App, before: Document, asked: Edit) -> Receipt:
    """Tell what a change would do to a persona that was read, and keep it as a plan.

    Raises ``Refused`` when Tavus would reject the result.
    """
    _, operations, findings = work_out(app, before, asked)
    if not operations:
        return receipt_of("unchanged", app, before, before, (), findings)
    plan = await plans.store(app, plans.of_change(app, asked.tool, before, operations), before)
    return receipt_of("planned", app, before, before, operations, findings, plan=plan)


def work_out(
    app: App, before: Document, asked: Edit
) -> tuple[Document, list[Operation], list[Finding]]:
    """Return the persona as it is to be, the smallest patch to it, and what is to be said of it."""
    wanted = asked.change.apply(before.data)
    data, respellings = (
        (wanted, []) if asked.verbatim else respelled(before.data, wanted, app.catalog)
    )
    after = Document(data)
    operations = diff(before.data, after.data)
    refuse_masks(operations)
    _refuse_holes(app, before, operations)
    refuse_mixed_conferencing(operations)
    findings = check_change(before, after, operations, app.catalog, allow=asked.allow)
    keys = lost_keys(before, operations, app.masker)
    return after, operations, by_severity([*asked.remarks, *respellings, *findings, *keys])


def _refuse_holes(app: App, before: Document, operations: Sequence[Operation]) -> None:
    """Refuse a text in which a secret was masked when it was shown: it would lose the secret."""
    for operation in operations:
        old = before.at(operation.path)
        shown = isinstance(old, str) and app.masker.mask_text(old) != old
        if shown and isinstance(operation.value, str) and MASK in operation.value:
            raise Refused(
                f"{operation.path}: the stored text holds a secret that was shown as {MASK}; "
                "written back like this it would be lost. Use edit_prompt on other parts of it."
            )


def unread(wanted: Document, persona_id: str, error: TavusError) -> tuple[Document, list[Finding]]:
    """Return what is known of a write that was accepted but cannot be read back, and say so."""
    finding = Finding(
        severity="warning",
        path="",
        message=f"Tavus accepted the write, but reading it back failed: {error}",
        hint=f"Read persona {persona_id!r} with get_persona before changing it again.",
        rule=NOT_READ_BACK,
    )
    return Document({**wanted.data, "persona_id": persona_id}), [finding]


async def expect(
    app: App, document: Document, revision: str | None, *, planned: bool = False
) -> None:
    """Refuse when the persona is not at the revision the caller has seen; say what changed."""
    if revision is not None and revision != document.revision:
        known = await app.diary.document(document.persona_id, revision)
        seen = Document(known) if known else None
        raise changed_meanwhile(app, seen, document, planned=planned)


async def _may_send_again(
    app: App, intent: Entry, before: Document, refused: Failure, *, again: bool
) -> None:
    """Return when the refusal may be due to the tests alone; else record and raise.

    Tavus documents ``test``; that it is honoured has not been tried on the live service.
    """
    try:
        if not (again and isinstance(refused, Rejected) and refused.status in (400, 422)):
            raise refused
        now = await app.api.get_persona(before.persona_id)
        if (now.revision, now.stamp) != (before.revision, before.stamp):
            await record.seen(app, now)
            raise changed_meanwhile(app, before, now) from refused
    except Failure:
        await record.settle(app, intent, "failed")
        raise


async def _found_out(
    app: App,
    intent: Entry,
    now: Document,
    remarks: Sequence[Finding],
    lost: Unavailable | None,
    *,
    changed: bool,
) -> list[Finding]:
    """Hold what was answered against what is read; raise when a change cannot be vouched for."""
    if lost is not None:
        if record.took_effect(app, intent, now) and not remarks:
            return [ANSWER_LOST]
        await record.settle(app, intent, "unknown")
        raise Conflict(
            f"{lost} It was read again at once, and it is not certain that the change is there. "
            "Look with get_persona before you try again."
        ) from lost
    if changed and remarks and now.revision == intent.revision:
        await record.settle(app, intent, "failed")
        raise Conflict(
            "Tavus answered that all was well, but the persona reads as it was before: the change "
            "did not take effect. " + "; ".join(f"{item.path}: {item.message}" for item in remarks)
        )
    return []


ANSWER_LOST = Finding(
    severity="info",
    path="",
    message="The answer to the change was lost, but the persona reads as it was to be.",
    rule="answer-lost",
)
SO_ALREADY = Finding(
    severity="info",
    path="",
    message="Tavus answered that all of this is so already. What is its default it often neither "
    "stores nor shows.",
    rule="so-already",
    source="N#71196814473",
)


def refuse_masks(operations: Sequence[Operation]) -> None:
    """Refuse to write the mask that stands for a secret."""
    masked = [item.path for item in operations if _writes_mask(item)]
    if masked:
        raise Refused(
            f"{', '.join(masked)}: this is the mask that stands for a secret, not the secret. "
            "Leave the field out to keep the stored key, or name a new one with api_key_ref."
        )


def refuse_mixed_conferencing(operations: Sequence[Operation]) -> None:
    """Refuse to change the meeting identity together with anything else (vendor: meetings)."""
    meeting = [item for item in operations if item.path.startswith("/layers/conferencing")]
    if meeting and len(meeting) < len(operations):
        raise Refused(
            "/layers/conferencing: Tavus takes this layer only in a change of its own. Make two "
            "calls: one for conferencing, one for the rest."
        )


def _writes_mask(operation: Operation) -> bool:
    *above, name = tokens(operation.path)
    return operation.op != "remove" and (
        MASK in operation.path or masks_in(operation.value, name, header=above[-1:] == ["headers"])
    )
