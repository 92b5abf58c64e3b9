"""Turn ids of an account into names of the project, and back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import put_at, remove_at
from tavus_mcp.models.json_patch import ABSENT, get_at, is_within
from tavus_mcp.personas.secret_references import KEY_FIELD, KEY_REFERENCE_FIELD
from tavus_mcp.project.kinds import REFERENCES, ObjectName, ReferenceField
from tavus_mcp.project.render import ID_PREFIX

FindId = Callable[[ObjectName], str]
"""Returns the id of an object in the account."""
FindName = Callable[[str, str], "ObjectName | None"]
"""Returns the name of the object in a folder with an id, or None."""


def with_names(fields: JsonObject, find_name: FindName) -> JsonObject:
    """Return the fields of a persona with names in place of ids; unknown ids become ``id:...``.

    A field of ids that a read left out stays left out.
    """
    result = copy.deepcopy(fields)
    for item in REFERENCES:
        convert = partial(_name, item.kind.folder, find_name)
        _move(result, item, item.id_pointer, item.pointer, convert)
    return result


def with_ids(fields: JsonObject, find_id: FindId) -> JsonObject:
    """Return the fields of a persona with ids in place of names."""
    result = copy.deepcopy(fields)
    for item in REFERENCES:
        convert = partial(_id, item.kind.folder, find_id)
        _move(result, item, item.pointer, item.id_pointer, convert)
    return result


def _move(
    fields: JsonObject,
    item: ReferenceField,
    source: str,
    target: str,
    convert: Callable[[Any], Any],
) -> None:
    """Move the value of a reference to another pointer, converted; an absent one stays absent."""
    value = get_at(fields, source, ABSENT)
    if value is not ABSENT:
        remove_at(fields, source)
        put_at(fields, target, _map(item, value, convert))


def to_field_pointers(paths: Iterable[str]) -> list[str]:
    """Return the pointers of fields in a file for paths in a persona of the account.

    References have other names there, and a key is named by its reference.
    """
    return [_to_field_pointer(path) for path in paths]


def _to_field_pointer(path: str) -> str:
    for item in REFERENCES:
        if is_within(path, [item.id_pointer]):
            return item.pointer
    parent, _, name = path.rpartition("/")
    return f"{parent}/{KEY_REFERENCE_FIELD}" if name == KEY_FIELD else path


def _map(item: ReferenceField, value: Any, convert: Callable[[Any], Any]) -> Any:
    if item.is_list:
        return [convert(one) for one in value] if isinstance(value, list) else value
    return convert(value)


def _name(folder: str, find_name: FindName, object_id: Any) -> Any:
    if not isinstance(object_id, str) or not object_id:
        return object_id
    name = find_name(folder, object_id)
    return ID_PREFIX + object_id if name is None else name.name


def _id(folder: str, find_id: FindId, value: Any) -> Any:
    if not isinstance(value, str) or not value:
        return value
    if value.startswith(ID_PREFIX):
        return value.removeprefix(ID_PREFIX)
    return find_id(ObjectName(folder, value))
