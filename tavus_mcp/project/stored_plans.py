"""Plans of a project for a server: stored in the journal, and carried out by ``apply_plan``.

A plan holds the digest of what was shown. It is made again before it is carried out, and nothing is
written unless it still has this digest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tavus_mcp.app import App
from tavus_mcp.concurrency import ProgressCallback
from tavus_mcp.errors import Refused
from tavus_mcp.models.findings import RuleFinding, info
from tavus_mcp.models.receipt import PlanReceipt
from tavus_mcp.personas import plans
from tavus_mcp.project.apply import ApplyResult
from tavus_mcp.project.plan import PlanOptions, ProjectPlan
from tavus_mcp.project.session import ProjectSession, open_session, require_digest

TOOL = "plan_project"


@dataclass(frozen=True)
class StoredProjectPlan:
    """A plan with its id in the journal; without one if there is nothing that can be done."""

    plan: ProjectPlan
    plan_id: str = ""
    expires_at: str = ""


def open_own_session(app: App) -> ProjectSession:
    """Return the project that the server was started with, read anew.

    Raises ``Refused`` without one, ``InvalidProject`` for mistakes in its files.
    """
    if app.project is None:
        raise Refused("This server was started without --project DIR.")
    return open_session(app, app.project.folder, app.project.environment)


async def store_project_plan(
    app: App, options: PlanOptions, report_progress: ProgressCallback
) -> StoredProjectPlan:
    """Plan an apply of the project, and store the plan if it can be carried out."""
    planned = await open_own_session(app).plan(options, report_progress)
    if planned.plan.conflicts or not planned.plan.items:
        return StoredProjectPlan(planned.plan)
    detail = {
        "environment": planned.plan.environment,
        "digest": planned.plan.digest,
        "resolve": options.resolve,
        "prune": options.prune,
    }
    stored = await plans.store_plan(app, plans.Plan(plans.PROJECT, TOOL, "", "", detail))
    return StoredProjectPlan(planned.plan, stored.plan_id, stored.expires_at)


async def apply_stored_plan(
    app: App, plan_id: str, report_progress: ProgressCallback
) -> PlanReceipt | None:
    """Carry out a plan of the project, once; None if the plan is of another kind.

    Raises ``Conflict`` when files or the account have changed since, and the first error of a
    write if nothing was written.
    """
    plan = await plans.load_plan(app, plan_id)
    if plan.kind != plans.PROJECT:
        return None
    if plan.tool != TOOL:
        raise Refused(
            f"{plan_id} is a run of an apply, and no plan. In the folder of the project, "
            f"tavus-mcp undo {plan_id} takes it back."
        )
    plan = await plans.load_applicable_plan(app, plan_id)
    session = open_own_session(app)
    options = PlanOptions(plan.detail["resolve"], plan.detail["prune"])
    if plan.detail["environment"] != session.environment.name:
        raise Refused(f"This plan is for environment {plan.detail['environment']!r}.")
    planned = await session.plan(options, report_progress)
    require_digest(planned, plan.detail["digest"])
    await plans.mark_used(app, plan)
    result = await session.apply(planned, options, report_progress)
    if result.errors and len(result.errors) == len(result.items):
        raise result.errors[0]
    return _build_receipt(session, plan_id, result)


def _build_receipt(session: ProjectSession, plan_id: str, result: ApplyResult) -> PlanReceipt:
    rows = [
        {
            "object": str(item.name),
            "action": item.action.value,
            "id": item.object_id or None,
            **({"error": str(item.error)} if item.error else {}),
        }
        for item in result.items
    ]
    totals = Counter("failed" if item.error else item.action.value for item in result.items)
    is_complete = not result.errors and not result.remaining_count
    return PlanReceipt(
        status="applied" if is_complete else "partial",
        findings=list(_next_steps(session, result, is_complete=is_complete)),
        plan_id=plan_id,
        personas=rows,
        totals={**totals, **({"left": result.remaining_count} if result.remaining_count else {})},
    )


def _next_steps(
    session: ProjectSession, result: ApplyResult, *, is_complete: bool
) -> list[RuleFinding]:
    undo = f"tavus-mcp undo {result.run_id} --env {session.environment.name}"
    findings = [info("undo-run", f"In the folder of the project, {undo} takes all of it back.")]
    if not is_complete:
        findings.append(info("not-all-done", "plan_project plans what is left."))
    return findings
