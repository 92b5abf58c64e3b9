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
from tavus_mcp.fleet.audit import read
from tavus_mcp.fleet.plan_items import TOOL, Part, Propose, Proposed, bulk_plan, shortened
from tavus_mcp.fleet.selection import Roll, Selection
from tavus_mcp.history import record
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.receipt import FieldChange, changes_of
from tavus_mcp.personas import plans
from tavus_mcp.personas.restore import NOT_RESTORED
from tavus_mcp.personas.update import UpdateRequest, compute_update
from tavus_mcp.text import suggestion_or_period

_RULES = frozenset({*(rule.name for rule in RULES), *schema_check.SCHEMA_RULES})
_STOCK = "A stock persona of Tavus cannot be edited; create_persona(based_on=...) copies it."
_UNFIT = frozenset({"refused", "unreadable", "not_editable"})
_NAME = 80
"""Characters of a persona's name that a plan keeps and tells."""
_TOLD = 5
"""Reasons that are told when all personas are refused."""


@dataclass(frozen=True)
class Wanted:
    """Which personas are to be changed, how, and at most how many of them."""

    selection: Selection
    propose: Propose
    finding: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Planned:
    """One persona of the plan: its part, and what is shown of it."""

    part: Part
    changes: Sequence[FieldChange]
    findings: Sequence[Finding]


@dataclass(frozen=True)
class Skipped:
    """A persona that is meant but not in the plan: why in one word, and in a sentence."""

    kind: str
    persona_id: str
    reason: str


@dataclass
class Draft:
    """A plan in the making; ``stored`` is the plan when there is anything to do."""

    planned: list[Planned] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    stopped: str = ""
    limited: bool = False
    stored: plans.Plan | None = None


async def plan(app: App, wanted: Wanted, tell: ProgressCallback) -> Draft:
    """Work out the change of every persona that is meant, and write all of them down as one plan.

    Raises ``InvalidArgument`` for a finding of no rule, and the errors of the API when the list
    cannot be read.
    """
    if wanted.finding is not None and wanted.finding not in _RULES:
        raise InvalidArgument(
            [
                f"/finding: no rule of this name{suggestion_or_period(wanted.finding, _RULES)} "
                f"audit_personas "
                "tells the names."
            ]
        )
    roll, progress = Roll(app, wanted.selection), ProgressReporter(tell)
    looked_at: dict[str, Planned | Skipped | None] = {}
    await roll.turn_page()

    async def look(persona_id: str) -> None:
        looked_at[persona_id] = None  # the order of the list is the order of the plan
        found = looked_at[persona_id] = await _looked_at(app, wanted, roll, persona_id)
        if isinstance(found, Planned) and wanted.limit is not None:
            count = sum(isinstance(item, Planned) for item in looked_at.values())
            roll.enough = count >= wanted.limit
        await progress.advance(roll.total)

    await concurrency.for_each(roll.ids(), look)
    return await _stored(app, wanted, roll, list(looked_at.values()))


async def _looked_at(
    app: App, wanted: Wanted, roll: Roll, persona_id: str
) -> Planned | Skipped | None:
    """Return what is planned for one persona, why it is left out, or None: it is not meant."""
    document = await read(app, persona_id)
    roll.heard(document if isinstance(document, TavusError) else None)
    if isinstance(document, TavusError):
        return Skipped("unreadable", persona_id, str(document))
    if not wanted.selection.fits(document.data) or not _has(app, document, wanted.finding):
        return None
    if document.data.get("persona_type") == "system":
        return Skipped("not_editable", persona_id, _STOCK)
    try:
        return await _worked_out(app, wanted, document)
    except Refused as error:
        return Skipped("refused", persona_id, str(error))


def _has(app: App, document: PersonaDocument, finding: str | None) -> bool:
    return finding is None or any(
        item.rule == finding for item in check.check(document, app.catalog)
    )


async def _worked_out(app: App, wanted: Wanted, document: PersonaDocument) -> Planned | Skipped:
    persona_id = document.persona_id
    proposed = await wanted.propose(document)
    asked = UpdateRequest(
        TOOL,
        persona_id,
        proposed.change,
        allow=proposed.allow,
        findings=proposed.remarks,
        keep_legacy_spelling=proposed.verbatim,
    )
    _, operations, findings = compute_update(app, document, asked)
    if not operations:
        return _left_alone(persona_id, proposed)
    await record.record_observed(app, document)
    name = shortened(app.masker.mask_text(document.name), _NAME)
    part = Part(name, plans.build_change_plan(app, TOOL, document, operations))
    return Planned(part, changes_of(document.data, operations, app.masker), findings)


def _left_alone(persona_id: str, proposed: Proposed) -> Skipped:
    """Say why there is nothing to do: what cannot come back is not so already."""
    lost = [item for item in proposed.remarks if item.rule == NOT_RESTORED]
    if lost:
        told = "; ".join(f"{item.path}: {item.message}" for item in lost)
        return Skipped("refused", persona_id, told)
    return Skipped("already_so", persona_id, "It is so already.")


async def _stored(
    app: App, wanted: Wanted, roll: Roll, found: Sequence[Planned | Skipped | None]
) -> Draft:
    planned = [item for item in found if isinstance(item, Planned)]
    skipped = [item for item in found if isinstance(item, Skipped)]
    draft = Draft(planned[: wanted.limit], skipped, roll.stopped, roll.enough)
    _refuse_when_all_are(draft)
    if draft.planned:
        bulk = bulk_plan([item.part for item in draft.planned])
        draft.stored = await plans.store_plan(app, bulk)
    return draft


def _refuse_when_all_are(draft: Draft) -> None:
    """Refuse a change that fits nobody: it is a mistake, not a plan without anything to do."""
    if draft.planned or not draft.skipped or {item.kind for item in draft.skipped} - _UNFIT:
        return
    reasons = Counter(item.reason for item in draft.skipped)
    told = " ".join(f"{reason} ({count} personas)" for reason, count in reasons.most_common(_TOLD))
    raise Refused(f"Nothing can be planned, and nothing was sent. {told}")
