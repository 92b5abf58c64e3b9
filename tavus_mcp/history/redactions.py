"""Holes: where the journal hid a secret, so that what stood there cannot come back.

A hole is a mask in a place that is secret by its name, or a text that holds our mask, as masking
by known value leaves it. Stars that somebody wrote elsewhere are text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.masking import MASK, Masker, is_masked


def is_secret_path(parts: Sequence[str]) -> bool:
    """Tell whether what stands at the end of this path is a secret, by its name or as a header."""
    return bool(Masker().mask_at(parts, "x") != "x")


def has_redaction(value: object, parts: Sequence[str] = ()) -> bool:
    """Tell whether anything in a kept value was hidden; ``parts`` is the path where it stands."""
    if isinstance(value, dict):
        return any(MASK in key or has_redaction(item, (*parts, key)) for key, item in value.items())
    if isinstance(value, list):
        return any(has_redaction(item, (*parts, str(at))) for at, item in enumerate(value))
    if not isinstance(value, str):
        return False
    return MASK in value or (is_masked(value) and is_secret_path(parts))


def is_restorable(stored: object, current: object, parts: Sequence[str] = ()) -> bool:
    """Tell whether a kept value can come back where ``live`` stands now.

    An object can, member by member. A list comes back as a whole or not at all: its items have no
    names, so a key could get into another item. What is the same in front and at the end may hold
    keys, as it is not written.
    """
    if isinstance(stored, dict):
        return not any(MASK in key for key in stored)
    if isinstance(stored, list) and isinstance(current, list):
        stored = _changed_items(stored, current)
    return not has_redaction(stored, parts)


def restore_visible(stored: Any, current: object, parts: Sequence[str] = ()) -> Any:
    """Return a kept value that can come back; its holes are as they are now, or left out."""
    if not isinstance(stored, dict):
        return stored
    there = current if isinstance(current, dict) else {}
    result = {}
    for key, value in stored.items():
        here, now = (*parts, key), there.get(key)
        if is_restorable(value, now, here):
            result[key] = restore_visible(value, now, here)
        elif key in there:
            result[key] = now
    return result


def redacted_paths(stored: object, current: object, parts: Sequence[str] = ()) -> list[str]:
    """Return the places of a kept value that cannot come back, as JSON Pointers."""
    if not is_restorable(stored, current, parts):
        return [pointer_of(parts)]
    if not isinstance(stored, dict):
        return []
    there = current if isinstance(current, dict) else {}
    return [
        found
        for key, value in stored.items()
        for found in redacted_paths(value, there.get(key), (*parts, key))
    ]


def _changed_items(stored: list[Any], current: list[Any]) -> list[Any]:
    """Return the items between what both lists begin with and what both end with."""
    room = min(len(stored), len(current))
    start = next((at for at in range(room) if stored[at] != current[at]), room)
    room -= start
    end = next((at for at in range(room) if stored[-1 - at] != current[-1 - at]), room)
    return stored[start : len(stored) - end]
