"""Find redacted values in a stored revision, which cannot be restored.

The journal stores secrets as ``MASK``. A value is redacted when it is a mask in a place that is
secret by its name, or a text that contains ``MASK`` because it held a known secret. Asterisks that
someone wrote elsewhere are text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.masking import MASK, Masker, is_masked


def is_secret_path(parts: Sequence[str]) -> bool:
    """Tell whether the value at this path is a secret, by its name or as a header."""
    return bool(Masker().mask_at(parts, "x") != "x")


def has_redaction(value: object, parts: Sequence[str] = ()) -> bool:
    """Tell whether a stored value contains a redaction; ``parts`` is its path."""
    if isinstance(value, dict):
        return any(MASK in key or has_redaction(item, (*parts, key)) for key, item in value.items())
    if isinstance(value, list):
        return any(has_redaction(item, (*parts, str(at))) for at, item in enumerate(value))
    if not isinstance(value, str):
        return False
    return MASK in value or (is_masked(value) and is_secret_path(parts))


def is_restorable(stored: object, current: object, parts: Sequence[str] = ()) -> bool:
    """Tell whether ``stored`` can be restored over ``current``.

    Objects are restored per member. A list is restored whole or not at all: its items have no
    identity, and a secret could end up in another item. Items that both lists begin or end with may
    be redacted, as they are not written.
    """
    if isinstance(stored, dict):
        return not any(MASK in key for key in stored)
    if isinstance(stored, list) and isinstance(current, list):
        stored = _changed_items(stored, current)
    return not has_redaction(stored, parts)


def restore_visible(stored: Any, current: object, parts: Sequence[str] = ()) -> Any:
    """Return a restorable value; its redacted members are as in ``current``, or left out."""
    if not isinstance(stored, dict):
        return stored
    current_members = current if isinstance(current, dict) else {}
    result = {}
    for key, value in stored.items():
        path, live = (*parts, key), current_members.get(key)
        if is_restorable(value, live, path):
            result[key] = restore_visible(value, live, path)
        elif key in current_members:
            result[key] = live
    return result


def redacted_paths(stored: object, current: object, parts: Sequence[str] = ()) -> list[str]:
    """Return the JSON Pointers inside a stored value that cannot be restored."""
    if not is_restorable(stored, current, parts):
        return [pointer_of(parts)]
    if not isinstance(stored, dict):
        return []
    current_members = current if isinstance(current, dict) else {}
    return [
        path
        for key, value in stored.items()
        for path in redacted_paths(value, current_members.get(key), (*parts, key))
    ]


def _changed_items(stored: list[Any], current: list[Any]) -> list[Any]:
    """Return the stored items between the common beginning and the common end of both lists."""
    shared = min(len(stored), len(current))
    start = next((at for at in range(shared) if stored[at] != current[at]), shared)
    shared -= start
    end = next((at for at in range(shared) if stored[-1 - at] != current[-1 - at]), shared)
    return stored[start : len(stored) - end]
