"""The operations of a conversion as tool calls that fix a finding."""

from __future__ import annotations

from collections.abc import Iterable

from tavus_mcp.checker.fixes import FixCall, UnprintedValue, merge_calls, set_at, unset_at
from tavus_mcp.deprecations import ConvertedOperation


def conversion_calls(operations: Iterable[ConvertedOperation]) -> tuple[str | FixCall, ...]:
    """Return the parts of a hint that make the operations: calls, joined by "and".

    Operations of one tool are one call. A field that is kept has no call.
    """
    return merge_calls(_operation_call(item) for item in operations if item.kind != "keep")


def _operation_call(operation: ConvertedOperation) -> FixCall:
    if operation.kind == "remove":
        return unset_at(operation.path)
    is_stored = operation.is_stored
    return set_at(operation.path, UnprintedValue(operation.value) if is_stored else operation.value)
