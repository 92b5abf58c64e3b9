"""Commands on single personas: with the account of an environment of a project, or without one."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tavus_mcp.app import App
from tavus_mcp.cli.command import READ_ONLY, run_with_app
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_arguments import folder_options, is_project_use
from tavus_mcp.cli.project_output import report_error, report_failure
from tavus_mcp.errors import InvalidArgument, ToolFailure, WrongUsage
from tavus_mcp.history.revisions import split_reference
from tavus_mcp.history.states import find_state
from tavus_mcp.models.base import is_id
from tavus_mcp.settings import Settings
from tavus_mcp.text import quote_foreign

if TYPE_CHECKING:
    from tavus_mcp.project.kinds import ObjectName
    from tavus_mcp.project.state import EnvironmentState

_PERSONAS = "personas"
_FILE_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_PERSONA_ID = re.compile(r"p[0-9a-f]{6,}")
"""The form of ids of personas; a name of the project that has it is taken for the name."""


def choose_project(arguments: argparse.Namespace, settings: Settings) -> None:
    """Set the project in this folder for a command that names none, and no other account.

    A key in the settings is another account, unless the only environment has the same one.
    """
    if is_project_use(arguments) or settings.sandbox or settings.problems:
        return
    if settings.api_key is None or _is_only_account(settings):
        arguments.project = Path()


def _is_only_account(settings: Settings) -> bool:
    """Tell whether the account of the settings is that of the only environment in this folder."""
    from tavus_mcp.project.folder import read_configuration

    try:
        environments = list(read_configuration(Path()).environments.values())
    except (ToolFailure, OSError):  # the account of the settings does not need the project
        return False
    accounts = [(item.api_key_env, item.base_url) for item in environments]
    return accounts == [("TAVUS_API_KEY", settings.base_url)]


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
        return report_failure(arguments, error)
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
        raise WrongUsage("--sandbox does not go with --env; use sandbox = true in tavus.toml.")
    project = read_project(arguments.project or Path())
    environment = choose_environment(project.configuration, arguments.env)
    arguments.env = environment.name  # for the commands in advice
    return environment_settings(settings, project, environment, needs_key=needs_key)


def require_no_file(text: str) -> None:
    """Raise ``InvalidArgument`` for a file in place of the id of a persona."""
    if not is_id(text) and (Path(text).suffix in _FILE_SUFFIXES or Path(text).is_file()):
        raise InvalidArgument(
            [
                f"{quote_foreign(text)} is a file; give the id of a persona, which is in the line "
                f"persona_id of its file. To check a file: tavus-mcp apply {shlex.quote(text)} "
                "--dry-run."
            ]
        )


async def find_persona_id(app: App, arguments: argparse.Namespace, text: str) -> str:
    """Return the id of a persona: the text itself, or in a project that of the named file.

    A persona that was deleted and brought back has its new id. Raises ``InvalidArgument`` for a
    text that is no id and no name of the project.
    """
    if not is_project_use(arguments):
        require_no_file(text)
        return text
    from tavus_mcp.project.revived_objects import follow_revived_objects

    state = load_project_state(arguments)
    name = _find_persona_name(state, text)
    if name is None:
        return text
    return (await follow_revived_objects(app, state, [name])).objects[name].object_id


async def find_persona_reference(
    app: App, arguments: argparse.Namespace, reference: str
) -> tuple[str, str]:
    """Return the id and the revision in ``ID@REVISION``, in a project also ``NAME@REVISION``.

    The revision is empty when there is none. Of a persona that was deleted and brought back, the
    id is the one that it had at that revision.
    """
    text, separator, revision = reference.partition("@")
    persona_id = await find_persona_id(app, arguments, text)
    if revision and persona_id != text and await find_state(app, persona_id, revision) is None:
        state = load_project_state(arguments)
        if name := _find_persona_name(state, text):
            persona_id = state.objects[name].object_id
    return split_reference(f"{persona_id}{separator}{revision}", "ID@REVISION")


def _find_persona_name(state: EnvironmentState, text: str) -> ObjectName | None:
    """Return the persona of the project that a text names, None if the text is an id."""
    from tavus_mcp.project.session import find_object

    personas = [name for name in state.objects if name.folder == _PERSONAS]
    ids = {state.objects[name].object_id for name in personas}
    is_id = text in ids or _PERSONA_ID.fullmatch(text)
    if is_id and text not in {name.name for name in personas}:
        return None
    return find_object(text, personas)


def persona_command(
    app: App, arguments: argparse.Namespace | None, command: str, persona_id: str, revision: str
) -> str:
    """Return the command line for a persona: with the account, the sandbox or the project in use.

    A persona of the project is named, others are given by their ids.
    """
    words = [command, f"{persona_id}@{revision}" if revision else persona_id]
    if arguments is None or not is_project_use(arguments):
        return " ".join(["tavus-mcp", *words, *(["--sandbox"] if app.is_sandbox else [])])
    state = load_project_state(arguments)
    if name := state.find_name(_PERSONAS, persona_id):
        words[1] = f"{name.name}@{revision}" if revision else name.name
    options = [*folder_options(arguments), "--env", state.environment]
    return shlex.join(["tavus-mcp", *words, *options])


async def link_revived_persona(app: App, arguments: argparse.Namespace, persona_id: str) -> None:
    """Link the file of a persona that was brought back to its new id, in the project in use.

    A dry run links nothing.
    """
    if arguments.dry_run or not is_project_use(arguments):
        return
    from tavus_mcp.project.revived_objects import follow_revived_objects
    from tavus_mcp.project.session import lock_environment
    from tavus_mcp.project.state import save_state

    folder = arguments.project or Path()
    with lock_environment(folder, load_project_state(arguments).environment):
        state = load_project_state(arguments)
        if name := state.find_name(_PERSONAS, persona_id):
            save_state(folder, await follow_revived_objects(app, state, [name]))


def load_project_state(arguments: argparse.Namespace) -> EnvironmentState:
    """Return the state of the environment of a project that the arguments name."""
    from tavus_mcp.project.folder import read_project
    from tavus_mcp.project.session import choose_environment
    from tavus_mcp.project.state import load_state

    folder = arguments.project or Path()
    environment = choose_environment(read_project(folder).configuration, arguments.env)
    return load_state(folder, environment.name)
