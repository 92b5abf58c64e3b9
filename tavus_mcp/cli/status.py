"""``tavus-mcp status``: what differs between the files of a project and an account."""

from __future__ import annotations

import argparse

from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_arguments import add_project_arguments
from tavus_mcp.cli.project_command import ProjectCommand, run_project_command
from tavus_mcp.cli.project_reports import status_data, status_text
from tavus_mcp.project.compare import Comparison
from tavus_mcp.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add_project_arguments(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the status of each object; return whether there are changes or conflicts."""

    async def print_status(command: ProjectCommand) -> int:
        comparison = await command.session.compare(command.report_progress)
        command.print_result(status_data(comparison), status_text(comparison))
        return comparison_status(comparison)

    return run_project_command(arguments, settings, print_status)


def comparison_status(comparison: Comparison) -> ExitStatus:
    """Return the exit status for a comparison."""
    if comparison.has_conflict:
        return ExitStatus.CONFLICT
    return ExitStatus.DONE if comparison.is_in_sync else ExitStatus.CHANGES
