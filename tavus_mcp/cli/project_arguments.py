"""The options of commands that work on a project."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path


def add_project_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of every command of a project."""
    add_environment_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_environment_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that name a project and one of its environments.

    They have no defaults, so that what stands before the name of the command counts as well.
    """
    parser.add_argument(
        "--project",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="the folder with tavus.toml; default: this one",
    )
    parser.add_argument(
        "--env", metavar="NAME", default=argparse.SUPPRESS, help="an environment of tavus.toml"
    )


def is_project_use(arguments: argparse.Namespace) -> bool:
    """Tell whether a command that also works without a project was called with one."""
    return bool(arguments.env or arguments.project)


def account_options(arguments: argparse.Namespace, *, is_sandbox: bool) -> list[str]:
    """Return the options, quoted for a shell, that choose the account a command worked on."""
    if not is_project_use(arguments):
        return ["--sandbox"] if is_sandbox else []
    environment = ["--env", arguments.env] if arguments.env else []
    return [shlex.quote(word) for word in [*folder_options(arguments), *environment]]


def folder_options(arguments: argparse.Namespace) -> list[str]:
    """Return the options that name the folder of the project, none if it is this one."""
    folder = arguments.project or Path()
    return [] if folder == Path() else ["--project", str(folder)]


def add_resolve_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the option that settles conflicts."""
    parser.add_argument(
        "--resolve", choices=("file", "live"), default="", help="which side wins a conflict"
    )


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that decide what a plan does."""
    add_resolve_argument(parser)
    parser.add_argument(
        "--prune",
        action="store_true",
        help="delete objects that this project created and whose file is gone",
    )
    parser.add_argument(
        "--resend-secret",
        metavar="NAME",
        action="append",
        default=[],
        help="send this secret of tavus.toml again, as its variable has a new value; repeatable",
    )
    parser.add_argument(
        "--allow-unknown", action="store_true", help="send fields that are not known here"
    )
    parser.add_argument(
        "--allow-private-url", action="store_true", help="accept http or a private base_url"
    )


def add_write_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how a command carries out a change of one persona."""
    parser.add_argument("--dry-run", action="store_true", help="show what would change")
    parser.add_argument("--yes", action="store_true", help="carry out a plan without asking")
