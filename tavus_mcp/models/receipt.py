"""What a write answers: what was done, what changed, and the call that undoes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, WithJsonSchema

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import Finding, ToolCall
from tavus_mcp.models.json_patch import Operation, get_at, pointer_of, pointer_tokens
from tavus_mcp.models.masking import Masker

MAX_UNABRIDGED_CHARS = 160
"""Text longer than this is shown as the part that changed, with a little of what surrounds it."""
_DIFF_CONTEXT_CHARS = 40
_MAX_VALUE_CHARS = 400
_MAX_LIST_ITEMS = 40
"""Items of a list that are shown; the rest are counted."""


class FieldChange(BaseModel):
    """One leaf: its JSON Pointer, what stood there and what stands there now."""

    path: str
    before: Any = None
    after: Any = None


class Undo(ToolCall):
    """The call that undoes a write."""


class Receipt(BaseModel):
    """What a write answers; never the whole persona."""

    status: Literal["applied", "planned", "unchanged"]
    persona_id: str | None = None
    persona_name: str | None = None
    revision: str | None = None
    previous_revision: str | None = None
    changes: list[FieldChange] = []
    findings: list[Finding] = []
    plan_id: str | None = None
    expires_at: str | None = None
    undo: Undo | None = None


class PlanReceipt(Receipt):
    """What carrying out a plan answers; a bulk plan tells each persona, and how many of each.

    ``partial``: some of many were carried out, or none yet; ``findings`` say how to go on.
    """

    status: Literal["applied", "planned", "unchanged", "partial"]  # type: ignore[assignment]  # only many can be done in part
    changes: list[FieldChange] | None = None  # type: ignore[assignment]  # of many, the plan told them
    personas: list[JsonObject] | None = None
    totals: Annotated[dict[str, int] | None, WithJsonSchema({})] = None


def changes_of(before: Any, operations: list[Operation], masker: Masker) -> list[FieldChange]:
    """Show operations as changes: secrets masked, long text as a small diff."""
    return [
        _change(before, leaf, masker) for operation in operations for leaf in _leaves(operation)
    ]


def _leaves(operation: Operation) -> list[Operation]:
    """Return an added object as its leaves: people ask for fields, not for parents."""
    if operation.op != "add" or not isinstance(operation.value, dict) or not operation.value:
        return [operation]
    return [
        leaf
        for key, value in operation.value.items()
        for leaf in _leaves(Operation("add", operation.path + pointer_of([key]), value))
    ]


def _change(before: Any, operation: Operation, masker: Masker) -> FieldChange:
    old = None if _is_list_insert(before, operation) else get_at(before, operation.path)
    new = None if operation.op == "remove" else operation.value
    # masked by the place where it stands, so that a bare key is hidden as well
    place = pointer_tokens(operation.path)
    old, new = (masker.mask_at(place, value) for value in (old, new))
    if isinstance(old, str) and isinstance(new, str):
        old, new = _abridge(old, new)
    return FieldChange(path=operation.path, before=_truncate(old), after=_truncate(new))


def _is_list_insert(before: Any, operation: Operation) -> bool:
    parent = get_at(before, operation.path.rpartition("/")[0])
    return operation.op == "add" and isinstance(parent, list)


def _abridge(old: str, new: str) -> tuple[str, str]:
    if max(len(old), len(new)) <= MAX_UNABRIDGED_CHARS:
        return old, new
    shortest = min(len(old), len(new))
    start = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    end = 0
    while end < shortest - start and old[-1 - end] == new[-1 - end]:
        end += 1
    first, last = max(0, start - _DIFF_CONTEXT_CHARS), max(0, end - _DIFF_CONTEXT_CHARS)
    return tuple(  # type: ignore[return-value]  # two in, two out
        ("…" if first else "") + text[first : len(text) - last] + ("…" if last else "")
        for text in (old, new)
    )


def _truncate(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MAX_VALUE_CHARS:
        return f"{value[:_MAX_VALUE_CHARS]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {key: _truncate(item) for key, item in value.items()}
    if isinstance(value, list):
        more = [f"… ({len(value)} items)"] if len(value) > _MAX_LIST_ITEMS else []
        return [*(_truncate(item) for item in value[:_MAX_LIST_ITEMS]), *more]
    return value
