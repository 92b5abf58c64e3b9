"""Checks of our entries in the files of hosts: file found, command exists, no key in a project."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tavus_mcp.diagnostics.check import Check, Finding, Status, merge_findings
from tavus_mcp.hosts.entry import (
    KEY_VARIABLE,
    SERVER_NAME,
    entry_variables,
    find_entry,
    is_secret_variable,
    read_file,
)
from tavus_mcp.hosts.folders import UserFolders, find_repository
from tavus_mcp.hosts.jsonc import BadConfig
from tavus_mcp.hosts.table import HOSTS, Host
from tavus_mcp.keys import BadSetting, parse_api_key, strip_copied
from tavus_mcp.settings import from_environment

_REFERENCE = re.compile(r"\$\{(?:(env|input):)?([\w.-]+)(:-[^}]*)?\}")
_READABLE_BY_OTHERS = 0o077
_KNOWN_OPTIONS = ("--sandbox", "--read-only", "--toolsets", "--project", "--env")
_SOURCE_PLACEHOLDER = "PATH_OR_GIT_URL"


@dataclass(frozen=True)
class HostEntry:
    """The file of a host, and our entry in it; ``problem`` says why the file cannot be read."""

    host: Host
    path: Path
    is_project: bool
    has_file: bool = False
    entry: Mapping[str, Any] | None = None
    text: str = ""
    input_ids: frozenset[str] = frozenset()
    problem: str = ""

    @property
    def check_name(self) -> str:
        """The name of the check of this file."""
        return f"host.{self.host.name}.{'project' if self.is_project else 'user'}"

    @property
    def display_path(self) -> str:
        """The path as it is printed: for a project without the folder of the project."""
        return self.host.project_file if self.is_project else str(self.path)

    @property
    def install_command(self) -> str:
        """The command that writes the entry."""
        scope = " --scope project" if self.is_project else ""
        return f"tavus-mcp install {self.host.name}{scope}"

    @property
    def arguments(self) -> list[str]:
        """The arguments of the command of the entry."""
        arguments = (self.entry or {}).get("args")
        return [str(item) for item in arguments] if isinstance(arguments, list) else []

    @property
    def is_sandbox(self) -> bool:
        """Tell whether the entry starts the sandbox."""
        return "--sandbox" in self.arguments

    @property
    def needs_key(self) -> bool:
        """Tell whether its server reads ``TAVUS_API_KEY``; a project names other variables."""
        return not self.is_sandbox and not {"--project", "--env"} & set(self.arguments)

    @property
    def literal_secrets(self) -> dict[str, str]:
        """The secrets that the entry holds by name, without references."""
        variables = entry_variables(self.entry).items()
        return {
            name: value
            for name, value in variables
            if value and is_secret_variable(name) and not _REFERENCE.fullmatch(value.strip())
        }

    @property
    def has_usable_key(self) -> bool:
        """Tell whether the entry holds a well-formed key of Tavus."""
        try:
            parse_api_key(strip_copied(self.literal_secrets.get(KEY_VARIABLE, "")))
        except BadSetting:
            return False
        return True


def read_host_entries(folders: UserFolders, project: Path) -> list[HostEntry]:
    """Return the entries for the user, one for each host, and those in files of a project."""
    found = []
    for host in HOSTS.values():
        user_path = folders.find_user_file(host)
        found.append(read_host_entry(host, user_path, is_project=False))
        path = project.joinpath(*host.project_file.split("/"))
        if host.project_file and path.is_file() and path.resolve() != user_path.resolve():
            found.append(read_host_entry(host, path, is_project=True))
    return found


def read_host_entry(host: Host, path: Path, *, is_project: bool) -> HostEntry:
    """Read one file of a host, which need not exist."""
    try:
        document = read_file(path, host)
    except (BadConfig, OSError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        return HostEntry(host, path, is_project, has_file=True, problem=problem)
    if document is None:
        return HostEntry(host, path, is_project)
    entry = find_entry(document, host)
    inputs = document.get("inputs") if host.uses_inputs else None
    return HostEntry(
        host,
        path,
        is_project,
        has_file=True,
        entry=entry,
        text=document.text,
        input_ids=frozenset(str(item.get("id")) for item in inputs or [] if isinstance(item, dict)),
    )


def check_host_entry(
    entry: HostEntry, variables: Mapping[str, str], known_secrets: Sequence[str]
) -> Check:
    """Check one file. ``known_secrets`` are keys that must not occur in a file of a project."""
    if entry.problem:
        detail = f"{entry.display_path}: {entry.problem}."
        fix = "Correct the file at this place; the host cannot read it either."
        return Check(entry.check_name, Status.ERROR, detail, fix)
    if entry.entry is None:
        what = f"has no entry {SERVER_NAME!r}" if entry.has_file else "does not exist"
        findings = [*_iterate_project_secrets(entry, known_secrets)]
        if not findings:
            fix = f"To use {entry.host.title}: {entry.install_command}."
            return Check(entry.check_name, Status.SKIPPED, f"{entry.display_path} {what}.", fix)
        return merge_findings(entry.check_name, findings, f"{entry.display_path} {what}.")
    findings = [
        *_iterate_command_findings(entry),
        *_iterate_variable_findings(entry, variables),
        *_iterate_project_secrets(entry, known_secrets),
        *_iterate_file_findings(entry),
    ]
    detail = f"{entry.display_path} starts {_describe_command(entry)}."
    return merge_findings(entry.check_name, findings, detail)


def _describe_command(entry: HostEntry) -> str:
    """Return the program of an entry and its known options; other arguments may hold anything."""
    known = [word for word in entry.arguments if word in _KNOWN_OPTIONS]
    command = (entry.entry or {}).get("command")
    return " ".join([str(command or "nothing"), *known])


def _iterate_command_findings(entry: HostEntry) -> Iterator[Finding]:
    command = (entry.entry or {}).get("command")
    fix = f"Run `{entry.install_command}`, which writes the right command."
    if not isinstance(command, str) or not command:
        yield Finding(Status.ERROR, "The entry has no command.", fix)
        return
    if command.startswith("~") or "$HOME" in command or "%USERPROFILE%" in command.upper():
        problem = "Hosts do not replace ~ or $HOME in a command, so that it is not found."
        yield Finding(Status.ERROR, problem, fix)
    elif Path(command).is_absolute():
        if not Path(command).is_file():
            yield Finding(Status.ERROR, "There is no such program.", fix)
        elif not os.access(command, os.X_OK):
            yield Finding(Status.ERROR, "The program is not executable.", fix)
    elif shutil.which(command) is None:
        yield Finding(Status.ERROR, "This program is not on the PATH.", fix)
    else:
        problem = "The path is not absolute; a desktop application may have another PATH."
        yield Finding(Status.WARNING, problem, fix)
    program = Path(command).stem.lower()
    is_uvx = program == "uvx" or (program == "uv" and entry.arguments[:2] == ["tool", "run"])
    if is_uvx and (source_problem := _describe_source_problem(entry.arguments)):
        yield Finding(Status.ERROR, source_problem, fix)


def _describe_source_problem(arguments: Sequence[str]) -> str:
    """Return what is wrong with the source that uvx installs from; empty if nothing is."""
    position = arguments.index("--from") + 1 if "--from" in arguments else 0
    source = arguments[position] if 0 < position < len(arguments) else ""
    is_address = "://" in source
    if not source:
        return "Without --from, uvx starts the vendor's package of the same name."
    if _SOURCE_PLACEHOLDER in source:
        return "The source behind --from is a placeholder that was not filled in."
    if source.startswith("~"):
        return "Hosts do not replace ~ in the source behind --from."
    if not is_address and not Path(source).is_absolute():
        return "The source behind --from must be an absolute path or a URL."
    if not is_address and not Path(source).exists():
        return "The source behind --from does not exist."
    return ""


def _iterate_variable_findings(entry: HostEntry, variables: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what the settings say about the variables of an entry, as its server would see them."""
    values = entry_variables(entry.entry)
    has_reference = False
    for name, value in entry_variables(entry.entry).items():
        reference = _REFERENCE.fullmatch(value.strip())
        if not reference or not entry.host.reference:
            continue
        del values[name]
        has_reference = has_reference or name == KEY_VARIABLE
        kind, variable, default = reference.groups()
        if kind == "input" and variable not in entry.input_ids:
            problem = f"It refers to the input {variable}, which the file does not declare."
            yield Finding(Status.ERROR, problem, f"Run `{entry.install_command}`.")
        elif (
            kind != "input" and not default and not variables.get(variable) and not entry.is_sandbox
        ):
            yield Finding(
                Status.WARNING,
                f"It refers to {variable}, which is not set here.",
                f"Set {variable} where {entry.host.title} is started.",
            )
    fix = f"Correct it in the file, or run `{entry.install_command}`."
    for problem in from_environment(values, needs_account=entry.needs_key).problems:
        yield Finding(Status.ERROR, problem, fix)
    if KEY_VARIABLE not in values and not has_reference and entry.needs_key:
        yield Finding(
            Status.WARNING,
            f"It sets no {KEY_VARIABLE}, which works only if {entry.host.title} itself has it.",
            f"Run `{entry.install_command}`.",
        )


def _iterate_project_secrets(entry: HostEntry, known_secrets: Sequence[str]) -> Iterator[Finding]:
    if not entry.is_project:
        return
    names = sorted(entry.literal_secrets)
    if not names and any(secret in entry.text for secret in known_secrets):
        names = ["a key of this server"]
    if names:
        yield Finding(
            Status.ERROR,
            f"The file of this project holds secrets: {', '.join(names)}.",
            f"Run `{entry.install_command}`, which writes a reference to the key, take other "
            "secrets out, and replace keys that were committed.",
        )


def _iterate_file_findings(entry: HostEntry) -> Iterator[Finding]:
    if entry.is_project or not entry.literal_secrets:
        return
    mode = stat.S_IMODE(entry.path.stat().st_mode)
    if os.name == "posix" and mode & _READABLE_BY_OTHERS:
        yield Finding(
            Status.WARNING,
            f"Other users may read the key in it (mode {mode:o}).",
            "Run `chmod 600` on the file.",
        )
    if find_repository(entry.path.resolve()) is not None:
        yield Finding(
            Status.WARNING,
            "It holds a key and is inside a git repository.",
            "Make sure that the file is never committed.",
        )
