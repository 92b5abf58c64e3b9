"""Shared by the tests of ``tavus-mcp install`` and ``doctor``: keys, files of hosts, entries."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command_runner import CommandResult

from tavus_mcp.hosts.table import HOSTS

KEY = "tvs-0123456789abcdef"
OTHER_KEY = "tvs-fedcba9876543210"
USER_FILES = {
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "claude-code": ".claude.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".config/Code/User/mcp.json",
    "gemini": ".gemini/settings.json",
    "windsurf": ".codeium/windsurf/mcp_config.json",
}
Install = Callable[..., CommandResult]


def read_entry(path: Path, host: str) -> dict[str, Any]:
    return dict(json.loads(path.read_text())[HOSTS[host].servers_key]["tavus"])


def identity_of(path: Path) -> tuple[int, int, bytes]:
    """Return what changes when a file is written."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, path.read_bytes()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
