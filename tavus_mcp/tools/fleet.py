"""The toolset ``fleet``: the personas of a whole account at once."""

from __future__ import annotations

from tavus_mcp.tools.toolset import Toolset

fleet = Toolset("fleet")
