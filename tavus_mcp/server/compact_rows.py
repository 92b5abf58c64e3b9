"""Rows of a result that have a short form of their own in text: changes, findings and calls.

A change is one line: ``+ path: value`` for a new field, ``- path (was value)`` for a removed one,
``~ path: old -> new`` for another value. A default that is in effect in place of a value stands for
it, and ``(default)`` follows. A field that needs no change for a goal is ``= path: value [goal]``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tavus_mcp.invisible_characters import escape_line
from tavus_mcp.models.base import JsonObject
from tavus_mcp.text import count_personas

_VALUE_NAMES = (("before", "after"), ("first", "second"))
"""The members of a change that hold its two values; ``compare_personas`` has the second pair."""
_CHANGE_MEMBERS = frozenset(name for pair in _VALUE_NAMES for name in pair)
_BARE_PATH = re.compile(r"[\w/.~@-]*")
"""A path with other characters is quoted, so that a name in it cannot imitate a line of ours."""
_BARE_TEXT = re.compile(r"[A-Za-z][\w.:/@-]*")
_SUMMARY = re.compile(r'"(\(\d+ different values\))"')
"""Stands for the earlier values of many personas, so that it has no marks of a text."""
_JSON_WORDS = frozenset({"true", "false", "null"})
_FINDING_MEMBERS = frozenset({"severity", "path", "message"})
_MET_MEMBERS = frozenset({"goal", "path"})
_WHOLE_PERSONA = "persona"
"""Stands for the empty path of a change or a finding that concerns the whole persona."""

RowFormatter = Callable[[JsonObject], tuple[str, JsonObject]]
"""Returns the line of a row, and the members that the line does not show."""


def find_row_formatter(rows: list[Any]) -> RowFormatter | None:
    """Return the function that formats these rows; None if they are no changes or findings."""
    if not rows or not all(isinstance(row, dict) for row in rows):
        return None
    if all(row.keys() >= _FINDING_MEMBERS for row in rows):
        return format_finding
    if all("path" in row and _CHANGE_MEMBERS & row.keys() for row in rows):
        return format_change
    if all(row.keys() >= _MET_MEMBERS for row in rows):
        return _format_met
    return None


def format_change(row: JsonObject) -> tuple[str, JsonObject]:
    """Return a change as one line, and its further members (its reason, for example)."""
    old, new = next((pair for pair in _VALUE_NAMES if set(pair) & row.keys()), _VALUE_NAMES[0])
    path = format_path(row) or _WHOLE_PERSONA
    default = row.get("default")
    before, after = (
        _format_value(value, default) for value in (row.get(old, default), row.get(new, default))
    )
    if row.keys() >= {old, new} or (default is not None and before != after):
        line = f"~ {path}: {before} -> {after}"
    elif new in row:
        line = f"+ {path}: {after}"
    else:
        line = f"- {path} (was {before})"
    if "personas" in row:
        line = _SUMMARY.sub(r"\1", line)
        line += f" [{count_personas(row['personas'])}]"
    if "goal" in row:
        line += f" [{escape_line_ends(str(row['goal']))}]"
    on_line = {"path", old, new, "default", "personas", "goal"}
    return line, {name: value for name, value in row.items() if name not in on_line}


def _format_met(row: JsonObject) -> tuple[str, JsonObject]:
    """Return ``= path: value [goal]`` for a field that meets a goal already."""
    value = f": {_format_value(row['value'], row.get('default'))}" if "value" in row else ""
    return f"= {format_path(row) or _WHOLE_PERSONA}{value} [{row['goal']}]", {}


def format_finding(row: JsonObject) -> tuple[str, JsonObject]:
    """Return a finding as one line, and its further members (the hint, for example)."""
    place = " ".join(filter(None, (str(row["severity"]), format_path(row))))
    line = f"- {place}: {escape_line_ends(str(row['message']))}"
    return line, {name: value for name, value in row.items() if name not in _FINDING_MEMBERS}


def is_call(value: Any) -> bool:
    """Return True for a tool with its arguments."""
    return isinstance(value, dict) and value.keys() == {"tool", "arguments"}


def format_call(call: JsonObject) -> str:
    """Return a call as ``tool(argument=value, ...)``."""
    arguments = (
        f"{escape_line_ends(str(name))}={render_json(value)}"
        for name, value in call["arguments"].items()
    )
    return f"{call['tool']}({', '.join(arguments)})"


def render_json(value: Any) -> str:
    """Return a value as JSON on one line."""
    return escape_line_ends(json.dumps(value, ensure_ascii=False))


def escape_line_ends(text: str) -> str:
    """Return a text on one line: line ends as escape sequences."""
    return text if text.isprintable() else text.translate(_ESCAPES)


_LINE_ENDS = "\x0b\x0c\r\x1c\x1d\x1e\x85\u2028\u2029"
_ESCAPES = {ord("\n"): "\\n"} | {ord(end): f"\\u{ord(end):04x}" for end in _LINE_ENDS}


def format_path(row: JsonObject) -> str:
    """Return the path of a row, in quotes if its characters could imitate a line."""
    path = str(row["path"])
    return path if _BARE_PATH.fullmatch(path) else escape_line(render_json(path))


def _format_value(value: Any, default: Any) -> str:
    is_bare = (
        isinstance(value, str)
        and _BARE_TEXT.fullmatch(value) is not None
        and value not in _JSON_WORDS
    )
    text = value if is_bare else render_json(value)
    return f"{text} (default)" if default is not None and _is_same(value, default) else text


def _is_same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other)
