"""The toolset ``fleet``: the personas of a whole account at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context

from tavus_mcp.app import App
from tavus_mcp.catalog.goals import Strength
from tavus_mcp.fleet import audit, plan, plan_report
from tavus_mcp.fleet.bulk_request import BulkChangeRequest
from tavus_mcp.fleet.selection import PersonaFilter
from tavus_mcp.models.base import DeprecatedField, JsonObject, PersonaId
from tavus_mcp.models.findings import Finding
from tavus_mcp.server.results import AuditReport, BulkPlan
from tavus_mcp.server.shared_parameters import (
    TEXT,
    Cursor,
    Engine,
    FindingFilter,
    Model,
    NameContains,
    TextContains,
    doc,
)
from tavus_mcp.server.toolset import Toolset

fleet = Toolset("fleet")

_NEXT_STEP_HINT = (
    "plan_bulk_change(finding=RULE, ...) changes all personas of a group. check_persona shows all "
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
        Literal["error", "warning", "info"], doc("Least severity to report")
    ] = "info",
    cursor: Cursor = None,
) -> AuditReport:
    """Check all personas: mistakes, outdated models and settings; by rule, worst first."""
    selection = PersonaFilter(None if persona_type == "all" else persona_type, name_contains)
    result = await audit.audit(app, selection, severity, ctx.report_progress, cursor)
    groups = result.finding_summary.groups()
    return AuditReport(
        checked=result.checked_count,
        total_count=result.total,
        complete=result.is_complete,
        counts=dict(result.finding_summary.counts),
        groups=groups,
        names=result.names_of(groups) or None,
        unread=result.unread_count or None,
        failed=result.failures or None,
        stopped=result.stop_reason or None,
        next=_NEXT_STEP_HINT if groups else _describe(result.unmatched),
        next_cursor=result.next_cursor,
    )


def _describe(findings: Sequence[Finding]) -> str | None:
    """Return the messages and hints of findings as one text, or None."""
    return " ".join(f"{item.message} {item.hint or ''}".rstrip() for item in findings) or None


Values = Annotated[
    JsonObject, doc('Set: {"/layers/llm/model": "x"}; add to a list: {"/tool_ids/-": "x"}')
]
Goals = Annotated[
    list[str], doc("Tune each: goals of suggest_tuning, like respond_faster, modernize")
]
Find = Annotated[
    str | None, doc("Replace this text in names, prompts, greetings and other texts", **TEXT)
]


@fleet.read("Plan bulk change")
async def plan_bulk_change(
    app: App,
    ctx: Context[Any, Any],
    persona_ids: Annotated[list[PersonaId], doc("These personas")] = [],  # noqa: B006 - read only
    name_contains: NameContains = None,
    text_contains: TextContains = None,
    model: Model = None,
    engine: Engine = None,
    finding: FindingFilter = None,
    everything: Annotated[bool, doc("All; needed if no other filter is given")] = False,
    persona_type: Annotated[Literal["user", "system", "all"], DeprecatedField] = "user",
    goals: Goals = [],  # noqa: B006 - read only
    strength: Annotated[Strength, doc("Of goals")] = "normal",
    languages: Annotated[list[str], doc("Of goal speak_languages")] = [],  # noqa: B006 - read only
    values: Values = {},  # noqa: B006 - read only
    unset: Annotated[list[str], doc("Remove: JSON Pointers")] = [],  # noqa: B006 - read only
    find: Find = None,
    replace: Annotated[str | None, doc("By this", **TEXT)] = None,
    fields: Annotated[list[str], doc("Find only in these, like system_prompt")] = [],  # noqa: B006
    delete: Annotated[bool, doc("Delete them")] = False,
    undo_of: Annotated[str | None, doc("Undo this plan_id of a bulk change")] = None,
    limit: Annotated[int | None, doc("At most so many personas", ge=1)] = None,
    cursor: Cursor = None,
) -> BulkPlan:
    """Plan one change of many personas (tune, set, find and replace, delete) or its undo.

    Then one apply_plan does all of it.
    """
    arguments = {**locals(), "persona_type": None if persona_type == "all" else persona_type}
    persona_filter = PersonaFilter(**_fields_of(PersonaFilter, arguments))
    request = BulkChangeRequest(persona_filter, **_fields_of(BulkChangeRequest, arguments))
    draft = await plan.draft_bulk_plan(app, request, ctx.report_progress)
    return BulkPlan.model_validate(plan_report.render_plan(draft))


def _fields_of(kind: type, arguments: Mapping[str, Any]) -> JsonObject:
    """Return the arguments that are fields of a dataclass, by name."""
    return {item.name: arguments[item.name] for item in fields(kind) if item.name in arguments}
