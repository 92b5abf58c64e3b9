"""``tavus-mcp doctor``: check the installation, the settings and the hosts, with a fix for each.

What it prints holds no key, no home folder and no name of the user, so that it can be published.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from tavus_mcp import __version__
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_output import print_json
from tavus_mcp.cli.terminal import Style, Terminal
from tavus_mcp.cli.wiring import journal_location, sandbox_state_path
from tavus_mcp.diagnostics.check import Check, Status
from tavus_mcp.diagnostics.collect import Installation, collect_checks
from tavus_mcp.diagnostics.host_entries import HostEntry, read_host_entries
from tavus_mcp.hosts.entry import KEY_VARIABLE, entry_variables
from tavus_mcp.hosts.folders import UserFolders
from tavus_mcp.invisible_characters import escape_line
from tavus_mcp.settings import Settings, from_environment

DEFAULT_SECONDS, MAX_SECONDS = 15.0, 600.0
"""The default leaves 5 of the 20 seconds that the command may take for its start and its end."""
_STYLES: Mapping[Status, Style] = {
    Status.OK: Style.GREEN,
    Status.WARNING: Style.YELLOW,
    Status.ERROR: Style.RED,
    Status.SKIPPED: Style.DIM,
}
_STATUS_WIDTH = max(map(len, Status))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    parser.add_argument(
        "--timeout",
        type=_parse_seconds,
        default=DEFAULT_SECONDS,
        metavar="SECONDS",
        help=f"how long all checks may take; default: {DEFAULT_SECONDS:g}",
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print every check; the exit status is 1 if one of them is an error."""
    installation = _describe_installation(arguments, settings)
    checks = collect_checks(installation, arguments.timeout)
    if arguments.json:
        result = {"version": __version__, "checks": [asdict(check) for check in checks]}
        print_json(result)
    else:
        _print_checks(checks, Terminal.of_stdout(arguments.variables))
    has_error = any(check.status is Status.ERROR for check in checks)
    return ExitStatus.FAILURE if has_error else ExitStatus.DONE


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"must be a number above 0, at most {MAX_SECONDS:g}")
    return seconds


def _describe_installation(arguments: argparse.Namespace, settings: Settings) -> Installation:
    """Return what is to be checked.

    Without a key in the environment, the settings are those of the first entry that holds one:
    ``tavus-mcp install`` writes the key only there. Without any, they are those of the first entry
    that starts the sandbox.
    """
    variables: Mapping[str, str] = arguments.variables
    folders = UserFolders.from_variables(variables)
    entries = read_host_entries(folders, Path.cwd())
    key_source = ""
    used = None if settings.sandbox else _find_used_entry(entries, variables)
    if used is not None:
        is_sandbox = not used.has_usable_key
        variables = {**variables, **entry_variables(used.entry)}
        settings = replace(
            from_environment(variables, needs_account=not is_sandbox),
            sandbox=is_sandbox,
            read_only=settings.read_only or "--read-only" in used.arguments,
        )
        key_source = f"TAVUS_API_KEY is not set here; the entry of {used.host.title} is used."
    return Installation(
        settings,
        variables,
        key_source,
        journal_location(settings),
        sandbox_state_path(settings),
        entries,
        folders.home,
    )


def _find_used_entry(
    entries: Sequence[HostEntry], variables: Mapping[str, str]
) -> HostEntry | None:
    """Return the entry whose settings are checked; None for those of the environment."""
    if variables.get(KEY_VARIABLE, "").strip():
        return None
    own = [entry for entry in entries if not entry.is_project]
    with_key = [entry for entry in own if entry.has_usable_key]
    return next(iter([*with_key, *(entry for entry in own if entry.is_sandbox)]), None)


def _print_checks(checks: Sequence[Check], terminal: Terminal) -> None:
    """Print a line for each check, and its fix where something is to be done."""
    counts = Counter(check.status for check in checks)
    summary = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
    terminal.print_line(f"tavus-mcp {__version__}: {summary}", Style.BOLD)
    for check in checks:
        if check.status is not Status.SKIPPED:
            _print_check(check.status, f"{check.name}: {check.detail}", terminal)
        if check.fix and check.status in (Status.WARNING, Status.ERROR):
            fix = escape_line(f"Fix: {check.fix}")
            terminal.print_labelled(" " * _STATUS_WIDTH, fix, Style.DIM, indent=0)
    skipped = [check.name for check in checks if check.status is Status.SKIPPED]
    if skipped:
        text = f"{', '.join(skipped)} (not needed or not possible here; --json says why)"
        _print_check(Status.SKIPPED, text, terminal)


def _print_check(status: Status, text: str, terminal: Terminal) -> None:
    label = f"{status:<{_STATUS_WIDTH}}"
    terminal.print_labelled(label, escape_line(text), _STYLES[status], indent=0)
