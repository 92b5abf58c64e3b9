"""The operations of a conversion as tool calls that fix a finding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tavus_mcp.checker.fixes import FixCall, UnprintedValue, set_at, unset_at
from tavus_mcp.deprecations import ConvertedOperation


def conversion_calls(operations: Iterable[ConvertedOperation]) -> tuple[str | FixCall, ...]:
    """Return the parts of a hint that make the operations: calls, joined by "and".

    Operations of one tool are one call. A field that is kept has no call.
    """
    calls: dict[str, FixCall] = {}
    for operation in operations:
        if operation.kind == "keep":
            continue
        call = _operation_call(operation)
        earlier = calls.get(call.tool)
        calls[call.tool] = _merge_calls(earlier, call) if earlier else call
    parts: list[str | FixCall] = []
    for call in calls.values():
        parts += [" and ", call] if parts else [call]
    return tuple(parts)


def _operation_call(operation: ConvertedOperation) -> FixCall:
    if operation.kind == "remove":
        return unset_at(operation.path)
    is_stored = operation.is_stored
    return set_at(operation.path, UnprintedValue(operation.value) if is_stored else operation.value)


def _merge_calls(first: FixCall, second: FixCall) -> FixCall:
    """Return two calls of one tool as one; lists, such as ``unset``, are joined."""
    merged: dict[str, Any] = {**first.arguments, **second.arguments}
    for name in ("unset", "patch"):
        if name in merged:
            del merged[name]  # so that it comes behind the fields that are set
            merged[name] = [*first.arguments.get(name, ()), *second.arguments.get(name, ())]
    return FixCall(first.tool, merged)
