"""The call that undoes a write, worked out from the persona as it was."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import function_name
from tavus_mcp.models.document import Document
from tavus_mcp.models.patch import Operation, applied, diff, find, tokens
from tavus_mcp.models.receipt import Undo
from tavus_mcp.models.secrets import hides
from tavus_mcp.usecases.editing import Undoing

_LAYER = re.compile(r"/layers/\w+")


def by_fields(tool: str, pointers: Mapping[str, str]) -> Undoing:
    """Undo by calling the same tool with the earlier values; ``pointers`` maps its arguments.

    Keys that Tavus masked cannot be given back; they are left out.
    """

    def undo(before: Document, operations: Sequence[Operation]) -> Undo | None:
        arguments: JsonObject = {}
        unset: list[str] = []
        added = [op.path for op in operations if op.op == "add" and _LAYER.fullmatch(op.path)]
        unset += [path.rsplit("/", 1)[-1] for path in added if before.at(path) is None]
        for name, pointer in pointers.items():
            for operation in operations:
                if operation.path not in added:
                    _take_back(arguments, unset, name, pointer, operation, before)
        if not arguments and not unset:
            return None
        if unset:
            arguments["unset"] = unset
        return Undo(tool=tool, arguments={"persona_id": before.persona_id, **arguments})

    return undo


def by_text(field: str, find_: str, replace: str) -> Undoing:
    """Undo an edit of text: the same edit backwards when that is exact, else the earlier text."""

    def undo(before: Document, operations: Sequence[Operation]) -> Undo | None:
        old = str(before.data.get(field) or "")
        new = old.replace(find_, replace)
        backwards = replace and new.count(replace) == 1 and old.count(find_) == 1
        if backwards:
            arguments = {"field": field, "find": replace, "replace": find_}
            return Undo(
                tool="edit_prompt", arguments={"persona_id": before.persona_id, **arguments}
            )
        return Undo(tool="update_persona", arguments={"persona_id": before.persona_id, field: old})

    return undo


def by_function(layer: str, pointer: str, name: str) -> Undoing:
    """Undo a change of one function: put the earlier one back, or remove the new one."""

    def undo(before: Document, operations: Sequence[Operation]) -> Undo | None:
        tools = find(before.data, pointer)
        listed = tools if isinstance(tools, list) else []
        old = next((tool for tool in listed if function_name(tool) == name), None)
        where: JsonObject = {"persona_id": before.persona_id, "layer": layer}
        if old is None:
            return Undo(tool="remove_function_tool", arguments={**where, "name": name})
        if pointer.endswith("audio_tools"):
            where["modality"] = "audio"
        return Undo(tool="set_function_tool", arguments={**where, **old.get("function", old)})

    return undo


def by_removed_function(pointers: Sequence[str], name: str) -> Undoing:
    """Undo the removal of a function: put it back where it stood."""

    def undo(before: Document, operations: Sequence[Operation]) -> Undo | None:
        for pointer in pointers:
            tools = find(before.data, pointer)
            if any(function_name(tool) == name for tool in tools or []):
                layer = "llm" if pointer.startswith("/layers/llm") else "perception"
                return by_function(layer, pointer, name)(before, operations)
        return None

    return undo


def by_patch(before: Document, operations: Sequence[Operation]) -> Undo | None:
    """Undo a patch by the patch in the other direction; masked keys cannot be given back."""
    after = applied(before.data, operations)
    back = [
        item.wire()
        for item in diff(after, before.data)
        if not hides(tokens(item.path)[-1], item.wire().get("value"))
    ]
    if not back:
        return None
    return Undo(tool="patch_persona", arguments={"persona_id": before.persona_id, "patch": back})


def _take_back(
    arguments: JsonObject,
    unset: list[str],
    name: str,
    pointer: str,
    operation: Operation,
    before: Document,
) -> None:
    path = operation.path
    if pointer == path or pointer.startswith(path + "/"):
        old = before.at(pointer)
        if old is None:
            if _now_has(operation, pointer):
                unset.append(name)
        elif not hides(name, old):
            arguments[name] = old
    elif path.startswith(pointer + "/"):
        old = before.at(pointer)
        if isinstance(old, dict):
            value = before.at(path)
            if not hides(name, {tokens(path)[-1]: value}):
                _nest(arguments.setdefault(name, {}), tokens(path[len(pointer) :]), value)
        elif not hides(name, old):
            arguments[name] = old


def _now_has(operation: Operation, pointer: str) -> bool:
    if operation.op == "remove":
        return False
    return find(operation.value, pointer[len(operation.path) :]) is not None


def _nest(inside: JsonObject, names: Sequence[str], value: Any) -> None:
    for name in names[:-1]:
        inside = inside.setdefault(name, {})
    if not hides(names[-1], value):
        inside[names[-1]] = value
