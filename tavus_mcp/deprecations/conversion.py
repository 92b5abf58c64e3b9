"""The types of the table of conversions, and what can be done with operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tavus_mcp.catalog import Catalog
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import pointer_of, pointer_tokens


@dataclass(frozen=True)
class ConvertedOperation:
    """One operation of a conversion.

    ``kind`` is ``keep`` for a setting without a certain equivalent: it is reported, not changed.
    ``text`` names the translation (``goals.toml``) with reason, effect and remarks; ``words``
    fill its templates. ``is_stored`` marks a value that was read from the persona: it may be long
    or private, so hints do not print it.
    """

    kind: Literal["set", "remove", "keep"]
    path: str
    text: str
    value: Any = None
    words: Mapping[str, str] = field(default_factory=dict)
    is_stored: bool = False


Operations = list[ConvertedOperation]
OperationBuilder = Callable[[PersonaDocument, Catalog], Operations]


@dataclass(frozen=True)
class Conversion:
    """One kind of legacy setting and its conversion to today's.

    ``rule`` is the rule of the checker that reports the setting, if one does; its fix is made of
    the same operations. ``operations`` returns an empty list if the setting is absent. All run in
    the goal ``modernize``; those with one meaning only are applied by every write as well
    (``personas/current_spelling.py``).
    """

    name: str
    rule: str | None
    operations: OperationBuilder


def assign(text: str, path: str, value: Any, **words: str) -> ConvertedOperation:
    """Return the operation that sets a value of the catalog, or one computed from numbers."""
    return ConvertedOperation("set", path, text, value, words)


def assign_stored(text: str, path: str, value: Any, **words: str) -> ConvertedOperation:
    """Return the operation that sets a value read from the persona."""
    return ConvertedOperation("set", path, text, value, words, is_stored=True)


def remove(text: str, path: str, **words: str) -> ConvertedOperation:
    """Return the operation that removes a field."""
    return ConvertedOperation("remove", path, text, words=words)


def keep(text: str, path: str, **words: str) -> ConvertedOperation:
    """Return the operation that leaves a field and reports it."""
    return ConvertedOperation("keep", path, text, words=words)


def apply_operations(
    document: PersonaDocument, operations: Iterable[ConvertedOperation]
) -> PersonaDocument:
    """Return a copy of the document with the operations applied."""
    applied = list(operations)
    values = {item.path: item.value for item in applied if item.kind == "set"}
    removed = tuple(item.path for item in applied if item.kind == "remove")
    return PersonaDocument(SetFields(values, removed).apply(document.data))


def is_settable(document: PersonaDocument, path: str) -> bool:
    """Return True if every parent of a path is an object or absent."""
    parents = pointer_tokens(path)[:-1]
    nodes = (document.value(pointer_of(parents[:depth])) for depth in range(1, len(parents) + 1))
    return all(node is None or isinstance(node, dict) for node in nodes)
