"""The merge base of an object after fields of both sides were made the same."""

from __future__ import annotations

from collections.abc import Collection

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import put_at
from tavus_mcp.models.json_patch import ABSENT, get_at, is_within, overlaps
from tavus_mcp.project.equivalence import normalize
from tavus_mcp.project.merge import IsSame, MergeBase, MergedField, Side, compose, merge_fields

_LAYERS = "/layers"
"""The object whose members are layers, each of which Tavus fills in by itself."""


def sync_base(
    base: MergeBase,
    file: JsonObject,
    account: JsonObject,
    is_same: IsSame,
    synced: Collection[str] | None = None,
    unread: Collection[str] = (),
    before: JsonObject | None = None,
) -> MergeBase:
    """Return the base after the fields at ``synced``, by default all, were written or taken over.

    Fields that mean the same on both sides are taken over as well. The others stay as they were at
    the last sync: what was changed only in the account is then no local change of later. A field
    that the account does not return, in ``unread``, counts as it was written.

    ``before`` is the account before the fields were written, None if they were not. Where a field
    was written, Tavus may set others beside it that were not set, which is no change by anybody.
    """
    fields = merge_fields(base, file, account, is_same)

    parents = {path.rpartition("/")[0] for path in synced or ()} - {"", _LAYERS}

    def is_filled_in(item: MergedField) -> bool:
        is_unset = item.file is item.base_file is item.base_account is ABSENT
        return (
            before is not None
            and is_unset
            and item.pointer.rpartition("/")[0] in parents
            and normalize(get_at(before, item.pointer)) is None
        )

    def is_synced(item: MergedField) -> bool:
        is_written = synced is None or any(overlaps(item.pointer, path) for path in synced)
        return is_written or item.side is Side.SAME or is_filled_in(item)

    def choose_file(item: MergedField) -> object:
        return item.file if is_synced(item) else item.base_file

    def choose_account(item: MergedField) -> object:
        if not is_synced(item):
            return item.base_account
        is_unread = item.pointer[1:].partition("/")[0] in unread
        return item.file if is_unread and item.file is not ABSENT else item.account

    return MergeBase(compose(fields, choose_file), compose(fields, choose_account))


def accept_file(
    base: MergeBase, file: JsonObject, account: JsonObject, fields: Collection[MergedField]
) -> MergeBase:
    """Return the base for which these fields were changed in the account only.

    So a conflict is settled for the account: until the file is updated, nothing of it is written.
    """
    values = {item.pointer: (item.file, item.base_account) for item in fields}
    return _replace(base, values, file, account)


def accept_account(base: MergeBase, account: JsonObject, paths: Collection[str]) -> MergeBase:
    """Return the base for which the fields at ``paths`` were changed in the file only.

    So an undone change, or a conflict that is settled for the file, is a local change.
    """
    values = {
        item.pointer: (item.account, item.account)
        for item in merge_fields(base, account, account, lambda *_: True)
        if any(overlaps(item.pointer, path) for path in paths)
    }
    return _replace(base, values, account, account)


def describe_bases(fields: Collection[MergedField]) -> JsonObject:
    """Return the base of both sides of fields by pointer, as ``restore_bases`` takes it."""
    return {
        item.pointer: {
            side: value
            for side, value in (("file", item.base_file), ("account", item.base_account))
            if value is not ABSENT
        }
        for item in fields
    }


def restore_bases(base: MergeBase, bases: JsonObject) -> MergeBase:
    """Return the base with that of some fields as it was before they were settled.

    So a conflict whose settlement is undone is a conflict again.
    """

    def restore(values: JsonObject, side: str) -> JsonObject:
        fields = merge_fields(MergeBase(), values, {}, lambda *_: True)
        result = compose(
            fields, lambda item: ABSENT if is_within(item.pointer, bases) else item.file
        )
        for pointer, sides in bases.items():
            if side in sides:
                put_at(result, pointer, sides[side])
        return result

    return MergeBase(restore(base.file, "file"), restore(base.account, "account"))


def _replace(
    base: MergeBase,
    values: dict[str, tuple[object, object]],
    file: JsonObject,
    account: JsonObject,
) -> MergeBase:
    fields = merge_fields(base, file, account, lambda *_: True)

    def choose(item: MergedField, number: int) -> object:
        return values.get(item.pointer, (item.base_file, item.base_account))[number]

    return MergeBase(
        compose(fields, lambda item: choose(item, 0)), compose(fields, lambda item: choose(item, 1))
    )
