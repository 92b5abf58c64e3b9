"""The items of a bulk plan, one per persona: how the plan stores them, and their progress.

Equal patches are stored once; an item names its patch by index. The journal holds the progress of
an item: a ``used`` entry claims it, the intent refers to the claim, the outcome to the intent.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field

from tavus_mcp.app import App
from tavus_mcp.errors import Refused
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import Change
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import Finding, RuleFinding
from tavus_mcp.models.receipt import FieldChange
from tavus_mcp.personas import plans
from tavus_mcp.personas.plans import Plan
from tavus_mcp.text import truncate

TOOL = "plan_bulk_change"
"""The tool that the journal names for these changes."""
ACCEPTED_STATUSES = frozenset({"applied", "unchanged", "unverified", "drafted"})
"""The statuses of an outcome after which a change is not sent again."""
CHANGE, DELETE, RESTORE = "change", "delete", "restore"
"""What a bulk plan does to each of its personas; stored values."""
RESTORED_BY = "restored_by"
"""The member of the detail of a creation that names the plan that it belongs to; a stored key."""
_ACTION = "action"
"""The member of a stored plan that names what it does; absent for a change."""
_PATCH_PATH = "/patch"
_NO_PATCH = -1
ALREADY_SO, NO_KNOWN_CHANGE = "already_so", "no_known_change"
TEXT_ABSENT, TEXT_IN_OTHER_CASE = "text_absent", "text_in_other_case"
TEXT_IN_OTHER_FIELDS = "text_in_other_fields"
"""Kinds of personas that a plan leaves as they are; names in its totals.

``ALREADY_SO`` has what was wanted. ``NO_KNOWN_CHANGE`` has not, and no change leads there.
"""
MAX_PLACES = 3
"""Most different places that are quoted of a text that is replaced."""
_MAX_NAME_CHARS = 80
"""Length at which a persona's name is cut in a plan."""


@dataclass(frozen=True)
class PlanItem:
    """The change, deletion or restoration of one persona in a bulk plan.

    The kind of its plan is ``CHANGE``, ``DELETE`` or ``RESTORE``.
    """

    persona_name: str
    plan: Plan

    @property
    def persona_id(self) -> str:
        """The id of the persona."""
        return self.plan.persona_id


@dataclass(frozen=True)
class PlanItemProgress:
    """The journal entries of one item.

    Two servers may have claimed it, one after the other, before the first one sent anything;
    ``last_use_seq`` is the ``seq`` of the last claim.
    """

    used_entry: JournalEntry
    intent: JournalEntry | None = None
    outcome: JournalEntry | None = None
    last_use_seq: int = 0

    @property
    def is_applied(self) -> bool:
        """Return True if it certainly was accepted, so that it must not be sent again."""
        return self.outcome is not None and self.outcome.status in ACCEPTED_STATUSES

    @property
    def is_void(self) -> bool:
        """Return True if it certainly had no effect: never sent, or refused by Tavus."""
        has_failed = self.outcome is not None and self.outcome.status == "failed"
        return self.intent is None or has_failed


class TextChange(FieldChange):
    """A text that is replaced in a field: ``places`` are excerpts of those that hold it."""

    places: list[str] = Field(default_factory=list)


class TunedChange(FieldChange):
    """A change that serves a goal, with the price of it."""

    trade_off: str | None = None


@dataclass(frozen=True)
class ProposedChange:
    """A change of one persona, the findings about it, and the rules that it may violate.

    ``keep_legacy_spelling`` sends old names as they are, which an undo needs. ``listed_changes``
    are reported in place of the changes of fields, and ``match_count`` is the number of places
    where a text is replaced. ``find_trade_off`` returns the price of the change at a path.
    ``kind_if_unchanged`` and ``reason_if_unchanged`` are given for a persona that stays as it is.
    """

    change: Change
    findings: Sequence[RuleFinding] = ()
    allow: Container[str] = frozenset()
    keep_legacy_spelling: bool = False
    listed_changes: Sequence[FieldChange] = ()
    match_count: int = 0
    find_trade_off: Callable[[str], str] | None = None
    kind_if_unchanged: str = ALREADY_SO
    reason_if_unchanged: str = ""


@dataclass(frozen=True)
class PlannedPersona:
    """A persona in the plan: its item, and the changes and findings to report."""

    item: PlanItem
    changes: Sequence[FieldChange]
    findings: Sequence[Finding]
    match_count: int = 0


@dataclass(frozen=True)
class SkippedPersona:
    """A selected persona that is not in the plan; ``kind`` names the reason in one word.

    ``reason`` is empty where the kind says all, ``persona_name`` where the persona was not read.
    """

    kind: str
    persona_id: str
    reason: str
    persona_name: str = ""


ProposeChange = Callable[[PersonaDocument], Awaitable[ProposedChange]]
"""Returns the change of a persona; raises ``Refused`` to leave it unchanged."""


def name_in_plan(app: App, name: str) -> str:
    """Return the name of a persona as a plan holds it: masked and cut."""
    return truncate(app.masker.mask_text(name), _MAX_NAME_CHARS)


def build_bulk_plan(items: Sequence[PlanItem]) -> Plan:
    """Return one plan of many items of one kind; secrets are stored apart, as in every plan."""
    kind = items[0].plan.kind
    if kind != CHANGE:
        parts = [
            (item.persona_id, item.persona_name, item.plan.revision, _NO_PATCH) for item in items
        ]
        return Plan(plans.BULK, TOOL, "", "", {"patches": [], "parts": parts, _ACTION: kind})
    patches: list[list[JsonObject]] = []
    rows: list[tuple[str, str, str, int]] = []
    secrets: dict[str, Any] = {}
    indices: dict[str, int] = {}
    for item in items:
        plan = item.plan
        key = json.dumps([plan.detail["patch"], sorted(plan.secrets.items())], sort_keys=True)
        index = indices.setdefault(key, len(patches))
        if index == len(patches):
            patches.append(plan.detail["patch"])
            secrets |= {
                f"/patches/{index}{path.removeprefix(_PATCH_PATH)}": value
                for path, value in plan.secrets.items()
            }
        rows.append((plan.persona_id, item.persona_name, plan.revision, index))
    return Plan(plans.BULK, TOOL, "", "", {"patches": patches, "parts": rows}, secrets)


def read_items(plan: Plan) -> list[PlanItem]:
    """Return the items of a bulk plan, in its order; raise ``Refused`` for another plan."""
    if plan.kind != plans.BULK:
        raise Refused(
            "/undo_of: this is the plan of one persona. Its receipt holds the call that undoes it; "
            "list_revisions and restore_revision go further back."
        )
    action = action_of(plan)
    patches: list[list[JsonObject]] = plan.detail["patches"]
    secrets = [_secrets_below(plan.secrets, f"/patches/{index}") for index in range(len(patches))]
    return [
        PlanItem(
            name,
            replace(
                plan,
                kind=action,
                persona_id=persona_id,
                revision=revision,
                detail={} if index == _NO_PATCH else {"patch": patches[index]},
                secrets={} if index == _NO_PATCH else secrets[index],
            ),
        )
        for persona_id, name, revision, index in plan.detail["parts"]
    ]


def action_of(plan: Plan) -> str:
    """Return what a bulk plan does to its personas: ``CHANGE``, ``DELETE`` or ``RESTORE``."""
    return str(plan.detail.get(_ACTION, CHANGE))


async def load_progress(app: App, plan: Plan) -> dict[str, PlanItemProgress]:
    """Return the progress of the items that were claimed, by persona id.

    Of several claims of one item the applied one counts, of these the last one; else the last one
    whose outcome is not certain; else the last one. Claims are also those of plans that an item led
    to: one without a check for edits, or one that publishes a draft.
    """
    claims: dict[int, PlanItemProgress] = {}
    claim_by_intent: dict[int, int] = {}
    for entry in await app.journal.descendants(plan.seq):
        if entry.kind == "used" and entry.status != plans.DISCARDED:
            claims[entry.seq] = PlanItemProgress(entry)
        elif entry.kind == "intent" and entry.ref in claims:
            claims[entry.ref] = replace(claims[entry.ref], intent=entry)
            claim_by_intent[entry.seq] = entry.ref
        elif entry.kind == "outcome" and entry.ref in claim_by_intent:
            claim_seq = claim_by_intent[entry.ref]
            claims[claim_seq] = replace(claims[claim_seq], outcome=entry)
    progress: dict[str, PlanItemProgress] = {}
    for claim in claims.values():
        persona_id = claim.used_entry.persona_id
        known = progress.get(persona_id, claim)
        is_own = claim.used_entry.ref == plan.seq
        last_use_seq = claim.used_entry.seq if is_own else known.last_use_seq
        deciding = max(known, claim, key=_progress_rank)
        progress[persona_id] = replace(deciding, last_use_seq=last_use_seq)
    return progress


def _progress_rank(claim: PlanItemProgress) -> tuple[bool, bool, int]:
    return claim.is_applied, not claim.is_void, claim.used_entry.seq


def _secrets_below(secrets: Mapping[str, Any], path_prefix: str) -> dict[str, Any]:
    return {
        _PATCH_PATH + path.removeprefix(path_prefix): value
        for path, value in secrets.items()
        if path.startswith(path_prefix + "/")
    }
