"""Explain unknown arguments: what they mean to a tool that sets fields, or what they wrap.

For fields of a persona the answer is the checker's (``checker.unknown_fields``), in the terms of
the tool that was called: its own argument where it has one for the field, else the tool that has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import set_at
from tavus_mcp.checker.unknown_fields import describe_meaning, field_names, find_known_meaning
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.models.layers import CONFIGURABLE_LAYERS, layer_arguments
from tavus_mcp.models.persona import persona_arguments
from tavus_mcp.models.validation_errors import Explain
from tavus_mcp.server.json_text import decode_container

_CREATE = "create_persona"


def build_explainer(tool: str, names: Collection[str], catalog: Catalog) -> Explain:
    """Return the function that says what an unknown argument of a tool means.

    It takes the JSON Pointer of the argument and its value, and returns the end of a sentence, or
    None. ``names`` are the arguments that the tool has.
    """
    explain_field = _build_field_explainer(tool, catalog)

    def explain(path: str, value: Any) -> str | None:
        if meaning := explain_field and explain_field(path, value):
            return meaning
        wrapped = decode_container(value) if isinstance(value, str) else value
        if isinstance(wrapped, dict) and not wrapped.keys().isdisjoint(names):
            return ". Give what is in it as arguments of the tool itself"
        return None

    return explain


def _build_field_explainer(tool: str, catalog: Catalog) -> Explain | None:
    """Return None for tools whose arguments are not fields of a persona."""
    layer = tool.removeprefix("configure_")
    if tool in (_CREATE, "update_persona"):
        parent, pointers = "", persona_arguments()
    elif layer in CONFIGURABLE_LAYERS:
        parent, pointers = f"/layers/{layer}", layer_arguments(layer)
    else:
        return None

    def explain(path: str, value: Any) -> str | None:
        pointer = parent + path
        meaning = find_known_meaning(pointer, value, catalog)
        if meaning is not None:
            return describe_meaning(meaning, lambda target: _render_target(target, tool, pointers))
        *parents, name = pointer_tokens(pointer)
        if name in field_names(parents) and pointer not in pointers.values():
            return f" of this tool. {_advise_other_tool(pointer)}"
        return None

    return explain


def _render_target(pointer: str, tool: str, pointers: Mapping[str, str]) -> str:
    own = next((argument for argument, target in pointers.items() if target == pointer), None)
    if own is not None:
        return repr(own)
    if tool == _CREATE:
        return repr(pointer)
    call = set_at(pointer, None)
    if call.tool == "patch_persona":
        return f"{pointer} with {_tool_for_functions(pointer) or call.tool}"
    return f"{call.tool}({next(iter(call.arguments))}=...)"


def _advise_other_tool(pointer: str) -> str:
    """Return which tool sets a field that the called tool has no argument for."""
    if pointer == "/layers":
        return "A layer is changed with its configure_* tool, several layers with patch_persona"
    call = set_at(pointer, None)
    return f"Use {_tool_for_functions(pointer) or call.tool} for {pointer}"


def _tool_for_functions(pointer: str) -> str | None:
    return "set_function_tool" if pointer.endswith("tools") else None
