"""Look up what a change refers to: replicas, objectives, guardrails, documents and tools."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.checker.placeholders import is_placeholder_id
from tavus_mcp.errors import TavusError
from tavus_mcp.models.base import is_id, parse_id
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import Operation, pointer_tokens
from tavus_mcp.text import quote_foreign, quote_path

_RESOURCES: Mapping[str, tuple[str, str]] = {
    "default_replica_id": ("replicas", "replica"),
    "objectives_id": ("objectives", "objective set"),
    "guardrails_id": ("guardrails", "guardrail"),
    "guardrail_ids": ("guardrails", "guardrail"),
    "document_ids": ("documents", "document"),
    "tool_ids": ("tools", "tool"),
}
"""Fields that hold ids: the first part of the API's path, and what the id names."""
_LISTS: Mapping[str, str] = {
    "default_replica_id": "list_replicas",
    "objectives_id": "list_objectives",
    "guardrail_ids": "list_guardrails",
    "document_ids": "list_documents",
    "tool_ids": "list_registry_tools",
}
"""The tools that list what a field can name; sets of guardrails are legacy, and in no list."""
REFERENCE_MISSING = "reference-missing"
"""The rule about an id that names nothing."""


async def find_missing_references(
    app: App, operations: Sequence[Operation], known_ids: Container[str] = ()
) -> list[str]:
    """Return a sentence for each id in a change that names nothing in the account.

    An id that cannot be looked up, because Tavus does not answer, is not called missing. Those in
    ``known_ids`` are not looked up.
    """
    missing = []
    for path, field_name, object_id in _iter_ids(operations):
        noun = _RESOURCES[field_name][1]
        if object_id not in known_ids and not await _may_exist(app, field_name, object_id):
            missing.append(
                f"{quote_path(path)}: this account has no {noun} {quote_foreign(object_id)}."
            )
    return missing


async def find_new_missing_references(
    app: App, before: Document, values: Mapping[str, Any]
) -> list[RuleFinding]:
    """Return a finding, which refuses the write, for each new id that names nothing.

    ``values`` are what is to be written, by JSON Pointer. Ids that the persona has already are not
    looked up; a placeholder, or what cannot be an id, is the business of the checker.
    """
    operations = [Operation("add", pointer, value) for pointer, value in values.items()]
    known = {
        (field_name, object_id)
        for _, field_name, object_id in _iter_ids(
            [Operation("add", pointer, before.at(pointer)) for pointer in values]
        )
    }
    findings = []
    for path, field_name, object_id in _iter_ids(operations):
        is_known = (field_name, object_id) in known or field_name not in _LISTS
        if is_known or not is_id(object_id) or is_placeholder_id(object_id):
            continue
        if not await _may_exist(app, field_name, object_id):
            noun, lister = _RESOURCES[field_name][1], _LISTS[field_name]
            findings.append(
                RuleFinding(
                    severity="error",
                    path=path,
                    message=f"This account has no {noun} {quote_foreign(object_id)}.",
                    hint=f"For the ids: {lister}.",
                    rule=REFERENCE_MISSING,
                    source="P:delete-tool, V:recipes/knowledge.py",
                    blocks_write=True,
                )
            )
    return findings


def _iter_ids(operations: Sequence[Operation]) -> Iterator[tuple[str, str, str]]:
    """Yield the path, the field and each id that a change writes, each id of a field once."""
    seen: set[tuple[str, str]] = set()
    for operation in operations:
        field_name = pointer_tokens(operation.path)[0] if operation.path else ""
        if field_name not in _RESOURCES or operation.op == "remove":
            continue
        value = operation.value
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and item and (field_name, item) not in seen:
                seen.add((field_name, item))
                yield operation.path, field_name, item


async def _may_exist(app: App, field_name: str, object_id: str) -> bool:
    try:
        return await app.api.has_object(_RESOURCES[field_name][0], parse_id(object_id))
    except ValueError:  # no object can have such an id
        return False
    except TavusError:
        return True
