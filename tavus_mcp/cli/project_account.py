"""Commands on single personas: with the account of an environment of a project, or without one."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path

from tavus_mcp.app import App
from tavus_mcp.cli.command import READ_ONLY, run_with_app
from tavus_mcp.cli.exit_status import status_of
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_arguments import is_project_use
from tavus_mcp.cli.project_output import describe_error, report_error
from tavus_mcp.errors import InvalidArgument, ToolFailure
from tavus_mcp.settings import Settings

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
        own_settings = choose_settings(arguments, settings)
    except (ToolFailure, OSError) as error:
        return report_error(arguments, describe_error(error), status_of(error), error)
    if writes and settings.read_only:
        return report_error(arguments, READ_ONLY, ExitStatus.REFUSED)
    return run_with_app(arguments, own_settings, command)


def choose_settings(
    arguments: argparse.Namespace, settings: Settings, *, needs_key: bool = True
) -> Settings:
    """Return the settings of the environment that the arguments name, else those given.

    Raises ``ToolFailure`` or ``OSError`` when the project cannot be read, and ``NotConfigured``
    when the key is needed and its variable is not set.
    """
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
    return environment_settings(settings, project, environment, needs_key=needs_key)


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
