"""Commands on single personas: with the account of an environment of a project, or without one."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import anyio

from tavus_mcp.app import App
from tavus_mcp.cli.exit_status import status_of
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_arguments import is_project_use
from tavus_mcp.cli.project_output import report_error
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.errors import InvalidArgument, ToolFailure
from tavus_mcp.logs import log_to_stderr
from tavus_mcp.settings import Settings

_READ_ONLY = "nothing was sent: this is read-only (--read-only, TAVUS_MCP_READ_ONLY)."
_PERSONAS = "personas"


def run_account_command(
    arguments: argparse.Namespace,
    settings: Settings,
    command: Callable[[App], Awaitable[int]],
    *,
    writes: bool = False,
) -> int:
    """Run a command with the account of ``--env``, or that of the settings; return its status.

    A command that ``writes`` is refused when the settings are read-only.
    """
    try:
        own_settings = _choose_settings(arguments, settings)
    except (ToolFailure, OSError) as error:
        return report_error(arguments, str(error), status_of(error), error)
    if own_settings.problems:
        return report_error(arguments, "\n".join(own_settings.problems), ExitStatus.WRONG_USAGE)
    app = build_app(own_settings)
    log_to_stderr(app.masker, settings.log_level)

    async def run() -> int:
        async with aclosing(app):
            if writes and settings.read_only:
                return report_error(arguments, _READ_ONLY, ExitStatus.REFUSED)
            try:
                return await command(app)
            except ToolFailure as error:
                message = app.masker.mask_text(str(error))
                return report_error(arguments, message, status_of(error), error)

    return anyio.run(run)


def _choose_settings(arguments: argparse.Namespace, settings: Settings) -> Settings:
    if not is_project_use(arguments):
        return settings
    from tavus_mcp.cli.project_command import environment_settings
    from tavus_mcp.project.folder import read_project
    from tavus_mcp.project.session import choose_environment

    if settings.sandbox:
        raise InvalidArgument(
            ["--sandbox does not go with --env; use sandbox = true in tavus.toml."]
        )
    project = read_project(arguments.project or Path())
    environment = choose_environment(project.configuration, arguments.env)
    return environment_settings(settings, project, environment)


def find_persona_id(arguments: argparse.Namespace, text: str) -> str:
    """Return the id of a persona: the text itself, or in a project that of the named file."""
    if not is_project_use(arguments):
        return text
    from tavus_mcp.project.folder import read_project
    from tavus_mcp.project.session import choose_environment, find_object
    from tavus_mcp.project.state import load_state

    folder = arguments.project or Path()
    environment = choose_environment(read_project(folder).configuration, arguments.env)
    objects = load_state(folder, environment.name).objects
    personas = [name for name in objects if name.folder == _PERSONAS]
    if text in {objects[name].object_id for name in personas}:
        return text
    return objects[find_object(text, personas)].object_id
