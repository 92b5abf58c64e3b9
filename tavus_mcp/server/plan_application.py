"""Carrying out a plan, whatever it is a plan of."""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.checker.check import PRIVATE_URLS
from tavus_mcp.concurrency import ProgressCallback
from tavus_mcp.fleet import apply
from tavus_mcp.history.revivals import REVIVES
from tavus_mcp.models.receipt import PlanReceipt, Receipt
from tavus_mcp.personas import create, delete, plans
from tavus_mcp.personas.create import CreateRequest
from tavus_mcp.personas.update import from_plan, update


async def apply_plan(app: App, plan_id: str, report_progress: ProgressCallback) -> PlanReceipt:
    """Carry out exactly one plan, once; a bulk plan goes on where it was left.

    Raises ``Refused`` when it is unknown, expired or used, ``Conflict`` when the persona changed.
    """
    plan = await plans.load_applicable_plan(app, plan_id)
    receipt: Receipt
    match plan.kind:
        case plans.BULK:
            return await apply.apply_bulk_plan(app, plan, report_progress)
        case "create":
            body = plans.body_of(plan)
            revives = plan.detail.get(REVIVES, "")
            request = CreateRequest(
                body, tool=plan.tool, plan=plan, allow=PRIVATE_URLS, revives=revives
            )
            receipt = await create.create(app, request)
        case "delete":
            deletion = delete.DeleteRequest(plan.persona_id, plan.revision, plan)
            receipt = await delete.delete(app, deletion)
        case _:
            receipt = await update(app, from_plan(plan))
    return PlanReceipt(**dict(receipt))
