"""The toolset ``conversations``: what was said in calls, and how the turns were taken."""

from __future__ import annotations

from tavus_mcp.tools.toolset import Toolset

conversations = Toolset("conversations")
