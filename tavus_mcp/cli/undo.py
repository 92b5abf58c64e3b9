"""``tavus-mcp undo``: take back one change, or a bulk change of many personas."""

from __future__ import annotations

import argparse

from tavus_mcp.app import App
from tavus_mcp.cli.confirmation import carry_out_restore
from tavus_mcp.cli.output import ExitStatus, fail
from tavus_mcp.cli.project_account import (
    find_persona_reference,
    persona_command,
    run_account_command,
)
from tavus_mcp.cli.project_arguments import (
    add_project_arguments,
    add_write_arguments,
    is_project_use,
)
from tavus_mcp.cli.receipts import (
    RECEIPT_SCHEMA,
    bulk_plan_data,
    bulk_receipt_data,
    print_facts,
    render_facts,
    report_facts,
)
from tavus_mcp.cli.terminal import is_confirmed
from tavus_mcp.concurrency import ignore_progress
from tavus_mcp.errors import Refused
from tavus_mcp.fleet import plan, plan_report
from tavus_mcp.fleet.bulk_request import BulkChangeRequest
from tavus_mcp.fleet.selection import PersonaFilter
from tavus_mcp.parts.apply_plan import apply_plan
from tavus_mcp.personas.undo import IsCreation, build_undo_request
from tavus_mcp.settings import Settings
from tavus_mcp.text import count_personas, quote_foreign

BULK_PLAN_SCHEMA = "tavus-mcp/bulk-plan/1"
_PLAN_PREFIX = "plan-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "change",
        metavar="ID[@REVISION]|PLAN|RUN",
        nargs="?",
        help="the persona, and the revision that the change led to (default: its last change on "
        "this machine); or the plan id of a bulk change. In a project: the run of an apply, by "
        "default the newest that was not undone",
    )
    add_project_arguments(parser)
    parser.add_argument(
        "--overwrite",
        metavar="PATH",
        action="append",
        default=[],
        help="restore this field although someone edited it since; repeatable",
    )
    add_write_arguments(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Undo the change, or show what that would change; return the exit status."""
    is_plan = arguments.change is None or _is_plan(arguments.change)
    if arguments.change is None or (is_plan and is_project_use(arguments)):
        from tavus_mcp.cli.undo_project import run_undo  # loads what works on projects

        return run_undo(arguments, settings)

    async def undo(app: App) -> int:
        if is_plan:
            return await _undo_bulk_change(app, arguments)
        persona_id, revision = await find_persona_reference(app, arguments, arguments.change)
        try:
            request = await build_undo_request(
                app,
                persona_id,
                revision,
                overwrite=tuple(arguments.overwrite),
                dry_run=arguments.dry_run,
            )
        except IsCreation:
            command = persona_command(app, arguments, "delete", persona_id, "")
            raise Refused(
                f"This change of {quote_foreign(arguments.change)} is its creation. To undo a "
                f"creation, delete the persona: {command}"
            ) from None
        return await carry_out_restore(app, arguments, persona_id, request)

    return run_account_command(arguments, settings, undo, writes=not arguments.dry_run)


def _is_plan(change: str) -> bool:
    """Tell whether a change is named by the id of a plan or of a run, not by a persona."""
    return change.startswith(_PLAN_PREFIX) and "@" not in change


async def _undo_bulk_change(app: App, arguments: argparse.Namespace) -> int:
    request = BulkChangeRequest(PersonaFilter(), undo_of=arguments.change)
    draft = await plan.draft_bulk_plan(app, request, ignore_progress)
    facts, stored = bulk_plan_data(plan_report.render_plan(draft)), draft.stored_plan
    if stored is None or arguments.dry_run:
        report_facts(app, arguments, BULK_PLAN_SCHEMA, facts)
        return ExitStatus.CHANGES if stored else ExitStatus.DONE
    if not arguments.json:
        print_facts(app, facts)
    elif not arguments.yes:
        fail(render_facts(app, facts))
    question = f"Undo it for {count_personas(len(draft.planned_personas))}? Type yes:"
    if not arguments.yes and not is_confirmed(question):
        if arguments.json:
            report_facts(app, arguments, BULK_PLAN_SCHEMA, facts)
        return ExitStatus.REFUSED
    receipt = await apply_plan(app, stored.plan_id, ignore_progress)
    report_facts(app, arguments, RECEIPT_SCHEMA, bulk_receipt_data(app, receipt, arguments))
    return ExitStatus.FAILURE if receipt.status == "partial" else ExitStatus.DONE
