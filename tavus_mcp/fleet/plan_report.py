"""Telling a plan of many changes in few words: each change once, each persona in a line."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.fleet.finding_summary import Tally
from tavus_mcp.fleet.plan import Draft, Planned, Skipped
from tavus_mcp.fleet.plan_items import shortened
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.receipt import FieldChange

FEW = 20
"""Personas up to which each row says which places change."""
ROWS = 100
"""Personas that are told one by one; the totals count all."""
CHANGES = 24
"""Different changes that are told; a plan may hold more when each persona has its own."""
FINDINGS = 8
SKIPPED, ALIKE = 20, 5
"""Rows about personas that are left out, and how many of them may give the same reason."""
_NAME, _REASON = 32, 240


def told(draft: Draft) -> JsonObject:
    """Return a plan as it is answered."""
    stored = draft.stored
    return {
        "status": "planned" if stored else "unchanged",
        "plan_id": stored.plan_id if stored else None,
        "expires_at": stored.expires_at if stored else None,
        "totals": _totals(draft),
        "changes": _changes(draft.planned),
        "personas": _personas(draft.planned),
        "skipped": _skipped(draft.skipped),
        "findings": _findings(draft.planned),
        "stopped": draft.stopped or None,
        "next": _next_step(draft),
    }


def _personas(planned: Sequence[Planned]) -> list[JsonObject]:
    """Return a row for each persona of the plan; of many it says only what tells them apart."""
    few = len(planned) <= FEW
    alike = len({len(item.changes) for item in planned}) == 1
    rows = []
    for item in planned[:ROWS]:
        name = item.part.persona_name
        row: JsonObject = {
            "persona_id": item.part.persona_id,
            "persona_name": name if few else shortened(name, _NAME),
            "revision": item.part.plan.revision,
        }
        if few or not alike:
            row["changes"] = len(item.changes)
        if few:
            row["paths"] = [change.path for change in item.changes]
        rows.append(row)
    return rows


def _changes(planned: Sequence[Planned]) -> list[JsonObject]:
    """Return each change once, with how many personas have it; the most frequent first."""
    alike: dict[str, _Alike] = {}
    for item in planned:
        for change in item.changes:
            key = json.dumps([change.path, change.after], sort_keys=True, default=str)
            alike.setdefault(key, _Alike(change)).add(change)
    ranked = sorted(alike.values(), key=lambda one: -one.count)
    rows = [one.row() for one in ranked[:CHANGES]]
    more = len(ranked) - CHANGES
    return [*rows, {"path": f"and {more} different changes more"}] if more > 0 else rows


def _skipped(left_out: Sequence[Skipped]) -> list[JsonObject]:
    """Return a row for each of the first personas that are left out, those refused first."""
    rows = [
        {"persona_id": item.persona_id, "reason": shortened(item.reason, _REASON)}
        for item in [*_first_of_each(left_out)][:SKIPPED]
    ]
    more = len(left_out) - len(rows)
    last = {"persona_id": "...", "reason": f"and {more} more; totals count all"}
    return [*rows, last] if more else rows


def _findings(planned: Sequence[Planned]) -> list[Finding]:
    """Return what the checker says of the changes, each rule once."""
    tally = Tally()
    for item in planned:
        tally.add(item.part.persona_id, item.findings)
    return tally.findings(FINDINGS)


def _totals(draft: Draft) -> dict[str, int]:
    """Return how many personas are in the plan, and how many are not, by the reason."""
    kinds = Counter(item.kind for item in draft.skipped)
    return {
        "planned": len(draft.planned),
        **kinds,
        "changes": sum(len(item.changes) for item in draft.planned),
    }


def _next_step(draft: Draft) -> str | None:
    """Say what to do with the plan, and that it is not all when it is not."""
    if draft.stored is None:
        return None
    limited = " More may be meant: this plan ends at its limit." if draft.limited else ""
    more = " Rows are told of the first; totals count all." if len(draft.planned) > ROWS else ""
    return f"Show it to the person; after a yes apply_plan(plan_id) carries it out.{more}{limited}"


def _first_of_each(left_out: Sequence[Skipped]) -> Iterator[Skipped]:
    groups: dict[tuple[bool, str], list[Skipped]] = defaultdict(list)
    for item in left_out:
        groups[item.kind == "already_so", item.reason].append(item)
    for key in sorted(groups, key=lambda key: key[0]):
        yield from groups[key][:ALIKE]


@dataclass
class _Alike:
    """A change that many personas have, from whatever stood there before."""

    example: FieldChange
    count: int = 0
    befores: dict[str, Any] = field(default_factory=dict)

    def add(self, change: FieldChange) -> None:
        self.count += 1
        self.befores[json.dumps(change.before, sort_keys=True, default=str)] = change.before

    def row(self) -> JsonObject:
        various = f"({len(self.befores)} different values)"
        return {
            "path": self.example.path,
            "before": self.example.before if len(self.befores) == 1 else various,
            "after": self.example.after,
            "personas": self.count,
        }
