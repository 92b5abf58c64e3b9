"""``tavus-mcp validate``: check the files of a project without a request."""

from __future__ import annotations

import argparse
from pathlib import Path

from tavus_mcp.catalog import load_catalog
from tavus_mcp.cli.exit_status import status_of
from tavus_mcp.cli.output import ExitStatus, fail, report
from tavus_mcp.cli.project_arguments import add_project_arguments
from tavus_mcp.cli.project_output import describe_error, print_json, report_error
from tavus_mcp.cli.project_reports import validate_data
from tavus_mcp.errors import ToolFailure
from tavus_mcp.project.folder import read_project
from tavus_mcp.project.session import choose_environment
from tavus_mcp.project.validation import find_problems
from tavus_mcp.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add_project_arguments(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print every mistake with its line and column; return ``INVALID`` if there is one."""
    try:
        project = read_project(arguments.project or Path())
        environments = project.configuration.environments
        chosen = list(environments.values())
        if arguments.env:
            chosen = [choose_environment(project.configuration, arguments.env)]
        problems = find_problems(project, load_catalog(), chosen)
    except (ToolFailure, OSError) as error:
        return report_error(arguments, describe_error(error), status_of(error), error)
    errors = [problem for problem in problems if problem.severity == "error"]
    status = ExitStatus.INVALID if errors else ExitStatus.DONE
    if arguments.json:
        print_json(validate_data([item.name for item in chosen], problems))
        return status
    for problem in problems:
        line = f"{problem.severity}: {problem}"
        report(line, 0 if problem.severity != "error" else ExitStatus.INVALID)
    counts = f"{len(project.sources)} objects, {len(chosen)} environments"
    if errors:
        return fail(f"{counts}: {len(errors)} mistakes.", status)
    return report(f"{counts}: no mistake.")
