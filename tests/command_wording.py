"""Finds in the output of commands what is said to an assistant and not to a person."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tavus_mcp.server.surface import load_surface

_COMMANDS_ABOUT_TOOLS = frozenset({"demo", "manifest"})
"""Commands that show calls of tools on purpose."""
_COMMANDS_ABOUT_SERVERS = frozenset({"doctor", "install", "sandbox", "journal"})
"""Commands that may speak of a server: they connect, serve or wait for one."""
_WORDING_FOR_ASSISTANTS = (
    r"\b(?:plan_id|dry_run|if_revision|after_revision|next_cursor|undo_of|based_on)\b",
    r"\b\w+\([a-z_]+=",  # the syntax of a call
    r"\b(?:list|configure)_\*|\ballow_\w+=|\bin an assistant\b",
    r"\b[Cc]all again\b|\b(?:this|one|another) call\b|\bcall that undoes\b|\bcall (?=\w+_\w+)",
    r"\bto the person\b|\bthe person (?:agreed|asked|who runs (?:it|the server))\b",
)
_WORDING_ABOUT_SERVERS = r"\b(?:this|the) server\b(?! did not)"
_EDITOR = re.compile(r"\bby the tool \w+ at ")
"""The name of a tool as the journal holds it, where it changed something."""

_MEMBER = re.compile(r'^\s*"(?:tool": .*|\w+": )')
"""The name of a member in the output of ``--json``; a tool as the journal names it is data."""


def find_wording_for_assistants(arguments: Sequence[str], output: str) -> list[str]:
    """Return what a command printed although only an assistant can follow it, with its line."""
    words = {word for word in arguments if not word.startswith("-")}
    if words & _COMMANDS_ABOUT_TOOLS or {"journal", "show"} <= words:
        return []
    patterns = [*_WORDING_FOR_ASSISTANTS, rf"\b(?:{'|'.join(load_surface()['tools'])})\b"]
    if not words & _COMMANDS_ABOUT_SERVERS:
        patterns.append(_WORDING_ABOUT_SERVERS)
    expression = re.compile("|".join(patterns))
    lines = ((line, _EDITOR.sub("", _MEMBER.sub("", line))) for line in output.splitlines())
    return [line for line, examined in lines if expression.search(examined)]
