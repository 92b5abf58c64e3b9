"""Stable names for what differs from run to run: ids, revisions, plans, cursors and times.

A token that was the same in two recorded runs is fixed, and stays as it is; any other is replaced
by its kind and a number, in the order in which they are met.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

TIME = "time"
KINDS: Mapping[str, str] = {
    TIME: r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:\+00:00|Z)?",
    "plan": r"\bplan-\d+-[0-9a-f]{8}\b",
    "uuid": r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
    "cursor": r"\bWy[A-Za-z0-9_-]{12,}=*",
    "document": r"\bd8-[0-9a-f]{12}\b",
    "conversation": r"\bc[0-9a-f]{16}\b",
    "persona": r"\bp[0-9a-f]{11}\b",
    "resource": r"\b[got][0-9a-f]{12}\b",
    "revision": r"\b[0-9a-f]{12}\b",
}
"""What may differ, with how it looks; the first kind that fits is taken."""
_QUOTED = re.compile(r'revision: "([0-9a-f]{12})"')
"""A revision in a YAML file is quoted where it could be taken for a number."""
_TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()))


def tokens(value: Any) -> set[str]:
    """Return every token in the texts of a JSON value."""
    return {match[0] for text in _texts(value) for match in _TOKEN.finditer(text)}


class Normalizer:
    """Replaces the tokens of one run, all but the fixed ones."""

    def __init__(self, fixed: Iterable[str], replaced: Mapping[str, str]) -> None:
        self._names = {token: token for token in fixed}
        self._numbers: dict[str, int] = {}
        self._replaced = replaced

    def normalize(self, value: Any) -> Any:
        """Return a JSON value with stable names."""
        if isinstance(value, dict):
            return {self._text(key): self.normalize(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.normalize(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        for old, new in self._replaced.items():
            text = text.replace(old, new)
        return _TOKEN.sub(self._name, _QUOTED.sub(r"revision: \1", text))

    def _name(self, match: re.Match[str]) -> str:
        if match.lastgroup == TIME:
            return self._names.get(match[0], f"<{TIME}>")
        return self._names.setdefault(match[0], self._next(str(match.lastgroup), match[0]))

    def _next(self, kind: str, token: str) -> str:
        if token not in self._names:
            self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return f"<{kind}-{self._numbers.get(kind, 0)}>"


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
