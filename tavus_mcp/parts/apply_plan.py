"""Carry out a stored plan of any kind: of one persona or many, or of a part."""

from __future__ import annotations

from typing import cast

from tavus_mcp.app import App
from tavus_mcp.checker.check import PRIVATE_URLS
from tavus_mcp.concurrency import ProgressCallback
from tavus_mcp.errors import Refused
from tavus_mcp.fleet.apply import apply_bulk_plan
from tavus_mcp.history.revivals import REVIVES
from tavus_mcp.models.document import PartKindName
from tavus_mcp.models.receipt import PlanReceipt, Receipt
from tavus_mcp.parts.delete import build_deletion
from tavus_mcp.parts.revive import REVIVAL, apply_revival
from tavus_mcp.parts.rules import RULES
from tavus_mcp.personas import create, delete, plans, publish, update
from tavus_mcp.personas.write_rules import PERSONA_RULES


async def apply_plan(app: App, plan_id: str, report_progress: ProgressCallback) -> PlanReceipt:
    """Carry out a plan, once.

    Raises ``Refused`` when there is no such plan, or it cannot be applied any more, and the errors
    of the write that it describes.
    """
    plan = await plans.load_applicable_plan(app, plan_id)
    is_part = plan.object_kind != "persona"
    rules = RULES[cast("PartKindName", plan.object_kind)] if is_part else PERSONA_RULES
    receipt: Receipt
    match plan.kind:
        case plans.BULK:
            return await apply_bulk_plan(app, plan, report_progress)
        case kind if kind == REVIVAL:
            return await apply_revival(app, plan, report_progress)
        case "create":
            creation = create.CreateRequest(
                plans.body_of(plan),
                tool=plan.tool,
                plan=plan,
                allow=PRIVATE_URLS,
                revives=plan.detail.get(REVIVES, ""),
                rules=rules,
            )
            receipt = await create.create(app, creation)
        case "delete":
            deletion = delete.DeleteRequest(plan.object_id, plan.revision, plan)
            if is_part:
                deletion = await build_deletion(app, plan)
            receipt = await delete.delete(app, deletion)
        case plans.PROJECT:
            raise Refused(
                "This is a plan of a project. A server that is started with --project DIR and the "
                "command tavus-mcp apply in its folder carry it out."
            )
        case plans.PUBLICATION:
            receipt = await publish.publish(app, plan)
        case _:
            receipt = await update.update(app, update.from_plan(plan, rules))
    return PlanReceipt(**dict(receipt))
