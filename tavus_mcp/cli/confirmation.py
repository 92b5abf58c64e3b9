"""Carry out plans that need the yes of a person."""

from __future__ import annotations

import argparse

from tavus_mcp.app import App
from tavus_mcp.cli.exit_status import status_of_receipt
from tavus_mcp.cli.output import ExitStatus, fail
from tavus_mcp.cli.project_account import link_revived_persona
from tavus_mcp.cli.receipts import print_receipt, render_receipt, report_receipt
from tavus_mcp.cli.terminal import is_confirmed
from tavus_mcp.concurrency import ignore_progress
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.parts.apply_plan import apply_plan
from tavus_mcp.personas.restore import RestoreRequest, restore


async def carry_out_plan(
    app: App, receipt: Receipt, *, yes: bool, is_json: bool = False
) -> Receipt | None:
    """Print a write that needs a person's yes and carry it out; return None without the yes.

    ``yes`` says that the person agreed beforehand (``--yes``). With ``is_json`` stdout is left to
    the one object that the command prints.
    """
    if not is_json:
        print_receipt(app, receipt)
    elif not yes:
        fail(render_receipt(app, receipt))
    if not yes and not is_confirmed("Carry out this plan? Type yes:"):
        return None
    return await apply_plan(app, receipt.plan_id or "", ignore_progress)


async def carry_out_restore(
    app: App, arguments: argparse.Namespace, persona_id: str, request: RestoreRequest
) -> int:
    """Restore a persona as the arguments say and print the receipt; return the exit status.

    In a project the file of a persona that was brought back is linked to its new id.
    """
    receipt = await restore(app, request)
    status = await finish_write(
        app, arguments, receipt, dry_run=arguments.dry_run, yes=arguments.yes
    )
    await link_revived_persona(app, arguments, persona_id)
    return status


async def finish_write(
    app: App, arguments: argparse.Namespace, receipt: Receipt, *, dry_run: bool, yes: bool
) -> int:
    """Print a receipt; carry out the plan of a write that needs a yes; return the exit status."""
    is_refused = False
    if receipt.status == "planned" and not dry_run:
        applied = await carry_out_plan(app, receipt, yes=yes, is_json=arguments.json)
        is_refused, receipt = applied is None, applied or receipt
    if not is_refused or arguments.json:
        report_receipt(app, arguments, receipt)
    return ExitStatus.REFUSED if is_refused else status_of_receipt(receipt)
