"""Findings about parts, made of violations, and the calls that carry out their fixes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import PLACEHOLDER_PATTERN, FixCall
from tavus_mcp.checker.parts.part_rule import CheckedPart, PartRule, apply_fix
from tavus_mcp.checker.rule import (
    MAX_FINDINGS_PER_RULE,
    MAX_FIX_CHARS,
    MORE_FINDINGS_NOTE,
    Violation,
)
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PartKindName
from tavus_mcp.models.findings import RuleFinding, Severity, ToolCall
from tavus_mcp.models.parts.part_document import CREATE_MODELS

_MERGED = frozenset({"delivery"})
"""Arguments that the tool merges by key, where null removes; others are given as a whole."""


def find_violations(rule: PartRule, part: CheckedPart, catalog: Catalog) -> Iterator[RuleFinding]:
    """Yield a finding for each of the first violations of a rule."""
    yield from build_findings(
        part,
        rule.check(part, catalog),
        rule.severity,
        rule=rule.name,
        source=rule.source,
        blocks_write=rule.blocks_write,
    )


def build_findings(
    part: CheckedPart, violations: Iterable[Violation], severity: Severity, **fields: object
) -> Iterator[RuleFinding]:
    """Yield a finding for each of the first violations; the last says if there are more.

    Findings about a stored part have the calls that fix them.
    """
    first = list(itertools.islice(violations, MAX_FINDINGS_PER_RULE + 1))
    if len(first) > MAX_FINDINGS_PER_RULE:
        first[-2].message += MORE_FINDINGS_NOTE
    for violation in first[:MAX_FINDINGS_PER_RULE]:
        finding = violation.finding(severity, "", **fields)
        calls = _build_tool_calls(part, violation.fix)
        yield finding.model_copy(update={"fix": calls}) if calls else finding


def _savable_fields(kind: PartKindName) -> set[str]:
    """Return the fields that the tool ``save_KIND`` takes for a part that exists."""
    if kind == "document":  # Tavus changes no others
        return {"document_name", "tags"}
    return CREATE_MODELS[kind].model_fields.keys() - {"tool_call"}


def _build_tool_calls(part: CheckedPart, fixes: tuple[FixCall, ...]) -> list[ToolCall] | None:
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
    names = [name for name in {**part.data, **after} if part.data.get(name) != after.get(name)]
    if not names or not set(names) <= _savable_fields(part.kind):
        return None
    arguments: JsonObject = {f"{part.kind}_id": part.object_id}
    for name in names:
        if name in after:
            is_merged = name in _MERGED and isinstance(part.data.get(name), dict)
            value = after[name]
            arguments[name] = _merge_patch(part.data[name], value) if is_merged else value
    unset = [name for name in names if name not in after]
    return _limit_length(f"save_{part.kind}", arguments | ({"unset": unset} if unset else {}))


def _build_skill_call(part: CheckedPart, after: JsonObject) -> ToolCall | None:
    persona_id, colon, skill_id = part.object_id.partition(":")
    if not colon or not persona_id:
        return None
    arguments = {"persona_id": persona_id, "skill_id": skill_id, "config": after.get("config", {})}
    return _limit_length("set_skill", arguments)


def _limit_length(tool: str, arguments: JsonObject) -> ToolCall | None:
    is_long = len(json.dumps(arguments, default=str)) > MAX_FIX_CHARS
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
