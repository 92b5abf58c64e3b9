"""Apply a bulk plan persona by persona, each once, and resume it where it was interrupted.

Every item goes through the one write path with a claim, an intent and an outcome of its own, so the
journal alone tells what is left to do, even after a cancellation or a crash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.concurrency import ProgressCallback, ProgressReporter
from tavus_mcp.deadlines import has_time_for_more
from tavus_mcp.errors import (
    InvalidKey,
    JournalUnavailable,
    NotConfigured,
    NotFound,
    OutOfCredits,
    PlanAlreadyApplied,
    RateLimited,
    Refused,
    ToolFailure,
    Unavailable,
)
from tavus_mcp.fleet import plan_items
from tavus_mcp.fleet.finding_summary import FindingSummary
from tavus_mcp.fleet.plan_items import (
    ACCEPTED_STATUSES,
    DELETE,
    RESTORE,
    TOOL,
    PlanItem,
    PlanItemProgress,
    load_progress,
    read_items,
)
from tavus_mcp.history.cancelled_writes import has_taken_effect
from tavus_mcp.history.record import WriteOrigin, record_outcome
from tavus_mcp.history.revivals import revived_id
from tavus_mcp.history.states import is_at_revision
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import Finding, RuleFinding, info, warning
from tavus_mcp.models.receipt import PlanReceipt, Receipt, Undo
from tavus_mcp.personas import plans
from tavus_mcp.personas.delete import DeleteRequest, delete
from tavus_mcp.personas.restore import RestoreRequest, restore
from tavus_mcp.personas.update import from_plan, update
from tavus_mcp.text import count_personas, truncate

MAX_CONCURRENT_PERSONAS = 4
"""Personas that are changed concurrently; each takes three requests, one after the other."""
MAX_PERSONA_ROWS = 100
"""Most rows of personas; beyond it the successful ones are only counted."""
MAX_FINDINGS = 8
"""Most findings in a receipt; audit_personas returns all."""
_MAX_TOTAL_ERROR_CHARS, _MIN_ERROR_CHARS = 8_000, 240
"""Length of the errors of all rows together, and what each row gets at least."""
_DONE_STATUSES = ACCEPTED_STATUSES | {"done before"}
_UNDOABLE_TOTALS = ("applied", "unverified", "done_before")
_FATAL_ERRORS = (InvalidKey, OutOfCredits, RateLimited, NotConfigured, JournalUnavailable)
_PLAN_OF_ITS_OWN = (
    "Tavus does not confirm that this persona is unedited. apply_plan(plan_id={!r}) writes "
    "without that check."
)


@dataclass
class _Run:
    """One run through the items of a plan: the rows of the receipt, and the error that ended it."""

    app: App
    items: list[PlanItem]
    progress_by_persona: dict[str, PlanItemProgress]
    reporter: ProgressReporter
    rows: dict[int, JsonObject] = field(default_factory=dict)
    findings: dict[str, Sequence[Finding]] = field(default_factory=dict)
    stop_error: ToolFailure | None = None
    is_time_over: bool = False
    consecutive_lost_answers: int = 0

    def item_numbers(self) -> Iterator[int]:
        """Yield the index of one item after the other, until an error or the time ends the run."""
        for number in range(len(self.items)):
            self.is_time_over = bool(number) and not has_time_for_more()
            if self.stop_error or self.is_time_over:
                return
            yield number

    async def apply_item(self, number: int) -> None:
        """Apply one item and add its row; a write that has started is completed if cancelled."""
        item = self.items[number]

        async def work(on_started: concurrency.StartCallback) -> None:
            try:
                fields = await self._apply(item, on_started)
                self.consecutive_lost_answers = 0
            except ToolFailure as error:
                fields = self._record_failure(error)
            name = item.persona_name or None
            self.rows[number] = {"persona_id": item.persona_id, "persona_name": name, **fields}

        await concurrency.shield_once_started(work)
        await self.reporter.advance(len(self.items))

    async def _apply(self, item: PlanItem, on_started: concurrency.StartCallback) -> JsonObject:
        if item.plan.kind == RESTORE and (new_id := await revived_id(self.app, item.persona_id)):
            return {"status": "done before", "new_id": new_id}
        progress = self.progress_by_persona.get(item.persona_id)
        if progress is not None and progress.outcome is not None and progress.is_applied:
            return {"status": "done before", "revision": progress.outcome.revision}
        if progress is not None and not progress.is_void:
            resolved = await _resolve_lost_answer(self.app, item, progress)
            if resolved is not None:
                return resolved
        previous_use_seq = progress.last_use_seq if progress else 0
        plan = replace(item.plan, on_started=on_started, previous_use_seq=previous_use_seq)
        receipt = await _carry_out(self.app, plan)
        if receipt.status != "planned":  # else they come with the plan of its own
            self.findings[item.persona_id] = receipt.findings
        row: JsonObject = {"status": receipt.status, "revision": receipt.revision}
        if plan.kind == RESTORE:
            row["new_id"] = receipt.persona_id
        if receipt.status in ("drafted", "planned"):
            row["plan_id"] = receipt.plan_id
        if receipt.status == "planned":  # Tavus refuses to check for edits by others
            row["error"] = f"Not written. {_PLAN_OF_ITS_OWN.format(receipt.plan_id)}"
        return row

    def summarize_findings(self) -> FindingSummary:
        """Return the findings of the receipts, in the order of the plan."""
        summary = FindingSummary()
        for item in self.items:
            summary.add(item.persona_id, self.findings.get(item.persona_id, ()))
        return summary

    def _record_failure(self, error: ToolFailure) -> JsonObject:
        """Return the fields of a failed item; an error that concerns every item stops the run.

        One lost answer may be due to one persona; several in a row are not.
        """
        is_lost = isinstance(error, Unavailable) or isinstance(error.__cause__, Unavailable)
        self.consecutive_lost_answers = self.consecutive_lost_answers + 1 if is_lost else 0
        if (
            isinstance(error, _FATAL_ERRORS)
            or self.consecutive_lost_answers >= MAX_CONCURRENT_PERSONAS
        ):
            self.stop_error = self.stop_error or error
        if isinstance(error, PlanAlreadyApplied):
            return {"status": "skipped", "error": "Another call is applying this part."}
        return {"status": "failed", "error": str(error)}


async def apply_bulk_plan(
    app: App, plan: plans.Plan, report_progress: ProgressCallback
) -> PlanReceipt:
    """Apply what is left of a bulk plan.

    Raises ``PlanAlreadyApplied`` when nothing is left, ``Refused`` while another call applies it,
    and the error that stopped the run if no item is applied.
    """
    if plan.plan_id in app.running_plans:
        raise Refused("Another call is applying this plan right now. Wait for its answer.")
    progress = await load_progress(app, plan)
    run = _Run(app, read_items(plan), progress, ProgressReporter(report_progress))
    if all(
        item.persona_id in progress and progress[item.persona_id].is_applied for item in run.items
    ):
        raise PlanAlreadyApplied
    app.running_plans.add(plan.plan_id)
    try:
        await concurrency.for_each(
            run.item_numbers(), run.apply_item, max_concurrent=MAX_CONCURRENT_PERSONAS
        )
    finally:
        app.running_plans.discard(plan.plan_id)
    if run.stop_error and not any(map(_is_done, run.rows.values())):
        raise run.stop_error
    return _build_receipt(plan, run)


async def _carry_out(app: App, plan: plans.Plan) -> Receipt:
    """Carry out the plan of one item; a restoration has a claim of its own (``create``)."""
    match plan.kind:
        case plan_items.DELETE:
            return await delete(app, DeleteRequest(plan.persona_id, plan.revision, plan))
        case plan_items.RESTORE:
            accepted = replace(app, protected=False)  # a person accepted this plan
            origin = WriteOrigin(detail={plan_items.RESTORED_BY: plan.plan_id})
            request = RestoreRequest(plan.persona_id, plan.revision, origin=origin)
            return await restore(accepted, request)
    return await update(app, from_plan(plan))


async def _resolve_lost_answer(
    app: App, item: PlanItem, item_progress: PlanItemProgress
) -> JsonObject | None:
    """Return the outcome of a request whose answer was lost; None if it may be sent again.

    It may while the persona has the planned revision: the request has not taken effect, and if it
    did now, the tests in the second one would fail. A restoration looks for what it created itself.
    """
    if item.plan.kind == RESTORE:
        return None
    try:
        current = await app.api.get_persona(item.persona_id)
    except NotFound:
        if item.plan.kind != DELETE or item_progress.intent is None:
            raise
        await record_outcome(app, item_progress.intent, "applied")
        return {"status": "done before"}
    if item_progress.intent is not None and has_taken_effect(app, item_progress.intent, current):
        app.cancelled_writes.pop(item.persona_id, None)
        await record_outcome(app, item_progress.intent, "applied", current)
        return {"status": "done before", "revision": current.revision}
    if await is_at_revision(app, current, item.plan.revision):
        return None
    return {
        "status": "failed",
        "error": "It was sent before without an answer, and the persona has changed since. It is "
        "not known who changed it. Look with list_revisions and get_persona.",
    }


def _is_done(row: JsonObject) -> bool:
    return row["status"] in _DONE_STATUSES


def _build_receipt(plan: plans.Plan, run: _Run) -> PlanReceipt:
    rows = [run.rows[number] for number in sorted(run.rows)]
    totals = Counter(str(row["status"]).replace(" ", "_") for row in rows)
    remaining_count = len(run.items) - len(rows)
    is_complete = not remaining_count and all(map(_is_done, rows))
    undo = None
    if any(totals[name] for name in _UNDOABLE_TOTALS):
        undo = Undo(tool=TOOL, arguments={"undo_of": plan.plan_id})
    facts: dict[str, Any] = {
        "status": _overall_status(totals) if is_complete else "partial",
        "changes": None,
        "findings": [
            *_continuation_findings(plan, run, remaining_count),
            *_omitted_rows_findings(rows),
            *run.summarize_findings().findings(MAX_FINDINGS),
        ],
        "plan_id": plan.plan_id,
        "personas": _truncate_errors(_select_rows(rows)),
        "totals": {**totals, **({"left": remaining_count} if remaining_count else {})},
        "undo": undo,
    }
    return PlanReceipt.model_validate(facts)


def _overall_status(totals: Counter[str]) -> str:
    """Return the status of a completed plan: the first of these that a persona has."""
    return next((name for name in ("drafted", "unverified") if totals[name]), "applied")


def _select_rows(rows: list[JsonObject]) -> list[JsonObject]:
    """Return at most ``MAX_PERSONA_ROWS`` rows in their order; those not done come first."""
    done_budget = MAX_PERSONA_ROWS - sum(not _is_done(row) for row in rows)
    selected = []
    for row in rows:
        if _is_done(row):
            done_budget -= 1
            if done_budget < 0:
                continue
        selected.append(row)
    return selected[:MAX_PERSONA_ROWS]


def _truncate_errors(rows: list[JsonObject]) -> list[JsonObject]:
    """Truncate the errors of many rows; those of few stay whole."""
    error_count = sum("error" in row for row in rows)
    max_chars = max(_MIN_ERROR_CHARS, _MAX_TOTAL_ERROR_CHARS // max(1, error_count))
    return [
        {**row, "error": truncate(row["error"], max_chars)} if "error" in row else row
        for row in rows
    ]


def _omitted_rows_findings(rows: list[JsonObject]) -> list[RuleFinding]:
    if len(rows) <= MAX_PERSONA_ROWS:
        return []
    message = f"{MAX_PERSONA_ROWS} of {len(rows)} personas are listed; totals count all."
    return [info("rows-left-out", message)]


def _continuation_findings(plan: plans.Plan, run: _Run, remaining_count: int) -> list[RuleFinding]:
    hint = f"apply_plan(plan_id={plan.plan_id!r}) continues with those that are not done."
    if run.stop_error:
        message = f"Stopped; left: {count_personas(remaining_count)}. {run.stop_error}"
        return [RuleFinding(severity="error", path="", message=message, hint=hint, rule="stopped")]
    if run.is_time_over and remaining_count:
        message = f"The time for one call is over. Left: {count_personas(remaining_count)}."
        return [warning("time-over", message, hint=hint)]
    failed = [row for row in run.rows.values() if not _is_done(row)]
    if not failed:
        return []
    message = f"Not done: {count_personas(len(failed))}. Each row says why."
    hint = f"{hint} A persona that was edited since needs a new plan."
    if all(row["status"] == "planned" for row in failed):
        hint = "Show these plans to the person; after a clear yes apply_plan takes each row's."
    return [warning("not-all-done", message, hint=hint)]
