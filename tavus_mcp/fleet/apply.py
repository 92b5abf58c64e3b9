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
from tavus_mcp.fleet.finding_summary import FindingSummary
from tavus_mcp.fleet.plan_items import (
    TOOL,
    PlanItem,
    PlanItemProgress,
    load_progress,
    read_items,
    shorten,
)
from tavus_mcp.history.cancelled_writes import has_taken_effect
from tavus_mcp.history.record import record_outcome
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.receipt import PlanReceipt, Undo
from tavus_mcp.personas import plans
from tavus_mcp.personas.update import from_plan, update

MAX_CONCURRENT_PERSONAS = 4
"""Personas that are changed at once; each takes three requests, one after the other."""
MAX_PERSONA_ROWS = 100
"""Personas that are told one by one; of more, those that did well are only counted."""
MAX_FINDINGS = 8
"""Rules that are told beside a plan; audit_personas tells all."""
_MAX_TOTAL_REASON_CHARS, _MIN_REASON_CHARS = 8_000, 240
"""Characters for the reasons of all rows together, and what each may have at least."""
_DONE_STATUSES = frozenset({"applied", "unchanged", "done before"})
_FATAL_ERRORS = (InvalidKey, RateLimited, NotConfigured, JournalUnavailable)


@dataclass
class _Run:
    """One run through the parts of a plan: what was done, and why it ended early, if it did."""

    app: App
    items: list[PlanItem]
    progress_by_persona: dict[str, PlanItemProgress]
    reporter: ProgressReporter
    rows: dict[int, JsonObject] = field(default_factory=dict)
    finding_summary: FindingSummary = field(default_factory=FindingSummary)
    stop_error: ToolFailure | None = None
    consecutive_lost_answers: int = 0

    async def item_numbers(self) -> AsyncIterator[int]:
        """Yield the number of one part after the other, until something stands against all."""
        for number in range(len(self.items)):
            if self.stop_error:
                return
            yield number

    async def apply_item(self, number: int) -> None:
        """Carry out one part, whatever comes of it; what was begun is finished."""
        part = self.items[number]

        async def work(begun: concurrency.StartCallback) -> None:
            try:
                told = await self._apply_update(part, begun)
                self.consecutive_lost_answers = 0
            except ToolFailure as error:
                told = self._record_failure(error)
            name = part.persona_name or None
            self.rows[number] = {"persona_id": part.persona_id, "persona_name": name, **told}

        await concurrency.shield_once_started(work)
        await self.reporter.advance(len(self.items))

    async def _apply_update(
        self, item: PlanItem, on_started: concurrency.StartCallback
    ) -> JsonObject:
        trace = self.progress_by_persona.get(item.persona_id)
        if trace is not None and trace.outcome is not None and trace.is_applied:
            return {"status": "done before", "revision": trace.outcome.revision}
        if trace is not None and not trace.is_void:
            found = await _resolve_lost_part(self.app, item, trace)
            if found is not None:
                return found
        claimed = trace.last_use_seq if trace else 0
        plan = replace(item.plan, on_started=on_started, previous_use_seq=claimed)
        receipt = await update(self.app, from_plan(plan))
        self.finding_summary.add(item.persona_id, receipt.findings)
        return {"status": receipt.status, "revision": receipt.revision}

    def _record_failure(self, error: ToolFailure) -> JsonObject:
        """Tell what went wrong with one; what would go wrong with all ends the run.

        One answer that does not come may be the matter of one persona; several in a row are not.
        """
        lost = isinstance(error, Unavailable) or isinstance(error.__cause__, Unavailable)
        self.consecutive_lost_answers = self.consecutive_lost_answers + 1 if lost else 0
        if (
            isinstance(error, _FATAL_ERRORS)
            or self.consecutive_lost_answers >= MAX_CONCURRENT_PERSONAS
        ):
            self.stop_error = self.stop_error or error
        if isinstance(error, PlanAlreadyApplied):
            return {"status": "skipped", "error": "Another call is carrying this part out."}
        return {"status": "failed", "error": str(error)}


async def apply_bulk_plan(
    app: App, plan: plans.Plan, report_progress: ProgressCallback
) -> PlanReceipt:
    """Carry out what is left of a bulk plan.

    Raises ``Taken`` when nothing is left, ``Refused`` while another call is at it, and what stands
    against every part when none was carried out yet.
    """
    if plan.plan_id in app.running_plans:
        raise Refused("This plan is being carried out right now. Wait for the answer of that call.")
    traces = await load_progress(app, plan)
    run = _Run(app, read_items(plan), traces, ProgressReporter(report_progress))
    if all(part.persona_id in traces and traces[part.persona_id].is_applied for part in run.items):
        raise PlanAlreadyApplied
    app.running_plans.add(plan.plan_id)
    try:
        await concurrency.for_each(
            run.item_numbers(), run.apply_item, max_concurrent=MAX_CONCURRENT_PERSONAS
        )
    finally:
        app.running_plans.discard(plan.plan_id)
    if run.stop_error and not any(row["status"] in _DONE_STATUSES for row in run.rows.values()):
        raise run.stop_error
    return _build_receipt(plan, run)


async def _resolve_lost_part(
    app: App, item: PlanItem, item_progress: PlanItemProgress
) -> JsonObject | None:
    """Tell what became of a request whose answer nobody heard; None when it may be sent again.

    It may while the persona is as the plan found it: the request has not taken effect, and were it
    to do so now, the tests of the second one would fail.
    """
    now = await app.api.get_persona(item.persona_id)
    if item_progress.intent is not None and has_taken_effect(app, item_progress.intent, now):
        app.cancelled_writes.pop(item.persona_id, None)
        await record_outcome(app, item_progress.intent, "applied", now)
        return {"status": "done before", "revision": now.revision}
    if now.revision == item.plan.revision:
        return None
    return {
        "status": "failed",
        "error": "It was sent before without an answer, and the persona has changed since; by whom "
        "is not known. Look with list_revisions and get_persona.",
    }


def _build_receipt(plan: plans.Plan, run: _Run) -> PlanReceipt:
    rows = [run.rows[number] for number in sorted(run.rows)]
    totals = Counter(str(row["status"]).replace(" ", "_") for row in rows)
    left = len(run.items) - len(rows)
    whole = not left and all(row["status"] in _DONE_STATUSES for row in rows)
    undo = Undo(tool=TOOL, arguments={"undo_of": plan.plan_id})
    facts: dict[str, Any] = {
        "status": "applied" if whole else "partial",
        "changes": None,
        "findings": [
            *_continuation_findings(plan, run, left),
            *_omitted_rows_findings(rows),
            *run.finding_summary.findings(MAX_FINDINGS),
        ],
        "plan_id": plan.plan_id,
        "personas": _select_rows(rows),
        "totals": {**totals, **({"left": left} if left else {})},
        "undo": undo if totals["applied"] or totals["done_before"] else None,
    }
    return PlanReceipt.model_validate(facts)


def _select_rows(rows: list[JsonObject]) -> list[JsonObject]:
    """Show every persona of a few; of many those that need a look, and then the others."""
    room = MAX_PERSONA_ROWS - sum(1 for row in rows if row["status"] not in _DONE_STATUSES)
    shown = []
    for row in rows:
        if row["status"] in _DONE_STATUSES:
            room -= 1
            if room < 0:
                continue
        shown.append(row)
    return _shorten_reasons(shown[:MAX_PERSONA_ROWS])


def _shorten_reasons(rows: list[JsonObject]) -> list[JsonObject]:
    """Cut what went wrong with many, so that all of it stays readable; of few it is told whole."""
    count = sum("error" in row for row in rows)
    most = max(_MIN_REASON_CHARS, _MAX_TOTAL_REASON_CHARS // max(1, count))
    return [
        {**row, "error": shorten(row["error"], most)} if "error" in row else row for row in rows
    ]


def _omitted_rows_findings(rows: list[JsonObject]) -> list[RuleFinding]:
    if len(rows) <= MAX_PERSONA_ROWS:
        return []
    told = f"{MAX_PERSONA_ROWS} of {len(rows)} personas are told one by one; totals count all."
    return [RuleFinding(severity="info", path="", message=told, rule="rows-left-out")]


def _continuation_findings(plan: plans.Plan, run: _Run, remaining_count: int) -> list[RuleFinding]:
    again = f"apply_plan(plan_id={plan.plan_id!r}) goes on with those that are not done."
    if run.stop_error:
        told = f"Stopped, {remaining_count} personas were not reached: {run.stop_error}"
        return [RuleFinding(severity="error", path="", message=told, hint=again, rule="stopped")]
    undone = sum(1 for row in run.rows.values() if row["status"] not in _DONE_STATUSES)
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
