"""How parts are changed and checked, for the write path that they share with personas."""

from __future__ import annotations

import copy
from collections.abc import Container, Mapping, Sequence
from functools import partial
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.checker.parts.check import check_part_change
from tavus_mcp.errors import UnchangeableField
from tavus_mcp.models.base import JsonObject, is_set
from tavus_mcp.models.changes import Change
from tavus_mcp.models.document import Document, PartKindName
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.json_patch import ABSENT, Operation, get_at, is_within
from tavus_mcp.models.parts.part_document import (
    DEFAULTS,
    OPAQUE_FIELDS,
    PartDocument,
    is_equivalent,
)
from tavus_mcp.models.parts.skill import ATTACHED
from tavus_mcp.models.receipt import Undo
from tavus_mcp.parts.kinds import KINDS, PartKind
from tavus_mcp.personas.write_rules import WriteRules
from tavus_mcp.text import quote_path

_RULES_OF_LITERALS = frozenset({"tool-secret-in-clear"})
SECRET_LOST = "secret-lost"  # noqa: S105 - the name of a rule


_OPTIONAL_RULE_FIELDS = frozenset({"case_sensitive", "word_boundaries"})
"""Fields that stay absent where a request leaves them out; the others read as their default."""


def _apply_to_part(
    kind: PartKind,
    app: App,
    change: Change,
    before: Document,
    allow: Container[str],
    keep_legacy_spelling: bool,
) -> tuple[JsonObject, list[RuleFinding]]:
    after = change.apply(copy.deepcopy(before.data))
    for name, value in kind.unset_values.items():
        if before.data.get(name) and after.get(name) is None and _may_be_set(name, after):
            after[name] = copy.copy(value)
    return keep_equivalent(before.data, after), []


def _may_be_set(name: str, fields: JsonObject) -> bool:
    """Tell whether a field may have a value: some tools have no ``origin`` or ``on_call``."""
    if fields.get("trigger_type") == "post_call":
        return name not in ("origin", "on_call")
    return name != "on_call" or fields.get("origin") in (None, "llm")


def keep_equivalent(before: Any, after: Any) -> Any:
    """Return ``after`` with what is as unset in ``before`` written as it is there.

    Reads give "", null, [] or {} for what is not set, so that an absent member is no change; they
    give the default where one is stored, so that it is what an absent member stands for.
    """
    if is_equivalent(before, after):
        return before
    if isinstance(before, list) and isinstance(after, list):
        shared = [keep_equivalent(*pair) for pair in zip(before, after, strict=False)]
        return [*shared, *after[len(shared) :]]
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    result: JsonObject = {}
    for key, value in before.items():
        if key in after or not is_set(value) or value == DEFAULTS.get(key, ABSENT):
            result[key] = value
        elif key in DEFAULTS and key not in _OPTIONAL_RULE_FIELDS:
            result[key] = DEFAULTS[key]
    for key, value in after.items():
        if key not in before and key in DEFAULTS and value == DEFAULTS[key]:
            continue
        is_opaque = key in OPAQUE_FIELDS or key not in before
        result[key] = value if is_opaque else keep_equivalent(before[key], value)
    return result


def _check_part(
    kind: PartKind,
    app: App,
    before: Document,
    after: Document,
    operations: Sequence[Operation],
    allow: Container[str],
) -> list[RuleFinding]:
    """Return what a change causes; refuse what cannot be changed, and what Tavus would reject.

    References to secrets are resolved here, so what is said of secrets that are written out is
    the business of the caller.
    """
    _refuse_unchangeable(kind, before, operations)
    if not isinstance(before, PartDocument) or not isinstance(after, PartDocument):
        return []
    if kind.name == "skill" and not after.data.get(ATTACHED):
        return []
    findings = check_part_change(before, after, app.catalog, allow=allow)
    return [item for item in findings if item.rule not in _RULES_OF_LITERALS]


def _refuse_unchangeable(kind: PartKind, before: Document, operations: Sequence[Operation]) -> None:
    if kind.changeable_fields is None or not before.object_id:
        return
    allowed = [f"/{name}" for name in sorted(kind.changeable_fields)]
    for operation in operations:
        is_unset = operation.op == "remove" or not operation.value
        if operation.path == f"/{kind.endpoint.name_field}" and is_unset:
            raise UnchangeableField(
                f"{quote_path(operation.path)}: a {kind.noun} cannot lose its name; give it "
                "another one. Nothing was sent."
            )
        if not is_within(operation.path, allowed):
            raise UnchangeableField(
                f"{quote_path(operation.path)}: Tavus cannot change this of a {kind.noun} after "
                f"its creation; {' and '.join(allowed)} can be. Nothing was sent."
            )


def _verify_secrets(
    kind: PartKind, before: Document, current: Document, operations: Sequence[Operation]
) -> list[RuleFinding]:
    """Return a finding for each stored secret that a change did not name and that is gone."""
    touched = [operation.path for operation in operations]
    return [
        warning(
            SECRET_LOST,
            "The secret that was stored here is gone after this change.",
            path=path,
            hint="Give it again, as {secret:name}.",
            source="P:update-tool",
        )
        for path in kind.secret_pointers
        if before.at(path)
        and not get_at(current.data, path)
        and path not in touched
        and is_same_type(before, current, path)
    ]


def is_same_type(before: Document, current: Document, path: str) -> bool:
    """Tell whether the authentication beside a secret is of the same type in two states."""
    place = f"{path.rpartition('/')[0]}/type"
    return bool(before.at(place) == current.at(place))


def _build_creation_undo(kind: PartKind, document: Document) -> Undo:
    return Undo(tool="delete_part", arguments={"kind": kind.name, "id": document.object_id})


def _build_rules(kind: PartKind) -> WriteRules:
    return WriteRules(
        kind.endpoint,
        partial(_apply_to_part, kind),
        partial(_check_part, kind),
        partial(_build_creation_undo, kind),
        partial(_verify_secrets, kind),
        kind.whole_lists,
    )


RULES: Mapping[PartKindName, WriteRules] = {
    name: _build_rules(kind) for name, kind in KINDS.items()
}
"""The rules of each kind, for ``UpdateRequest``, ``CreateRequest`` and ``RestoreRequest``."""
