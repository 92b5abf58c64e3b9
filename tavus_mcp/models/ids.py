"""Ids: the only strings that ever become a path segment."""

from __future__ import annotations

import re
from typing import Annotated, NewType

from pydantic import AfterValidator

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

Id = NewType("Id", str)
"""A checked id: letters, digits, ``-`` and ``_``, at most 64 characters."""


def checked_id(value: str) -> Id:
    """Return ``value`` as an id, or raise ``ValueError`` saying what an id looks like."""
    if _ID.fullmatch(value) is None:
        raise ValueError(
            "not an id: ids are 1 to 64 letters, digits, '-' or '_' (a persona's starts with p, "
            "like p5317866, a conversation's with c); a list_* tool shows them"
        )
    return Id(value)


PersonaId = Annotated[str, AfterValidator(checked_id)]
"""An id given as an argument; refused before any request when it could be more than an id."""

ConversationId = Annotated[str, AfterValidator(checked_id)]
"""The same for a conversation."""
