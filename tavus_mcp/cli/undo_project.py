"""``tavus-mcp undo`` of a project: take back an apply."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tavus_mcp.cli.exit_status import status_of, worst_status
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_command import ProjectCommand, run_project_command
from tavus_mcp.cli.project_reports import undo_data, undo_text
from tavus_mcp.cli.terminal import is_confirmed
from tavus_mcp.models.base import JsonObject
from tavus_mcp.project.runs import Run
from tavus_mcp.project.undo import DELETION
from tavus_mcp.settings import Settings

UNDO_PLAN_SCHEMA = "tavus-mcp/undo-plan/1"


def run_undo(arguments: argparse.Namespace, settings: Settings) -> int:
    """Undo a run; return the exit status."""
    return run_project_command(arguments, settings, undo_project, writes=not arguments.dry_run)


async def undo_project(command: ProjectCommand) -> int:
    """Undo the named run, or the newest one.

    With ``--dry-run``, only show what that would do; where the environment is protected, or objects
    are deleted, show it and ask.
    """
    session = command.session
    run = await session.choose_run(command.arguments.change or "")
    arguments = command.arguments
    lines = [] if arguments.yes and not arguments.dry_run else await session.describe_undo(run)
    if arguments.dry_run:
        command.print_result(_plan_data(run, lines), _plan_text(run, lines))
        return ExitStatus.CHANGES
    has_deletion = any(line.startswith(DELETION) for line in lines)
    if lines and (session.app.protected or has_deletion):
        command.print_before_asking(_plan_text(run, lines))
        if not is_confirmed(f"Undo it in {run.environment}? Type yes:"):
            return command.report_refusal()
    result = await session.undo(run, command.report_progress)
    command.print_result(undo_data(result), undo_text(result))
    return worst_status(status_of(error) for error in result.errors)


def _plan_data(run: Run, lines: Sequence[str]) -> JsonObject:
    """Return what undoing a run would do."""
    return {"schema": UNDO_PLAN_SCHEMA, "undone": run.run_id, "items": list(lines)}


def _plan_text(run: Run, lines: Sequence[str]) -> str:
    """Return what undoing a run would do, one line for each write."""
    heading = f"undo of {run.run_id} of {run.entry.at} in {run.environment}:"
    note = "note: later changes of others are left as they are, and reported"
    return "\n".join([heading, *(f"  {line}" for line in lines), note])
