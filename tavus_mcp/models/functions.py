"""OpenAI-style functions inside a layer (docs: persona/llm-tool, persona/perception-tool)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import MISSING, Field

from tavus_mcp.models.base import JsonObject, Written

FUNCTION_NAME = r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$"
"""Names a model can call (docs: pal/llm-tool)."""

FunctionName = Annotated[str, Field(pattern=FUNCTION_NAME)]


class FunctionSpec(Written):
    """The function itself: its name, when to call it, and its parameters as a JSON Schema."""

    name: FunctionName
    description: str | MISSING = MISSING
    parameters: JsonObject | MISSING = MISSING
    strict: bool | MISSING = MISSING


class FunctionTool(Written):
    """One inline tool as the layers hold it: ``{"type": "function", "function": {...}}``."""

    type: Literal["function"] = "function"
    function: FunctionSpec
