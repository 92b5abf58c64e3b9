"""A guardrail as it is created, and the legacy sets (docs: create-guardrails)."""

from __future__ import annotations

from typing import Annotated

from pydantic import MISSING, Field

from tavus_mcp.models.base import JsonObject, StrictModel
from tavus_mcp.models.parts.objectives import CallbackUrl, Modality, PartName

GuardrailTag = Annotated[str, Field(min_length=1, max_length=64)]


class Guardrail(StrictModel):
    """The request that creates a guardrail."""

    guardrail_name: PartName
    guardrail_prompt: Annotated[str, Field(min_length=1, max_length=1000)]
    modality: Modality | MISSING = MISSING
    callback_url: CallbackUrl | MISSING | None = MISSING
    app_message: bool | MISSING = MISSING
    tags: Annotated[list[GuardrailTag], Field(max_length=32)] | MISSING = MISSING
    tool_call: JsonObject | MISSING | None = MISSING


class GuardrailSet(StrictModel):
    """The legacy request that creates several at once (docs: legacy-guardrail-sets)."""

    name: str | MISSING = MISSING
    data: Annotated[list[Guardrail], Field(min_length=1)]
