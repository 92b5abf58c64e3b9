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
from tavus_mcp.errors import (
    Conflict,
    Refused,
    RequestRejected,
    TavusError,
    ToolFailure,
    Unavailable,
)
from tavus_mcp.history import record
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.changes import Change, RawPatch
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, sort_by_severity
from tavus_mcp.models.json_patch import Operation, diff, pointer_tokens
from tavus_mcp.models.masking import MASK, has_masked_secret
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.personas import plans
from tavus_mcp.personas.conflicts import (
    build_revision_conflict,
    build_test_attempts,
    edited_meanwhile_findings,
    sent_without_tests_finding,
)
from tavus_mcp.personas.current_spelling import use_current_spelling
from tavus_mcp.personas.readback import unexpected_differences, verify_written
from tavus_mcp.personas.receipts import build_receipt, build_undo, loss_findings

NOT_READ_BACK = "not-read-back"


@dataclass(frozen=True)
class UpdateRequest:
    """A change as it was asked for; ``verbatim`` keeps older spellings, as a way back must.

    ``whole`` asks for a finding wherever the persona reads otherwise afterwards, changed or not.
    """

    tool: str
    persona_id: str
    change: Change
    dry_run: bool = False
    if_revision: str | None = None
    allow: frozenset[str] = frozenset()
    findings: Sequence[RuleFinding] = field(default_factory=tuple)
    plan: plans.Plan | None = None
    keep_legacy_spelling: bool = False
    verify_all_fields: bool = False


def from_plan(plan: plans.Plan) -> UpdateRequest:
    """Return the edit that a change plan stands for; what was let pass then is let pass now."""
    return UpdateRequest(
        plan.tool,
        plan.persona_id,
        RawPatch(plans.patch_of(plan)),
        if_revision=plan.revision,
        allow=UNKNOWN_FIELDS | PRIVATE_URLS,
        plan=plan,
        keep_legacy_spelling=True,
    )


async def update(app: App, request: UpdateRequest) -> Receipt:
    """Carry out a change on the persona as it is now, or make a plan of it when ``dry_run``.

    Raises ``Conflict`` when the persona is not at ``if_revision`` or was changed meanwhile,
    ``Refused`` when Tavus would reject the result, ``NotRecorded`` when the journal cannot be
    written, and the errors of the API.
    """
    before = await app.api.get_persona(request.persona_id)
    await require_revision(app, before, request.if_revision, has_plan=request.plan is not None)
    if request.dry_run:
        return await preview(app, before, request)
    after, operations, findings = compute_update(app, before, request)
    if not operations:
        return build_receipt("unchanged", app, before, before, (), findings)
    claim = await plans.mark_used(app, request.plan) if request.plan else 0
    intent = await record.record_intent(
        app, request.tool, before, after, operations, used_seq=claim
    )
    changed, lost = True, None
    for tests in build_test_attempts(before, operations):
        try:
            changed = await app.api.patch_persona(request.persona_id, [*tests, *operations])
            break
        except anyio.get_cancelled_exc_class():
            app.cancelled_writes[request.persona_id] = intent
            raise
        except Unavailable as error:
            lost = error
            break
        except ToolFailure as error:
            await _require_retryable(app, intent, before, error, has_tests=bool(tests))
            findings = [sent_without_tests_finding(error), *findings]
    try:
        now = await app.api.get_persona(request.persona_id)
        remarks = verify_written(after, now, operations, app.catalog)
    except TavusError as error:
        now, remarks = unverified(after, request.persona_id, error)
    findings += await _verify_outcome(app, intent, now, remarks, lost, was_changed=changed)
    if not changed:
        findings.append(ALREADY_SET)
    if request.verify_all_fields:
        findings += edited_meanwhile_findings(unexpected_differences(after, now, app.catalog))
    status = "applied" if changed else "unchanged"
    unrecorded = await record.record_outcome(app, intent, status, now)
    told = operations if changed else ()
    undo = build_undo(before, operations, app.masker) if changed else None
    findings = sort_by_severity([*findings, *remarks, *unrecorded])
    return build_receipt(status, app, before, now, told, findings, undo=undo)


async def preview(app: App, before: PersonaDocument, request: UpdateRequest) -> Receipt:
    """Tell what a change would do to a persona that was read, and keep it as a plan.

    Raises ``Refused`` when Tavus would reject the result.
    """
    _, operations, findings = compute_update(app, before, request)
    if not operations:
        return build_receipt("unchanged", app, before, before, (), findings)
    plan = await plans.store_plan(
        app, plans.build_change_plan(app, request.tool, before, operations), before
    )
    return build_receipt("planned", app, before, before, operations, findings, plan=plan)


def compute_update(
    app: App, before: PersonaDocument, request: UpdateRequest
) -> tuple[PersonaDocument, list[Operation], list[RuleFinding]]:
    """Return the persona as it is to be, the smallest patch to it, and what is to be said of it."""
    wanted = request.change.apply(before.data)
    data, respellings = (
        (wanted, [])
        if request.keep_legacy_spelling
        else use_current_spelling(before.data, wanted, app.catalog)
    )
    after = PersonaDocument(data)
    operations = diff(before.data, after.data)
    refuse_masks(operations)
    _refuse_masked_text(app, before, operations)
    refuse_mixed_conferencing(operations)
    findings = check_change(before, after, operations, app.catalog, allow=request.allow)
    keys = loss_findings(before, operations, app.masker)
    return after, operations, sort_by_severity([*request.findings, *respellings, *findings, *keys])


def _refuse_masked_text(app: App, before: PersonaDocument, operations: Sequence[Operation]) -> None:
    """Refuse a text in which a secret was masked when it was shown: it would lose the secret."""
    for operation in operations:
        old = before.at(operation.path)
        shown = isinstance(old, str) and app.masker.mask_text(old) != old
        if shown and isinstance(operation.value, str) and MASK in operation.value:
            raise Refused(
                f"{operation.path}: the stored text holds a secret that was shown as {MASK}; "
                "written back like this it would be lost. Use edit_prompt on other parts of it."
            )


def unverified(
    expected: PersonaDocument, persona_id: str, error: TavusError
) -> tuple[PersonaDocument, list[RuleFinding]]:
    """Return what is known of a write that was accepted but cannot be read back, and say so."""
    finding = RuleFinding(
        severity="warning",
        path="",
        message=f"Tavus accepted the write, but reading it back failed: {error}",
        hint=f"Read persona {persona_id!r} with get_persona before changing it again.",
        rule=NOT_READ_BACK,
    )
    return PersonaDocument({**expected.data, "persona_id": persona_id}), [finding]


async def require_revision(
    app: App, document: PersonaDocument, revision: str | None, *, has_plan: bool = False
) -> None:
    """Refuse when the persona is not at the revision the caller has seen; say what changed."""
    if revision is not None and revision != document.revision:
        known = await app.journal.document(document.persona_id, revision)
        seen = PersonaDocument(known) if known else None
        raise build_revision_conflict(app, seen, document, has_plan=has_plan)


async def _require_retryable(
    app: App, intent: JournalEntry, before: PersonaDocument, error: ToolFailure, *, has_tests: bool
) -> None:
    """Return when the refusal may be due to the tests alone; else record and raise.

    Tavus documents ``test``; that it is honoured has not been tried on the live service.
    """
    try:
        if not (has_tests and isinstance(error, RequestRejected) and error.status in (400, 422)):
            raise error
        now = await app.api.get_persona(before.persona_id)
        if (now.revision, now.updated_at) != (before.revision, before.updated_at):
            await record.record_observed(app, now)
            raise build_revision_conflict(app, before, now) from error
    except ToolFailure:
        await record.record_outcome(app, intent, "failed")
        raise


async def _verify_outcome(
    app: App,
    intent: JournalEntry,
    actual: PersonaDocument,
    write_findings: Sequence[RuleFinding],
    lost_response: Unavailable | None,
    *,
    was_changed: bool,
) -> list[RuleFinding]:
    """Hold what was answered against what is read; raise when a change cannot be vouched for."""
    if lost_response is not None:
        if record.has_taken_effect(app, intent, actual) and not write_findings:
            return [RESPONSE_LOST]
        await record.record_outcome(app, intent, "unknown")
        raise Conflict(
            f"{lost_response} It was read again at once, and it is not certain that the change "
            f"is there. "
            "Look with get_persona before you try again."
        ) from lost_response
    if was_changed and write_findings and actual.revision == intent.revision:
        await record.record_outcome(app, intent, "failed")
        raise Conflict(
            "Tavus answered that all was well, but the persona reads as it was before: the change "
            "did not take effect. "
            + "; ".join(f"{item.path}: {item.message}" for item in write_findings)
        )
    return []


RESPONSE_LOST = RuleFinding(
    severity="info",
    path="",
    message="The answer to the change was lost, but the persona reads as it was to be.",
    rule="answer-lost",
)
ALREADY_SET = RuleFinding(
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
    *above, name = pointer_tokens(operation.path)
    return operation.op != "remove" and (
        MASK in operation.path
        or has_masked_secret(operation.value, name, header=above[-1:] == ["headers"])
    )
