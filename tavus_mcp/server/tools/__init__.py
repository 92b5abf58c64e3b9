"""The front: one decorated function per tool, grouped by toolset.

A tool function turns its arguments into values of ``models`` and calls one use case. What hosts
see of it (name, schemas, hints, toolset) is read off the function by ``toolset``; ``build`` makes
it a tool of the SDK, ``arguments`` reads what arrives, and ``present`` shows what is answered.
"""

from __future__ import annotations

from tavus_mcp.server.tools.account import account
from tavus_mcp.server.tools.advanced import advanced
from tavus_mcp.server.tools.checks import checks
from tavus_mcp.server.tools.conversations import conversations
from tavus_mcp.server.tools.fleet import fleet
from tavus_mcp.server.tools.history import history
from tavus_mcp.server.tools.layers import layers
from tavus_mcp.server.tools.personas import personas
from tavus_mcp.server.toolset import ToolSpec

TOOLSETS = (personas, layers, history, checks, account, conversations, fleet, advanced)
"""The toolsets, in the order they are listed."""

ALL_SPECS: tuple[ToolSpec, ...] = tuple(spec for toolset in TOOLSETS for spec in toolset.specs)
"""Every tool there is, in the order they are listed."""


def served_specs(toolsets: tuple[str, ...], *, read_only: bool) -> list[ToolSpec]:
    """Return the tools of these toolsets; only those that read, when ``read_only``."""
    return [
        spec
        for spec in ALL_SPECS
        if spec.toolset in toolsets and (spec.hints.read_only_hint or not read_only)
    ]
