"""The command line: reads the arguments and the environment, and runs one command.

Each command is a module of this package with ``add_arguments(parser)`` and
``run(arguments, settings) -> int``. It is imported only when it is named, so that nothing starts
with what it does not need. This module is light: a server answers the first requests before its
own module is imported (``early_reader``).
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn, Protocol, cast

from tavus_mcp import __version__
from tavus_mcp.cli.output import ExitStatus, fail
from tavus_mcp.errors import ToolFailure
from tavus_mcp.invisible_characters import escape_line
from tavus_mcp.keys import BadSetting
from tavus_mcp.server.early_reader import start_early_reader
from tavus_mcp.settings import PROJECT_TOOLSET, TOOLSETS, Settings, from_environment, parse_toolsets
from tavus_mcp.text import did_you_mean, find_nearest, quote_foreign, suggestion_or_period

_COMPLETION = "completion"
_OFFLINE_COMMANDS = frozenset({_COMPLETION, "demo", "sandbox", "journal", "manifest"})
"""Commands that never call Tavus, so that the key and the network settings do not matter."""
_PROJECT_COMMANDS = frozenset({"validate", "status", "diff", "plan", "pull", "history"})
"""Commands that take the key and the address from the environments of a project."""
_COMMANDS_WITH_PROJECT = frozenset(
    {"apply", "undo", "list", "check", "restore", "delete", "journal"}
)
"""Commands that do so if they are called with a project, the first two without an object too."""
_PERSONA_COMMANDS = frozenset({"list", "check", "restore", "delete", "undo"})
"""Those that use the project in this folder where no other account is named."""

_DIAGNOSTIC_COMMANDS = frozenset({"doctor"})
"""Commands that report wrong settings themselves, so that those do not end them."""

_HELP_BY_COMMAND: Mapping[str, str] = {
    "demo": "run a guided demo on the sandbox; exits non-zero if a step fails",
    "install": "connect an assistant to this server, or disconnect it",
    "doctor": (
        "check the installation, the settings and the assistants; the output can be published"
    ),
    "list": "list the personas of the account",
    "export": "print a persona as a file, without its keys",
    "init": "make a folder a project of agents in files",
    "validate": "check the files of a project, without a request",
    "status": "show what differs between a project and an account",
    "diff": "show the differences, or those between two environments",
    "plan": "show what applying a project would do",
    "apply": "apply a project, or update or create personas from files",
    "pull": "update the files of a project from an account",
    "history": "list the applies and undos of a project, and changes without one",
    "undo": "take back an apply, a bulk change, or one change of a persona",
    "check": "check personas of the account",
    "restore": "bring a persona back to a revision",
    "delete": "delete a persona, after its name was typed",
    "completion": "print the script that completes commands in bash, zsh or fish",
    "journal": "verify, print, adopt, erase or copy the journal of changes",
    "sandbox": "serve the local Tavus over HTTP, at /v2, or fill it with examples",
}
_DEVELOPER_COMMANDS = ("manifest",)
"""Commands that the help leaves out: they work on a checkout of this project."""


_COMMANDS = (*_HELP_BY_COMMAND, *_DEVELOPER_COMMANDS)
_COMMANDS_WITHOUT_PROJECT = (
    frozenset(_COMMANDS) - _PROJECT_COMMANDS - _COMMANDS_WITH_PROJECT - {"init", "sandbox"}
)
_UNKNOWN_COMMAND = re.compile(r"argument COMMAND: invalid choice: '(.*)' \(choose from", re.DOTALL)
_WRONG_CHOICE = re.compile(r"(.*invalid choice: '(.*)') \(choose from (.*)\)", re.DOTALL)


class CommandModule(Protocol):
    """What each module of a command has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments and options of the command."""

    def run(self, arguments: argparse.Namespace, settings: Settings) -> int:
        """Run the command and return its exit status."""


def run(
    arguments: Sequence[str], *, parent: int = 0, on_import: Callable[[], None] | None = None
) -> int:
    """Run the command and return its exit status; a server ends with the process ``parent``.

    ``on_import`` is called when everything is imported. A wrong option, and except for the server
    a wrong setting, ends with ``WRONG_USAGE``.
    """
    options = argparse.Namespace(parent=parent, variables=os.environ, early_reader=None)
    _build_parser(arguments).parse_args(arguments, options)
    if options.command in _COMMANDS_WITHOUT_PROJECT and _names_project(options):
        return _report_usage(options, f"{options.command} takes no --env and no --project.")
    try:
        settings = _load_settings(options)
    except BadSetting as error:
        return _report_usage(options, f"--toolsets: {error}")
    _choose_project(options, settings)
    if options.command is None and _uses_project(options):
        from tavus_mcp.cli.project_command import server_settings  # only where it is needed

        try:
            settings = server_settings(options, settings)
        except ToolFailure as error:
            return fail(str(error), ExitStatus.WRONG_USAGE)
    if options.command not in _DIAGNOSTIC_COMMANDS:
        if settings.problems and options.command is not None:
            return _report_usage(options, *settings.problems)
        for problem in settings.problems:
            fail(problem)
    serves_rendered_tools = PROJECT_TOOLSET not in settings.toolsets
    if not settings.problems and options.command is None and serves_rendered_tools:
        options.early_reader = start_early_reader(settings.toolsets, read_only=settings.read_only)
    command = _load_command(options.command or "serve")
    if on_import is not None:
        on_import()
    return command.run(options, settings)


def _choose_project(options: argparse.Namespace, settings: Settings) -> None:
    """Set the project in this folder for a command on personas without another account."""
    if options.command in _PERSONA_COMMANDS and Path("tavus.toml").is_file():
        from tavus_mcp.cli.project_account import choose_project  # only where it is needed

        choose_project(options, settings)


def _report_usage(options: argparse.Namespace, *problems: str) -> int:
    """Print what is wrong with options or settings; return ``WRONG_USAGE``."""
    problems = tuple(map(_mask_keys, problems))
    if getattr(options, "json", False):
        from tavus_mcp.cli.project_output import report_error  # only where it is needed

        return report_error(options, "\n".join(problems), ExitStatus.WRONG_USAGE)
    for problem in problems:
        fail(problem)
    return ExitStatus.WRONG_USAGE


def _mask_keys(text: str) -> str:
    """Return a text that may repeat an argument, without the keys of the environment."""
    from tavus_mcp.cli.wiring import build_masker  # only where it is needed

    return build_masker(from_environment(os.environ)).mask_text(text)


def _load_command(name: str) -> CommandModule:
    return cast(CommandModule, import_module(f"tavus_mcp.cli.{name}"))


def _load_settings(options: argparse.Namespace) -> Settings:
    settings = from_environment(os.environ, needs_account=not _is_offline(options))
    if options.toolsets is not None:
        settings = replace(settings, toolsets=parse_toolsets(options.toolsets))
    return replace(
        settings,
        sandbox=settings.sandbox or options.sandbox,
        read_only=settings.read_only or options.read_only,
    )


def _is_offline(options: argparse.Namespace) -> bool:
    """Tell whether the key and the network settings do not matter."""
    if options.command == "install":
        needs_key = not options.uninstall
    elif options.command in _OFFLINE_COMMANDS:
        is_adoption = getattr(options, "action", "") == "adopt"  # the one use of an account
        needs_key = is_adoption and not _uses_project(options)
    else:
        needs_key = not _uses_project(options)
    return options.sandbox or not needs_key


def _uses_project(options: argparse.Namespace) -> bool:
    """Tell whether a command takes its account from the environment of a project."""
    is_bare = not getattr(options, "files", None) and not getattr(options, "change", None)
    is_named = _names_project(options)
    if options.command is None:
        return is_named
    return options.command in _PROJECT_COMMANDS or (
        options.command in _COMMANDS_WITH_PROJECT
        and (is_named or (is_bare and options.command in ("apply", "undo")))
    )


def _names_project(options: argparse.Namespace) -> bool:
    return bool(options.env or options.project)


class _Parser(argparse.ArgumentParser):
    """A parser, also of each command, that ends with our exit status for a wrong option."""

    is_json = False
    """Whether errors are printed as objects, as results would be."""
    parsers: Mapping[str, argparse.ArgumentParser] = MappingProxyType({})
    """The parsers of the commands, by name."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the arguments; of a wrong one the parser of its command knows the nearest."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            parser = self.parsers.get(options.command, self)
            known = parser._option_string_actions  # noqa: SLF001 - argparse lists them nowhere else
            names = [name.partition("=")[0] for name in unknown if name.startswith("-")]
            options_by_name = {name.lstrip("-"): name for name in known}
            near = find_nearest(names[0].lstrip("-"), options_by_name) if names else None
            suggestion = f"; did you mean {quote_foreign(options_by_name[near])}?" if near else ""
            parser.error(f"unrecognized arguments: {' '.join(unknown)}{suggestion}")
        return options

    def error(self, message: str) -> NoReturn:
        """Print the usage and the mistake on stderr, with ``--json`` the mistake alone; end."""
        if unknown := _UNKNOWN_COMMAND.match(message):
            suggestion = suggestion_or_period(unknown[1], _HELP_BY_COMMAND)
            message = (
                f"no command {quote_foreign(unknown[1])}{suggestion} tavus-mcp --help lists all."
            )
        elif choice := _WRONG_CHOICE.fullmatch(message):
            names = [name.strip("'") for name in choice[3].split(", ")]
            message = f"{choice[1]}{did_you_mean(choice[2], names)} (choose from {choice[3]})"
        if self.is_json:
            _report_usage(argparse.Namespace(json=True), message)
            self.exit(ExitStatus.WRONG_USAGE)
        if not unknown:
            self.print_usage(sys.stderr)
        text = _mask_keys(f"{self.prog}: {message}")
        self.exit(ExitStatus.WRONG_USAGE, escape_line(text) + "\n")


def _build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; only commands that occur in ``arguments`` get their own arguments."""
    parser = _Parser(
        prog="tavus-mcp",
        description="An MCP server for Tavus personas (unofficial). Without a command it serves "
        "on stdin and stdout, as MCP hosts launch it.",
    )
    parser.add_argument("--version", action="version", version=f"tavus-mcp {__version__}")
    _add_common_options(parser, default=False)
    parser.add_argument(
        "--toolsets", metavar="A,B", help=f"what is served: {', '.join(TOOLSETS)}, or all"
    )
    parser.add_argument(
        "--project",
        type=Path,
        metavar="DIR",
        help="serve also the tools of the project in this folder",
    )
    parser.add_argument(
        "--env", metavar="NAME", default="", help="with the account of this environment"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    parser.is_json = "--json" in arguments
    listed: dict[str, argparse.ArgumentParser] = {}
    for name in _COMMANDS:
        if name in _DEVELOPER_COMMANDS:
            command_parser = commands.add_parser(name)  # without a help text it is not listed
        else:
            text = _HELP_BY_COMMAND[name]
            description = f"{text[0].upper()}{text[1:]}."
            command_parser = commands.add_parser(name, help=text, description=description)
        _add_common_options(
            command_parser, default=argparse.SUPPRESS, lists_sandbox=name != "sandbox"
        )
        if name in arguments or _COMPLETION in arguments:
            _load_command(name).add_arguments(command_parser)
        command_parser.is_json = parser.is_json
        listed[name] = command_parser
    parser.parsers = listed
    commands.choices[_COMPLETION].set_defaults(commands=listed)
    return parser


def _add_common_options(
    parser: argparse.ArgumentParser, *, default: Any, lists_sandbox: bool = True
) -> None:
    """Declare the options that may stand before and after the name of a command."""
    parser.add_argument(
        "--sandbox",
        action="store_true",
        default=default,
        help="use the embedded local Tavus: no key, no network"
        if lists_sandbox
        else argparse.SUPPRESS,
    )
    parser.add_argument(
        "--read-only", action="store_true", default=default, help="allow only what reads"
    )
