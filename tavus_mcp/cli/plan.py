"""``tavus-mcp plan``: what an apply of a project would do, with a digest."""

from __future__ import annotations

import argparse

from tavus_mcp.checker.check import allowed_rules
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_arguments import add_plan_arguments, add_project_arguments
from tavus_mcp.cli.project_command import ProjectCommand, run_project_command
from tavus_mcp.cli.project_reports import plan_data, plan_text
from tavus_mcp.project.plan import PlanOptions, ProjectPlan
from tavus_mcp.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add_project_arguments(parser)
    add_plan_arguments(parser)


def plan_options(arguments: argparse.Namespace) -> PlanOptions:
    """Return what the options of ``plan`` and ``apply`` say."""
    allow = allowed_rules(unknown=arguments.allow_unknown, private_url=arguments.allow_private_url)
    resent = frozenset(name.lower() for name in arguments.resend_secret)
    return PlanOptions(arguments.resolve, arguments.prune, allow, resent)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the plan; return whether it does something, or has a conflict."""

    async def print_plan(command: ProjectCommand) -> int:
        planned = await command.session.plan(plan_options(arguments), command.report_progress)
        command.print_result(plan_data(planned.plan), plan_text(planned.plan))
        return plan_status(planned.plan)

    return run_project_command(arguments, settings, print_plan)


def plan_status(plan: ProjectPlan) -> ExitStatus:
    """Return the exit status of a plan: whether it has a conflict, or does something."""
    if plan.conflicts:
        return ExitStatus.CONFLICT
    return ExitStatus.CHANGES if plan.items else ExitStatus.DONE
