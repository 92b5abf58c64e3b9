"""Plan one change of many personas: every selected persona is read, none is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.concurrency import ProgressCallback, ProgressReporter
from tavus_mcp.errors import InvalidArgument, Refused, TavusError
from tavus_mcp.fleet.audit import read_persona
from tavus_mcp.fleet.plan_items import (
    TOOL,
    PlanItem,
    ProposeChange,
    ProposedChange,
    build_bulk_plan,
)
from tavus_mcp.fleet.selection import PersonaFilter, PersonaSelection
from tavus_mcp.fleet.undo import prepare_undo
from tavus_mcp.history.record import record_observed
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.receipt import FieldChange, changes_of
from tavus_mcp.personas import plans
from tavus_mcp.personas.patch_input import parse_field_values
from tavus_mcp.personas.revive import NOT_RESTORED
from tavus_mcp.personas.secret_references import literal_key_findings, resolve_references
from tavus_mcp.personas.update import UpdateRequest, compute_update
from tavus_mcp.text import quote_path, truncate
from tavus_mcp.tuning import build_recommendation
from tavus_mcp.tuning.goal_arguments import read_goals

_NO_SELECTION = (
    "/: say which personas: persona_ids, name_contains or finding; everything=true takes the "
    "whole account."
)
_EXACTLY_ONE_CHANGE = "/: give exactly one of goals, values (with or without unset), or undo_of."
_LANGUAGES_WITHOUT_GOAL = "/languages: only goal speak_languages reads them; give it in goals."
_UNDO_WITH_SELECTION = "/undo_of: stands alone; the plan says which personas it changed."
_STOCK_PERSONA_REASON = (
    "A stock persona of Tavus cannot be edited; create_persona(based_on=...) copies it."
)
_REFUSED_KINDS = frozenset({"refused", "unreadable", "not_editable"})
_MAX_NAME_CHARS = 80
"""Length at which a persona's name is cut in a plan."""
_MAX_REASONS = 5
"""Most reasons in the error when all personas are refused."""


@dataclass(frozen=True)
class BulkChangeRequest:
    """The arguments of plan_bulk_change: which personas, and exactly one change of them."""

    persona_filter: PersonaFilter
    everything: bool = False
    goals: Sequence[str] = ()
    strength: str = "normal"
    languages: Sequence[str] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    unset: Sequence[str] = ()
    undo_of: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class PlannedPersona:
    """A persona in the plan: its item, and the changes and findings to report."""

    item: PlanItem
    changes: Sequence[FieldChange]
    findings: Sequence[Finding]


@dataclass(frozen=True)
class SkippedPersona:
    """A selected persona that is not in the plan; ``kind`` names the reason in one word."""

    kind: str
    persona_id: str
    reason: str


@dataclass
class BulkPlanDraft:
    """The result of planning; ``stored_plan`` is None when there is nothing to change."""

    planned_personas: list[PlannedPersona] = field(default_factory=list)
    skipped_personas: list[SkippedPersona] = field(default_factory=list)
    stop_reason: str = ""
    is_limited: bool = False
    stored_plan: plans.Plan | None = None


async def draft_bulk_plan(
    app: App, request: BulkChangeRequest, report_progress: ProgressCallback
) -> BulkPlanDraft:
    """Compute the change of every selected persona, and store all of them as one plan.

    Raises ``InvalidArgument`` with everything that is wrong with the request, ``Refused`` when no
    selected persona can be changed, and the errors of the API when the list cannot be read.
    """
    persona_filter, propose = await _resolve_request(app, request)
    selection = PersonaSelection(app, persona_filter)
    progress = ProgressReporter(report_progress)
    results: dict[str, PlannedPersona | SkippedPersona | None] = {}
    await selection.fetch_next_page()

    async def plan_persona(persona_id: str) -> None:
        results[persona_id] = None  # inserted first: the plan has the order of the list
        document = await read_persona(app, persona_id)
        selection.note_result(document if isinstance(document, TavusError) else None)
        if isinstance(document, TavusError):
            results[persona_id] = SkippedPersona("unreadable", persona_id, str(document))
        elif persona_filter.matches(document, app.catalog):
            results[persona_id] = await _plan_persona(app, propose, document)
        if request.limit is not None:
            count = sum(isinstance(result, PlannedPersona) for result in results.values())
            selection.is_limit_reached = count >= request.limit
        await progress.advance(selection.total)

    await concurrency.for_each(selection.iter_ids(), plan_persona)
    planned = [result for result in results.values() if isinstance(result, PlannedPersona)]
    draft = BulkPlanDraft(
        planned[: request.limit],
        [result for result in results.values() if isinstance(result, SkippedPersona)],
        selection.stop_reason,
        selection.is_limit_reached,
    )
    _refuse_if_all_refused(draft)
    if draft.planned_personas:
        plan = build_bulk_plan([persona.item for persona in draft.planned_personas])
        draft.stored_plan = await plans.store_plan(app, plan)
    return draft


async def _resolve_request(
    app: App, request: BulkChangeRequest
) -> tuple[PersonaFilter, ProposeChange]:
    """Return which personas a request selects, and the proposal of their change.

    Raises ``InvalidArgument`` with all that is missing or contradictory.
    """
    problems = [*_find_selection_problems(request), *_find_change_problems(request)]
    if problems:
        raise InvalidArgument(problems)
    if request.undo_of is not None:
        persona_ids, propose_restore = await prepare_undo(app, request.undo_of)
        return PersonaFilter(persona_ids=persona_ids), propose_restore
    propose = _propose_goals(app, request) if request.goals else _propose_fields(app, request)
    request.persona_filter.require_known_finding()
    return request.persona_filter, propose


def _find_selection_problems(request: BulkChangeRequest) -> Iterator[str]:
    persona_filter = request.persona_filter
    has_selection = bool(persona_filter.criteria.keys() - {"persona_type"})
    if request.undo_of is None and not has_selection and not request.everything:
        yield _NO_SELECTION
    if request.undo_of is not None and (has_selection or request.everything):
        yield _UNDO_WITH_SELECTION


def _find_change_problems(request: BulkChangeRequest) -> Iterator[str]:
    changes = (request.goals, request.values or request.unset, request.undo_of is not None)
    if sum(map(bool, changes)) != 1:
        yield _EXACTLY_ONE_CHANGE
    if request.languages and not request.goals:
        yield _LANGUAGES_WITHOUT_GOAL


def _propose_goals(app: App, request: BulkChangeRequest) -> ProposeChange:
    """Return the proposal that tunes each persona towards goals, from its current settings.

    Raises ``InvalidArgument`` when goals and languages do not fit together.
    """
    read_goals(request.goals, request.languages, app.catalog)

    async def propose(document: PersonaDocument) -> ProposedChange:
        recommendation = build_recommendation(
            document, request.goals, request.strength, request.languages, app.catalog
        )
        return ProposedChange(recommendation.change, recommendation.findings)

    return propose


def _propose_fields(app: App, request: BulkChangeRequest) -> ProposeChange:
    """Return the proposal that sets and unsets the same fields of every persona.

    Raises ``InvalidArgument`` with everything that is wrong with the fields.
    """
    fields, unset = parse_field_values(request.values, request.unset, app.catalog)
    app.masker.mask_during_call(fields)
    values = {f"/{name}": value for name, value in resolve_references(app, fields).items()}
    proposed = ProposedChange(SetFields(values, unset), literal_key_findings(fields))

    async def propose(_: PersonaDocument) -> ProposedChange:
        return proposed

    return propose


async def _plan_persona(
    app: App, propose: ProposeChange, document: PersonaDocument
) -> PlannedPersona | SkippedPersona:
    persona_id = document.persona_id
    if document.data.get("persona_type") == "system":
        return SkippedPersona("not_editable", persona_id, _STOCK_PERSONA_REASON)
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
        _, operations, findings = compute_update(app, document, request)
    except Refused as error:
        return SkippedPersona("refused", persona_id, str(error))
    if not operations:
        return _explain_no_change(persona_id, proposed)
    await record_observed(app, document)
    name = truncate(app.masker.mask_text(document.name), _MAX_NAME_CHARS)
    item = PlanItem(name, plans.build_change_plan(app, TOOL, document, operations))
    return PlannedPersona(
        item, changes_of(document.data, operations, app.masker, app.catalog.default_value), findings
    )


def _explain_no_change(persona_id: str, proposed: ProposedChange) -> SkippedPersona:
    """Explain why there is nothing to do: values that cannot be restored, or no difference."""
    not_restored = [finding for finding in proposed.findings if finding.rule == NOT_RESTORED]
    if not_restored:
        reason = "; ".join(
            f"{quote_path(finding.path)}: {finding.message}" for finding in not_restored
        )
        return SkippedPersona("refused", persona_id, reason)
    return SkippedPersona("already_so", persona_id, "It is so already.")


def _refuse_if_all_refused(draft: BulkPlanDraft) -> None:
    """Raise ``Refused`` if every selected persona was refused: the change itself is wrong."""
    kinds = {persona.kind for persona in draft.skipped_personas}
    if draft.planned_personas or not kinds or kinds - _REFUSED_KINDS:
        return
    counts = Counter(persona.reason for persona in draft.skipped_personas)
    reasons = " ".join(
        f"{reason} ({count} personas)" for reason, count in counts.most_common(_MAX_REASONS)
    )
    raise Refused(f"Nothing can be planned, and nothing was sent. {reasons}")
