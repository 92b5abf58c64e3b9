"""The hosts as data: where their files are, and what an entry looks like in them.

Sources, read in November 2026: the documentation of each host on MCP servers, and for Claude
Desktop on Windows, whose package reads another folder than its documentation names, the reports
about it (anthropics/claude-code, issues 25579 and 26073). Nothing was tried in a real host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tavus_mcp.hosts.jsonc import Syntax

LINUX, MACOS, WINDOWS = "linux", "darwin", "win32"
"""The systems, by their names in ``sys.platform``."""
_JSON = Syntax()
_COMMENTS = Syntax(comments=True)
_JSONC = Syntax(comments=True, trailing_commas=True)


@dataclass(frozen=True)
class Host:
    """One host application.

    Attributes:
        name: how a command names it.
        title: how people name it.
        user_files: by system, the file of the user. A path begins with the name of a folder
            (``folders.UserFolders``); ``*`` stands for any name; the last one is the default.
        project_file: the file in the folder of a project; empty if the host reads none.
        reference: how a project file refers to the variable of the key in the host's environment.
        syntax: what the file may hold beyond JSON.
        servers_key: the member of the file that holds the servers.
        has_type: whether an entry says ``"type": "stdio"``.
        uses_inputs: whether a project file declares the key as an input, for which the host asks.
        next_step: what makes the host read its file again.
        note: what else a person must know about the file of the user.
    """

    name: str
    title: str
    user_files: Mapping[str, tuple[str, ...]]
    project_file: str = ""
    reference: str = ""
    syntax: Syntax = _JSON
    servers_key: str = "mcpServers"
    has_type: bool = False
    uses_inputs: bool = False
    next_step: str = ""
    note: str = ""


def _everywhere(path: str) -> Mapping[str, tuple[str, ...]]:
    return dict.fromkeys((LINUX, MACOS, WINDOWS), (path,))


HOSTS: Mapping[str, Host] = {
    host.name: host
    for host in (
        Host(
            "claude-desktop",
            "Claude Desktop",
            {
                LINUX: ("config/Claude/claude_desktop_config.json",),
                MACOS: ("home/Library/Application Support/Claude/claude_desktop_config.json",),
                WINDOWS: (
                    "local/Packages/Claude_*/LocalCache/Roaming/Claude/claude_desktop_config.json",
                    "roaming/Claude/claude_desktop_config.json",
                ),
            },
            next_step="Quit Claude Desktop completely and start it again.",
        ),
        Host(
            "claude-code",
            "Claude Code",
            _everywhere("claude/.claude.json"),
            ".mcp.json",
            "${TAVUS_API_KEY}",
            has_type=True,
            next_step="Start a new session of Claude Code; /mcp shows the server.",
        ),
        Host(
            "cursor",
            "Cursor",
            _everywhere("home/.cursor/mcp.json"),
            ".cursor/mcp.json",
            "${env:TAVUS_API_KEY}",
            _JSONC,
            next_step="Restart Cursor, and switch the server on in its settings for MCP.",
        ),
        Host(
            "vscode",
            "VS Code",
            {
                LINUX: ("config/Code/User/mcp.json",),
                MACOS: ("home/Library/Application Support/Code/User/mcp.json",),
                WINDOWS: ("roaming/Code/User/mcp.json",),
            },
            ".vscode/mcp.json",
            "${input:tavus-api-key}",
            _JSONC,
            servers_key="servers",
            has_type=True,
            uses_inputs=True,
            next_step='Start the server with the command "MCP: List Servers" of VS Code.',
            note="Settings Sync of VS Code may copy this file to your other computers. "
            "--scope project lets VS Code ask for the key and store it itself.",
        ),
        Host(
            "gemini",
            "Gemini CLI",
            _everywhere("home/.gemini/settings.json"),
            ".gemini/settings.json",
            "${TAVUS_API_KEY}",
            _COMMENTS,
            next_step="Start Gemini CLI again; /mcp shows the server.",
        ),
        Host(
            "windsurf",
            "Windsurf",
            _everywhere("home/.codeium/windsurf/mcp_config.json"),
            next_step="Refresh the list of MCP servers in Windsurf, or restart it.",
        ),
    )
}
"""Every host by its name."""
