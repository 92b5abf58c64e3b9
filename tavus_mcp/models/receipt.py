"""The result of a write: its status, the changes, and the call that undoes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from tavus_mcp.models.base import DeferredModel, JsonObject
from tavus_mcp.models.findings import Finding, ToolCall
from tavus_mcp.models.hidden_keys import is_hidden_removal
from tavus_mcp.models.json_patch import (
    ABSENT,
    Operation,
    get_at,
    is_changed,
    pointer_of,
    pointer_tokens,
)
from tavus_mcp.models.masking import MASK, Masker
from tavus_mcp.models.text_differences import MAX_PART_CHARS, abridge

_MAX_REMARK_CHARS = 60
"""Longest remark after the places in which two texts differ."""
_MAX_LIST_ITEMS = 40
"""Longer lists are cut, with the number of all items."""


NULL = "(null)"
"""Stands in a change for a stored null, because null means that there is no value."""

FindDefault = Callable[[str], Any]
"""Returns the value that Tavus uses for the field at a JSON Pointer if it is not set, or None."""


@dataclass(frozen=True)
class FieldDefaults:
    """The defaults that are in effect for fields that are not set: before a change, and after."""

    before: FindDefault
    after: FindDefault


NO_DEFAULTS = FieldDefaults(lambda _: None, lambda _: None)


class FieldChange(DeferredModel):
    """The change of one field: its JSON Pointer, and its value before and after.

    ``default`` is the default of the field, where a value equals it or it is in effect in place of
    a value: before the field is added, or after it is removed.
    """

    path: str
    before: Any = None
    after: Any = None
    default: Annotated[Any, WithJsonSchema({})] = None


class Undo(ToolCall):
    """The call that undoes a write."""


_OBJECTS: JsonObject = {"type": "array", "items": {"type": "object"}}
WriteStatus = Literal["applied", "planned", "unchanged", "drafted", "unverified", "declined"]
LIVE_STATUSES = frozenset({"applied", "unverified"})
"""The statuses, also of outcomes in the journal, of a write that changed the live persona."""
_STATUS_HELP = "drafted: not live yet, plan_id publishes it; unverified: sent, cannot be read back"


class Receipt(DeferredModel):
    """The result of a write; it never holds the whole persona.

    ``status`` says what became of it:

    - ``applied``: written, and read back as written; deviations are findings.
    - ``planned``: nothing was sent; ``plan_id`` names the plan that ``apply_plan`` carries out.
    - ``unchanged``: nothing needed to change, or Tavus answered that nothing changed.
    - ``drafted``: written to a draft and not live; ``plan_id`` names a plan to publish it.
    - ``unverified``: Tavus accepted it, and it cannot be read back.
    - ``declined``: a person said no; nothing was sent and there is no plan.
    """

    status: WriteStatus
    persona_id: str | None = None
    persona_name: str | None = None
    revision: str | None = None
    previous_revision: str | None = None
    changes: list[FieldChange] = Field(default_factory=list)
    findings: list[Finding] = Field(default_factory=list)
    plan_id: str | None = None
    expires_at: str | None = None
    undo: Annotated[Undo | None, WithJsonSchema({"type": "object"})] = None
    part: SkipJsonSchema[JsonObject | None] = None
    """Kind, id and name if the object is a part of personas; described where parts are usual."""


class PartReceipt(Receipt):
    """The receipt of a write of a part; ``part`` has its kind, id and name.

    ``next`` is the call that attaches a part that was created.
    """

    part: Annotated[JsonObject | None, WithJsonSchema({"type": "object"})] = None
    next: str | None = None
    persona_id: SkipJsonSchema[str | None] = None
    persona_name: SkipJsonSchema[str | None] = None


class PromptEdit(Receipt):
    """The receipt of find and replace, or the result of a search, which changes nothing.

    ``matches`` holds the places that were found: path, number, and for a search excerpts. It is
    absent when one place was to be replaced.
    """

    matches: Annotated[list[JsonObject] | None, WithJsonSchema(_OBJECTS)] = None


class PlanReceipt(Receipt):
    """The result of applying a plan; for a bulk plan with each persona and totals by status.

    ``partial``: not all personas of a bulk plan are done; ``findings`` say how to continue. The
    other statuses are those of ``Receipt``.
    """

    status: Annotated[  # type: ignore[assignment]  # bulk plans have one more
        Literal[WriteStatus, "partial"], Field(description=_STATUS_HELP)
    ]
    changes: list[FieldChange] | None = None  # type: ignore[assignment]  # bulk plans have none
    personas: list[JsonObject] | None = None
    totals: Annotated[dict[str, int] | None, WithJsonSchema({})] = None


def changes_of(
    before: Any,
    operations: list[Operation],
    masker: Masker,
    defaults: FieldDefaults,
) -> list[FieldChange]:
    """Return operations as changes: secrets masked, long texts abridged to the difference.

    An object that is added or removed as a field is listed field by field; an item of a list, like
    a function, is one change.
    """
    return [
        _change(before, leaf, masker, defaults)
        for operation in operations
        for leaf in ([operation] if _is_item(before, operation) else _leaves(before, operation))
    ]


def _leaves(before: Any, operation: Operation) -> list[Operation]:
    """Return the operations that add or remove the fields of an object one by one."""
    is_removal = operation.op == "remove"
    fields = get_at(before, operation.path) if is_removal else operation.value
    if operation.op not in ("add", "remove") or not isinstance(fields, dict) or not fields:
        return [operation]
    return [
        leaf
        for key, value in fields.items()
        for leaf in _leaves(
            before,
            Operation(
                operation.op,
                operation.path + pointer_of([key]),
                ABSENT if is_removal else value,
            ),
        )
    ]


def _change(
    before: Any,
    operation: Operation,
    masker: Masker,
    defaults: FieldDefaults,
) -> FieldChange:
    if is_hidden_removal(operation):
        return FieldChange(path=operation.path, before=MASK)
    is_insert = operation.op == "add" and _is_item(before, operation)
    old = None if is_insert else get_at(before, operation.path)
    new = None if operation.op == "remove" else operation.value
    path_parts = pointer_tokens(operation.path)  # a bare key is a secret by its path
    old, new = (masker.describe_at(path_parts, value) for value in (old, new))
    if new is None and operation.op != "remove":
        new = NULL
    elif old is None and operation.op == "remove":
        old = NULL
    default = _find_default_of_change(operation.path, old, new, defaults)
    if isinstance(old, str) and isinstance(new, str):
        old, new = abridge(old, new)
    return FieldChange(
        path=operation.path, before=_truncate(old), after=_truncate(new), default=default
    )


def _find_default_of_change(path: str, old: Any, new: Any, defaults: FieldDefaults) -> Any:
    """Return the default that one of two values equals, or that is in effect in place of one."""
    sides = ((old, defaults.before(path)), (new, defaults.after(path)))
    known = [(value, default) for value, default in sides if default is not None]
    in_effect = [default for value, default in known if value is None]
    equal = [default for value, default in known if not is_changed(value, default)]
    return next(iter([*in_effect, *equal]), None)


def _is_item(before: Any, operation: Operation) -> bool:
    return isinstance(get_at(before, operation.path.rpartition("/")[0]), list)


def _truncate(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_PART_CHARS + _MAX_REMARK_CHARS:
        return f"{value[:MAX_PART_CHARS]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {key: _truncate(item) for key, item in value.items()}
    if isinstance(value, list):
        more = [f"… ({len(value)} items)"] if len(value) > _MAX_LIST_ITEMS else []
        return [*(_truncate(item) for item in value[:_MAX_LIST_ITEMS]), *more]
    return value
