"""Who makes changes on this machine: a setting, git's user, or the user of the system."""

from __future__ import annotations

import platform
import subprocess
from functools import cache

from tavus_mcp.text import truncate

_GIT_TIMEOUT_SECONDS = 2.0
_MAX_AUTHOR_CHARS = 100


@cache
def find_author(setting: str = "") -> str:
    """Return the setting, else git's user, else USER@HOST; on one line, and not too long.

    Starts git, so it is called in a thread when the first entry is written, not before.
    """
    author = setting or _git_user() or _system_user()
    return truncate(" ".join(author.split()), _MAX_AUTHOR_CHARS)


def _git_user() -> str:
    try:
        result = subprocess.run(
            ["git", "config", "--get-regexp", r"^user\.(name|email)$"],  # noqa: S607 - of the PATH
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = result.stdout.decode(errors="replace").splitlines()
    found = dict(line.partition(" ")[::2] for line in lines)
    name, email = found.get("user.name", ""), found.get("user.email", "")
    return f"{name} <{email}>" if name and email else name or email


def _system_user() -> str:
    import getpass  # only when it is needed: it loads the terminal's modules

    try:
        return f"{getpass.getuser()}@{platform.node()}"
    except (OSError, KeyError):
        return platform.node()
