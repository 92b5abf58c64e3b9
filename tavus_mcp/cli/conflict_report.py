"""What commands of projects print of values: a line, a diff, and of a conflict all sides."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from typing import Any

from tavus_mcp.project.plan import ObjectConflict
from tavus_mcp.text import quote_path, render_json_line, truncate

_CONTEXT_LINES = 2
_MAX_VALUE_CHARS = 160


def short_value(value: Any) -> str:
    """Return a value on one line, cut if it is long."""
    return "(not set)" if value is None else truncate(render_json_line(value), _MAX_VALUE_CHARS)


def diff_lines(before: str, after: str, left: str = "", right: str = "") -> list[str]:
    """Return two texts as a unified diff; its first two lines name the sides.

    A line end at the end of one of them is a difference as well: an empty line.
    """
    lines = difflib.unified_diff(
        before.split("\n"), after.split("\n"), left, right, lineterm="", n=_CONTEXT_LINES
    )
    return list(lines)


def conflict_lines(environment: str, conflicts: Sequence[ObjectConflict]) -> list[str]:
    """Return the conflicts with what both sides changed, and what settles them."""
    lines: list[str] = []
    for conflict in conflicts:
        name = f"{conflict.name} {quote_path(conflict.pointer)}".rstrip()
        lines.append(f"conflict: {name}: {conflict.message}")
        if conflict.pointer:
            lines += [f"  {line}" for line in _side_lines(conflict)]
    fields = [conflict for conflict in conflicts if conflict.pointer]
    if fields:
        first = fields[0]
        lines += [
            "--resolve file takes the files and discards these changes of the account; --resolve "
            "live takes the account and discards these changes of the files.",
            f"To keep both, write the merged text into {first.source}, then tavus-mcp apply "
            f"--env {environment} --resolve file.",
            f"For one object: tavus-mcp pull {first.name} --env {environment} --resolve file|live. "
            f"All that differs: tavus-mcp diff --env {environment}",
        ]
    return lines


def _side_lines(conflict: ObjectConflict) -> list[str]:
    """Return the values of all sides, or diffs if a value is too long for a line."""
    values = (conflict.base, conflict.account, conflict.file)
    place = f"in {conflict.source}"
    if not any(map(_is_long, values)):
        return [
            f"at the last sync: {short_value(conflict.base)}",
            f"in the account: {short_value(conflict.account)}",
            f"{place}: {short_value(conflict.file)}",
        ]
    base, account, file = map(_full_text, values)
    if conflict.base is None:
        changes = [(f"from the account (-) to {conflict.source} (+):", account, file)]
    else:
        changes = [
            ("in the account since the last sync:", base, account),
            (f"{place} since the last sync:", base, file),
        ]
    return [
        line
        for heading, before, after in changes
        for line in (heading, *(f"  {line}" for line in diff_lines(before, after)[2:]))
    ]


def _is_long(value: Any) -> bool:
    is_text_of_lines = isinstance(value, str) and "\n" in value
    return is_text_of_lines or len(render_json_line(value)) > _MAX_VALUE_CHARS


def _full_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
