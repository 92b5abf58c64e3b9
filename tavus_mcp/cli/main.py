"""The command line: reads the arguments and the environment, and runs one command.

Each command is a module of this package with ``add_arguments(parser)`` and
``run(arguments, settings) -> int``. It is imported only when it is named, so that a server does
not start with what it does not need.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import NoReturn, Protocol, cast

from tavus_mcp import __version__
from tavus_mcp.cli import serve
from tavus_mcp.cli.output import WRONG_USE, fail
from tavus_mcp.settings import TOOLSETS, BadSetting, Settings, from_environment, parse_toolsets

_OFFLINE_COMMANDS = frozenset({"demo", "sandbox", "journal", "manifest"})
"""Commands that never call Tavus, so that the key and the network settings do not matter."""

_HELP_BY_COMMAND: Mapping[str, str] = {
    "demo": "show the whole job on the sandbox, step by step",
    "sandbox": "the local Tavus over HTTP, at /v2",
    "journal": "verify or show what was done to personas",
    "export": "print a persona as a file, without its keys",
    "apply": "make personas what files say, or create them",
    "manifest": "render README tables and server.json",
}


class CommandModule(Protocol):
    """What each module of a command has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments and options of the command."""

    def run(self, arguments: argparse.Namespace, settings: Settings) -> int:
        """Run the command and return its exit status."""


def run(arguments: Sequence[str], *, parent: int = 0) -> int:
    """Run the command and return its exit status; a server ends with the process ``parent``.

    A wrong option, and except for the server a wrong setting, ends with ``WRONG_USE``.
    """
    options = _build_parser(arguments).parse_args(arguments, argparse.Namespace(parent=parent))
    try:
        settings = _load_settings(options)
    except BadSetting as error:
        return fail(f"--toolsets: {error}", WRONG_USE)
    for problem in settings.problems:
        fail(problem)
    if options.command is None:
        return serve.run(options, settings)
    if settings.problems:
        return WRONG_USE
    return _load_command(options.command).run(options, settings)


def _load_command(name: str) -> CommandModule:
    return cast(CommandModule, import_module(f"tavus_mcp.cli.{name}"))


def _load_settings(options: argparse.Namespace) -> Settings:
    is_offline = options.sandbox or options.command in _OFFLINE_COMMANDS
    settings = from_environment(os.environ, needs_account=not is_offline)
    if options.toolsets is not None:
        settings = replace(settings, toolsets=parse_toolsets(options.toolsets))
    return replace(
        settings,
        sandbox=settings.sandbox or options.sandbox,
        read_only=settings.read_only or options.read_only,
    )


class _Parser(argparse.ArgumentParser):
    """A parser, also of each command, that ends with our exit status for a wrong option."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the mistake on stderr, and end."""
        self.print_usage(sys.stderr)
        self.exit(WRONG_USE, f"{self.prog}: {message}\n")


def _build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; only commands that occur in ``arguments`` get their own arguments."""
    parser = _Parser(
        prog="tavus-mcp",
        description="An MCP server for Tavus personas (unofficial). Without a command it serves "
        "on stdin and stdout, as MCP hosts launch it.",
    )
    parser.add_argument("--version", action="version", version=f"tavus-mcp {__version__}")
    parser.add_argument(
        "--sandbox", action="store_true", help="use the embedded local Tavus: no key, no network"
    )
    parser.add_argument("--read-only", action="store_true", help="serve only tools that read")
    parser.add_argument(
        "--toolsets", metavar="A,B", help=f"what is served: {', '.join(TOOLSETS)}, or all"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, help_text in _HELP_BY_COMMAND.items():
        command_parser = commands.add_parser(name, help=help_text)
        if name in arguments:
            _load_command(name).add_arguments(command_parser)
    return parser
