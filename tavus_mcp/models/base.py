"""The common manner of everything that people write."""

from __future__ import annotations

import re
from typing import Annotated, Any, NewType

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

Id = NewType("Id", str)
"""A checked id: letters, digits, ``-`` and ``_``, at most 64 characters."""


def parse_id(value: str) -> Id:
    """Return ``value`` as an id, or raise ``ValueError`` saying what an id looks like."""
    if _ID.fullmatch(value) is None:
        raise ValueError(
            "not an id: ids are 1 to 64 letters, digits, '-' or '_' (a persona's starts with p, "
            "like p5317866, a conversation's with c); a list_* tool shows them"
        )
    return Id(value)


PersonaId = Annotated[str, AfterValidator(parse_id)]
"""An id given as an argument; refused before any request when it could be more than an id."""

ConversationId = Annotated[str, AfterValidator(parse_id)]
"""The same for a conversation."""


JsonObject = dict[str, Any]
"""A JSON object whose inside we do not model."""

NonEmptyStr = Annotated[str, Field(min_length=1)]
"""A string that says something."""

DeprecatedField = Field(json_schema_extra={"deprecated": True})
"""Marks what is accepted, and answered with a finding, but no longer offered to models."""


class StrictModel(BaseModel):
    """A model of what people write: unknown fields are refused, rejected values never echoed."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class OpenModel(BaseModel):
    """A model of an object that Tavus leaves open: known fields are typed, others pass."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)
