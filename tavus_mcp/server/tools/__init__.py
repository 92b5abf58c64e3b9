"""The tools: one decorated function each, one module per toolset.

A tool function turns its arguments into a request of ``personas``, ``tuning``, ``fleet``, ... and
returns a result model. Name, description, hints and schemas are read off the function
(``toolset``, ``tool_schemas``).
"""

from __future__ import annotations

from tavus_mcp.server.tools.account import account
from tavus_mcp.server.tools.advanced import advanced
from tavus_mcp.server.tools.checks import checks
from tavus_mcp.server.tools.conversations import conversations
from tavus_mcp.server.tools.fleet import fleet
from tavus_mcp.server.tools.history import history
from tavus_mcp.server.tools.layers import layers
from tavus_mcp.server.tools.parts import parts
from tavus_mcp.server.tools.personas import personas
from tavus_mcp.server.toolset import ToolSpec
from tavus_mcp.settings import PROJECT_TOOLSET

TOOLSETS = (personas, layers, history, checks, fleet, account, parts, conversations, advanced)
"""The toolsets, in the order they are listed."""

ALL_SPECS: tuple[ToolSpec, ...] = tuple(spec for toolset in TOOLSETS for spec in toolset.specs)
"""Every tool there is, in the order they are listed."""


def served_specs(toolsets: tuple[str, ...], *, read_only: bool) -> list[ToolSpec]:
    """Return the tools of these toolsets; only those that read, when ``read_only``."""
    specs = ALL_SPECS
    if PROJECT_TOOLSET in toolsets:  # only a server that is started with a project has it
        from tavus_mcp.server.tools.project import project

        specs = (*ALL_SPECS, *project.specs)
    return [
        spec
        for spec in specs
        if spec.toolset in toolsets and (spec.hints.read_only_hint or not read_only)
    ]
