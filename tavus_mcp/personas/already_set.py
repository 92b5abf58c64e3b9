"""Say which requested values a persona has already, so that they do not vanish from a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tavus_mcp.models.changes import Change, RawPatch, SetFields
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding, info
from tavus_mcp.models.hidden_keys import may_hide_key
from tavus_mcp.models.json_patch import ABSENT, diff, pointer_of
from tavus_mcp.models.persona import is_unread

_MAX_FINDINGS = 10


def already_set_findings(change: Change, before: Document) -> list[RuleFinding]:
    """Return a finding for each field that a change sets to the value that it has.

    Also one if the caller of a tool that sets fields gave none.
    """
    if isinstance(change, SetFields) and not change.values and not change.unset:
        return [_NOTHING_GIVEN] if change.refuses_emptying else []
    return [
        info("already-set", _MESSAGES[before.at(path, ABSENT) is ABSENT], path=path)
        for path, value in _requested_values(change)
        if _is_already_set(before, path, value) or _is_ignored(change, before, path, value)
    ][:_MAX_FINDINGS]


_NOTHING_GIVEN = info(
    "nothing-given",
    "No field was given, so nothing changes: null, or an empty name, id or choice, is not given.",
    hint="unset=[...] removes a field.",
)
_MESSAGES = {False: "Already set to this value.", True: "Already not set."}


def _is_already_set(before: Document, path: str, value: Any) -> bool:
    stored = before.at(path, ABSENT)
    if value is ABSENT:
        is_known = not (is_unread(before.data, path) or may_hide_key(before.data, path))
        return stored is ABSENT and is_known
    return stored is not ABSENT and not diff(stored, value)


def _is_ignored(change: Change, before: Document, path: str, value: Any) -> bool:
    """True for an empty value of a field that is not set, which a tool that sets fields ignores."""
    return (
        isinstance(change, SetFields)
        and change.refuses_emptying
        and path in change.values
        and value in ("", [])
        and before.at(path, ABSENT) is ABSENT
        and not is_unread(before.data, path)
    )


def _requested_values(change: Change) -> Iterator[tuple[str, Any]]:
    """Yield each leaf that a change names with its new value, ``ABSENT`` where it is removed."""
    match change:
        case SetFields():
            for path, value in change.values.items():
                yield from _leaves(path, value)
            yield from ((path, ABSENT) for path in change.unset)
        case RawPatch():
            for operation in change.operations:
                if operation.op in ("add", "replace"):
                    yield operation.path, operation.value


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a value that is merged; null removes a member."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(path + pointer_of([key]), item)
    else:
        yield path, ABSENT if value is None else value
