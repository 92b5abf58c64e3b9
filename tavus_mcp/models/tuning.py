"""What a suggestion of tuning answers: a plan whose every change says why and at what cost."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.receipt import FieldChange


class ExplainedChange(FieldChange):
    """A change with the goals it serves, its reason, its effect, its cost, and who says so.

    ``confidence`` is ``documented``, ``reported`` or ``inferred``.
    """

    goal: str
    reason: str
    effect: str
    trade_off: str | None = None
    confidence: str
    source: str


class Suggestion(BaseModel):
    """The receipt of a suggestion: a plan, or nothing where all is so already.

    ``already`` holds ``{goal, path, value}``, ``settled`` ``{goals, path, chosen, why}``: where
    goals pull against each other, the one named first has its way.
    """

    status: Literal["planned", "unchanged"]
    persona_id: str | None = None
    persona_name: str | None = None
    revision: str | None = None
    changes: list[ExplainedChange] = []
    already: list[JsonObject] = []
    settled: list[JsonObject] = []
    findings: list[Finding] = []
    plan_id: str | None = None
    expires_at: str | None = None
