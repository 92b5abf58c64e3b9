"""``tavus-mcp init``: make a folder a project."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from tavus_mcp.cli.output import ExitStatus, fail
from tavus_mcp.cli.output import report as print_line
from tavus_mcp.cli.project_command import ProjectCommand, run_project_command
from tavus_mcp.cli.project_output import print_json, report_failure
from tavus_mcp.cli.project_reports import pull_data, pull_text
from tavus_mcp.cli.pull import pull_status
from tavus_mcp.cli.terminal import ask, is_interactive
from tavus_mcp.errors import InvalidArgument, ToolFailure
from tavus_mcp.models.base import JsonObject
from tavus_mcp.project.configuration import VARIABLE_NAME, Environment, parse_configuration
from tavus_mcp.project.initialize import InitializedProject, initialize
from tavus_mcp.project.pull import PullOptions
from tavus_mcp.settings import Settings

INIT_SCHEMA = "tavus-mcp/init/1"
_DEFAULT_VARIABLE = "TAVUS_API_KEY"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "--project",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="default: this folder",
    )
    parser.add_argument(
        "--env",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="the first environment; default: production",
    )
    parser.add_argument(
        "--api-key-env", metavar="VARIABLE", default="", help="the variable that holds its key"
    )
    parser.add_argument(
        "--from-account", action="store_true", help="write a file for every object of the account"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the files, and with ``--from-account`` those of the account."""
    try:
        environment = _choose_environment(arguments, settings)
        initialized = initialize(arguments.project or Path(), environment)
    except (ToolFailure, OSError) as error:
        return report_failure(arguments, error)
    if arguments.from_account:
        return _pull_all(arguments, settings, environment, initialized)
    if arguments.json:
        print_json(_describe(environment, initialized))
    else:
        _print_written(environment, initialized)
        _print_next_step(environment)
    return ExitStatus.DONE


def _choose_environment(arguments: argparse.Namespace, settings: Settings) -> Environment:
    """Return the first environment; ask only for the variable of a key that is nowhere."""
    if settings.sandbox:
        environment = Environment(arguments.env or "local", sandbox=True)
    else:
        variable = arguments.api_key_env
        if not variable and settings.api_key is None:
            variable = _ask_variable()
        environment = Environment(
            arguments.env or "production", variable or _DEFAULT_VARIABLE, settings.base_url
        )
    if not environment.sandbox and not VARIABLE_NAME.fullmatch(environment.api_key_env):
        raise InvalidArgument(["--api-key-env: give the name of a variable, not the key."])
    key = "sandbox = true" if environment.sandbox else f'api_key_env = "{environment.api_key_env}"'
    parse_configuration(f"[environments.{environment.name}]\n{key}\n")
    return environment


def _ask_variable() -> str:
    if not is_interactive():
        return ""
    return ask(f"Which variable holds the API key? [{_DEFAULT_VARIABLE}]")


def _pull_all(
    arguments: argparse.Namespace,
    settings: Settings,
    environment: Environment,
    initialized: InitializedProject,
) -> int:
    arguments.env = environment.name

    async def pull(command: ProjectCommand) -> int:
        options = PullOptions(takes_new=True)
        result = await command.session.pull(options, command.report_progress)
        pulled = result.objects
        if not arguments.json:
            _print_written(environment, initialized)
        data = {
            **_describe(environment, initialized),
            "objects": pull_data(environment.name, pulled)["objects"],
        }
        command.print_result(data, pull_text(environment.name, result))
        if not arguments.json:
            _print_next_step(environment, is_empty=not pulled)
        return pull_status(pulled)

    # the sandbox is that of the new environment, not the one of the data folder
    status = run_project_command(arguments, replace(settings, sandbox=False), pull)
    if status not in (ExitStatus.DONE, ExitStatus.CONFLICT):
        command = f"tavus-mcp pull --env {environment.name} --all"
        fail(f"the folder is a project now. When this is corrected: {command}")
    return status


def _describe(environment: Environment, initialized: InitializedProject) -> JsonObject:
    return {
        "schema": INIT_SCHEMA,
        "environment": environment.name,
        "written": list(initialized.written),
        "adopted": [{"from": path, "to": target} for path, target in initialized.adopted.items()],
    }


def _print_written(environment: Environment, initialized: InitializedProject) -> None:
    for path in initialized.written:
        print_line(f"written: {path}")
    for path, target in initialized.adopted.items():
        print_line(f"taken over: {path} as {target}")
    if not environment.sandbox:
        print_line(f"the key of {environment.name} is read from {environment.api_key_env}")


def _print_next_step(environment: Environment, *, is_empty: bool = False) -> None:
    if is_empty and environment.sandbox:
        command = f"tavus-mcp sandbox --env {environment.name} --make-personas"
        print_line(f"the sandbox of {environment.name} is empty; {command} fills it with examples")
    print_line(f"next: tavus-mcp status --env {environment.name}")
