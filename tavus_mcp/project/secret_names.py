"""The secrets that the files of a project name, and where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.json_patch import get_at, pointer_of
from tavus_mcp.personas.secret_references import (
    KEY_FIELD,
    KEY_REFERENCE_FIELD,
    REFERENCE_CONTAINERS,
    SECRET_PLACEHOLDER,
    resolve_placeholders,
)

_CREDENTIALS = "/delivery/api/auth"
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


def find_secret_values(fields: JsonObject) -> JsonObject:
    """Return the values with references to secrets, by the pointer that they have in the account.

    The credentials of a tool are one value, as the journal masks them as a whole.
    """
    values: JsonObject = {}
    for pointer, name in iter_secret_names(fields, ()):
        parent, _, last = pointer.rpartition("/")
        if last == KEY_REFERENCE_FIELD:
            values[f"{parent}/{KEY_FIELD}"] = f"{{secret:{name}}}"
        elif parent == _CREDENTIALS:
            values[parent] = get_at(fields, parent)
        else:
            values[pointer] = get_at(fields, pointer)
    return values


def resolve_secrets(app: App, values: JsonObject) -> JsonObject:
    """Return values with the secrets that they refer to, without those that are not set."""
    resolved: JsonObject = {}
    for pointer, value in values.items():
        with suppress(InvalidArgument):
            resolved |= resolve_placeholders(app, {pointer: value})
    return resolved
