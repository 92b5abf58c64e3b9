"""The toolset ``fleet``: the personas of a whole account at once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context

from tavus_mcp.app import App
from tavus_mcp.catalog.goals import Strength
from tavus_mcp.fleet import audit, plan, plan_report
from tavus_mcp.fleet.selection import PersonaFilter
from tavus_mcp.models.base import DeprecatedField, JsonObject, PersonaId
from tavus_mcp.server.results import AuditReport, BulkPlan
from tavus_mcp.server.shared_parameters import NameContains, doc
from tavus_mcp.server.toolset import Toolset

fleet = Toolset("fleet")

_NEXT_STEP_HINT = (
    "plan_bulk_change(finding=RULE, ...) takes all personas of a group; check_persona tells all "
    "about one."
)


@fleet.read("Audit personas")
async def audit_personas(
    app: App,
    ctx: Context[Any, Any],
    persona_type: Annotated[
        Literal["user", "system", "all"], doc("system: Tavus's stock personas")
    ] = "user",
    name_contains: NameContains = None,
    severity: Annotated[
        Literal["error", "warning", "info"], doc("Least severity to tell")
    ] = "info",
) -> AuditReport:
    """Check every persona of the account: old models, settings, mistakes; by rule, worst first."""
    selection = PersonaFilter(None if persona_type == "all" else persona_type, name_contains)
    result = await audit.audit(app, selection, severity, ctx.report_progress)
    groups = result.finding_summary.groups()
    return AuditReport(
        checked=result.checked_count,
        total_count=result.total,
        complete=result.is_complete,
        counts=dict(result.finding_summary.counts),
        groups=groups,
        unread=result.unread_count or None,
        failed=result.failures or None,
        stopped=result.stop_reason or None,
        next=_NEXT_STEP_HINT if groups else None,
    )


@fleet.read("Plan bulk change")
async def plan_bulk_change(
    app: App,
    ctx: Context[Any, Any],
    persona_ids: Annotated[list[PersonaId], doc("These personas")] = [],  # noqa: B006 - read only
    name_contains: Annotated[str | None, doc("Those of them with this in the name")] = None,
    finding: Annotated[
        str | None,
        doc("Those with a finding of this rule, as audit_personas names it"),
    ] = None,
    everything: Annotated[bool, doc("All of them; needed if nothing else says which")] = False,
    persona_type: Annotated[Literal["user", "system", "all"], DeprecatedField] = "user",
    goals: Annotated[
        list[str], doc("Tune each: goals of suggest_tuning, like respond_faster")
    ] = [],  # noqa: B006 - read only
    strength: Annotated[Strength, doc("Of goals")] = "normal",
    languages: Annotated[list[str], doc("Of goal speak_languages")] = [],  # noqa: B006 - read only
    values: Annotated[JsonObject, doc("Set: JSON Pointer to value, like /layers/llm/model")] = {},  # noqa: B006 - read only
    unset: Annotated[list[str], doc("Remove: JSON Pointers")] = [],  # noqa: B006 - read only
    undo_of: Annotated[
        str | None, doc("Undo: the plan_id of a bulk plan, also in list_revisions")
    ] = None,
    limit: Annotated[int | None, doc("At most so many personas", ge=1)] = None,
) -> BulkPlan:
    """Plan one change of many personas, or the undo of such a plan; apply_plan carries it out."""
    request = plan.BulkChangeRequest(
        PersonaFilter(
            None if persona_type == "all" else persona_type,
            name_contains,
            persona_ids,
            finding=finding,
        ),
        everything=everything,
        goals=goals,
        strength=strength,
        languages=languages,
        values=values,
        unset=unset,
        undo_of=undo_of,
        limit=limit,
    )
    draft = await plan.draft_bulk_plan(app, request, ctx.report_progress)
    return BulkPlan.model_validate(plan_report.render_plan(draft))
