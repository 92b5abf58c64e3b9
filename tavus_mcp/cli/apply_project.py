"""``tavus-mcp apply`` of a project: carry out its plan in an environment."""

from __future__ import annotations

import argparse
from dataclasses import replace

from tavus_mcp.cli import files
from tavus_mcp.cli.exit_status import status_of, worst_status
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.plan import plan_options, plan_status
from tavus_mcp.cli.project_command import ProjectCommand, run_project_command
from tavus_mcp.cli.project_reports import apply_data, apply_text, plan_data, plan_text
from tavus_mcp.cli.terminal import is_confirmed, is_interactive
from tavus_mcp.errors import NotConfigured
from tavus_mcp.project.apply import ApplyResult
from tavus_mcp.project.plan import Action, ProjectPlan
from tavus_mcp.project.session import require_digest
from tavus_mcp.settings import Settings


def run_apply(arguments: argparse.Namespace, settings: Settings) -> int:
    """Apply the project, or with ``--dry-run`` print the plan; return the exit status."""
    return run_project_command(arguments, settings, apply_project, writes=not arguments.dry_run)


async def apply_project(command: ProjectCommand) -> int:
    """Plan, ask where that is needed, and carry out."""
    arguments, session = command.arguments, command.session
    options = replace(plan_options(arguments), accepts_unchecked=arguments.yes)
    planned = await session.plan(options, command.report_progress)
    plan = planned.plan
    if arguments.dry_run or plan.conflicts:
        command.print_result(plan_data(plan), plan_text(plan))
        return plan_status(plan)
    require_digest(planned, arguments.plan)
    if plan.items and not _is_accepted(command, plan):
        return command.report_refusal()
    result = await session.apply(planned, options, command.report_progress)
    command.print_result(apply_data(plan, result), apply_text(plan, result))
    return _exit_status(result)


def _is_accepted(command: ProjectCommand, plan: ProjectPlan) -> bool:
    """Ask a person where the environment is protected, or something is to be deleted."""
    arguments, app = command.arguments, command.app
    deletions = sum(item.action is Action.DELETE for item in plan.items)
    if app.protected:
        if arguments.yes and arguments.plan:
            return True
        files.print_error(app, f"environment {plan.environment} is protected. The plan:")
        command.print_before_asking(plan_text(plan))
        if not is_interactive():
            raise NotConfigured(
                "Nothing was sent: without a terminal, a protected environment needs "
                f"--yes --plan {plan.digest}."
            )
        return is_confirmed(f"Apply this to {plan.environment}? Type yes:")
    if deletions and not arguments.yes:
        command.print_before_asking(plan_text(plan))
        number = "1 object" if deletions == 1 else f"{deletions} objects"
        question = f"Delete {number}? An undo creates deleted objects again. Type yes:"
        return is_confirmed(question)
    return True


def _exit_status(result: ApplyResult) -> ExitStatus:
    if result.errors:
        return worst_status(status_of(error) for error in result.errors)
    return ExitStatus.FAILURE if result.remaining_count else ExitStatus.DONE
