"""Look up what a change refers to: replicas, objectives, guardrails, documents and tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.checker.placeholders import is_placeholder_id
from tavus_mcp.concurrency import look_up_each
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


@dataclass(frozen=True)
class Reference:
    """An id in a field of a persona, with the path at which a change writes it."""

    path: str
    field_name: str
    object_id: str

    @property
    def key(self) -> tuple[str, str]:
        """The field and the id."""
        return self.field_name, self.object_id

    @property
    def missing_message(self) -> str:
        """The sentence that the account has no such object."""
        noun = _RESOURCES[self.field_name][1]
        return f"This account has no {noun} {quote_foreign(self.object_id)}."

    def describe_missing(self) -> str:
        """Return path and sentence, and where ids are shown: no command lists them."""
        places = "The dashboard of Tavus shows the ids"
        if lister := _LISTS.get(self.field_name):
            places += f"; so does {lister}"
        return f"{quote_path(self.path)}: {self.missing_message} {places}."


async def find_missing(app: App, references: Iterable[Reference]) -> list[Reference]:
    """Return the references that name nothing in the account; each id is looked up once.

    An id that cannot be looked up, or not in the time for it, is not called missing.
    """
    references = list(references)
    missing = set[tuple[str, str]]()

    async def look_up(key: tuple[str, str]) -> None:
        field_name, object_id = key
        try:
            exists = await app.api.has_object(_RESOURCES[field_name][0], parse_id(object_id))
        except ValueError:  # no object can have such an id
            exists = False
        if not exists:
            missing.add(key)

    await look_up_each(dict.fromkeys(item.key for item in references), look_up)
    return [item for item in references if item.key in missing]


async def find_missing_references(app: App, operations: Sequence[Operation]) -> list[str]:
    """Return a sentence for each id in a change that names nothing in the account."""
    missing = await find_missing(app, list_references(operations))
    return [item.describe_missing() for item in missing]


async def find_new_missing_references(
    app: App, before: Document, values: Mapping[str, Any]
) -> list[RuleFinding]:
    """Return a finding, which refuses the write, for each new id that names nothing.

    ``values`` are what is to be written, by JSON Pointer. Ids that the persona has already are not
    looked up; a placeholder, or what cannot be an id, is the business of the checker.
    """
    operations = [Operation("add", pointer, value) for pointer, value in values.items()]
    before_operations = [Operation("add", pointer, before.at(pointer)) for pointer in values]
    known = {item.key for item in list_references(before_operations)}
    new = [
        item
        for item in list_references(operations)
        if item.key not in known
        and item.field_name in _LISTS
        and is_id(item.object_id)
        and not is_placeholder_id(item.object_id)
    ]
    return [
        RuleFinding(
            severity="error",
            path=item.path,
            message=item.missing_message,
            hint=f"For the ids: {_LISTS[item.field_name]}.",
            rule=REFERENCE_MISSING,
            source="P:delete-tool, V:recipes/knowledge.py",
            blocks_write=True,
        )
        for item in await find_missing(app, new)
    ]


def list_references(operations: Sequence[Operation]) -> list[Reference]:
    """Return the ids that a change writes, each id of a field once."""
    references: dict[tuple[str, str], Reference] = {}
    for operation in operations:
        field_name = pointer_tokens(operation.path)[0] if operation.path else ""
        if field_name not in _RESOURCES or operation.op == "remove":
            continue
        value = operation.value
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and item:
                reference = Reference(operation.path, field_name, item)
                references.setdefault(reference.key, reference)
    return list(references.values())
