"""Look up what a change refers to: replicas, objectives, guardrails, documents and tools."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

from tavus_mcp.app import App
from tavus_mcp.errors import TavusError
from tavus_mcp.models.base import parse_id
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


async def find_missing_references(
    app: App, operations: Sequence[Operation], known_ids: Container[str] = ()
) -> list[str]:
    """Return a sentence for each id in a change that names nothing in the account.

    An id that cannot be looked up, because Tavus does not answer, is not called missing. Those in
    ``known_ids`` are not looked up.
    """
    missing = []
    for path, field_name, object_id in _iter_ids(operations):
        if object_id in known_ids:
            continue
        resource, noun = _RESOURCES[field_name]
        if not await _may_exist(app, resource, object_id):
            missing.append(
                f"{quote_path(path)}: this account has no {noun} {quote_foreign(object_id)}."
            )
    return missing


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


async def _may_exist(app: App, resource: str, object_id: str) -> bool:
    try:
        return await app.api.has_object(resource, parse_id(object_id))
    except ValueError:  # no object can have such an id
        return False
    except TavusError:
        return True
