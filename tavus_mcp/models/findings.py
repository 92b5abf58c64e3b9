"""One remark of the checker."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from tavus_mcp.models.base import JsonObject


class ToolCall(BaseModel):
    """A tool and the arguments to call it with."""

    tool: str
    arguments: JsonObject


Severity = Annotated[Literal["error", "warning", "info"], WithJsonSchema({"type": "string"})]
Calls = Annotated[list[ToolCall], WithJsonSchema({"type": "array", "items": {"type": "object"}})]
SEVERITY_ORDER: dict[str, int] = {"error": 0, "warning": 1, "info": 2}


class Finding(BaseModel):
    """What is wrong or worth knowing, where, and what mends it.

    ``error``: Tavus refuses it or it cannot work; ``warning``: it works otherwise than it looks;
    ``info``: worth knowing.
    """

    severity: Severity
    path: str
    message: str
    hint: str | None = None


class RuleFinding(Finding):
    """A remark with the rule that made it and the source of the rule.

    ``fix`` are the calls that make it go away, in order; a draft, which has no id to call them
    with, has none. ``blocks`` marks what is refused before anything is sent; ``covers`` that it
    speaks for everything below its path as well; ``meant`` is the place that a stray field is for.
    """

    rule: str | None = None
    source: str | None = None
    fix: Calls | None = None
    blocks_write: Annotated[bool, Field(exclude=True)] = False
    covers_subtree: Annotated[bool, Field(exclude=True)] = False
    intended_path: Annotated[str | None, Field(exclude=True)] = None


def sort_by_severity(findings: list[RuleFinding]) -> list[RuleFinding]:
    """Return findings worst first, each once, in a stable order."""
    unique = {(item.severity, item.path, item.message): item for item in findings}
    return sorted(unique.values(), key=lambda item: (SEVERITY_ORDER[item.severity], item.path))
