"""Objects and lists that a host sends as JSON text, encoded once or several times."""

from __future__ import annotations

import json
from typing import Any

_MAX_DECODINGS = 3
"""How often a string is decoded before it is taken for text."""


def decode_container(text: str) -> Any:
    """Return the object or the list that a text encodes, or the text itself if it encodes none."""
    value: Any = text
    for _ in range(_MAX_DECODINGS):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return text
        if not isinstance(value, str):
            return value if isinstance(value, (dict, list)) else text
    return text
