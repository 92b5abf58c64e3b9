"""Changes of a persona, as pure functions of its document.

Every write is one of these. ``personas.update`` reads the persona, applies the change and sends the
difference only, so that a request holds no field that the change does not touch.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from tavus_mcp.errors import PatchMisfit, Refused
from tavus_mcp.models.base import JsonObject, is_set
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.free_texts import find_excerpts, free_texts, list_first
from tavus_mcp.models.hidden_keys import may_hide_key
from tavus_mcp.models.json_patch import (
    Operation,
    PatchError,
    apply_patch,
    find_misfits,
    get_at,
    pointer_of,
    pointer_tokens,
)
from tavus_mcp.models.persona import UNKNOWN_WHEN_ABSENT, is_unread
from tavus_mcp.text import (
    end_sentence,
    quote_foreign,
    quote_foreign_names,
    quote_path,
    quote_paths,
    suggestion_or_period,
)

_MAX_LISTED_MATCHES = 5
"""Matches that are quoted when a text is not unique."""
_MAX_EXCERPT_CHARS = 160


class Change(Protocol):
    """A function from a persona document to a changed one."""

    def apply(self, data: JsonObject) -> JsonObject:
        """Return a changed copy. Raises ``Refused`` if the change does not fit the document."""
        ...


@dataclass(frozen=True)
class SetFields:
    """Set and remove fields by JSON Pointer; objects are merged, but replaced at ``replaced``.

    ``added`` are items to add to lists, by the pointer of the list; one that is there is not added.
    """

    values: Mapping[str, Any]
    unset: Sequence[str] = ()
    refuses_emptying: bool = False
    replaced: Container[str] = ()
    added: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def apply(self, data: JsonObject) -> JsonObject:
        """Return a copy with the fields set. Parents that are missing are created.

        With ``refuses_emptying``, raises ``Refused`` for an empty text or list in place of a stored
        value, and ignores one where nothing is stored: models fill in empty values for arguments
        that they do not mean.
        """
        result = copy.deepcopy(data)
        values = self._values_to_set(data) if self.refuses_emptying else self.values
        for pointer, value in values.items():
            parent, key = _ensure_parent(result, pointer), pointer_tokens(pointer)[-1]
            if pointer in self.replaced:
                parent[key] = copy.deepcopy(value)
            else:
                _merge(parent, key, copy.deepcopy(value))
        for pointer, items in self.added.items():
            put_at(result, pointer, add_items(read_list(data, pointer), items))
        for pointer in self.unset:
            if pointer[1:] in UNKNOWN_WHEN_ABSENT:  # it may be set, so it is emptied
                result[pointer[1:]] = []
            elif may_hide_key(data, pointer):
                _empty_hidden_key(result, pointer)
            else:
                remove_at(result, pointer)
        return result

    def _values_to_set(self, data: JsonObject) -> Mapping[str, Any]:
        """Return the values that are not empty; raise ``Refused`` if an empty one would remove."""
        empty = [key for key, value in self.values.items() if value in ("", [])]
        removing = [
            pointer
            for pointer in empty
            if pointer not in self.unset
            and (is_unread(data, pointer) or is_set(get_at(data, pointer)))
        ]
        if removing:
            names = json.dumps([pointer_tokens(pointer)[-1] for pointer in removing])
            raise Refused(
                f"{quote_paths(removing)}: empty, which would remove what is stored. Leave it out "
                f"to keep it, or give unset={names} to remove it. Nothing was sent."
            )
        merged = {
            key: _without_void_nulls(value, get_at(data, key))
            for key, value in self.values.items()
            if key not in empty
        }
        return {key: value for key, value in merged.items() if value != {} or not self.values[key]}


@dataclass(frozen=True)
class EditText:
    """Find and replace in one text field, so that a caller need not send a long prompt."""

    field: str
    find: str
    replace: str
    replace_all: bool = False

    def apply(self, data: JsonObject) -> JsonObject:
        """Return a copy with the text replaced; it must occur, and once unless ``replace_all``."""
        text = data.get(self.field)
        if not isinstance(text, str) or not text:
            raise Refused(
                f"/{self.field}: this persona has none, so there is nothing to edit."
                f"{self._other_fields_hint(data)}"
            )
        count = text.count(self.find)
        if count == 0:
            raise Refused(
                f"/{self.field}: the text to find is not in it. Case and line breaks must match."
                f"{self._other_fields_hint(data) or near_match_hint(self.find, text)}"
            )
        if count > 1 and not self.replace_all:
            found = find_excerpts(text, self.find)
            quoted = [quote_foreign(excerpt, _MAX_EXCERPT_CHARS) for excerpt in found]
            excerpts = "; ".join(list_first(quoted, _MAX_LISTED_MATCHES))
            raise Refused(
                f"/{self.field}: the text to find is there {count} times: {excerpts}. Give a "
                "longer text that is there once, or replace_all=true."
            )
        return {**data, self.field: text.replace(self.find, self.replace)}

    def includes(self, path: str) -> bool:
        """Return True if the change concerns the text at a JSON Pointer."""
        return path == f"/{self.field}"

    def _other_fields_hint(self, data: JsonObject) -> str:
        """Return a sentence with the other texts of the persona that hold the text to find."""
        texts = free_texts(PersonaDocument(data))
        paths = quote_paths(path for path, text in texts.items() if self.find in text)
        return f" It is in {paths}." if paths else ""


@dataclass(frozen=True)
class ReplaceTexts:
    """Find and replace in the free texts of a persona; ``paths`` limits it to some, by pointer.

    A path stands for everything inside it as well.
    """

    find: str
    replace: str
    paths: Sequence[str] = ()

    def apply(self, data: JsonObject) -> JsonObject:
        """Return a copy with every match replaced; it equals ``data`` if there is none."""
        changed = {
            path: text.replace(self.find, self.replace)
            for path, text in free_texts(PersonaDocument(data)).items()
            if self.find in text and self.includes(path)
        }
        return dict(
            apply_patch(data, [Operation("replace", *change) for change in changed.items()])
        )

    def count(self, data: JsonObject) -> dict[str, int]:
        """Return the number of matches of each free text that has one, by JSON Pointer."""
        return {
            path: text.count(self.find)
            for path, text in free_texts(PersonaDocument(data)).items()
            if self.find in text and self.includes(path)
        }

    def includes(self, path: str) -> bool:
        """Return True if the change concerns the text at a JSON Pointer."""
        return not self.paths or any(
            path == chosen or path.startswith(f"{chosen}/") for chosen in self.paths
        )


@dataclass(frozen=True)
class PutFunction:
    """Add a function to a list of inline tools, or replace the one with its name."""

    pointer: str
    tool: JsonObject

    def apply(self, data: JsonObject) -> JsonObject:
        """Return a copy whose list has the function.

        Raises ``Refused`` for an empty description in place of a stored one.
        """
        result = copy.deepcopy(data)
        parent, key = _ensure_parent(result, self.pointer), pointer_tokens(self.pointer)[-1]
        tools = parent[key] if isinstance(parent.get(key), list) else []
        name = function_name(self.tool)
        names = [function_name(tool) for tool in tools]
        index = names.index(name) if name in names else len(tools)
        if index < len(tools) and _description(self.tool) == "" and _description(tools[index]):
            raise Refused(
                "/description: empty, which would remove what is stored. Give the description: the "
                "function is replaced as a whole. Nothing was sent."
            )
        parent[key] = [*tools[:index], copy.deepcopy(self.tool), *tools[index + 1 :]]
        return result


@dataclass(frozen=True)
class DropFunction:
    """Remove a function by name from lists of inline tools."""

    pointers: Sequence[str]
    name: str

    def apply(self, data: JsonObject) -> JsonObject:
        """Return a copy without the function. Raises ``Refused`` with the names that exist."""
        result = copy.deepcopy(data)
        names: list[str] = []
        for pointer in self.pointers:
            tools = get_at(result, pointer)
            if not isinstance(tools, list):
                continue
            names += [function_name(tool) for tool in tools]
            parent, key = _ensure_parent(result, pointer), pointer_tokens(pointer)[-1]
            parent[key] = [tool for tool in tools if function_name(tool) != self.name]
        if self.name not in names:
            raise Refused(_missing_function_message(self.name, names))
        return result


@dataclass(frozen=True)
class RawPatch:
    """A JSON Patch of the caller.

    ``problems`` are those found before, of operations that are left out; ``numbers`` are the
    positions of the operations in the whole patch, by default all in their order.
    """

    operations: Sequence[Operation] = field(default_factory=tuple)
    problems: Sequence[str] = ()
    numbers: Sequence[int] = ()

    def apply(self, data: JsonObject) -> JsonObject:
        """Return the patched copy. Raises ``PatchMisfit`` with every problem of the patch."""
        operations = [
            Operation("add", item.path, "")
            if item.op == "remove" and may_hide_key(data, item.path)
            else item
            for item in self.operations
        ]
        if not self.problems:
            with suppress(PatchError):
                return _require_object(apply_patch(data, operations))
        misfits, repaired = find_misfits(data, operations)
        numbers = self.numbers or range(len(self.operations))
        problems = [
            f"/patch/{numbers[item.number]} ({self.operations[item.number].op}): "
            f"{end_sentence(item.reason)}"
            for item in misfits
        ]
        raise PatchMisfit(
            [*self.problems, *problems], repaired if isinstance(repaired, dict) else None
        )


def _require_object(data: Any) -> JsonObject:
    if not isinstance(data, dict):
        raise Refused("The patch would replace the whole persona; patch fields instead.")
    return data


def function_name(tool: Any) -> str:
    """Return the name of an inline tool, or an empty string."""
    inner = tool.get("function", tool) if isinstance(tool, dict) else {}
    return str(inner.get("name", "")) if isinstance(inner, dict) else ""


def _description(tool: JsonObject) -> Any:
    return get_at(tool, "/function/description", get_at(tool, "/description"))


def _missing_function_message(name: str, names: list[str]) -> str:
    known = quote_foreign_names(sorted(filter(None, names))) or "none"
    return f"No function of that name here{suggestion_or_period(name, names)} It has: {known}."


def read_list(data: JsonObject, pointer: str) -> list[Any]:
    """Return the stored list to which items are added; raise ``Refused`` if it is not known."""
    if is_unread(data, pointer):
        raise Refused(
            f"{quote_path(pointer)}: Tavus does not say which of these this persona has, so that "
            "adding to them could remove some. Nothing was sent. Give the whole list with "
            "update_persona."
        )
    value = get_at(data, pointer)
    if is_set(value) and not isinstance(value, list):
        raise Refused(
            f"{quote_path(pointer)}: is not a list; give the whole value at {quote_path(pointer)}. "
            "Nothing was sent."
        )
    return list(value) if isinstance(value, list) else []


def add_items(stored: Sequence[Any], items: Sequence[Any]) -> list[Any]:
    """Return a list with the items that it lacks added at its end."""
    result = list(stored)
    for item in items:
        if item not in result:
            result.append(item)
    return result


def put_at(data: JsonObject, pointer: str, value: Any) -> None:
    """Set a value, null included, in place; parents that are missing are created."""
    _ensure_parent(data, pointer)[pointer_tokens(pointer)[-1]] = copy.deepcopy(value)


def _empty_hidden_key(data: JsonObject, pointer: str) -> None:
    """Empty a key that may be there without being shown, unless its layer was removed."""
    layer = get_at(data, pointer_of(pointer_tokens(pointer)[:-1]))
    if isinstance(layer, dict):
        layer[pointer_tokens(pointer)[-1]] = ""


def remove_at(data: JsonObject, pointer: str) -> None:
    """Remove a member of an object in place, if it is there."""
    container = get_at(data, pointer_of(pointer_tokens(pointer)[:-1]))
    if isinstance(container, dict):
        container.pop(pointer_tokens(pointer)[-1], None)


def _ensure_parent(data: JsonObject, pointer: str) -> JsonObject:
    node: JsonObject = data
    for token in pointer_tokens(pointer)[:-1]:
        inner = node.get(token)
        if not isinstance(inner, dict):
            inner = node[token] = {}
        node = inner
    return node


def _without_void_nulls(value: Any, stored: Any) -> Any:
    """Return an object to merge without the nulls that have nothing to remove (RFC 7396)."""
    if not isinstance(value, dict):
        return value
    members = stored if isinstance(stored, dict) else {}
    result = {}
    for name, item in value.items():
        inner = _without_void_nulls(item, members.get(name))
        if name in members or (inner is not None and (inner != {} or item == {})):
            result[name] = inner
    return result


def _merge(parent: JsonObject, key: str, value: Any) -> None:
    if isinstance(value, dict) and isinstance(parent.get(key), dict):
        for name, item in value.items():
            _merge(parent[key], name, item)
    elif value is None:
        parent.pop(key, None)
    else:
        parent[key] = value


def near_match_hint(find: str, text: str) -> str:
    """Return a hint with the line that differs from the text in case or blanks only."""
    squeezed = " ".join(find.split()).casefold()
    for line in text.splitlines():
        if squeezed and squeezed in " ".join(line.split()).casefold():
            return f" This line differs only in case or spaces: {quote_foreign(line.strip(), 120)}."
    return ""
