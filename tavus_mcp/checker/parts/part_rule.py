"""Rules about parts: a check of one part with its name, severity and source."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import PART_PATCH, FixCall
from tavus_mcp.checker.rule import Violation
from tavus_mcp.models.base import JsonObject, is_set, text
from tavus_mcp.models.document import PartKindName, PersonaDocument, find_texts
from tavus_mcp.models.findings import Severity
from tavus_mcp.models.json_patch import get_at, pointer_tokens


@dataclass(frozen=True)
class CheckedPart:
    """A part as rules read it; the accessors never raise, whatever the document holds.

    ``object_id`` is the id of a part that was read, whose secrets are masked; one that is to be
    sent has none. ``persona`` is the persona that uses it, if the caller knows it.
    """

    kind: PartKindName
    data: JsonObject
    object_id: str = ""
    persona: PersonaDocument | None = None

    @property
    def is_stored(self) -> bool:
        """True for a part that was read."""
        return bool(self.object_id)

    def at(self, pointer: str) -> Any:
        """Return the value at a JSON Pointer, or None."""
        return get_at(self.data, pointer, None)

    def is_set(self, pointer: str) -> bool:
        """Return True if a field holds more than null or an empty value."""
        return is_set(self.at(pointer))

    def text(self, pointer: str) -> str:
        """Return a text without surrounding blanks, or ""."""
        return text(self.at(pointer))

    def object_at(self, pointer: str) -> JsonObject:
        """Return an object, empty if there is none."""
        value = self.at(pointer)
        return value if isinstance(value, dict) else {}

    def rows(self, pointer: str) -> Iterator[tuple[str, JsonObject]]:
        """Yield the JSON Pointer and the value of each object in a list."""
        value = self.at(pointer)
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, dict):
                yield f"{pointer}/{index}", item

    @property
    def skill_id(self) -> str:
        """The id of a skill, or an empty text."""
        return self.text("/skill_id")

    @cached_property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """JSON Pointer and value of every text in the part."""
        return find_texts(self.data)


PartCheck = Callable[[CheckedPart, Catalog], Iterator[Violation]]


@dataclass(frozen=True)
class PartRule:
    """A check with its name, kinds, severity and source (pages of the docs, or reports).

    ``blocks_write``: Tavus is known to reject the violation.
    """

    name: str
    severity: Severity
    kinds: tuple[PartKindName, ...]
    source: str
    check: PartCheck
    blocks_write: bool = False


def part_rule(
    name: str,
    severity: Severity,
    *kinds: PartKindName,
    source: str,
    blocks_write: bool = False,
) -> Callable[[PartCheck], PartRule]:
    """Declare the decorated check as a rule about parts of these kinds; see ``PartRule``."""

    def declare(check: PartCheck) -> PartRule:
        return PartRule(name, severity, kinds, source, check, blocks_write)

    return declare


def set_value(pointer: str, value: Any) -> FixCall:
    """Return the change that sets a value of the part."""
    return change_part({"op": "add", "path": pointer, "value": value})


def remove_value(*pointers: str) -> FixCall:
    """Return the change that removes values of the part."""
    return change_part(*({"op": "remove", "path": pointer} for pointer in pointers))


def change_part(*operations: Mapping[str, Any]) -> FixCall:
    """Return the change that these operations of JSON Patch make; "add" sets a list item."""
    return FixCall(PART_PATCH, {"patch": list(operations)})


def apply_fix(data: JsonObject, fix: FixCall) -> JsonObject:
    """Return a part with a change of ``change_part`` applied; absent parents are created."""
    result = copy.deepcopy(data)
    for operation in fix.to_tool_call("").arguments["patch"]:
        *parents, name = pointer_tokens(operation["path"])
        node: Any = result
        for token in parents:
            is_item = isinstance(node, list)
            node = node[int(token)] if is_item else node.setdefault(token, {})
        if operation["op"] == "remove":
            del node[int(name) if isinstance(node, list) else name]
        else:
            node[int(name) if isinstance(node, list) else name] = operation["value"]
    return result
