"""A call of one of the tools, as an answer holds it for whoever wants to make it."""

from __future__ import annotations

from pydantic import BaseModel

from tavus_mcp.models.base import JsonObject


class ToolCall(BaseModel):
    """A tool and the arguments to call it with."""

    tool: str
    arguments: JsonObject
