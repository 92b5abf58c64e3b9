"""The common manner of everything that people write."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

JsonObject = dict[str, Any]
"""A JSON object whose inside we do not model."""

Text = Annotated[str, Field(min_length=1)]
"""A string that says something."""

Accepted = Field(json_schema_extra={"deprecated": True})
"""Marks what is accepted, and answered with a finding, but no longer offered to models."""


class Written(BaseModel):
    """A model of what people write: unknown fields are refused, rejected values never echoed."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Free(BaseModel):
    """A model of an object that Tavus leaves open: known fields are typed, others pass."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)
