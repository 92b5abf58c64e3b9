"""Run a command that works on a project, and report its errors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tavus_mcp.app import App
from tavus_mcp.cli.command import READ_ONLY, run_with_app
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.progress import clear_progress_bar, progress_bar
from tavus_mcp.cli.project_output import print_result, report_error, report_failure
from tavus_mcp.concurrency import ProgressCallback
from tavus_mcp.errors import InvalidArgument, NotConfigured, ToolFailure
from tavus_mcp.invisible_characters import escape_invisible
from tavus_mcp.models.base import JsonObject
from tavus_mcp.project.configuration import Environment
from tavus_mcp.project.folder import Project, read_project
from tavus_mcp.project.session import ProjectSession, choose_environment
from tavus_mcp.project.state import local_folder
from tavus_mcp.settings import PROJECT_TOOLSET, Settings, for_account

_SANDBOX = (
    "--sandbox (TAVUS_MCP_SANDBOX) does not go with a project: its state belongs to one account. "
    "Use an environment with sandbox = true in tavus.toml."
)


@dataclass(frozen=True)
class ProjectCommand:
    """An opened project, and how the command was called."""

    session: ProjectSession
    arguments: argparse.Namespace
    report_progress: ProgressCallback

    @property
    def app(self) -> App:
        """The account."""
        return self.session.app

    def print_result(self, data: JsonObject, text: str) -> None:
        """Print a result: as JSON with ``--json``, else as text; secrets are masked."""
        clear_progress_bar()
        print_result(self.app, self.arguments, data, text)

    def print_before_asking(self, text: str) -> None:
        """Print on stderr what a person is asked to confirm; secrets are masked."""
        sys.stderr.write(escape_invisible(self.app.masker.mask_text(text)) + "\n")

    def report_refusal(self) -> int:
        """Return the status of a command that was not confirmed, which the person was told."""
        if self.arguments.json:
            message = "Nothing was sent: it was not confirmed. --yes confirms it."
            report_error(self.arguments, message, ExitStatus.REFUSED)
        return ExitStatus.REFUSED


Run = Callable[[ProjectCommand], Awaitable[int]]


def run_project_command(
    arguments: argparse.Namespace, settings: Settings, command: Run, *, writes: bool = False
) -> int:
    """Run a command with the account of an environment; return its status, or that of its error.

    A command that ``writes`` is refused when the settings are read-only.
    """
    try:
        if settings.sandbox:
            return report_error(arguments, _SANDBOX, ExitStatus.WRONG_USAGE)
        if writes and settings.read_only:
            return report_error(arguments, READ_ONLY, ExitStatus.REFUSED)
        project = read_project(arguments.project or Path())
        environment = choose_environment(project.configuration, arguments.env)
        own_settings = environment_settings(settings, project, environment)
    except (ToolFailure, OSError) as error:
        return report_failure(arguments, error)

    async def run_in_session(app: App) -> int:
        session = ProjectSession(app, project, environment)
        with progress_bar() as report_progress:
            return await command(ProjectCommand(session, arguments, report_progress))

    try:
        return run_with_app(arguments, own_settings, run_in_session)
    except KeyboardInterrupt:
        message = "stopped. What was started was completed; the same command continues."
        return report_error(arguments, message, ExitStatus.FAILURE)


def environment_settings(
    settings: Settings, project: Project, environment: Environment, *, needs_key: bool = True
) -> Settings:
    """Return the settings with which an environment is used.

    A sandbox keeps its state and its journal in the folder of the project. Raises ``NotConfigured``
    when the key is needed and its variable is not set.
    """
    own = for_account(
        settings,
        api_key_env=environment.api_key_env if needs_key else "",
        base_url=environment.base_url,
        secrets=environment.secrets,
        other_variables=[
            variable
            for other in project.configuration.environments.values()
            for variable in (other.api_key_env, *other.secrets.values())
        ],
    )
    is_protected = settings.protected or environment.protected
    if environment.sandbox:
        folder = local_folder(project.folder).absolute() / environment.name
        return replace(own, sandbox=True, protected=is_protected, data_dir=folder)
    if needs_key and own.api_key is None and not own.problems:
        raise NotConfigured(
            f"environment {environment.name}: the variable {environment.api_key_env} is not set. "
            "It holds the key of the account. Nothing was sent."
        )
    label = settings.account_label or environment.name
    return replace(own, protected=is_protected, account_label=label)


def server_settings(arguments: argparse.Namespace, settings: Settings) -> Settings:
    """Return the settings of a server for an environment of a project, with its toolset.

    Raises ``ToolFailure`` when the project cannot be read or the variable of the key is not set.
    """
    if settings.sandbox:
        raise InvalidArgument([_SANDBOX])
    project = read_project(arguments.project or Path())
    environment = choose_environment(project.configuration, arguments.env or "")
    arguments.env = environment.name
    own_settings = environment_settings(settings, project, environment)
    return replace(own_settings, toolsets=(*settings.toolsets, PROJECT_TOOLSET))
