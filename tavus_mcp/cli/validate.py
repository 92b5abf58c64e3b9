"""``tavus-mcp validate``: check the files of a project without a request."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tavus_mcp.catalog import load_catalog
from tavus_mcp.cli.command_texts import describe_problem
from tavus_mcp.cli.output import ExitStatus, fail, report
from tavus_mcp.cli.project_arguments import add_project_arguments
from tavus_mcp.cli.project_output import print_json, report_failure
from tavus_mcp.cli.project_reports import validate_data
from tavus_mcp.errors import ToolFailure
from tavus_mcp.project.configuration import FILE_NAME, Environment
from tavus_mcp.project.folder import Project, read_files
from tavus_mcp.project.problems import Problem
from tavus_mcp.project.session import choose_environment
from tavus_mcp.project.validation import find_problems
from tavus_mcp.settings import Settings
from tavus_mcp.text import count_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add_project_arguments(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print every mistake with its line and column; return ``INVALID`` if there is one."""
    try:
        project = read_files(arguments.project or Path())
        environments = project.configuration.environments
        chosen = list(environments.values())
        if arguments.env and environments:
            chosen = [choose_environment(project.configuration, arguments.env)]
        problems = find_problems(project, load_catalog(), chosen)
    except (ToolFailure, OSError) as error:
        return report_failure(arguments, error)
    problems = [describe_problem(problem) for problem in problems]
    has_error = any(problem.severity == "error" for problem in problems)
    status = ExitStatus.INVALID if has_error else ExitStatus.DONE
    if arguments.json:
        print_json(validate_data([item.name for item in chosen], problems))
        return status
    for problem in problems:
        line = f"{problem.severity}: {problem}"
        report(line, ExitStatus.INVALID if problem.severity == "error" else ExitStatus.DONE)
    text = _summarize(project, chosen, problems)
    return fail(text, status) if has_error else report(text)


def _summarize(
    project: Project, environments: Sequence[Environment], problems: Sequence[Problem]
) -> str:
    """Return how much was checked, how much was found, and what could not be checked."""
    counts = Counter[str](problem.severity for problem in problems)
    checked = count_of(len(project.sources), "object")
    if environments:
        checked = f"{checked}, {count_of(len(environments), 'environment')}"
    found = [count_of(counts["error"], "mistake") if counts["error"] else "no mistake"]
    found += [
        count_of(counts[severity], noun)
        for severity, noun in (("warning", "warning"), ("info", "remark"))
        if counts[severity]
    ]
    text = f"{checked}: {', '.join(found)}."
    if project.unread:
        files = count_of(len(project.unread), "file")
        text = f"{text} {files} could not be read; the others were checked."
    if not environments:
        text = f"{text} Without a right {FILE_NAME}, only the form of the files was checked."
    return text
