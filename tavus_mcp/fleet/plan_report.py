"""Render a bulk plan compactly: each different change once, each persona in one row."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from tavus_mcp.fleet.finding_summary import FindingSummary
from tavus_mcp.fleet.plan import BulkPlanDraft
from tavus_mcp.fleet.plan_items import (
    ALREADY_SO,
    CHANGE,
    DELETE,
    MAX_PLACES,
    RESTORE,
    PlannedPersona,
    SkippedPersona,
    TextChange,
    TunedChange,
)
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.free_texts import list_first
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
MAX_TRADE_OFFS = 3
"""Most different trade-offs of one change, which depend on the values before."""
_APPLY_BY_ACTION = {
    CHANGE: "Unless the person asked for exactly this, show it first. apply_plan(plan_id) does it.",
    DELETE: "Show the names to the person. After a clear yes: apply_plan(plan_id).",
    RESTORE: "Show it to the person. After a yes: apply_plan(plan_id).",
}
_SHORT_NAME_CHARS, _MAX_REASON_CHARS = 32, 240
_MAX_REPEATED_CHARS = 80
"""A longer reason is given once; the next personas that it is true of refer to the first."""


def render_plan(draft: BulkPlanDraft) -> JsonObject:
    """Return the result of plan_bulk_change."""
    stored = draft.stored_plan
    return {
        "status": "planned" if stored else "unchanged",
        "plan_id": stored.plan_id if stored else None,
        "expires_at": stored.expires_at if stored else None,
        "totals": _count_totals(draft),
        "changes": _change_rows(draft),
        "omitted_changes": max(0, len(_share_changes(draft)) - MAX_CHANGES) or None,
        "personas": _persona_rows(draft.planned_personas),
        "skipped": _skipped_rows(draft.skipped_personas),
        "findings": [*draft.findings, *_summarize_findings(draft.planned_personas)],
        "stopped": draft.stop_reason or None,
        "next": _next_step(draft),
        "next_cursor": draft.next_cursor,
    }


def _action(draft: BulkPlanDraft) -> str:
    return draft.planned_personas[0].item.plan.kind if draft.planned_personas else ""


def _persona_rows(planned_personas: Sequence[PlannedPersona]) -> list[JsonObject]:
    """Return a row for each persona; rows of many personas hold only what differs."""
    is_detailed = len(planned_personas) <= MAX_DETAILED_PERSONAS
    has_same_count = len({len(persona.changes) for persona in planned_personas}) == 1
    has_same_paths = (
        len({tuple(change.path for change in persona.changes) for persona in planned_personas}) == 1
    )
    rows = []
    for persona in planned_personas[:MAX_PERSONA_ROWS]:
        name = persona.item.persona_name
        row: JsonObject = {
            "persona_id": persona.item.persona_id,
            "persona_name": name if is_detailed else truncate(name, _SHORT_NAME_CHARS),
            "revision": persona.item.plan.revision,
        }
        if persona.match_count:
            row["matches"] = persona.match_count
        if not is_detailed and not has_same_count:
            row["changes"] = len(persona.changes)
        if is_detailed and not has_same_paths and not persona.match_count:
            row["paths"] = [change.path for change in persona.changes]
        rows.append(row)
    return rows


def _change_rows(draft: BulkPlanDraft) -> list[JsonObject]:
    """Return each different change with its number of personas, most frequent first.

    Deletions and restorations have none: the rows of personas say all.
    """
    if _action(draft) in (DELETE, RESTORE):
        return []
    return [change.row() for change in _share_changes(draft)[:MAX_CHANGES]]


def _share_changes(draft: BulkPlanDraft) -> list[_SharedChange]:
    shared: dict[str, _SharedChange] = {}
    for persona in draft.planned_personas:
        for change in map(_without_own_text, persona.changes):
            key = json.dumps([change.path, change.after], sort_keys=True, default=str)
            shared.setdefault(key, _SharedChange(change)).add(change, persona.item.persona_id)
    return sorted(shared.values(), key=lambda change: -change.count)


def _without_own_text(change: FieldChange) -> FieldChange:
    """Return a change that adds a paragraph to a text without what each persona has before it."""
    before, after = change.before, change.after
    if isinstance(change, TextChange) or not (isinstance(before, str) and isinstance(after, str)):
        return change
    if not before or not after.startswith(before + "\n\n"):
        return change
    return change.model_copy(update={"before": "…", "after": f"…{after[len(before) :]}"})


def _skipped_rows(skipped_personas: Sequence[SkippedPersona]) -> list[JsonObject]:
    """Return a row for each of the first personas skipped for a reason, those refused first.

    Those whose kind says all are in the totals only.
    """
    explained = [persona for persona in skipped_personas if persona.reason]
    rows: list[JsonObject] = []
    first_ids: dict[str, str] = {}
    for persona in islice(_first_of_each_reason(explained), MAX_SKIPPED_ROWS):
        row = {"persona_id": persona.persona_id, "persona_name": persona.persona_name}
        reason = truncate(persona.reason, _MAX_REASON_CHARS)
        if len(reason) > _MAX_REPEATED_CHARS and reason in first_ids:
            reason = f"as for {first_ids[reason]}"
        first_ids.setdefault(reason, persona.persona_id)
        rows.append({name: value for name, value in row.items() if value} | {"reason": reason})
    omitted_count = len(explained) - len(rows)
    if omitted_count:
        rows.append({"persona_id": "...", "reason": f"and {omitted_count} more; totals count all"})
    return rows


def _first_of_each_reason(skipped_personas: Sequence[SkippedPersona]) -> Iterator[SkippedPersona]:
    groups: dict[tuple[bool, str], list[SkippedPersona]] = defaultdict(list)
    for persona in skipped_personas:
        groups[persona.kind == ALREADY_SO, persona.reason].append(persona)
    for key in sorted(groups, key=lambda key: key[0]):
        yield from groups[key][:MAX_ROWS_PER_REASON]


def _summarize_findings(planned_personas: Sequence[PlannedPersona]) -> list[Finding]:
    """Return the findings about the changes, one for each rule."""
    summary = FindingSummary()
    for persona in planned_personas:
        summary.add(persona.item.persona_id, persona.findings)
    return summary.findings(MAX_FINDINGS)


def _count_totals(draft: BulkPlanDraft) -> dict[str, int]:
    """Count the planned personas, the skipped ones by kind, changed fields, and places in them."""
    match_count = sum(persona.match_count for persona in draft.planned_personas)
    return {
        "planned": len(draft.planned_personas),
        **Counter(persona.kind for persona in draft.skipped_personas),
        "changes": sum(len(persona.changes) for persona in draft.planned_personas),
        **({"matches": match_count} if match_count else {}),
    }


def _next_step(draft: BulkPlanDraft) -> str | None:
    """Return what to do with the plan, and whether it or its rows are incomplete."""
    text = _APPLY_BY_ACTION.get(_action(draft), "")
    if len(draft.planned_personas) > MAX_PERSONA_ROWS:
        text += f" The first {MAX_PERSONA_ROWS} personas are listed; totals count all."
    if draft.next_cursor:
        text += " Not all personas were looked at: call again with cursor=next_cursor."
    return text.strip() or None


@dataclass
class _SharedChange:
    """A change of one path to one value, shared by many personas, whatever the old values."""

    example: FieldChange
    count: int = 0
    previous_values: set[str] = field(default_factory=set)
    places: dict[str, list[str]] = field(default_factory=dict)
    """The ids of the personas that hold each place."""
    trade_offs: dict[str, None] = field(default_factory=dict)

    def add(self, change: FieldChange, persona_id: str) -> None:
        self.count += 1
        if isinstance(change, TextChange):
            for place in change.places:
                self.places.setdefault(place, []).append(persona_id)
        if isinstance(change, TunedChange) and change.trade_off:
            self.trade_offs[change.trade_off] = None
        before = change.default if change.before is None else change.before
        self.previous_values.add(json.dumps(before, sort_keys=True, default=str))

    def row(self) -> JsonObject:
        value_count = len(self.previous_values)
        before = self.example.before if value_count == 1 else f"({value_count} different values)"
        row = {
            **self.example.model_dump(mode="json", exclude={"places", "trade_off"}),
            "before": before,
            "personas": self.count,
        }
        if self.places:
            row["places"] = list_first([*map(self._describe_place, self.places)], MAX_PLACES)
        if self.trade_offs:
            row["trade_off"] = " ".join([*self.trade_offs][:MAX_TRADE_OFFS])
        return row

    def _describe_place(self, place: str) -> str:
        """Return an excerpt, after the id of the persona that has it unless all have it."""
        first, *others = self.places[place]
        if len(others) + 1 == self.count:
            return place
        more = f" and {len(others)} more" if others else ""
        return f"{first}{more}: {place}"
