"""Making one plan of many changes: every persona is looked at, none is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.checker import check, schema_check
from tavus_mcp.checker.rules import RULES
from tavus_mcp.concurrency import ProgressCallback, ProgressReporter
from tavus_mcp.errors import InvalidArgument, Refused, TavusError
from tavus_mcp.fleet.audit import read_persona
from tavus_mcp.fleet.plan_items import (
    TOOL,
    ChangeProposer,
    PlanItem,
    ProposedChange,
    build_bulk_plan,
    shorten,
)
from tavus_mcp.fleet.selection import PersonaFilter, PersonaSelection
from tavus_mcp.history.record import record_observed
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.receipt import FieldChange, changes_of
from tavus_mcp.personas import plans
from tavus_mcp.personas.restore import NOT_RESTORED
from tavus_mcp.personas.update import UpdateRequest, compute_update
from tavus_mcp.text import suggestion_or_period

_RULE_NAMES = frozenset({*(rule.name for rule in RULES), *schema_check.SCHEMA_RULES})
_STOCK_PERSONA_REASON = (
    "A stock persona of Tavus cannot be edited; create_persona(based_on=...) copies it."
)
_REFUSED_KINDS = frozenset({"refused", "unreadable", "not_editable"})
_MAX_NAME_CHARS = 80
"""Characters of a persona's name that a plan keeps and tells."""
_MAX_REASONS = 5
"""Reasons that are told when all personas are refused."""


@dataclass(frozen=True)
class BulkChange:
    """Which personas are to be changed, how, and at most how many of them."""

    persona_filter: PersonaFilter
    propose: ChangeProposer
    finding: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class PlannedPersona:
    """One persona of the plan: its part, and what is shown of it."""

    item: PlanItem
    changes: Sequence[FieldChange]
    findings: Sequence[Finding]


@dataclass(frozen=True)
class SkippedPersona:
    """A persona that is meant but not in the plan: why in one word, and in a sentence."""

    kind: str
    persona_id: str
    reason: str


@dataclass
class BulkPlanDraft:
    """A plan in the making; ``stored`` is the plan when there is anything to do."""

    planned_personas: list[PlannedPersona] = field(default_factory=list)
    skipped_personas: list[SkippedPersona] = field(default_factory=list)
    stop_reason: str = ""
    is_limited: bool = False
    stored_plan: plans.Plan | None = None


async def draft_bulk_plan(
    app: App, bulk_change: BulkChange, report_progress: ProgressCallback
) -> BulkPlanDraft:
    """Work out the change of every persona that is meant, and write all of them down as one plan.

    Raises ``InvalidArgument`` for a finding of no rule, and the errors of the API when the list
    cannot be read.
    """
    if bulk_change.finding is not None and bulk_change.finding not in _RULE_NAMES:
        raise InvalidArgument(
            [
                f"/finding: no rule of this "
                f"name{suggestion_or_period(bulk_change.finding, _RULE_NAMES)} "
                f"audit_personas "
                "tells the names."
            ]
        )
    roll, progress = (
        PersonaSelection(app, bulk_change.persona_filter),
        ProgressReporter(report_progress),
    )
    looked_at: dict[str, PlannedPersona | SkippedPersona | None] = {}
    await roll.fetch_next_page()

    async def look(persona_id: str) -> None:
        looked_at[persona_id] = None  # the order of the list is the order of the plan
        found = looked_at[persona_id] = await _plan_persona(app, bulk_change, roll, persona_id)
        if isinstance(found, PlannedPersona) and bulk_change.limit is not None:
            count = sum(isinstance(item, PlannedPersona) for item in looked_at.values())
            roll.is_limit_reached = count >= bulk_change.limit
        await progress.advance(roll.total)

    await concurrency.for_each(roll.iter_ids(), look)
    return await _store_plan(app, bulk_change, roll, list(looked_at.values()))


async def _plan_persona(
    app: App, bulk_change: BulkChange, selection: PersonaSelection, persona_id: str
) -> PlannedPersona | SkippedPersona | None:
    """Return what is planned for one persona, why it is left out, or None: it is not meant."""
    document = await read_persona(app, persona_id)
    selection.note_result(document if isinstance(document, TavusError) else None)
    if isinstance(document, TavusError):
        return SkippedPersona("unreadable", persona_id, str(document))
    if not bulk_change.persona_filter.matches(document.data) or not _has_finding(
        app, document, bulk_change.finding
    ):
        return None
    if document.data.get("persona_type") == "system":
        return SkippedPersona("not_editable", persona_id, _STOCK_PERSONA_REASON)
    try:
        return await _plan_update(app, bulk_change, document)
    except Refused as error:
        return SkippedPersona("refused", persona_id, str(error))


def _has_finding(app: App, document: PersonaDocument, finding: str | None) -> bool:
    return finding is None or any(
        item.rule == finding for item in check.check(document, app.catalog)
    )


async def _plan_update(
    app: App, bulk_change: BulkChange, document: PersonaDocument
) -> PlannedPersona | SkippedPersona:
    persona_id = document.persona_id
    proposed = await bulk_change.propose(document)
    asked = UpdateRequest(
        TOOL,
        persona_id,
        proposed.change,
        allow=proposed.allow,
        findings=proposed.findings,
        keep_legacy_spelling=proposed.keep_legacy_spelling,
    )
    _, operations, findings = compute_update(app, document, asked)
    if not operations:
        return _explain_no_change(persona_id, proposed)
    await record_observed(app, document)
    name = shorten(app.masker.mask_text(document.name), _MAX_NAME_CHARS)
    part = PlanItem(name, plans.build_change_plan(app, TOOL, document, operations))
    return PlannedPersona(part, changes_of(document.data, operations, app.masker), findings)


def _explain_no_change(persona_id: str, proposed: ProposedChange) -> SkippedPersona:
    """Say why there is nothing to do: what cannot come back is not so already."""
    lost = [item for item in proposed.findings if item.rule == NOT_RESTORED]
    if lost:
        told = "; ".join(f"{item.path}: {item.message}" for item in lost)
        return SkippedPersona("refused", persona_id, told)
    return SkippedPersona("already_so", persona_id, "It is so already.")


async def _store_plan(
    app: App,
    bulk_change: BulkChange,
    selection: PersonaSelection,
    results: Sequence[PlannedPersona | SkippedPersona | None],
) -> BulkPlanDraft:
    planned = [item for item in results if isinstance(item, PlannedPersona)]
    skipped = [item for item in results if isinstance(item, SkippedPersona)]
    draft = BulkPlanDraft(
        planned[: bulk_change.limit], skipped, selection.stop_reason, selection.is_limit_reached
    )
    _refuse_if_all_refused(draft)
    if draft.planned_personas:
        bulk = build_bulk_plan([item.item for item in draft.planned_personas])
        draft.stored_plan = await plans.store_plan(app, bulk)
    return draft


def _refuse_if_all_refused(plan_draft: BulkPlanDraft) -> None:
    """Refuse a change that fits nobody: it is a mistake, not a plan without anything to do."""
    if (
        plan_draft.planned_personas
        or not plan_draft.skipped_personas
        or {item.kind for item in plan_draft.skipped_personas} - _REFUSED_KINDS
    ):
        return
    reasons = Counter(item.reason for item in plan_draft.skipped_personas)
    told = " ".join(
        f"{reason} ({count} personas)" for reason, count in reasons.most_common(_MAX_REASONS)
    )
    raise Refused(f"Nothing can be planned, and nothing was sent. {told}")
