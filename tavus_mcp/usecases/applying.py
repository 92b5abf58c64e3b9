"""Carrying out a plan, whatever it is a plan of."""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.models.receipt import PlanReceipt, Receipt
from tavus_mcp.usecases import creating, deleting, plans
from tavus_mcp.usecases.checking import PRIVATE_URLS
from tavus_mcp.usecases.creating import NewPersona
from tavus_mcp.usecases.editing import edit, planned
from tavus_mcp.usecases.fleet import carrying
from tavus_mcp.usecases.fleet.progress import Tell


async def apply_plan(app: App, plan_id: str, tell: Tell) -> PlanReceipt:
    """Carry out exactly one plan, once; a bulk plan goes on where it was left.

    Raises ``Refused`` when it is unknown, expired or used, ``Conflict`` when the persona changed.
    """
    plan = await plans.find(app, plan_id)
    if plan.kind == plans.BULK:
        return await carrying.carry_out(app, plan, tell)
    return PlanReceipt(**dict(await _single(app, plan)))


async def _single(app: App, plan: plans.Plan) -> Receipt:
    if plan.kind == "create":
        asked = NewPersona(
            plans.body_of(plan),
            tool=plan.tool,
            plan=plan,
            allow=PRIVATE_URLS,
            revives=plan.detail.get("revives", ""),
        )
        return await creating.create(app, asked)
    if plan.kind == "delete":
        return await deleting.delete(app, deleting.Deletion(plan.persona_id, plan.revision, plan))
    return await edit(app, planned(plan))
