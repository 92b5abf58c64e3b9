"""Plan one change of many personas: every selected persona is read, none is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial

from tavus_mcp.app import App
from tavus_mcp.checker.check import REFUSAL_OPENING, refusal
from tavus_mcp.concurrency import ProgressCallback
from tavus_mcp.errors import CheckRefused, Refused, TavusError
from tavus_mcp.fleet.bulk_request import BulkChangeRequest, build_proposal
from tavus_mcp.fleet.deletion import plan_deletion, plan_deletion_of_restored, plan_restoration
from tavus_mcp.fleet.plan_items import (
    DELETE,
    RESTORE,
    TEXT_ABSENT,
    TEXT_IN_OTHER_CASE,
    TOOL,
    PlanItem,
    PlannedPersona,
    ProposeChange,
    ProposedChange,
    SkippedPersona,
    TunedChange,
    action_of,
    build_bulk_plan,
    name_in_plan,
    read_items,
)
from tavus_mcp.fleet.selection import PersonaFilter, PersonaSelection
from tavus_mcp.fleet.undo import load_undone_items, prepare_undo
from tavus_mcp.fleet.unmatched_filters import explain_no_match
from tavus_mcp.history.effective_defaults import defaults_of_change
from tavus_mcp.history.record import record_observed
from tavus_mcp.models.document import PersonaDocument, is_stock_persona
from tavus_mcp.models.findings import RuleFinding, info
from tavus_mcp.models.receipt import changes_of
from tavus_mcp.personas import plans
from tavus_mcp.personas.patch_input import split_additions
from tavus_mcp.personas.reference_lookup import find_new_missing_references
from tavus_mcp.personas.revive import NOT_RESTORED
from tavus_mcp.personas.update import UpdateRequest, compute_update
from tavus_mcp.text import count_personas, quote_path

_STOCK_PERSONA_REASON = (
    "Tavus's stock personas cannot be changed. create_persona(based_on=...) copies one."
)
_NOT_MATCHING = "It is in persona_ids, and does not match the other filters."
_REFUSED_KINDS = frozenset({"refused", "unreadable", "not_editable", TEXT_IN_OTHER_CASE})
_MAX_REASONS = 5
"""Most reasons in the error when all personas are refused."""

PlanPersona = Callable[
    [str, PersonaDocument | TavusError], Awaitable[PlannedPersona | SkippedPersona | None]
]
"""Returns the part of a persona in the plan, from its id and the answer to reading it.

None if it is not selected.
"""


@dataclass
class BulkPlanDraft:
    """The result of planning; ``stored_plan`` is None when there is nothing to change.

    ``next_cursor`` continues with the personas after those of this plan. ``findings`` say why no
    persona was selected.
    """

    planned_personas: list[PlannedPersona] = field(default_factory=list)
    skipped_personas: list[SkippedPersona] = field(default_factory=list)
    stop_reason: str = ""
    next_cursor: str | None = None
    stored_plan: plans.Plan | None = None
    findings: list[RuleFinding] = field(default_factory=list)


async def draft_bulk_plan(
    app: App, request: BulkChangeRequest, report_progress: ProgressCallback
) -> BulkPlanDraft:
    """Compute the change of every selected persona, and store all of them as one plan.

    Raises ``InvalidArgument`` with everything that is wrong with the request, ``Refused`` when no
    selected persona can be changed, and the errors of the API when the list cannot be read.
    """
    request.check()
    persona_filter, plan_persona = await _resolve_request(app, request)
    await _refuse_missing_references(app, request)
    selection = PersonaSelection(app, persona_filter, request.cursor)
    results: dict[str, PlannedPersona | SkippedPersona | None] = {}
    await selection.fetch_next_page()

    async def plan_next(persona_id: str, document: PersonaDocument | TavusError) -> None:
        result = await plan_persona(persona_id, document)
        if isinstance(result, SkippedPersona) and isinstance(document, PersonaDocument):
            result = replace(result, persona_name=name_in_plan(app, document.name))
        results[persona_id] = result
        if request.limit is not None:
            count = sum(isinstance(result, PlannedPersona) for result in results.values())
            selection.is_limit_reached = count >= request.limit

    await selection.read_each(plan_next, report_progress)
    draft = _build_draft(results, request.limit, selection)
    if not any(results.values()) and not selection.stop_reason and request.cursor is None:
        names = selection.listed_names
        draft.findings = explain_no_match(persona_filter, names, app.catalog)
    _refuse_if_all_refused(draft)
    draft.findings += _explain_absent_text(draft, request, selection)
    if draft.planned_personas:
        plan = build_bulk_plan([persona.item for persona in draft.planned_personas])
        draft.stored_plan = await plans.store_plan(app, plan)
    return draft


def _explain_absent_text(
    draft: BulkPlanDraft, request: BulkChangeRequest, selection: PersonaSelection
) -> list[RuleFinding]:
    """Return a finding if none of the selected personas holds the text to find."""
    skipped, hint = draft.skipped_personas, None
    is_absent = all(persona.kind == TEXT_ABSENT for persona in skipped)
    if not request.find or draft.planned_personas or draft.findings or not is_absent:
        return []
    if selection.stop_reason or request.cursor is not None:
        return []
    message = "No text of any persona holds the text to find, whatever the case."
    if skipped:
        message = f"No text of the {count_personas(len(skipped))} holds the text to find."
        hint = "list_personas(text_contains=...) searches all personas, whatever the case."
    return [info("text-absent", message, path="/find", hint=hint)]


async def _refuse_missing_references(app: App, request: BulkChangeRequest) -> None:
    """Raise ``CheckRefused`` for ids in the values to set that name nothing in the account."""
    fixed, added = split_additions(request.values)
    missing = await find_new_missing_references(app, PersonaDocument({}), {**fixed, **added})
    if missing:
        raise CheckRefused(partial(refusal, missing))


def _build_draft(
    results: dict[str, PlannedPersona | SkippedPersona | None],
    limit: int | None,
    selection: PersonaSelection,
) -> BulkPlanDraft:
    """Return the personas up to the limit, and the cursor after the last of them."""
    draft = BulkPlanDraft(stop_reason=selection.stop_reason)
    last_id = ""
    for persona_id in sorted(results, key=selection.positions.__getitem__):
        result = results[persona_id]
        if limit is not None and len(draft.planned_personas) == limit:
            break
        last_id = persona_id
        if isinstance(result, PlannedPersona):
            draft.planned_personas.append(result)
        elif result is not None:
            draft.skipped_personas.append(result)
    is_limited = limit is not None and len(draft.planned_personas) == limit
    draft.next_cursor = selection.cursor_after(last_id) if is_limited else selection.next_cursor
    return draft


async def _resolve_request(
    app: App, request: BulkChangeRequest
) -> tuple[PersonaFilter, PlanPersona]:
    """Return which personas a request selects, and what plans each of them."""
    if request.undo_of is None:
        persona_filter = request.selection
        propose = None if request.delete else build_proposal(app, request)
        return persona_filter, _plan_matching(app, persona_filter, propose)
    undone_plan = await plans.load_plan(app, request.undo_of)
    items = read_items(undone_plan)
    chosen = request.persona_filter.persona_ids
    undone_items = await load_undone_items(app, undone_plan, items, chosen)
    persona_filter = PersonaFilter(persona_ids=list(undone_items))
    if action_of(undone_plan) == RESTORE:

        async def delete(
            persona_id: str, current: PersonaDocument | TavusError
        ) -> PlannedPersona | SkippedPersona:
            return await plan_deletion_of_restored(app, undone_items[persona_id][1], current)

        return persona_filter, delete
    if action_of(undone_plan) == DELETE:

        async def restore(
            persona_id: str, current: PersonaDocument | TavusError
        ) -> PlannedPersona | SkippedPersona:
            return await plan_restoration(app, undone_items[persona_id][0], current)

        return persona_filter, restore
    return persona_filter, _plan_matching(app, persona_filter, prepare_undo(app, undone_items))


def _plan_matching(
    app: App, persona_filter: PersonaFilter, propose: ProposeChange | None
) -> PlanPersona:
    """Return what plans the change of each persona that matches; its deletion without one."""

    async def plan_persona(
        persona_id: str, document: PersonaDocument | TavusError
    ) -> PlannedPersona | SkippedPersona | None:
        if isinstance(document, TavusError):
            return SkippedPersona("unreadable", persona_id, str(document))
        if not persona_filter.matches(app, document):
            is_named = persona_id in persona_filter.persona_ids
            return SkippedPersona("not_matching", persona_id, _NOT_MATCHING) if is_named else None
        if is_stock_persona(document):
            return SkippedPersona("not_editable", persona_id, _STOCK_PERSONA_REASON)
        if propose is None:
            return await plan_deletion(app, document)
        return await _plan_change(app, propose, document)

    return plan_persona


async def _plan_change(
    app: App, propose: ProposeChange, document: PersonaDocument
) -> PlannedPersona | SkippedPersona:
    persona_id = document.persona_id
    try:
        proposed = await propose(document)
        request = UpdateRequest(
            TOOL,
            persona_id,
            proposed.change,
            allow=proposed.allow,
            findings=proposed.findings,
            keep_legacy_spelling=proposed.keep_legacy_spelling,
        )
        after, operations, findings = compute_update(app, document, request)
    except Refused as error:
        return SkippedPersona("refused", persona_id, str(error).removeprefix(REFUSAL_OPENING))
    if not operations:
        return _explain_no_change(persona_id, proposed)
    await record_observed(app, document)
    item = PlanItem(
        name_in_plan(app, document.name), plans.build_change_plan(app, TOOL, document, operations)
    )
    defaults = defaults_of_change(document, after, app.catalog)
    changes = proposed.listed_changes or changes_of(document.data, operations, app.masker, defaults)
    if proposed.find_trade_off is not None:
        changes = [
            TunedChange(**dict(change), trade_off=proposed.find_trade_off(change.path) or None)
            for change in changes
        ]
    return PlannedPersona(item, changes, findings, proposed.match_count)


def _explain_no_change(persona_id: str, proposed: ProposedChange) -> SkippedPersona:
    """Explain why there is nothing to do: values that cannot be restored, or no difference."""
    not_restored = [finding for finding in proposed.findings if finding.rule == NOT_RESTORED]
    if not_restored:
        reason = "; ".join(
            f"{quote_path(finding.path)}: {finding.message}" for finding in not_restored
        )
        return SkippedPersona("refused", persona_id, reason)
    return SkippedPersona(proposed.kind_if_unchanged, persona_id, proposed.reason_if_unchanged)


def _refuse_if_all_refused(draft: BulkPlanDraft) -> None:
    """Raise ``Refused`` if every selected persona was refused: the change itself is wrong."""
    kinds = {persona.kind for persona in draft.skipped_personas}
    if draft.planned_personas or not kinds or kinds - _REFUSED_KINDS:
        return
    counts = Counter(persona.reason for persona in draft.skipped_personas)
    reasons = "".join(
        f"\n{reason} ({count} personas)" if count > 1 else f"\n{reason}"
        for reason, count in counts.most_common(_MAX_REASONS)
    )
    raise Refused(f"Nothing can be planned, and nothing was sent.{reasons}")
