"""A pronunciation dictionary as it is created (docs: pronunciation-dictionaries)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import MISSING, Field

from tavus_mcp.models.base import StrictModel, known_values


class PronunciationRule(StrictModel):
    """The pronunciation of one text; texts are unique in a dictionary."""

    text: Annotated[str, Field(min_length=1, max_length=200)]
    pronunciation: Annotated[str, Field(min_length=1, max_length=500)]
    type: Literal["alias", "ipa"]
    alphabet: Annotated[str, known_values("ipa")] | MISSING | None = MISSING
    case_sensitive: bool | MISSING = MISSING
    word_boundaries: bool | MISSING = MISSING


class Dictionary(StrictModel):
    """The request that creates a dictionary."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    rules: Annotated[list[PronunciationRule], Field(max_length=10_000)] | MISSING = MISSING
