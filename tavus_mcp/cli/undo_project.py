"""``tavus-mcp undo`` of a project: take back an apply."""

from __future__ import annotations

import argparse

from tavus_mcp.cli.confirmation import is_confirmed
from tavus_mcp.cli.exit_status import status_of, worst_status
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_command import ProjectCommand, run_project_command
from tavus_mcp.cli.project_reports import undo_data, undo_text
from tavus_mcp.settings import Settings


def run_undo(arguments: argparse.Namespace, settings: Settings) -> int:
    """Undo a run; return the exit status."""
    return run_project_command(arguments, settings, undo_project, writes=True)


async def undo_project(command: ProjectCommand) -> int:
    """Ask where the environment is protected, and undo the named run, or the newest one."""
    session = command.session
    run = await session.choose_run(command.arguments.change or "")
    question = f"Undo {run.run_id} of {run.entry.at} in {run.environment}? [yes]"
    is_accepted = command.arguments.yes or not session.app.protected
    if not is_accepted and not is_confirmed(session.app, question, "yes"):
        return ExitStatus.REFUSED
    result = await session.undo(run, command.report_progress)
    command.print_result(undo_data(result), undo_text(result))
    return worst_status(status_of(error) for error in result.errors)
