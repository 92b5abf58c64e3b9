"""``tavus-mcp diff``: the differences between files and account, or between two environments."""

from __future__ import annotations

import argparse
from contextlib import aclosing
from dataclasses import replace

from tavus_mcp.cli.diff_report import DiffWords, diff_data, diff_text
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_arguments import add_project_arguments
from tavus_mcp.cli.project_command import (
    ProjectCommand,
    environment_settings,
    run_project_command,
)
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.project.compare import ComparedObject, Comparison, Status
from tavus_mcp.project.environments import compare_environments
from tavus_mcp.project.session import choose_environment, find_object
from tavus_mcp.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("names", metavar="NAME", nargs="*", help="objects; default: all")
    add_project_arguments(parser)
    parser.add_argument(
        "--against", metavar="ENV", default="", help="compare with the account of this environment"
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print what differs; return whether something does."""

    async def print_diff(command: ProjectCommand) -> int:
        session = command.session
        comparison = await session.compare(command.report_progress)
        words = DiffWords(f"account of {comparison.environment}", "files")
        items = list(comparison.objects.values())
        if arguments.against:
            other = await _compare_other(command, settings)
            items = compare_environments(session.app, comparison, other)
            words = DiffWords(arguments.against, comparison.environment, is_of_accounts=True)
        if arguments.names:
            known = [item.name for item in items]
            chosen = {find_object(text, known) for text in arguments.names}
            items = [item for item in items if item.name in chosen]
        items = [item for item in items if item.status is not Status.IN_SYNC]
        data = diff_data(session.app, comparison.environment, items)
        command.print_result(data, diff_text(session.app, items, words))
        return _status(items)

    return run_project_command(arguments, settings, print_diff)


async def _compare_other(command: ProjectCommand, settings: Settings) -> Comparison:
    session = command.session
    name, configuration = command.arguments.against, session.project.configuration
    environment = choose_environment(configuration, name, "--against")
    app = build_app(environment_settings(settings, session.project, environment))
    async with aclosing(app):
        other = replace(session, app=app, environment=environment)
        return await other.compare(command.report_progress)


def _status(items: list[ComparedObject]) -> ExitStatus:
    if any(item.conflicts for item in items):
        return ExitStatus.CONFLICT
    return ExitStatus.CHANGES if items else ExitStatus.DONE
