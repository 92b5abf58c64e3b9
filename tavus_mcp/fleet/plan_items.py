"""The parts of a bulk plan: for each persona a plan of its own, and what became of it.

What many personas share is written down once: a part names its patch by number. The journal
tells what became of a part: a ``used`` line claims it, the intent names the claim, the outcome
names the intent.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import Refused
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import Change
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.personas import plans
from tavus_mcp.personas.plans import Plan

TOOL = "plan_bulk_change"
"""Under which name the history tells of these changes."""
_PATCH_PATH = "/patch"


@dataclass(frozen=True)
class PlanItem:
    """What a bulk plan means for one persona."""

    persona_name: str
    plan: Plan

    @property
    def persona_id(self) -> str:
        """Whose part it is."""
        return self.plan.persona_id


@dataclass(frozen=True)
class PlanItemProgress:
    """What the journal holds of one part; ``last`` is the number of its last claim.

    Two servers may have claimed it, one after the other, while the first was about to send.
    """

    used_entry: JournalEntry
    intent: JournalEntry | None = None
    outcome: JournalEntry | None = None
    last_use_seq: int = 0

    @property
    def is_applied(self) -> bool:
        """Tell whether it was carried out for certain."""
        return self.outcome is not None and self.outcome.status in ("applied", "unchanged")

    @property
    def is_void(self) -> bool:
        """Tell whether it came to nothing for certain: never sent, or refused by Tavus."""
        refused = self.outcome is not None and self.outcome.status == "failed"
        return self.intent is None or refused


def build_bulk_plan(items: Sequence[PlanItem]) -> Plan:
    """Return the one plan of many parts; keys are held apart, as in every plan."""
    bulk = _BulkPlanBuilder()
    for part in items:
        bulk.add(part)
    detail = {"patches": bulk.patches, "parts": bulk.rows}
    return Plan(plans.BULK, TOOL, "", "", detail, bulk.secrets)


def read_items(plan: Plan) -> list[PlanItem]:
    """Return the parts of a bulk plan, in its order; refuse a plan of another kind."""
    if plan.kind != plans.BULK:
        raise Refused(
            "/undo_of: this is the plan of one persona. Its receipt names the call that undoes it; "
            "list_revisions and restore_revision go back as well."
        )
    patches: list[list[JsonObject]] = plan.detail["patches"]
    keys = [_secrets_below(plan.secrets, f"/patches/{number}") for number in range(len(patches))]
    return [
        PlanItem(
            name,
            Plan(
                "change",
                plan.tool,
                persona_id,
                revision,
                {"patch": patches[number]},
                keys[number],
                plan.plan_id,
                plan.expires_at,
                plan.seq,
            ),
        )
        for persona_id, name, revision, number in plan.detail["parts"]
    ]


async def load_progress(app: App, plan: Plan) -> dict[str, PlanItemProgress]:
    """Return what became of the parts that were claimed, by persona.

    Of several claims the one that was carried out counts; else the last whose end is not known;
    else the last.
    """
    claims: dict[int, PlanItemProgress] = {}
    claim_of: dict[int, int] = {}
    for line in await app.journal.descendants(plan.seq):
        if line.kind == "used":
            claims[line.seq] = PlanItemProgress(line)
        elif line.kind == "intent" and line.ref in claims:
            claims[line.ref] = replace(claims[line.ref], intent=line)
            claim_of[line.seq] = line.ref
        elif line.ref in claim_of:
            number = claim_of[line.ref]
            claims[number] = replace(claims[number], outcome=line)
    traces: dict[str, PlanItemProgress] = {}
    for trace in claims.values():
        persona_id = trace.used_entry.persona_id
        counts = max(traces.get(persona_id, trace), trace, key=_progress_rank)
        traces[persona_id] = replace(counts, last_use_seq=trace.used_entry.seq)
    return traces


def _progress_rank(item_progress: PlanItemProgress) -> tuple[bool, bool, int]:
    return item_progress.is_applied, not item_progress.is_void, item_progress.used_entry.seq


def shorten(text: str, max_chars: int) -> str:
    """Return a text of at most so many characters, with a sign where it was cut."""
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def _secrets_below(secrets: Mapping[str, Any], path_prefix: str) -> dict[str, Any]:
    return {
        _PATCH_PATH + path.removeprefix(path_prefix): value
        for path, value in secrets.items()
        if path.startswith(path_prefix + "/")
    }


@dataclass
class _BulkPlanBuilder:
    """Parts as they are written down: patches that are the same stand there once."""

    patches: list[list[JsonObject]] = field(default_factory=list)
    rows: list[tuple[str, str, str, int]] = field(default_factory=list)
    secrets: dict[str, Any] = field(default_factory=dict)
    _patch_numbers: dict[str, int] = field(default_factory=dict)

    def add(self, item: PlanItem) -> None:
        plan = item.plan
        same = json.dumps([plan.detail["patch"], sorted(plan.secrets.items())], sort_keys=True)
        number = self._patch_numbers.setdefault(same, len(self.patches))
        if number == len(self.patches):
            self.patches.append(plan.detail["patch"])
            for path, value in plan.secrets.items():
                self.secrets[f"/patches/{number}{path.removeprefix(_PATCH_PATH)}"] = value
        self.rows.append((plan.persona_id, item.persona_name, plan.revision, number))


@dataclass(frozen=True)
class ProposedChange:
    """A change of one persona, what is to be said of it, and which rules it may pass.

    ``verbatim`` keeps older spellings, as a way back must.
    """

    change: Change
    findings: Sequence[RuleFinding] = ()
    allow: frozenset[str] = frozenset()
    keep_legacy_spelling: bool = False


ChangeProposer = Callable[[PersonaDocument], Awaitable[ProposedChange]]
"""Says what is to be different about a persona; raises ``Refused`` to leave it alone."""
