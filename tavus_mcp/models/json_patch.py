"""JSON Pointers and JSON Patches over persona documents (RFC 6901, RFC 6902).

``diff`` makes the smallest patch that touches leaves: objects are entered, lists are changed item
by item, and a parent that is missing is added as an object. ``applied`` is its inverse, and carries
out every operation of the RFC.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tavus_mcp.models.base import JsonObject

_MISSING: Any = object()


class PatchError(ValueError):
    """A patch does not fit the document: which operation, where, and why."""


@dataclass(frozen=True)
class Operation:
    """One operation of a JSON Patch."""

    op: str
    path: str
    value: Any = _MISSING
    source: str = ""

    def to_json(self) -> JsonObject:
        """Return the operation as it is sent."""
        sent: JsonObject = {"op": self.op, "path": self.path}
        if self.source:
            sent["from"] = self.source
        if self.value is not _MISSING:
            sent["value"] = self.value
        return sent


def outermost_list(data: Any, pointer: str) -> str:
    """Return the pointer, or that of the first list on the way to it: items move, lists stay."""
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
        raise PatchError(f"{pointer!r} is not a JSON Pointer: it must start with '/'")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def pointer_of(parts: Iterable[str | int]) -> str:
    """Join tokens into a JSON Pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def is_index(token: str) -> bool:
    """Tell whether a token is a list index (RFC 6901: ASCII digits, no leading zero)."""
    return re.fullmatch("0|[1-9][0-9]{0,8}", token) is not None


def get_at(data: Any, pointer: str, default: Any = None) -> Any:
    """Return what stands at ``pointer``, or ``default``."""
    for token in pointer_tokens(pointer):
        if isinstance(data, dict) and token in data:
            data = data[token]
        elif isinstance(data, list) and is_index(token) and int(token) < len(data):
            data = data[int(token)]
        else:
            return default
    return data


def diff(before: Any, after: Any, path: str = "") -> list[Operation]:
    """Return the smallest patch of leaves that turns ``before`` into ``after``."""
    if isinstance(before, dict) and isinstance(after, dict):
        return list(_diff_objects(before, after, path))
    if isinstance(before, list) and isinstance(after, list):
        return list(_diff_lists(before, after, path))
    return [] if _is_equal(before, after) else [Operation("replace", path, after)]


def _diff_objects(before: JsonObject, after: JsonObject, path: str) -> Iterator[Operation]:
    for key in before:
        if key not in after:
            yield Operation("remove", path + pointer_of([key]))
    for key, value in after.items():
        here = path + pointer_of([key])
        if key not in before:
            yield Operation("add", here, value)
        elif isinstance(value, (dict, list)) and type(value) is type(before[key]):
            yield from diff(before[key], value, here)
        elif not _is_equal(before[key], value):
            # "add" sets a member whether or not the server stores it: reads omit defaults
            yield Operation("add", here, value)


def _diff_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Operation]:
    start = _common_length(zip(before, after, strict=False))
    room = min(len(before), len(after)) - start
    end = min(_common_length(zip(reversed(before), reversed(after), strict=False)), room)
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
    for one, other in pairs:
        if not _is_equal(one, other):
            break
        count += 1
    return count


def _is_equal(left: Any, right: Any) -> bool:
    # JSON tells true from 1; Python does not, also not inside lists and objects
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_is_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_is_equal, left, right))
    return isinstance(left, bool) is isinstance(right, bool) and bool(left == right)


def apply_patch(data: Any, operations: Sequence[Operation]) -> Any:
    """Return a copy of ``data`` with the operations carried out, all or none.

    Raises ``PatchError`` with the number of the operation that does not fit.
    """
    result = copy.deepcopy(data)
    for number, operation in enumerate(operations):
        try:
            result = _apply_operation(result, operation)
        except PatchError as error:
            raise PatchError(f"operation {number} ({operation.op}): {error}") from None
    return result


def _apply_operation(data: Any, operation: Operation) -> Any:
    match operation.op:
        case "add":
            return _insert_value(data, operation.path, operation.value)
        case "remove":
            _remove_value(data, operation.path)
            return data
        case "replace":
            if operation.path:
                _require_value(data, operation.path)
                _remove_value(data, operation.path)
            return _insert_value(data, operation.path, operation.value)
        case "test":
            if not _is_equal(_require_value(data, operation.path), operation.value):
                raise PatchError(f"{operation.path} is not the value that was tested for")
            return data
        case "copy":
            return _insert_value(data, operation.path, _require_value(data, operation.source))
        case "move":
            if operation.path.startswith(operation.source + "/"):
                raise PatchError(f"{operation.source} cannot be moved into itself")
            return _insert_value(data, operation.path, _remove_value(data, operation.source))
    raise PatchError(
        f"op {operation.op!r} is unknown; it is one of add, remove, replace, copy, move, test"
    )


def _require_value(data: Any, pointer: str) -> Any:
    value = get_at(data, pointer, _MISSING)
    if value is _MISSING:
        raise PatchError(f"nothing stands at {pointer!r}")
    return value


def _parent(data: Any, pointer: str) -> tuple[Any, str]:
    *above, last = pointer_tokens(pointer)
    parent = get_at(data, pointer_of(above), _MISSING)
    if not isinstance(parent, (dict, list)):
        raise PatchError(f"{pointer!r} has no parent; add {pointer_of(above)!r} first")
    return parent, last


def _insert_value(data: Any, pointer: str, value: Any) -> Any:
    value = copy.deepcopy(value)
    if pointer == "":
        return value
    parent, last = _parent(data, pointer)
    if isinstance(parent, dict):
        parent[last] = value
    elif last == "-":
        parent.append(value)
    elif is_index(last) and int(last) <= len(parent):
        parent.insert(int(last), value)
    else:
        raise PatchError(f"{pointer!r} is outside its list of {len(parent)}")
    return data


def _remove_value(data: Any, pointer: str) -> Any:
    if pointer == "":
        raise PatchError("the whole document cannot be removed")
    value = _require_value(data, pointer)
    parent, last = _parent(data, pointer)
    del parent[last if isinstance(parent, dict) else int(last)]
    return value
