"""Carrying out a bulk plan: persona after persona, each once, and on from where it was left.

Every part goes through the one write path with a claim, an intent and an outcome of its own, so
that the journal alone tells what is still to be done, whoever was cancelled or killed meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.concurrency import ProgressCallback, ProgressReporter
from tavus_mcp.errors import (
    InvalidKey,
    JournalUnavailable,
    NotConfigured,
    PlanAlreadyApplied,
    RateLimited,
    Refused,
    ToolFailure,
    Unavailable,
)
from tavus_mcp.fleet.finding_summary import Tally
from tavus_mcp.fleet.plan_items import TOOL, Part, Trace, parts_of, shortened, traces_of
from tavus_mcp.history import record
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.receipt import PlanReceipt, Undo
from tavus_mcp.personas import plans
from tavus_mcp.personas.update import from_plan, update

AT_ONCE = 4
"""Personas that are changed at once; each takes three requests, one after the other."""
ROWS = 100
"""Personas that are told one by one; of more, those that did well are only counted."""
FINDINGS = 8
"""Rules that are told beside a plan; audit_personas tells all."""
_REASONS, _REASON = 8_000, 240
"""Characters for the reasons of all rows together, and what each may have at least."""
_DONE = frozenset({"applied", "unchanged", "done before"})
_AGAINST_ALL = (InvalidKey, RateLimited, NotConfigured, JournalUnavailable)


@dataclass
class _Run:
    """One run through the parts of a plan: what was done, and why it ended early, if it did."""

    app: App
    parts: list[Part]
    traces: dict[str, Trace]
    progress: ProgressReporter
    rows: dict[int, JsonObject] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    stopped: ToolFailure | None = None
    lost: int = 0

    async def turns(self) -> AsyncIterator[int]:
        """Yield the number of one part after the other, until something stands against all."""
        for number in range(len(self.parts)):
            if self.stopped:
                return
            yield number

    async def take(self, number: int) -> None:
        """Carry out one part, whatever comes of it; what was begun is finished."""
        part = self.parts[number]

        async def work(begun: concurrency.StartCallback) -> None:
            try:
                told = await self._carried(part, begun)
                self.lost = 0
            except ToolFailure as error:
                told = self._failed(error)
            name = part.persona_name or None
            self.rows[number] = {"persona_id": part.persona_id, "persona_name": name, **told}

        await concurrency.shield_once_started(work)
        await self.progress.advance(len(self.parts))

    async def _carried(self, part: Part, begun: concurrency.StartCallback) -> JsonObject:
        trace = self.traces.get(part.persona_id)
        if trace is not None and trace.outcome is not None and trace.settled:
            return {"status": "done before", "revision": trace.outcome.revision}
        if trace is not None and not trace.void:
            found = await _looked_back(self.app, part, trace)
            if found is not None:
                return found
        claimed = trace.last if trace else 0
        plan = replace(part.plan, on_started=begun, previous_use_seq=claimed)
        receipt = await update(self.app, from_plan(plan))
        self.tally.add(part.persona_id, receipt.findings)
        return {"status": receipt.status, "revision": receipt.revision}

    def _failed(self, error: ToolFailure) -> JsonObject:
        """Tell what went wrong with one; what would go wrong with all ends the run.

        One answer that does not come may be the matter of one persona; several in a row are not.
        """
        lost = isinstance(error, Unavailable) or isinstance(error.__cause__, Unavailable)
        self.lost = self.lost + 1 if lost else 0
        if isinstance(error, _AGAINST_ALL) or self.lost >= AT_ONCE:
            self.stopped = self.stopped or error
        if isinstance(error, PlanAlreadyApplied):
            return {"status": "skipped", "error": "Another call is carrying this part out."}
        return {"status": "failed", "error": str(error)}


async def carry_out(app: App, plan: plans.Plan, tell: ProgressCallback) -> PlanReceipt:
    """Carry out what is left of a bulk plan.

    Raises ``Taken`` when nothing is left, ``Refused`` while another call is at it, and what stands
    against every part when none was carried out yet.
    """
    if plan.plan_id in app.running_plans:
        raise Refused("This plan is being carried out right now. Wait for the answer of that call.")
    traces = await traces_of(app, plan)
    run = _Run(app, parts_of(plan), traces, ProgressReporter(tell))
    if all(part.persona_id in traces and traces[part.persona_id].settled for part in run.parts):
        raise PlanAlreadyApplied
    app.running_plans.add(plan.plan_id)
    try:
        await concurrency.for_each(run.turns(), run.take, max_concurrent=AT_ONCE)
    finally:
        app.running_plans.discard(plan.plan_id)
    if run.stopped and not any(row["status"] in _DONE for row in run.rows.values()):
        raise run.stopped
    return _receipt(plan, run)


async def _looked_back(app: App, part: Part, trace: Trace) -> JsonObject | None:
    """Tell what became of a request whose answer nobody heard; None when it may be sent again.

    It may while the persona is as the plan found it: the request has not taken effect, and were it
    to do so now, the tests of the second one would fail.
    """
    now = await app.api.get_persona(part.persona_id)
    if trace.intent is not None and record.has_taken_effect(app, trace.intent, now):
        app.cancelled_writes.pop(part.persona_id, None)
        await record.record_outcome(app, trace.intent, "applied", now)
        return {"status": "done before", "revision": now.revision}
    if now.revision == part.plan.revision:
        return None
    return {
        "status": "failed",
        "error": "It was sent before without an answer, and the persona has changed since; by whom "
        "is not known. Look with list_revisions and get_persona.",
    }


def _receipt(plan: plans.Plan, run: _Run) -> PlanReceipt:
    rows = [run.rows[number] for number in sorted(run.rows)]
    totals = Counter(str(row["status"]).replace(" ", "_") for row in rows)
    left = len(run.parts) - len(rows)
    whole = not left and all(row["status"] in _DONE for row in rows)
    undo = Undo(tool=TOOL, arguments={"undo_of": plan.plan_id})
    facts: dict[str, Any] = {
        "status": "applied" if whole else "partial",
        "changes": None,
        "findings": [
            *_how_to_go_on(plan, run, left),
            *_not_all_told(rows),
            *run.tally.findings(FINDINGS),
        ],
        "plan_id": plan.plan_id,
        "personas": _shown(rows),
        "totals": {**totals, **({"left": left} if left else {})},
        "undo": undo if totals["applied"] or totals["done_before"] else None,
    }
    return PlanReceipt.model_validate(facts)


def _shown(rows: list[JsonObject]) -> list[JsonObject]:
    """Show every persona of a few; of many those that need a look, and then the others."""
    room = ROWS - sum(1 for row in rows if row["status"] not in _DONE)
    shown = []
    for row in rows:
        if row["status"] in _DONE:
            room -= 1
            if room < 0:
                continue
        shown.append(row)
    return _with_short_reasons(shown[:ROWS])


def _with_short_reasons(rows: list[JsonObject]) -> list[JsonObject]:
    """Cut what went wrong with many, so that all of it stays readable; of few it is told whole."""
    count = sum("error" in row for row in rows)
    most = max(_REASON, _REASONS // max(1, count))
    return [
        {**row, "error": shortened(row["error"], most)} if "error" in row else row for row in rows
    ]


def _not_all_told(rows: list[JsonObject]) -> list[RuleFinding]:
    if len(rows) <= ROWS:
        return []
    told = f"{ROWS} of {len(rows)} personas are told one by one; totals count all."
    return [RuleFinding(severity="info", path="", message=told, rule="rows-left-out")]


def _how_to_go_on(plan: plans.Plan, run: _Run, left: int) -> list[RuleFinding]:
    again = f"apply_plan(plan_id={plan.plan_id!r}) goes on with those that are not done."
    if run.stopped:
        told = f"Stopped, {left} personas were not reached: {run.stopped}"
        return [RuleFinding(severity="error", path="", message=told, hint=again, rule="stopped")]
    undone = sum(1 for row in run.rows.values() if row["status"] not in _DONE)
    if not undone:
        return []
    return [
        RuleFinding(
            severity="warning",
            path="",
            message=f"{undone} personas were not changed; each row says why.",
            hint=f"{again} One that was edited since needs a new plan.",
            rule="not-all-done",
        )
    ]
