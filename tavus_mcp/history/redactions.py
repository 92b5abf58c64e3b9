"""Which values of a stored revision are masks of secrets, so that they cannot be restored.

The journal lists the masked places of each document (``PersonaDocument.masked``). Asterisks at any
other place are text.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from tavus_mcp.models.changes import put_at
from tavus_mcp.models.document import Document, MaskedPlaces
from tavus_mcp.models.json_patch import get_at, pointer_of, pointer_tokens

_ABSENT: Any = object()
PathParts = tuple[str, ...]
D = TypeVar("D", bound=Document)


def writes_mask(value: object, parts: PathParts, masked: MaskedPlaces) -> bool:
    """Tell whether a value of the stored document, at this path, is or contains a mask."""
    values = (
        get_at(value, pointer_of(place[len(parts) :]), _ABSENT)
        for place in masked
        if place[: len(parts)] == parts
    )
    # a masked object had names that are unknown; its members are not masks
    return any(found is not _ABSENT and not isinstance(found, dict) for found in values)


def is_restorable(stored: object, current: object, parts: PathParts, masked: MaskedPlaces) -> bool:
    """Tell whether ``stored`` can be restored over ``current``; ``parts`` is its path.

    Objects are restored per member, unless nothing of one could come back. A list is restored whole
    or not at all: its items have no identity, and a secret could end up in another item. Items that
    both lists begin or end with may be masked, as they are not written. A value inside a masked one
    is unknown, also if it is absent in the stored document.
    """
    if _is_inside_mask(parts, masked):
        return False
    if isinstance(stored, dict):
        is_part_left = isinstance(current, dict) or not stored
        return is_part_left or bool(restore_visible(stored, None, masked, parts))
    inside = [place for place in masked if place[: len(parts)] == parts]
    if isinstance(stored, list) and isinstance(current, list):
        changed = _changed_range(stored, current)
        inside = [place for place in inside if int(place[len(parts)]) in changed]
    return not inside


def restore_visible(
    stored: Any, current: object, masked: MaskedPlaces, parts: PathParts = ()
) -> Any:
    """Return a restorable value; its masked members are as in ``current``, or left out."""
    if not isinstance(stored, dict):
        return stored
    current_members = current if isinstance(current, dict) else {}
    if parts in masked:  # not all names of its members are known, so that none is removed
        return current_members
    result = {}
    for key, value in stored.items():
        path, live = (*parts, key), current_members.get(key)
        if is_restorable(value, live, path, masked):
            result[key] = restore_visible(value, live, masked, path)
        elif key in current_members:
            result[key] = live
    return result


def redacted_paths(
    stored: object, current: object, masked: MaskedPlaces, parts: PathParts = ()
) -> list[str]:
    """Return the JSON Pointers inside a stored value that cannot be restored."""
    if not isinstance(stored, dict) or _is_inside_mask(parts, masked):
        is_redacted = not is_restorable(stored, current, parts, masked)
        return [pointer_of(parts)] if is_redacted else []
    current_members = current if isinstance(current, dict) else {}
    return [
        path
        for key, value in stored.items()
        for path in redacted_paths(value, current_members.get(key), masked, (*parts, key))
    ]


def _is_inside_mask(parts: PathParts, masked: MaskedPlaces) -> bool:
    return any(parts[: len(place)] == place for place in masked)


def insert_secrets(target: D, secrets: Mapping[str, Any]) -> D:
    """Return a stored document with secrets, or objects with some, in place of their masks."""
    data, inserted = copy.deepcopy(target.data), set[PathParts]()
    for pointer, secret in secrets.items():
        parts = tuple(pointer_tokens(pointer))
        if inside := {place for place in target.masked if place[: len(parts)] == parts}:
            put_at(data, pointer, secret)
            inserted |= inside
    if not inserted:
        return target
    filled: D = replace(cast(Any, target), data=data, masked=target.masked - inserted)
    return filled


def _changed_range(stored: Sequence[Any], current: Sequence[Any]) -> range:
    """Return the indices of stored items between the common beginning and end of both lists."""
    shared = min(len(stored), len(current))
    start = next((at for at in range(shared) if stored[at] != current[at]), shared)
    shared -= start
    end = next((at for at in range(shared) if stored[-1 - at] != current[-1 - at]), shared)
    return range(start, len(stored) - end)
