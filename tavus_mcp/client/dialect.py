"""The names a path wants: ``/personas`` with persona names, or ``/pals`` with PAL names.

Both paths serve the same ids (docs: pal/overview). We speak persona names, and change over only
when a server turns out to have no such path.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tavus_mcp.models.vocabulary import pointer_to_pal_names, to_pal_names, value_to_pal_names

_PAL_PATHS = {"personas": "pals", "replicas": "faces"}


@dataclass(frozen=True)
class Dialect:
    """How a path, a body, a patch pointer and a query are spelled."""

    name: str
    segments: dict[str, str]
    body: Callable[[Any], Any]
    pointer: Callable[[str], str]
    value: Callable[[str, Any], Any]

    def path(self, path: str) -> str:
        """Return the path with its first segment in this dialect."""
        first, slash, rest = path.lstrip("/").partition("/")
        return f"/{self.segments.get(first, first)}{slash}{rest}"

    def knows(self, path: str) -> bool:
        """Tell whether this path is spelled differently in the two dialects."""
        return path.lstrip("/").partition("/")[0] in _PAL_PATHS


def _as_is(value: Any) -> Any:
    return value


def _value_as_is(_: str, value: Any) -> Any:
    return value


PERSONAS = Dialect("personas", {}, _as_is, _as_is, _value_as_is)
PALS = Dialect("pals", _PAL_PATHS, to_pal_names, pointer_to_pal_names, value_to_pal_names)
