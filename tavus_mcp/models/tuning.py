"""The result of a tuning recommendation: a plan with the reasons of each change."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tavus_mcp.models.base import DeferredModel, JsonObject
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.receipt import FieldChange


class ExplainedChange(FieldChange):
    """A change with the goals it serves, its reason, effect, trade-off and source.

    ``confidence`` is ``documented``, ``reported`` or ``inferred``.
    """

    goal: str
    reason: str
    effect: str | None = None
    trade_off: str | None = None
    confidence: str
    source: str


class Suggestion(DeferredModel):
    """The receipt of a recommendation: a plan, or ``unchanged`` if all goals are met already.

    ``already`` holds ``{goal, path, value}`` of fields that meet a goal, with ``default`` where the
    value is the default; ``settled`` holds ``{goals, path, chosen, why}`` of fields for which goals
    conflict: the first goal wins.
    """

    status: Literal["planned", "unchanged"]
    persona_id: str | None = None
    persona_name: str | None = None
    revision: str | None = None
    changes: list[ExplainedChange] = Field(default_factory=list)
    already: list[JsonObject] = Field(default_factory=list)
    settled: list[JsonObject] = Field(default_factory=list)
    findings: list[Finding] = Field(default_factory=list)
    plan_id: str | None = None
    expires_at: str | None = None
