"""A set of objectives as it is created (docs: create-objectives; vendor client: objective)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import MISSING, Field

from tavus_mcp.models.base import JsonObject, StrictModel, known_values

PartName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$", max_length=100)]
"""The name of an objective or a guardrail: letters, digits and underscores."""
CallbackUrl = Annotated[str, Field(max_length=2048)]
Modality = Annotated[str, known_values("verbal", "visual", "audio")]
"""``audio`` is known to the vendor's client only."""


class Objective(StrictModel):
    """One goal of a conversation, and by name what follows it: one objective, or one of several."""

    objective_name: PartName
    objective_prompt: Annotated[str, Field(min_length=1, max_length=10_000)]
    confirmation_mode: Literal["auto", "manual"] | MISSING = MISSING
    output_variables: Annotated[list[str], Field(max_length=50)] | MISSING = MISSING
    modality: Modality | MISSING = MISSING
    next_required_objective: str | MISSING | None = MISSING
    next_conditional_objectives: dict[str, str] | MISSING | None = MISSING
    callback_url: CallbackUrl | MISSING | None = MISSING
    tool_call: JsonObject | MISSING | None = MISSING


class ObjectiveSet(StrictModel):
    """The request that creates a set; ``data`` are its objectives."""

    name: Annotated[str, Field(max_length=100)] | MISSING = MISSING
    data: Annotated[list[Objective], Field(min_length=1, max_length=50)]
    allow_loops: bool | MISSING = MISSING
