"""The one write path: read, apply, diff, check, record, send, read back, record, answer.

Every change of a persona, and of its parts, passes through ``update`` as a ``Change``. Only the
leaves that differ are sent, each with a ``test`` of its old value, so that edits made meanwhile by
others, fields unknown to this version, and values that Tavus masks are never overwritten. Where a
request cannot hold a ``test``, the object is read once more just before it is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

from tavus_mcp.app import App
from tavus_mcp.checker.check import (
    EVERY_RULE,
    PRIVATE_URLS,
    UNKNOWN_FIELDS,
    refusal,
    refusal_reasons,
)
from tavus_mcp.errors import CheckRefused, Refused, RequestRejected
from tavus_mcp.history.record import RecordedWrite, WriteIntent, WriteOrigin, recorded_write
from tavus_mcp.models.changes import Change, RawPatch
from tavus_mcp.models.document import Document, PersonaDocument, is_stock_persona
from tavus_mcp.models.findings import RuleFinding, sort_by_severity
from tavus_mcp.models.hidden_keys import to_sent_operations
from tavus_mcp.models.json_patch import Operation, diff, pointer_tokens
from tavus_mcp.models.masking import MASK, has_masked_secret_at
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.personas import plans
from tavus_mcp.personas.already_set import already_set_findings
from tavus_mcp.personas.conflicts import (
    EditChecksRefused,
    checks_refused_finding,
    edited_meanwhile_findings,
    require_revision,
    require_tests_at_fault,
    require_unedited,
)
from tavus_mcp.personas.edit_guard import (
    EditGuard,
    build_edit_guard,
    replace_whole_lists,
    write_whole_lists,
)
from tavus_mcp.personas.overwritten_values import overwritten_findings
from tavus_mcp.personas.plan_binding import (
    finding_key,
    fit_to_current,
    knows_checks,
    load_plan_base,
    require_same_checks,
    require_unedited_fields,
)
from tavus_mcp.personas.publish import store_publication_plan
from tavus_mcp.personas.readback import verify_written
from tavus_mcp.personas.receipts import WriteReport, build_receipt, build_undo, loss_findings
from tavus_mcp.personas.replaced_layers import replaced_layer_findings
from tavus_mcp.personas.replacement_findings import replacement_findings
from tavus_mcp.personas.secret_receivers import receiver_findings
from tavus_mcp.personas.write_effect import determine_effect
from tavus_mcp.personas.write_rules import PERSONA_RULES, WriteRules
from tavus_mcp.tavus_api.write_answer import WriteAnswer
from tavus_mcp.text import quote_path, quote_paths

LookUp = Callable[[App, Document], Awaitable[Sequence[RuleFinding]]]
"""Reads other objects, and returns findings about a change of the given one."""


@dataclass(frozen=True)
class UpdateRequest:
    """A change of one object, and how it is to be carried out.

    ``allow`` names checker rules that may not block it; ``findings`` are passed on to the receipt.
    ``keep_legacy_spelling`` sends older spellings as they are, which restoring requires.
    ``verify_all_fields`` reports every field that reads back differently, changed or not. Without
    ``checks_edits`` no ``test`` operations are sent, which a plan must have announced. ``look_up``
    returns findings that need more than the object as it is before the change.
    """

    tool: str
    object_id: str
    change: Change
    dry_run: bool = False
    if_revision: str | None = None
    allow: Container[str] = frozenset()
    findings: Sequence[RuleFinding] = field(default_factory=tuple)
    plan: plans.Plan | None = None
    keep_legacy_spelling: bool = False
    verify_all_fields: bool = False
    checks_edits: bool = True
    rules: WriteRules = PERSONA_RULES
    origin: WriteOrigin = field(default_factory=WriteOrigin)
    look_up: LookUp | None = None

    async def add_lookups(self, app: App, before: Document) -> UpdateRequest:
        """Return the request with the findings of ``look_up`` among its findings."""
        if self.look_up is None:
            return self
        return replace(self, findings=[*self.findings, *await self.look_up(app, before)])

    def build_guard(self, before: Document, operations: Sequence[Operation]) -> EditGuard:
        """Return the ``test`` operations of a change, and the paths that none protects."""
        if self.checks_edits and self.rules.endpoint.takes_tests:
            return build_edit_guard(before, operations)
        return EditGuard((), [item.path for item in operations])

    def build_intent(
        self, before: Document, operations: Sequence[Operation], after: Document, used_seq: int
    ) -> WriteIntent:
        """Return what is recorded before the change is sent."""
        kind, detail = self.rules.endpoint.kind, self.origin.detail
        return WriteIntent(kind, self.tool, before, operations, after.data, used_seq, detail)


def from_plan(plan: plans.Plan, rules: WriteRules = PERSONA_RULES) -> UpdateRequest:
    """Return the request that a change plan stands for; findings allowed then are allowed now."""
    return UpdateRequest(
        plan.tool,
        plan.object_id,
        RawPatch(plans.patch_of(plan)),
        allow=EVERY_RULE,
        plan=plan,
        keep_legacy_spelling=True,
        checks_edits=not plan.detail.get(_CHECKS_REFUSED),
        rules=rules,
    )


async def update(app: App, request: UpdateRequest) -> Receipt:
    """Carry out a change on the object as it is now, or store it as a plan when ``dry_run``.

    When Tavus refuses the ``test`` operations of a change, or the server is protected, the answer
    is a plan that says so. Raises ``Conflict`` when the object is not at ``if_revision``, the
    fields of the plan changed, or others changed it meanwhile, ``Refused`` when Tavus would reject
    it, ``JournalUnavailable`` when the journal cannot be written, and the errors of the API.
    """
    endpoint = request.rules.endpoint
    before = await app.api.get_object(endpoint, request.object_id)
    await _require_editable(app, before, request)
    request = await request.add_lookups(app, before)
    if plans.must_be_planned(app, dry_run=request.dry_run, plan=request.plan):
        return await preview(app, before, request)
    after, operations, findings = await _compute_planned_update(app, before, request)
    if not operations:
        return build_receipt(app, WriteReport("unchanged", before, before, (), findings))
    used_seq = await plans.mark_used(app, request.plan) if request.plan else request.origin.seq
    intent = request.build_intent(before, operations, after, used_seq)
    guard = request.build_guard(before, operations)
    needs_last_look = not request.checks_edits or (not before.tests_time and bool(guard.untested))
    answer, latest = WriteAnswer(), None
    try:
        async with recorded_write(app, intent) as write:
            if needs_last_look:
                latest = await _look_again(app, request, before, operations)
            try:
                sent = [*guard.tests, *to_sent_operations(operations)]
                answer = await app.api.patch_object(endpoint, request.object_id, sent, after.data)
            except RequestRejected as error:
                await require_tests_at_fault(app, before, error, guard.tests, findings)
    except EditChecksRefused as refusal:
        return await _plan_without_checks(app, before, request, refusal)
    current = after
    with write.read_back(read_back_hint(before)):
        current = await app.api.get_object(endpoint, request.object_id)
        write.mismatches = verify_written(after, current, operations, app.catalog)
    effect = await determine_effect(write, answer, current, operations)
    findings += [*effect.findings, *request.rules.verify(before, current, operations)]
    if effect.status == "drafted":
        return await _answer_draft(write, before, current, operations, findings)
    if request.verify_all_fields:
        findings += edited_meanwhile_findings(after, current, app.catalog)
    if latest is not None:
        findings += await overwritten_findings(app, write, latest, current, operations)
    findings += await write.record_outcome(effect.status, current)
    effective = operations if answer.is_changed else ()
    undo = build_undo(before, current, effective, app.masker)
    report = WriteReport(effect.status, before, current, effective, sort_by_severity(findings))
    return build_receipt(app, report, undo=undo)


async def _require_editable(app: App, before: Document, request: UpdateRequest) -> None:
    """Raise ``Refused`` for a stock persona, ``Conflict`` for one at another revision."""
    plans.refuse_stock_persona(before)
    await require_revision(app, before, request.if_revision)


async def _look_again(
    app: App, request: UpdateRequest, before: Document, operations: Sequence[Operation]
) -> Document:
    """Return the object as it is read last before it is written.

    Raises ``Conflict`` if fields that are about to be written were edited since ``before``.
    """
    latest = await app.api.get_object(request.rules.endpoint, request.object_id)
    subject = _EDITED_AT_LAST if request.plan else _EDITED_MEANWHILE
    await require_unedited(app, before, latest, [item.path for item in operations], subject)
    return latest


async def _answer_draft(
    write: RecordedWrite,
    before: Document,
    live: Document,
    operations: Sequence[Operation],
    findings: Sequence[RuleFinding],
) -> Receipt:
    """Record a change that went to a draft; return its receipt with a plan to publish it."""
    unrecorded = await write.record_outcome("drafted", live)
    plan = await store_publication_plan(
        write.app, cast("PersonaDocument", live), cause_seq=write.intent.seq
    )
    findings = sort_by_severity([*findings, *unrecorded])
    report = WriteReport("drafted", before, live, operations, findings)
    return build_receipt(write.app, report, plan=plan)


async def preview(app: App, before: Document, request: UpdateRequest) -> Receipt:
    """Return what a change would do to a persona as it was read, and store it as a plan.

    Raises ``Refused`` when Tavus would reject the result.
    """
    _, operations, findings = compute_update(app, before, request)
    if not operations:
        return build_receipt(app, WriteReport("unchanged", before, before, (), findings))
    return await _plan(app, before, request, operations, findings)


async def _plan(
    app: App,
    before: Document,
    request: UpdateRequest,
    operations: Sequence[Operation],
    findings: Sequence[RuleFinding],
    **detail: Any,
) -> Receipt:
    """Store a change as a plan and return its receipt; ``detail`` is stored with the plan.

    Of a stock persona none is stored.
    """
    report = WriteReport("planned", before, before, operations, findings)
    if is_stock_persona(before):  # changes are suggested to it, for a copy
        return build_receipt(app, report)
    known = sorted({finding_key(item) for item in findings})
    plan = plans.build_change_plan(app, request.tool, before, operations, findings=known, **detail)
    cause_seq = request.plan.seq if request.plan else 0
    plan = await plans.store_plan(app, plan, before, cause_seq=cause_seq)
    report = replace(report, findings=[*findings, *plans.protected_findings(app)])
    return build_receipt(app, report, plan=plan)


async def _plan_without_checks(
    app: App, before: Document, request: UpdateRequest, refusal: EditChecksRefused
) -> Receipt:
    """Return a plan that says that Tavus refuses to check for edits by others."""
    _, operations, findings = compute_update(app, before, request)
    findings.insert(0, checks_refused_finding(refusal))
    return await _plan(app, before, request, operations, findings, **{_CHECKS_REFUSED: True})


async def _compute_planned_update(
    app: App, before: Document, request: UpdateRequest
) -> tuple[Document, list[Operation], list[RuleFinding]]:
    """Return what ``compute_update`` does; raise ``Conflict`` when the plan does not fit any more.

    It does not fit when fields that it changes were edited, or checks find more than before.
    """
    plan = request.plan
    if plan is None:
        return compute_update(app, before, request)
    base = await load_plan_base(app, plan, before)
    if base is not before:
        operations = fit_to_current(plan, base, before)
        await require_unedited_fields(app, plan, base, before, operations)
        request = replace(request, change=RawPatch(operations))
    if base is not before and not knows_checks(plan):
        request = replace(request, allow=UNKNOWN_FIELDS | PRIVATE_URLS)
    computed = compute_update(app, before, request)
    await require_same_checks(app, plan, base, before, computed[2])
    return computed


def compute_update(
    app: App, before: Document, request: UpdateRequest
) -> tuple[Document, list[Operation], list[RuleFinding]]:
    """Return the object after a change, the smallest patch to it, and the findings on it.

    Raises ``Refused`` when the change would write a mask, or Tavus would reject the result.
    """
    rules, keep_spelling = request.rules, request.keep_legacy_spelling
    data, respellings = rules.apply_change(
        app, request.change, before, request.allow, keep_spelling
    )
    after = before.with_data(data)
    operations = diff(before.data, after.data)
    if rules.whole_lists:
        operations = replace_whole_lists(after, operations, rules.whole_lists)
    refuse_masks(operations)
    _refuse_masked_text(app, before, operations)
    refuse_mixed_conferencing(operations)
    findings = _check_change(app, before, after, operations, request)
    findings += receiver_findings(app, before, after, operations)
    findings += loss_findings(before, operations, app.masker)
    findings += already_set_findings(request.change, before)
    findings += replaced_layer_findings(request.change, before)
    findings += replacement_findings(app, request.change, before)
    if not request.checks_edits and request.rules.endpoint.takes_tests:
        operations = write_whole_lists(before, after, operations)
    findings += request.build_guard(before, operations).findings()
    return after, operations, sort_by_severity([*request.findings, *respellings, *findings])


def _check_change(
    app: App,
    before: Document,
    after: Document,
    operations: Sequence[Operation],
    request: UpdateRequest,
) -> list[RuleFinding]:
    """Return the findings on a change; raise ``CheckRefused`` with the reasons of all checks."""
    blocking = [item for item in request.findings if item.blocks_write]
    try:
        findings = request.rules.check_change(app, before, after, operations, request.allow)
    except CheckRefused as error:
        raise error.with_reasons(partial(refusal_reasons, blocking)) from error
    if blocking:
        raise CheckRefused(partial(refusal, blocking))
    return findings


def _refuse_masked_text(app: App, before: Document, operations: Sequence[Operation]) -> None:
    """Refuse a text that still holds the mask of a secret in the stored text."""
    for operation in operations:
        old = before.at(operation.path)
        has_secret = isinstance(old, str) and app.masker.mask_text(old) != old
        new = operation.value if isinstance(operation.value, str) else ""
        if has_secret and new.count(MASK) > str(old).count(MASK):
            raise Refused(
                f"{quote_path(operation.path)}: the stored text holds a secret that reads as "
                f"{MASK}. Writing this text would lose it. Use edit_prompt on other parts."
            )


def read_back_hint(written: Document) -> str:
    """Return the hint for an object that was written and could not be read back."""
    subject = f"{written.noun} {written.object_id!r}"
    return f"Read {subject} with {written.read_call} before changing it again."


_EDITED_MEANWHILE = "Fields that this change writes were edited meanwhile"
_EDITED_AT_LAST = "Fields that this plan changes were edited while it was being applied"
_CHECKS_REFUSED = "checks_refused"
"""The member of a plan's detail that says that Tavus refused ``test`` operations."""


def refuse_masks(operations: Sequence[Operation]) -> None:
    """Raise ``Refused`` when an operation would write the mask of a secret."""
    masked = [item.path for item in operations if _writes_mask(item)]
    if masked:
        raise Refused(
            f"{quote_paths(masked)}: this is a mask, not the secret. "
            "Leave the field out to keep the stored key, or name a new one with api_key_ref."
        )


def refuse_mixed_conferencing(operations: Sequence[Operation]) -> None:
    """Refuse to change the conferencing layer with anything else (docs: meetings)."""
    meeting = [item for item in operations if item.path.startswith("/layers/conferencing")]
    if meeting and len(meeting) < len(operations):
        raise Refused(
            "/layers/conferencing: Tavus accepts this layer only in a request of its own. Make two "
            "calls: one for conferencing, one for the rest."
        )


def _writes_mask(operation: Operation) -> bool:
    return operation.op != "remove" and has_masked_secret_at(
        pointer_tokens(operation.path), operation.value
    )
