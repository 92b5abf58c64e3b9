"""JSON Pointers and JSON Patches over persona documents (RFC 6901, RFC 6902).

``diff`` builds the smallest patch that changes leaves: objects are compared member by member and
lists item by item. ``apply_patch`` is its inverse and takes every operation of RFC 6902; the
``jsonpatch`` library applies them, and this module says why one does not fit.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tavus_mcp.models.base import JsonObject
from tavus_mcp.text import find_nearest, quote_foreign, quote_path, quote_words

ABSENT: Any = object()
"""Stands for a value where there is none; null is a value."""
_OPERATION_NAMES = ("add", "remove", "replace", "copy", "move", "test")


class PatchError(ValueError):
    """A patch does not fit the document; the text says which operation, where and why."""


@dataclass(frozen=True)
class Operation:
    """One operation of a JSON Patch."""

    op: str
    path: str
    value: Any = ABSENT
    source: str = ""

    def to_json(self) -> JsonObject:
        """Return the operation as a JSON object, as it is sent to Tavus."""
        sent: JsonObject = {"op": self.op, "path": self.path}
        if self.source:
            sent["from"] = self.source
        if self.value is not ABSENT:
            sent["value"] = self.value
        return sent


def outermost_list(data: Any, pointer: str) -> str:
    """Return the pointer of the outermost list that contains ``pointer``, or ``pointer`` itself.

    Used where a change must be named by a stable path: items of a list move, the list does not.
    """
    parts = pointer_tokens(pointer)
    for depth in range(1, len(parts)):
        above = pointer_of(parts[:depth])
        if isinstance(get_at(data, above), list):
            return above
    return pointer


@lru_cache(maxsize=4096)
def pointer_tokens(pointer: str) -> tuple[str, ...]:
    """Split a JSON Pointer into its unescaped tokens."""
    if pointer == "":
        return ()
    if not pointer.startswith("/"):
        raise PatchError(f"{quote_foreign(pointer)} is not a JSON Pointer: it must start with '/'")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def pointer_of(parts: Iterable[str | int]) -> str:
    """Join tokens into a JSON Pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def is_within(pointer: str, containers: Iterable[str]) -> bool:
    """Return True if ``pointer`` is one of ``containers``, or points into one."""
    return any(pointer == above or pointer.startswith(above + "/") for above in containers)


def overlaps(left: str, right: str) -> bool:
    """Return True if two pointers are equal, or one is inside the other."""
    return is_within(left, [right]) or is_within(right, [left])


def is_index(token: str) -> bool:
    """Return True if a token is a list index (RFC 6901: ASCII digits, no leading zero)."""
    return re.fullmatch("0|[1-9][0-9]{0,8}", token) is not None


def get_at(data: Any, pointer: str, default: Any = None) -> Any:
    """Return the value at ``pointer``, or ``default`` if there is none."""
    for token in pointer_tokens(pointer):
        if isinstance(data, dict) and token in data:
            data = data[token]
        elif isinstance(data, list) and is_index(token) and int(token) < len(data):
            data = data[int(token)]
        else:
            return default
    return data


def is_changed(before: Any, after: Any) -> bool:
    """Tell whether two values differ; ``ABSENT`` differs from every value, null included."""
    if before is ABSENT or after is ABSENT:
        return before is not after
    return not _is_equal(before, after)


def diff(before: Any, after: Any, path: str = "") -> list[Operation]:
    """Return the smallest patch of leaves that turns ``before`` into ``after``.

    Its order does not depend on that of the members that ``after`` shares with ``before``, so that
    a plan and what becomes of it list the same changes in the same order.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        return list(_diff_objects(before, after, path))
    if isinstance(before, list) and isinstance(after, list):
        return list(_diff_lists(before, after, path))
    return [] if _is_equal(before, after) else [Operation("replace", path, after)]


def _diff_objects(before: JsonObject, after: JsonObject, path: str) -> Iterator[Operation]:
    for key in before:
        if key not in after:
            yield Operation("remove", path + pointer_of([key]))
    positions = {key: position for position, key in enumerate(before)}
    for key in sorted(after, key=lambda name: positions.get(name, len(before))):
        member_path, value = path + pointer_of([key]), after[key]
        if key not in before:
            yield Operation("add", member_path, value)
        elif _has_common_parts(before[key], value):
            yield from diff(before[key], value, member_path)
        elif not _is_equal(before[key], value):
            # "add" and not "replace": reads omit defaults, so the server may not store the member
            yield Operation("add", member_path, value)


def _has_common_parts(before: Any, after: Any) -> bool:
    """Tell whether two values are compared part by part: two objects, or two lists.

    An empty list is replaced: a read shows one where the server stores nothing to add an item to.
    """
    both_lists = isinstance(before, list) and isinstance(after, list)
    return (isinstance(before, dict) and isinstance(after, dict)) or (both_lists and before != [])


def _diff_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Operation]:
    start = _common_length(zip(before, after, strict=False))
    remaining = min(len(before), len(after)) - start
    end = min(_common_length(zip(reversed(before), reversed(after), strict=False)), remaining)
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    shared = min(len(old), len(new))
    for index in range(shared):
        yield from diff(old[index], new[index], f"{path}/{start + index}")
    for index in reversed(range(shared, len(old))):
        yield Operation("remove", f"{path}/{start + index}")
    for index in range(shared, len(new)):
        yield Operation("add", f"{path}/{start + index}", new[index])


def _common_length(pairs: Iterable[tuple[Any, Any]]) -> int:
    count = 0
    for left, right in pairs:
        if not _is_equal(left, right):
            break
        count += 1
    return count


def _is_equal(left: Any, right: Any) -> bool:
    # in JSON true is not 1; in Python it is, inside lists and objects as well
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_is_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_is_equal, left, right))
    return isinstance(left, bool) is isinstance(right, bool) and bool(left == right)


def apply_patch(data: Any, operations: Sequence[Operation]) -> Any:
    """Return a copy of ``data`` with the operations applied, all or none.

    Raises ``PatchError`` with the number of the operation that does not fit.
    """
    result = copy.deepcopy(data)
    for number, operation in enumerate(operations):
        try:
            result = _apply_operation(result, operation)
        except PatchError as error:
            raise PatchError(f"operation {number} ({quote_path(operation.op)}): {error}") from None
    return result


@dataclass(frozen=True)
class Misfit:
    """An operation of a patch that does not fit a document: its number and the reason."""

    number: int
    reason: str


def find_misfits(data: Any, operations: Sequence[Operation]) -> tuple[list[Misfit], Any]:
    """Return every operation that does not fit, and the document as it was probably meant.

    The others are applied, so that what follows them is judged by their result. A ``replace`` of
    a field that is not there sets it.
    """
    result, misfits = copy.deepcopy(data), list[Misfit]()
    for number, operation in enumerate(operations):
        try:
            result = _apply_operation(result, operation)
        except PatchError as error:
            reason, repair = f"{error}{_advise(result, operation)}", None
            if operation.op in ("add", "replace"):
                repair = _add_with_parents(result, operation)
            misfits.append(Misfit(number, reason))
            result = _apply_operation(result, repair) if repair else result
    return misfits, result


def _advise(data: Any, operation: Operation) -> str:
    """Return what to do about an operation that does not fit, as the end of a sentence."""
    target = operation.source if operation.op in ("copy", "move") else operation.path
    nearest = _nearest_path(data, target)
    if nearest:
        return f"; did you mean {quote_foreign(nearest)}?"
    repair = _add_with_parents(data, operation)
    if operation.op == "replace" and repair and repair.path == operation.path:
        return '. Use "add": it sets a field whether or not there is one'
    if operation.op in ("add", "replace") and repair and repair.path != operation.path:
        members = "/".join(pointer_tokens(operation.path)[len(pointer_tokens(repair.path)) :])
        return (
            f'. Use "add" with path {quote_foreign(repair.path)} and an object that holds '
            f"{quote_foreign(members)}"
        )
    if operation.op == "remove":
        return ". There is nothing to remove; leave this operation out"
    return ""


def _nearest_path(data: Any, pointer: str) -> str | None:
    """Return the pointer with its first unknown token replaced by the nearest member, or None."""
    tokens = pointer_tokens(pointer)
    for depth, token in enumerate(tokens):
        parent = get_at(data, pointer_of(tokens[:depth]), ABSENT)
        if not isinstance(parent, dict):
            return None
        if token not in parent:
            near = find_nearest(token, parent)
            candidate = pointer_of([*tokens[:depth], near, *tokens[depth + 1 :]]) if near else None
            is_there = candidate and get_at(data, candidate, ABSENT) is not ABSENT
            return candidate if is_there else None
    return None


def _add_with_parents(data: Any, operation: Operation) -> Operation | None:
    """Return the ``add`` that sets a value and creates the objects around it, or None."""
    value, tokens = operation.value, list(pointer_tokens(operation.path))
    while tokens:
        *above, token = tokens
        parent = get_at(data, pointer_of(above), ABSENT)
        if isinstance(parent, dict):
            return Operation("add", pointer_of(tokens), value)
        if parent is not ABSENT:
            return None
        value, tokens = {token: value}, above
    return None


def _apply_operation(data: Any, operation: Operation) -> Any:
    """Apply an operation to ``data`` itself, which stays unchanged if the operation fails."""
    import jsonpatch  # 11 ms that a server needs only once something is patched

    sent = operation.to_json() | {"from": operation.source}
    try:
        patch = jsonpatch.JsonPatch([sent])
        return patch.apply(data, in_place=True, atomic=True)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise PatchError(_explain_failure(data, operation) or quote_words(str(error))) from None


def _explain_failure(data: Any, operation: Operation) -> str | None:
    """Return why an operation does not fit, in the order in which it would be carried out."""
    op, path, source = operation.op, operation.path, operation.source
    if op not in _OPERATION_NAMES:
        return f"op {quote_foreign(op)} is unknown; it is one of {', '.join(_OPERATION_NAMES)}"
    if op == "move" and path.startswith(source + "/"):
        return f"{quote_path(source)} cannot be moved into itself"
    if op != "add":
        target = source if op in ("copy", "move") else path
        if target == "" and op in ("remove", "move"):
            return "the whole document cannot be removed"
        if get_at(data, target, ABSENT) is ABSENT:
            return f"there is nothing at {quote_foreign(target)}"
    if op == "test":
        return f"the value of {quote_path(path)} is not the tested one"
    if op == "move":
        data = apply_patch(data, [Operation("remove", source)])
    *above, _ = pointer_tokens(path)
    parent = get_at(data, pointer_of(above), ABSENT)
    if not isinstance(parent, (dict, list)):
        return f"{quote_foreign(path)} has no parent; add {quote_foreign(pointer_of(above))} first"
    return (
        f"{quote_foreign(path)} is outside its list of {len(parent)}"
        if isinstance(parent, list)
        else None
    )
