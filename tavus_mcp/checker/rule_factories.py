"""Factories of checks for the four shapes that recur among the rules.

Each is a decorator below ``@rule``. It finds the fields to report and takes their message; the
decorated function returns the hint for one of them. Messages are ``str.format`` templates with the
fields ``name`` (of the reported field), ``facts`` (the catalog's entry, if any) and ``since``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.catalog import Table
from tavus_mcp.checker.fixes import FixCall, HintPart, unset_at
from tavus_mcp.checker.rule import Check, Violation
from tavus_mcp.models.document import PersonaDocument

Hint = tuple[HintPart, ...]
Condition = Callable[[PersonaDocument, Catalog], bool]
Paths = tuple[str, ...] | Callable[[PersonaDocument, Catalog], Iterable[str]]


@dataclass(frozen=True)
class Match:
    """A reported field: what the hint of a rule is built from."""

    document: PersonaDocument
    catalog: Catalog
    path: str
    facts: Any = None
    value: Any = None
    since: str = ""

    @property
    def name(self) -> str:
        """The name of the field."""
        return self.path.rpartition("/")[2]

    def unset(self) -> FixCall:
        """Return the call that removes the field."""
        return unset_at(self.path)


def clamp(value: float, facts: Any) -> float:
    """Return the number of the facts' range, if they have one, that is closest to a value."""
    if facts is None or facts.minimum is None or facts.maximum is None:
        return value
    nearest: float = min(max(value, facts.minimum), facts.maximum)
    return nearest


Find = Callable[[PersonaDocument, Catalog], Iterator[tuple[Match, str]]]
HintBuilder = Callable[[Match], Hint]


def discouraged_choice(
    path: str,
    choices: Table[Any],
    messages: Mapping[str, str],
    *,
    when: Condition | None = None,
    preposition: str = "since",
) -> Callable[[HintBuilder], Check]:
    """Report a chosen model or engine whose status in the catalog has a message here.

    ``since`` in a message becomes the date when the choice was given up, behind ``preposition``.
    """

    def find(document: PersonaDocument, catalog: Catalog) -> Iterator[tuple[Match, str]]:
        facts = choices.find(document.text(path))
        if facts and facts.status in messages and (when is None or when(document, catalog)):
            since = catalog.deprecated_since(path, facts.id, preposition=preposition)
            yield Match(document, catalog, path, facts, since=since), messages[facts.status]

    return _report(find)


def no_effect(paths: Paths, when: Condition, because: str) -> Callable[[HintBuilder], Check]:
    """Report those of the fields that are set, where the condition makes them ineffective."""

    def find(document: PersonaDocument, catalog: Catalog) -> Iterator[tuple[Match, str]]:
        if when(document, catalog):
            for path in paths(document, catalog) if callable(paths) else paths:
                if document.is_set(path):
                    yield Match(document, catalog, path), because

    return _report(find)


def requires(
    path: str, *needs: str, message: str, when: Condition | None = None
) -> Callable[[HintBuilder], Check]:
    """Report ``path`` where none of the fields that it needs is set.

    The fields are needed under the condition, by default wherever ``path`` is set. Without
    ``needs`` it is ``path`` itself that must be set, by default always.
    """

    def find(document: PersonaDocument, catalog: Catalog) -> Iterator[tuple[Match, str]]:
        is_needed = when(document, catalog) if when else not needs or document.is_set(path)
        if is_needed and not any(map(document.is_set, needs or (path,))):
            yield Match(document, catalog, path), message

    return _report(find)


def within_catalog_limits(
    numbers: Callable[[PersonaDocument, Catalog], Iterable[tuple[str, Any]]], message: str
) -> Callable[[HintBuilder], Check]:
    """Report numbers outside of their range.

    ``numbers`` yields their paths, each with facts that have a ``minimum`` and a ``maximum``.
    """

    def find(document: PersonaDocument, catalog: Catalog) -> Iterator[tuple[Match, str]]:
        for path, facts in numbers(document, catalog):
            value = document.number(path)
            if value is not None and clamp(value, facts) != value:
                yield Match(document, catalog, path, facts, value), message

    return _report(find)


def _report(find: Find) -> Callable[[HintBuilder], Check]:
    def decorate(build_hint: HintBuilder) -> Check:
        @functools.wraps(build_hint)
        def check(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
            for match, template in find(document, catalog):
                message = template.format(name=match.name, facts=match.facts, since=match.since)
                yield Violation(match.path, message, *build_hint(match))

        return check

    return decorate
