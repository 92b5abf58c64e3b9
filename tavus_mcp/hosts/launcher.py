"""The command that an entry starts: an absolute path, as desktop hosts have another PATH.

It is the program that runs now. A program that ``uvx`` has put into a temporary environment is
started by ``uvx`` again, from the same source.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

PROGRAM = "tavus-mcp"
_UV_CACHE_FOLDER = re.compile(r"(archive|environments|builds)-v\d+")
_UV_ADVICE = (
    "Install this program permanently with `uv tool install --from SOURCE tavus-mcp`, where SOURCE "
    "is the folder of a checkout or git+https://..., and run the command again."
)


class NoCommand(Exception):
    """No command can be written that starts this program; the message says what to do."""


@dataclass(frozen=True)
class RunningProgram:
    """How this process was started.

    ``is_installed`` is False when it runs from its source alone. ``source`` is the text of
    ``direct_url.json`` (PEP 610): from where the package was installed.
    """

    argv0: str
    executable: str
    prefix: str
    is_installed: bool = True
    source: str | None = None
    find_program: Callable[[str], str | None] = shutil.which

    @classmethod
    def current(cls) -> RunningProgram:
        """Return how this process was started."""
        is_installed, source = True, None
        try:
            source = metadata.distribution(PROGRAM).read_text("direct_url.json")
        except metadata.PackageNotFoundError:
            is_installed = False
        return cls(sys.argv[0], sys.executable, sys.prefix, is_installed, source)


def find_command(program: RunningProgram) -> list[str]:
    """Return the command that starts this program again; raise ``NoCommand`` if there is none."""
    if any(_UV_CACHE_FOLDER.fullmatch(part) for part in Path(program.prefix).parts):
        return [*_find_uvx(program), "--from", _find_source(program), PROGRAM]
    executable = Path(program.executable).absolute()
    suffix = ".exe" if executable.suffix.lower() == ".exe" else ""
    started = Path(program.argv0).absolute()
    candidates = [started, started.with_name(PROGRAM + suffix)] if started.stem == PROGRAM else []
    for path in [*candidates, executable.with_name(PROGRAM + suffix)]:
        if path.is_file():
            return [str(path)]
    if not program.is_installed or not executable.is_file():
        raise NoCommand(
            f"There is no program {PROGRAM} that a host could start: neither {started} nor one "
            f"beside {executable} exists, and the package is not installed there. {_UV_ADVICE}"
        )
    return [str(executable), "-m", "tavus_mcp"]


def _find_uvx(program: RunningProgram) -> list[str]:
    uvx = program.find_program("uvx")
    if uvx:
        return [str(Path(uvx).absolute())]
    uv = program.find_program("uv")
    if uv:
        return [str(Path(uv).absolute()), "tool", "run"]
    raise NoCommand(
        "This program runs in a temporary environment of uv, but neither uvx nor uv is on the "
        f"PATH, so that no host could start it. {_UV_ADVICE}"
    )


def _find_source(program: RunningProgram) -> str:
    """Return what ``uvx --from`` was given: a folder, a file, or the URL of a repository."""
    if not program.source:
        raise NoCommand(
            "This program runs in a temporary environment of uv, and from where it was installed "
            f"is not recorded. {_UV_ADVICE}"
        )
    record: dict[str, Any] = json.loads(program.source)
    url = str(record.get("url", ""))
    parts = urlsplit(url)
    if parts.scheme == "file":
        path = Path(url2pathname(parts.path))
        if not path.exists():
            raise NoCommand(
                f"This program was installed from {path}, which is not there any more. {_UV_ADVICE}"
            )
        return str(path)
    if parts.username or parts.password:
        raise NoCommand(
            "The address that this program was installed from holds a user name or a password, "
            f"which is not written to the file of a host. {_UV_ADVICE}"
        )
    repository = record.get("vcs_info")
    if not isinstance(repository, dict):
        return url
    revision = repository.get("requested_revision")
    subfolder = record.get("subdirectory")
    return (
        f"{repository.get('vcs', 'git')}+{url}"
        + (f"@{revision}" if revision else "")
        + (f"#subdirectory={subfolder}" if subfolder else "")
    )
