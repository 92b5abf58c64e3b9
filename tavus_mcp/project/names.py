"""Turn ids of an account into names of the project, and back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import put_at, remove_at
from tavus_mcp.models.json_patch import ABSENT, get_at
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
        value = get_at(result, item.id_pointer, ABSENT)
        if value is not ABSENT:
            remove_at(result, item.id_pointer)
            put_at(
                result, item.pointer, _map(item, value, partial(_name, item.kind.folder, find_name))
            )
    return result


def with_ids(fields: JsonObject, find_id: FindId) -> JsonObject:
    """Return the fields of a persona with ids in place of names."""
    result = copy.deepcopy(fields)
    for item in REFERENCES:
        value = get_at(result, item.pointer, ABSENT)
        if value is not ABSENT:
            remove_at(result, item.pointer)
            put_at(
                result, item.id_pointer, _map(item, value, partial(_id, item.kind.folder, find_id))
            )
    return result


def to_field_pointer(pointer: str) -> str:
    """Return the pointer of a field in a file for a pointer into a persona of the account."""
    for item in REFERENCES:
        if pointer == item.id_pointer or pointer.startswith(item.id_pointer + "/"):
            return item.pointer
    return pointer


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
