"""``tavus-mcp pull``: update the files of a project from an account."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_arguments import add_project_arguments, add_resolve_argument
from tavus_mcp.cli.project_command import ProjectCommand, run_project_command
from tavus_mcp.cli.project_reports import pull_data, pull_text
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import parse_id
from tavus_mcp.project.kinds import ObjectName
from tavus_mcp.project.pull import PulledObject, PullOptions
from tavus_mcp.project.session import ProjectSession, find_object
from tavus_mcp.project.state import load_state
from tavus_mcp.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "names",
        metavar="NAME[=ID]",
        nargs="*",
        help="objects to pull; default: all that the project knows. =ID links a file to an object",
    )
    add_project_arguments(parser)
    parser.add_argument("--all", action="store_true", help="also what is only in the account")
    add_resolve_argument(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Update the files; return ``CONFLICT`` when something needs a decision."""

    async def pull(command: ProjectCommand) -> int:
        options = _parse_options(command.session, arguments)
        result = await command.session.pull(options, command.report_progress)
        data = pull_data(command.session.environment.name, result.objects)
        command.print_result(data, pull_text(data["environment"], result))
        return pull_status(result.objects)

    return run_project_command(arguments, settings, pull)


def pull_status(pulled: Sequence[PulledObject]) -> ExitStatus:
    """Return the exit status of a pull: whether something needs a decision."""
    has_open = any(item.is_open for item in pulled)
    return ExitStatus.CONFLICT if has_open else ExitStatus.DONE


def _parse_options(session: ProjectSession, arguments: argparse.Namespace) -> PullOptions:
    state = load_state(session.folder, session.environment.name)
    known = [*dict.fromkeys([*session.project.sources, *state.objects])]
    names: list[ObjectName] = []
    links: dict[ObjectName, str] = {}
    for text in arguments.names:
        name_text, has_id, object_id = text.partition("=")
        name = find_object(name_text, known)
        names.append(name)
        if has_id:
            try:
                links[name] = parse_id(object_id)
            except ValueError as error:
                raise InvalidArgument([f"{text}: {error}."]) from None
    return PullOptions(names, arguments.all, arguments.resolve, links)
