"""Findings and errors for people at a terminal, who have commands and no tools."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from tavus_mcp.errors import CheckRefused, NotConfigured
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import Finding, RuleFinding
from tavus_mcp.server.surface import load_surface

_COMMANDS: Mapping[str, str] = {
    "check_persona": "tavus-mcp check",
    "delete_persona": "tavus-mcp delete",
    "export_persona": "tavus-mcp export",
    "get_persona": "tavus-mcp export",
    "list_personas": "tavus-mcp list",
    "list_revisions": "tavus-mcp journal show",
    "restore_revision": "tavus-mcp restore",
}
"""The command that does what a tool does."""


def adapt_text(text: str) -> str:
    """Return one of our texts with commands in place of tools; tools without one are marked."""
    return _tool_pattern().sub(lambda match: _name_command(match[1], match[0]), text)


def describe_finding(finding: Finding) -> JsonObject:
    """Return a finding as it is printed; of the calls that fix it, their effect."""
    hint = finding.hint
    if isinstance(finding, RuleFinding):
        hint = finding.render_hint(_unnamed_tools())
    return {
        "severity": finding.severity,
        "path": finding.path,
        "message": adapt_text(finding.message),
        "hint": adapt_text(hint) if hint else None,
    }


def describe_error(error: Exception) -> str:
    """Return the text of an error as it is printed."""
    if isinstance(error, CheckRefused):
        return adapt_text(error.render(_unnamed_tools()))
    if isinstance(error, NotConfigured) and str(error) == str(NotConfigured()):
        return "No Tavus key. Set TAVUS_API_KEY, or add --sandbox."
    return adapt_text(str(error))


def _name_command(tool: str, call: str) -> str:
    return _COMMANDS.get(tool) or f"{call} (in an assistant)"


@cache
def _unnamed_tools() -> Mapping[str, str]:
    """Return every tool, without a reason, so that hints give the effect of its calls alone."""
    return dict.fromkeys(load_surface()["tools"], "")


@cache
def _tool_pattern() -> re.Pattern[str]:
    names = sorted(load_surface()["tools"], key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(names)})\b(?:\([^()]*\))?")
