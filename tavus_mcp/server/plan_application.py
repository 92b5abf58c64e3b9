"""Carrying out a plan, whatever it is a plan of."""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.checker.check import PRIVATE_URLS
from tavus_mcp.concurrency import Tell
from tavus_mcp.fleet import apply
from tavus_mcp.history import record
from tavus_mcp.models.receipt import PlanReceipt, Receipt
from tavus_mcp.personas import create, delete, plans
from tavus_mcp.personas.create import NewPersona
from tavus_mcp.personas.update import edit, planned


async def apply_plan(app: App, plan_id: str, tell: Tell) -> PlanReceipt:
    """Carry out exactly one plan, once; a bulk plan goes on where it was left.

    Raises ``Refused`` when it is unknown, expired or used, ``Conflict`` when the persona changed.
    """
    plan = await plans.find(app, plan_id)
    receipt: Receipt
    match plan.kind:
        case plans.BULK:
            return await apply.carry_out(app, plan, tell)
        case "create":
            body = plans.body_of(plan)
            revives = plan.detail.get(record.REVIVES, "")
            asked = NewPersona(body, tool=plan.tool, plan=plan, allow=PRIVATE_URLS, revives=revives)
            receipt = await create.create(app, asked)
        case "delete":
            deletion = delete.Deletion(plan.persona_id, plan.revision, plan)
            receipt = await delete.delete(app, deletion)
        case _:
            receipt = await edit(app, planned(plan))
    return PlanReceipt(**dict(receipt))
