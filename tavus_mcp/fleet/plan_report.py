"""Telling a plan of many changes in few words: each change once, each persona in a line."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.fleet.finding_summary import FindingSummary
from tavus_mcp.fleet.plan import BulkPlanDraft, PlannedPersona, SkippedPersona
from tavus_mcp.fleet.plan_items import shorten
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.receipt import FieldChange

MAX_DETAILED_PERSONAS = 20
"""Personas up to which each row says which places change."""
MAX_PERSONA_ROWS = 100
"""Personas that are told one by one; the totals count all."""
MAX_CHANGES = 24
"""Different changes that are told; a plan may hold more when each persona has its own."""
MAX_FINDINGS = 8
MAX_SKIPPED_ROWS, MAX_ROWS_PER_REASON = 20, 5
"""Rows about personas that are left out, and how many of them may give the same reason."""
_SHORT_NAME_CHARS, _MAX_REASON_CHARS = 32, 240


def render_plan(plan_draft: BulkPlanDraft) -> JsonObject:
    """Return a plan as it is answered."""
    stored = plan_draft.stored_plan
    return {
        "status": "planned" if stored else "unchanged",
        "plan_id": stored.plan_id if stored else None,
        "expires_at": stored.expires_at if stored else None,
        "totals": _count_totals(plan_draft),
        "changes": _change_rows(plan_draft.planned_personas),
        "personas": _persona_rows(plan_draft.planned_personas),
        "skipped": _skipped_rows(plan_draft.skipped_personas),
        "findings": _summarize_findings(plan_draft.planned_personas),
        "stopped": plan_draft.stop_reason or None,
        "next": _next_step(plan_draft),
    }


def _persona_rows(planned_personas: Sequence[PlannedPersona]) -> list[JsonObject]:
    """Return a row for each persona of the plan; of many it says only what tells them apart."""
    few = len(planned_personas) <= MAX_DETAILED_PERSONAS
    alike = len({len(item.changes) for item in planned_personas}) == 1
    rows = []
    for item in planned_personas[:MAX_PERSONA_ROWS]:
        name = item.item.persona_name
        row: JsonObject = {
            "persona_id": item.item.persona_id,
            "persona_name": name if few else shorten(name, _SHORT_NAME_CHARS),
            "revision": item.item.plan.revision,
        }
        if few or not alike:
            row["changes"] = len(item.changes)
        if few:
            row["paths"] = [change.path for change in item.changes]
        rows.append(row)
    return rows


def _change_rows(planned_personas: Sequence[PlannedPersona]) -> list[JsonObject]:
    """Return each change once, with how many personas have it; the most frequent first."""
    alike: dict[str, _SharedChange] = {}
    for item in planned_personas:
        for change in item.changes:
            key = json.dumps([change.path, change.after], sort_keys=True, default=str)
            alike.setdefault(key, _SharedChange(change)).add(change)
    ranked = sorted(alike.values(), key=lambda one: -one.count)
    rows = [one.row() for one in ranked[:MAX_CHANGES]]
    more = len(ranked) - MAX_CHANGES
    return [*rows, {"path": f"and {more} different changes more"}] if more > 0 else rows


def _skipped_rows(skipped_personas: Sequence[SkippedPersona]) -> list[JsonObject]:
    """Return a row for each of the first personas that are left out, those refused first."""
    rows = [
        {"persona_id": item.persona_id, "reason": shorten(item.reason, _MAX_REASON_CHARS)}
        for item in [*_first_of_each_reason(skipped_personas)][:MAX_SKIPPED_ROWS]
    ]
    more = len(skipped_personas) - len(rows)
    last = {"persona_id": "...", "reason": f"and {more} more; totals count all"}
    return [*rows, last] if more else rows


def _summarize_findings(planned_personas: Sequence[PlannedPersona]) -> list[Finding]:
    """Return what the checker says of the changes, each rule once."""
    tally = FindingSummary()
    for item in planned_personas:
        tally.add(item.item.persona_id, item.findings)
    return tally.findings(MAX_FINDINGS)


def _count_totals(plan_draft: BulkPlanDraft) -> dict[str, int]:
    """Return how many personas are in the plan, and how many are not, by the reason."""
    kinds = Counter(item.kind for item in plan_draft.skipped_personas)
    return {
        "planned": len(plan_draft.planned_personas),
        **kinds,
        "changes": sum(len(item.changes) for item in plan_draft.planned_personas),
    }


def _next_step(plan_draft: BulkPlanDraft) -> str | None:
    """Say what to do with the plan, and that it is not all when it is not."""
    if plan_draft.stored_plan is None:
        return None
    limited = " More may be meant: this plan ends at its limit." if plan_draft.is_limited else ""
    more = (
        " Rows are told of the first; totals count all."
        if len(plan_draft.planned_personas) > MAX_PERSONA_ROWS
        else ""
    )
    return f"Show it to the person; after a yes apply_plan(plan_id) carries it out.{more}{limited}"


def _first_of_each_reason(skipped_personas: Sequence[SkippedPersona]) -> Iterator[SkippedPersona]:
    groups: dict[tuple[bool, str], list[SkippedPersona]] = defaultdict(list)
    for item in skipped_personas:
        groups[item.kind == "already_so", item.reason].append(item)
    for key in sorted(groups, key=lambda key: key[0]):
        yield from groups[key][:MAX_ROWS_PER_REASON]


@dataclass
class _SharedChange:
    """A change that many personas have, from whatever stood there before."""

    example: FieldChange
    count: int = 0
    previous_values: dict[str, Any] = field(default_factory=dict)

    def add(self, change: FieldChange) -> None:
        self.count += 1
        self.previous_values[json.dumps(change.before, sort_keys=True, default=str)] = change.before

    def row(self) -> JsonObject:
        various = f"({len(self.previous_values)} different values)"
        return {
            "path": self.example.path,
            "before": self.example.before if len(self.previous_values) == 1 else various,
            "after": self.example.after,
            "personas": self.count,
        }
