"""Render a bulk plan compactly: each different change once, each persona in one row."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from tavus_mcp.fleet.finding_summary import FindingSummary
from tavus_mcp.fleet.plan import BulkPlanDraft, PlannedPersona, SkippedPersona
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.receipt import FieldChange
from tavus_mcp.text import truncate

MAX_DETAILED_PERSONAS = 20
"""Most personas up to which each row lists its changed paths."""
MAX_PERSONA_ROWS = 100
"""Most rows of personas; the totals count all."""
MAX_CHANGES = 24
"""Most different changes; there are more when each persona has its own values."""
MAX_FINDINGS = 8
MAX_SKIPPED_ROWS, MAX_ROWS_PER_REASON = 20, 5
"""Most rows of skipped personas, in all and with the same reason."""
_SHORT_NAME_CHARS, _MAX_REASON_CHARS = 32, 240


def render_plan(draft: BulkPlanDraft) -> JsonObject:
    """Return the result of plan_bulk_change."""
    stored = draft.stored_plan
    return {
        "status": "planned" if stored else "unchanged",
        "plan_id": stored.plan_id if stored else None,
        "expires_at": stored.expires_at if stored else None,
        "totals": _count_totals(draft),
        "changes": _change_rows(draft.planned_personas),
        "personas": _persona_rows(draft.planned_personas),
        "skipped": _skipped_rows(draft.skipped_personas),
        "findings": _summarize_findings(draft.planned_personas),
        "stopped": draft.stop_reason or None,
        "next": _next_step(draft),
    }


def _persona_rows(planned_personas: Sequence[PlannedPersona]) -> list[JsonObject]:
    """Return a row for each persona; rows of many personas hold only what differs."""
    is_detailed = len(planned_personas) <= MAX_DETAILED_PERSONAS
    has_same_count = len({len(persona.changes) for persona in planned_personas}) == 1
    rows = []
    for persona in planned_personas[:MAX_PERSONA_ROWS]:
        name = persona.item.persona_name
        row: JsonObject = {
            "persona_id": persona.item.persona_id,
            "persona_name": name if is_detailed else truncate(name, _SHORT_NAME_CHARS),
            "revision": persona.item.plan.revision,
        }
        if is_detailed or not has_same_count:
            row["changes"] = len(persona.changes)
        if is_detailed:
            row["paths"] = [change.path for change in persona.changes]
        rows.append(row)
    return rows


def _change_rows(planned_personas: Sequence[PlannedPersona]) -> list[JsonObject]:
    """Return each different change with its number of personas, most frequent first."""
    shared: dict[str, _SharedChange] = {}
    for persona in planned_personas:
        for change in persona.changes:
            key = json.dumps([change.path, change.after], sort_keys=True, default=str)
            shared.setdefault(key, _SharedChange(change)).add(change)
    ranked = sorted(shared.values(), key=lambda change: -change.count)
    rows = [change.row() for change in ranked[:MAX_CHANGES]]
    omitted_count = len(ranked) - MAX_CHANGES
    if omitted_count > 0:
        rows.append({"path": f"and {omitted_count} different changes more"})
    return rows


def _skipped_rows(skipped_personas: Sequence[SkippedPersona]) -> list[JsonObject]:
    """Return a row for each of the first skipped personas, those refused first."""
    rows = [
        {"persona_id": persona.persona_id, "reason": truncate(persona.reason, _MAX_REASON_CHARS)}
        for persona in islice(_first_of_each_reason(skipped_personas), MAX_SKIPPED_ROWS)
    ]
    omitted_count = len(skipped_personas) - len(rows)
    if omitted_count:
        rows.append({"persona_id": "...", "reason": f"and {omitted_count} more; totals count all"})
    return rows


def _first_of_each_reason(skipped_personas: Sequence[SkippedPersona]) -> Iterator[SkippedPersona]:
    groups: dict[tuple[bool, str], list[SkippedPersona]] = defaultdict(list)
    for persona in skipped_personas:
        groups[persona.kind == "already_so", persona.reason].append(persona)
    for key in sorted(groups, key=lambda key: key[0]):
        yield from groups[key][:MAX_ROWS_PER_REASON]


def _summarize_findings(planned_personas: Sequence[PlannedPersona]) -> list[Finding]:
    """Return the findings about the changes, one for each rule."""
    summary = FindingSummary()
    for persona in planned_personas:
        summary.add(persona.item.persona_id, persona.findings)
    return summary.findings(MAX_FINDINGS)


def _count_totals(draft: BulkPlanDraft) -> dict[str, int]:
    """Count the planned personas, the skipped ones by kind, and the changes."""
    return {
        "planned": len(draft.planned_personas),
        **Counter(persona.kind for persona in draft.skipped_personas),
        "changes": sum(len(persona.changes) for persona in draft.planned_personas),
    }


def _next_step(draft: BulkPlanDraft) -> str | None:
    """Return what to do with the plan, and whether it or its rows are incomplete."""
    if draft.stored_plan is None:
        return None
    text = "Show it to the person; after a yes apply_plan(plan_id) carries it out."
    if len(draft.planned_personas) > MAX_PERSONA_ROWS:
        text += " Rows are told of the first; totals count all."
    if draft.is_limited:
        text += " More may be meant: this plan ends at its limit."
    return text


@dataclass
class _SharedChange:
    """A change of one path to one value, shared by many personas, whatever the old values."""

    example: FieldChange
    count: int = 0
    previous_values: set[str] = field(default_factory=set)

    def add(self, change: FieldChange) -> None:
        self.count += 1
        self.previous_values.add(json.dumps(change.before, sort_keys=True, default=str))

    def row(self) -> JsonObject:
        value_count = len(self.previous_values)
        return {
            "path": self.example.path,
            "before": self.example.before
            if value_count == 1
            else f"({value_count} different values)",
            "after": self.example.after,
            "personas": self.count,
        }
