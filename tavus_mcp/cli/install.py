"""``tavus-mcp install``: write the entry that lets a host start this server, or remove it.

The key is written only to a file that the user alone may read; a file in a project refers to a
variable, or to an input that the host asks for. It is never printed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from getpass import getpass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tavus_mcp.cli.files import error_message, print_utf8
from tavus_mcp.cli.host_files import HostFile
from tavus_mcp.cli.output import ExitStatus, fail, report
from tavus_mcp.cli.wiring import build_masker
from tavus_mcp.hosts.entry import (
    KEY_PLACEHOLDER,
    KEY_VARIABLE,
    SERVER_NAME,
    build_entry,
    entry_variables,
    find_entry,
    install_entry,
)
from tavus_mcp.hosts.folders import UserFolders, find_repository
from tavus_mcp.hosts.jsonc import BadConfig, JsonDocument
from tavus_mcp.hosts.launcher import NoCommand, RunningProgram, find_command
from tavus_mcp.hosts.table import HOSTS
from tavus_mcp.invisible_characters import escape_line
from tavus_mcp.keys import BadSetting, parse_api_key, strip_copied
from tavus_mcp.settings import DEFAULT_TOOLSETS, Settings
from tavus_mcp.text import quote_foreign, suggestion_or_period

_VARIABLES: Mapping[str, Callable[[Settings], str]] = {
    "TAVUS_BASE_URL": lambda settings: settings.base_url,
    "TAVUS_MCP_ACCOUNT": lambda settings: settings.account_label,
    "TAVUS_MCP_PROTECTED": lambda settings: "1" if settings.protected else "",
    "TAVUS_MCP_DATA_DIR": lambda settings: str(settings.data_dir.absolute()),
}
"""Settings of this command that its server gets too, unless they are the defaults."""
_OF_ONE_COMPUTER = frozenset({"TAVUS_MCP_DATA_DIR"})
_PLAIN_API_PATH = "/v2"
"""The path of a base URL without a part that may be a key, as a gateway has them."""


class _Refusal(Exception):
    """Nothing was written; ``status`` is the exit status."""

    def __init__(self, message: str, status: ExitStatus) -> None:
        super().__init__(message)
        self.status = status


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("host", metavar="HOST", help=f"one of {', '.join(HOSTS)}")
    parser.add_argument(
        "--scope",
        choices=("user", "project"),
        default="user",
        help="user: for you, in every folder; project: for the current folder only, without a "
        "key; default: user",
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--print", dest="print_only", action="store_true", help="print the entry, write nothing"
    )
    action.add_argument("--uninstall", action="store_true", help="remove the entry")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write, print or remove the entry of a host."""
    path = None
    try:
        file = _find_file(arguments)
        path = file.path
        if arguments.uninstall:
            return _uninstall(file)
        if arguments.print_only:
            return _print_entry(file, settings)
        return _install(file, settings)
    except _Refusal as error:
        return fail(build_masker(settings).mask_text(str(error)), error.status)
    except NoCommand as error:
        return fail(f"nothing was written. {error}", ExitStatus.FAILURE)
    except (BadConfig, OSError) as error:
        status = ExitStatus.INVALID if isinstance(error, BadConfig) else ExitStatus.FAILURE
        return fail(
            f"{error_message(error, path)}. The file was not changed; correct it and run the "
            "command again, or add the entry that --print shows yourself.",
            status,
        )


def _find_file(arguments: argparse.Namespace) -> HostFile:
    """Return the file that the arguments name; raise ``_Refusal`` if there is none."""
    host = HOSTS.get(arguments.host)
    if host is None:
        raise _Refusal(
            f"{quote_foreign(arguments.host)} is not a supported host"
            f"{suggestion_or_period(arguments.host, HOSTS)} Choose one of {', '.join(HOSTS)}.",
            ExitStatus.WRONG_USAGE,
        )
    folders = UserFolders.from_variables(arguments.variables)
    user_path = folders.find_user_file(host)
    if arguments.scope == "user":
        return HostFile(host, user_path, folders.find_root(user_path))
    if not host.project_file:
        raise _Refusal(
            f"--scope project: {host.title} reads no file of a project. Use --scope user.",
            ExitStatus.WRONG_USAGE,
        )
    path = Path.cwd().joinpath(*host.project_file.split("/"))
    if path.resolve() == user_path.resolve():
        raise _Refusal(
            f"--scope project: {path} is the file of the user, because the current folder is your "
            "home folder. Run the command in the folder of the project, or use --scope user.",
            ExitStatus.WRONG_USAGE,
        )
    return HostFile(host, path, Path.cwd(), is_project=True)


def _install(file: HostFile, settings: Settings) -> int:
    host = file.host
    before = file.read()
    existing = find_entry(before, host) if before else None
    key = "" if settings.sandbox or file.is_project else _find_key(settings, existing)
    entry = _build_entry(file, settings, existing, key)
    is_written = file.install(entry, is_secret=bool(key))
    if not is_written:
        return report(f"Nothing to change: the entry {SERVER_NAME!r} in {file.path} is up to date.")
    report(f"{host.title} can start this server: the entry {SERVER_NAME!r} is in {file.path}.")
    report(f"It runs: {_join_command(entry)}")
    if before is not None and file.backup_path.exists():
        report(f"The file as it was before the first change: {file.backup_path}")
    for note in _list_notes(file, settings, existing, entry, has_key=bool(key)):
        report(note)
    return report(f"Next: {host.next_step} `tavus-mcp doctor` checks the entry.")


def _list_notes(
    file: HostFile,
    settings: Settings,
    existing: Mapping[str, Any] | None,
    entry: Mapping[str, Any],
    *,
    has_key: bool,
) -> list[str]:
    """Return what a person should know about what was written."""
    host, notes = file.host, []
    if settings.sandbox:
        notes.append(
            "The sandbox has no personas of your own yet; `tavus-mcp sandbox --make-personas` "
            "creates ten examples."
        )
    elif has_key:
        notes.append("Only you may read the file (mode 0600), because it holds the key.")
        repository = find_repository(file.path.resolve())
        if repository:
            notes.append(
                f"The file is inside the git repository {repository}. Make sure that it is never "
                "committed."
            )
        if host.note:
            notes.append(host.note)
    elif host.uses_inputs:
        notes.append(f"The file holds no key. {host.title} asks for it once and stores it.")
    else:
        notes.append(
            f"The file holds no key. {host.title} reads it from its own environment: start it "
            f"where {KEY_VARIABLE} is set."
        )
    if file.is_project:
        if not settings.sandbox and _may_hold_key("TAVUS_BASE_URL", settings.base_url):
            notes.append(
                "TAVUS_BASE_URL is not in the file, because its path may hold a key. Set it where "
                f"{host.title} is started."
            )
        notes.append(
            "The path of the command is that of this computer: others run this command too."
        )
    if Path(entry["command"]).stem in ("uvx", "uv"):
        notes.append(
            "uvx looks for changes at each start, which takes 4 to 6 s; a program that `uv tool "
            "install` installs takes 1 to 2 s."
        )
    lost = _options_of(existing) - _options_of(entry)
    if lost:
        notes.append(f"The earlier entry had {', '.join(sorted(lost))}, which this one has not.")
    return notes


def _options_of(entry: Mapping[str, Any] | None) -> set[str]:
    arguments = (entry or {}).get("args")
    known = {"--sandbox", "--read-only", "--toolsets"}
    return known & set(map(str, arguments if isinstance(arguments, list) else []))


def _build_entry(
    file: HostFile, settings: Settings, existing: Mapping[str, Any] | None, key: str
) -> dict[str, Any]:
    """Return the entry for the settings of this command."""
    defaults = Settings()
    variables: dict[str, str] = {}
    if not settings.sandbox:
        variables[KEY_VARIABLE] = file.host.reference if file.is_project else key
    for name, value_of in _VARIABLES.items():
        value = value_of(settings)
        is_public = file.is_project or key == KEY_PLACEHOLDER
        is_omitted = is_public and (name in _OF_ONE_COMPUTER or _may_hold_key(name, value))
        if value != value_of(defaults) and not is_omitted:
            variables[name] = value
    command = find_command(RunningProgram.current())
    if settings.read_only:
        command.append("--read-only")
    if settings.sandbox:
        command.append("--sandbox")
    if settings.toolsets != DEFAULT_TOOLSETS:
        command += ["--toolsets", ",".join(settings.toolsets)]
    return build_entry(file.host, command, variables, existing)


def _may_hold_key(name: str, value: str) -> bool:
    return name == "TAVUS_BASE_URL" and urlsplit(value).path != _PLAIN_API_PATH


def _find_key(settings: Settings, existing: Mapping[str, Any] | None) -> str:
    """Return the key of the environment, else one that is typed, else that of the entry."""
    if settings.api_key:
        return settings.api_key
    stored = entry_variables(existing).get(KEY_VARIABLE, "")
    try:
        stored = parse_api_key(strip_copied(stored))
    except BadSetting:
        stored = ""
    typed = ""
    if sys.stdin.isatty():
        hint = "hidden; Enter keeps the one in the file" if stored else "hidden"
        try:
            typed = strip_copied(getpass(f"Tavus API key ({hint}): "))
        except EOFError:
            typed = ""
        except KeyboardInterrupt:
            message = "nothing was written: the prompt was interrupted."
            raise _Refusal(message, ExitStatus.REFUSED) from None
    if typed:
        try:
            return parse_api_key(typed)
        except BadSetting as error:
            message = f"nothing was written: the key {error}"
            raise _Refusal(message, ExitStatus.INVALID) from None
    if stored:
        return stored
    raise _Refusal(
        "nothing was written: there is no key. Set TAVUS_API_KEY, or run the command on a "
        "terminal, where it asks for the key without showing it. --sandbox needs none.",
        ExitStatus.REFUSED,
    )


def _uninstall(file: HostFile) -> int:
    if not file.uninstall():
        return report(f"Nothing to remove: there is no entry {SERVER_NAME!r} in {file.path}.")
    if not file.path.exists():
        report(f"Removed: {file.path}, which held nothing but the entry {SERVER_NAME!r}.")
    else:
        report(f"Removed: the entry {SERVER_NAME!r} from {file.path}.")
        if file.backup_path.exists():
            report(f"The file as it was before the first change: {file.backup_path}")
    return report(f"Next: restart {file.host.title}.")


def _print_entry(file: HostFile, settings: Settings) -> int:
    """Print what a person would add to the file, with a placeholder in place of the key."""
    entry = _build_entry(file, settings, None, KEY_PLACEHOLDER)
    document = install_entry(JsonDocument.empty(file.host.syntax), file.host, entry)
    sys.stderr.write(escape_line(f"For {file.path}; nothing was written:") + "\n")
    print_utf8(document.text)
    return ExitStatus.DONE


def _join_command(entry: Mapping[str, Any]) -> str:
    words = [entry["command"], *entry["args"]]
    return " ".join(f'"{word}"' if " " in word else word for word in words)
