"""Carry out a stored plan of any kind: of one persona or of many."""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.checker.check import PRIVATE_URLS
from tavus_mcp.concurrency import ProgressCallback
from tavus_mcp.fleet.apply import apply_bulk_plan
from tavus_mcp.history.revivals import REVIVES
from tavus_mcp.models.receipt import PlanReceipt, Receipt
from tavus_mcp.personas import create, delete, plans, publish, update


async def apply_plan(app: App, plan_id: str, report_progress: ProgressCallback) -> PlanReceipt:
    """Carry out a plan, once.

    Raises ``Refused`` when there is no such plan, or it cannot be applied any more, and the errors
    of the write that it describes.
    """
    plan = await plans.load_applicable_plan(app, plan_id)
    receipt: Receipt
    match plan.kind:
        case plans.BULK:
            return await apply_bulk_plan(app, plan, report_progress)
        case "create":
            creation = create.CreateRequest(
                plans.body_of(plan),
                tool=plan.tool,
                plan=plan,
                allow=PRIVATE_URLS,
                revives=plan.detail.get(REVIVES, ""),
            )
            receipt = await create.create(app, creation)
        case "delete":
            deletion = delete.DeleteRequest(plan.persona_id, plan.revision, plan)
            receipt = await delete.delete(app, deletion)
        case plans.PUBLICATION:
            receipt = await publish.publish(app, plan)
        case _:
            receipt = await update.update(app, update.from_plan(plan))
    return PlanReceipt(**dict(receipt))
