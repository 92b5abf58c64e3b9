"""Merge the two sides of an object, its file and its account, by what both were at the last sync.

Pure functions over JSON. A field is a leaf: anything but an object, so that a list is one field.
The base remembers both sides, because they may differ without anybody having changed them: a file
names a key by reference where the account shows a mask, and Tavus adds defaults of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import put_at
from tavus_mcp.models.json_patch import ABSENT, pointer_of

IsSame = Callable[[str, Any, Any], bool]
"""Tells whether two values of the field at a pointer mean the same; ``ABSENT`` is one of them."""


@dataclass(frozen=True)
class MergeBase:
    """What the file and the account held at the last sync; both empty before the first one."""

    file: JsonObject = field(default_factory=dict)
    account: JsonObject = field(default_factory=dict)


class Side(StrEnum):
    """Where a field was changed since the base; ``SAME`` is the same change on both sides."""

    NEITHER = "neither"
    SAME = "same"
    LOCAL = "local"
    REMOTE = "remote"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class MergedField:
    """A field with its values on both sides, now and at the base; ``ABSENT`` where there is none"""

    pointer: str
    side: Side
    file: Any
    account: Any
    base_file: Any
    base_account: Any

    @property
    def is_settled(self) -> bool:
        """Return True if nothing has to be done about the field."""
        return self.side in (Side.NEITHER, Side.SAME)


def merge_fields(
    base: MergeBase, file: JsonObject, account: JsonObject, is_same: IsSame
) -> list[MergedField]:
    """Return every field of an object with the side on which it was changed."""
    return list(_iter_fields((), (file, account, base.file, base.account), is_same))


def _iter_fields(
    parts: tuple[str, ...], values: tuple[Any, Any, Any, Any], is_same: IsSame
) -> Iterator[MergedField]:
    if parts and not _is_object(values):
        pointer = pointer_of(parts)
        yield MergedField(pointer, _find_side(pointer, *values, is_same), *values)
        return
    members = [value if isinstance(value, dict) else {} for value in values]
    for key in dict.fromkeys(key for member in members for key in member):
        inner = tuple(member.get(key, ABSENT) for member in members)
        yield from _iter_fields((*parts, key), inner, is_same)


def _is_object(values: Sequence[Any]) -> bool:
    """Tell whether values are compared member by member: no side has anything but an object."""
    has_members = any(isinstance(value, dict) and value for value in values)
    return has_members and all(isinstance(value, dict) or value is ABSENT for value in values)


def _find_side(
    pointer: str, file: Any, account: Any, base_file: Any, base_account: Any, is_same: IsSame
) -> Side:
    is_changed_locally = not is_same(pointer, file, base_file)
    is_changed_remotely = not is_same(pointer, account, base_account)
    if not is_changed_locally and not is_changed_remotely:
        return Side.NEITHER
    if is_same(pointer, file, account):
        return Side.SAME
    if is_changed_locally and is_changed_remotely:
        return Side.CONFLICT
    return Side.LOCAL if is_changed_locally else Side.REMOTE


def compose(fields: Sequence[MergedField], choose: Callable[[MergedField], Any]) -> JsonObject:
    """Return the object whose fields are the chosen values; ``ABSENT`` leaves a field out."""
    result: JsonObject = {}
    for item in fields:
        value = choose(item)
        if value is not ABSENT:
            put_at(result, item.pointer, value)
    return result


def object_side(fields: Sequence[MergedField]) -> Side:
    """Return where an object was changed: ``CONFLICT`` if any field was changed on both sides.

    Different fields changed on either side are ``CONFLICT`` only for an observer of the object as
    a whole; ``has_both_sides`` tells that case.
    """
    sides = {item.side for item in fields}
    for side in (Side.CONFLICT, Side.LOCAL, Side.REMOTE):
        if side in sides:
            return side
    return Side.NEITHER


def has_both_sides(fields: Sequence[MergedField]) -> bool:
    """Tell whether an object has changes of its own on both sides, in conflict or not."""
    sides = {item.side for item in fields}
    return Side.CONFLICT in sides or {Side.LOCAL, Side.REMOTE} <= sides
