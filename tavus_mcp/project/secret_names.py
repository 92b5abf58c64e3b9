"""The secrets that the files of a project name, and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.personas.secret_references import (
    KEY_REFERENCE_FIELD,
    REFERENCE_CONTAINERS,
    SECRET_PLACEHOLDER,
)

_SECRET_CONTAINERS = REFERENCE_CONTAINERS | {"auth", "query_params"}
"""Objects of personas and tools in which ``{secret:NAME}`` names a secret."""


def iter_secret_names(value: Any, parts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the pointer and the name of each secret that fields refer to."""
    if isinstance(value, dict):
        for key, item in value.items():
            path = (*parts, key)
            is_reference = key == KEY_REFERENCE_FIELD and isinstance(item, str)
            if is_reference and REFERENCE_CONTAINERS.isdisjoint(parts):
                yield pointer_of(path), item
            else:
                yield from iter_secret_names(item, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from iter_secret_names(item, (*parts, str(index)))
    elif isinstance(value, str) and not _SECRET_CONTAINERS.isdisjoint(parts):
        for match in SECRET_PLACEHOLDER.finditer(value):
            yield pointer_of(parts), match[1]
