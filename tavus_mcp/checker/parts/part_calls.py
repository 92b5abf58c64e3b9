"""The call that carries out the fix of a finding about a stored part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tavus_mcp.checker.fixes import PLACEHOLDER_PATTERN, FixCall
from tavus_mcp.checker.parts.part_rule import CheckedPart, apply_fix
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PartKindName
from tavus_mcp.models.findings import ToolCall

_MAX_FIX_CHARS = 8_000
"""Longer calls are not part of a finding: they would repeat a long list."""
_MERGED = frozenset({"delivery"})
"""Arguments that the tool merges by key, where null removes; others are given as a whole."""


class _SaveCall(NamedTuple):
    """A tool that changes a part: the argument of the id, and the fields that it takes."""

    tool: str
    id_argument: str
    fields: tuple[str, ...]


_SAVE_CALLS: Mapping[PartKindName, _SaveCall] = {
    "tool": _SaveCall(
        "save_tool",
        "tool_id",
        (
            *("name", "description", "parameters", "delivery", "trigger_type", "origin"),
            *("on_call", "on_resolve", "static_filler", "tags"),
        ),
    ),
    "objectives": _SaveCall("save_objectives", "objectives_id", ("name", "data", "allow_loops")),
    "guardrail": _SaveCall(
        "save_guardrail",
        "guardrail_id",
        ("guardrail_name", "guardrail_prompt", "modality", "callback_url", "app_message", "tags"),
    ),
    "document": _SaveCall("save_document", "document_id", ("document_name", "tags")),
    "dictionary": _SaveCall("save_dictionary", "dictionary_id", ("name", "rules")),
}


def build_tool_calls(part: CheckedPart, fixes: tuple[FixCall, ...]) -> list[ToolCall] | None:
    """Return the calls for a stored part; None if no tool can carry them out, or they are long."""
    if not part.object_id or not fixes:
        return None
    calls = [_build_tool_call(part, fix) for fix in fixes]
    return [call for call in calls if call] if all(calls) else None


def _build_tool_call(part: CheckedPart, fix: FixCall) -> ToolCall | None:
    after = apply_fix(part.data, fix)
    if PLACEHOLDER_PATTERN.search(json.dumps(fix.arguments, default=str)):
        return None
    if part.kind == "skill":
        return _build_skill_call(part, after)
    save = _SAVE_CALLS[part.kind]
    names = [name for name in {**part.data, **after} if part.data.get(name) != after.get(name)]
    if not names or not set(names) <= set(save.fields):
        return None
    arguments: JsonObject = {save.id_argument: part.object_id}
    for name in names:
        if name in after:
            is_merged = name in _MERGED and isinstance(part.data.get(name), dict)
            value = after[name]
            arguments[name] = _merge_patch(part.data[name], value) if is_merged else value
    unset = [name for name in names if name not in after]
    return _limit_length(save.tool, arguments | ({"unset": unset} if unset else {}))


def _build_skill_call(part: CheckedPart, after: JsonObject) -> ToolCall | None:
    persona_id, colon, skill_id = part.object_id.partition(":")
    if not colon or not persona_id:
        return None
    arguments = {"persona_id": persona_id, "skill_id": skill_id, "config": after.get("config", {})}
    return _limit_length("set_skill", arguments)


def _limit_length(tool: str, arguments: JsonObject) -> ToolCall | None:
    is_long = len(json.dumps(arguments, default=str)) > _MAX_FIX_CHARS
    return None if is_long else ToolCall(tool=tool, arguments=arguments)


def _merge_patch(before: Any, after: Any) -> Any:
    """Return the change between two values as a JSON Merge Patch (RFC 7396)."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    changed = {
        name: _merge_patch(before.get(name), value)
        for name, value in after.items()
        if before.get(name) != value
    }
    return changed | {name: None for name in before if name not in after}
