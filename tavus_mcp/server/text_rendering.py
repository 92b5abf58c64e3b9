"""Showing an answer: the same facts as compact text and as structured content, never JSON twice.

Hosts forward one or the other to the model, so neither may hold what the other lacks.
"""

from __future__ import annotations

import json
from typing import Any

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel

from tavus_mcp.models.masking import Masker

_LINE_ENDS = "\x0b\x0c\r\x1c\x1d\x1e\x85\u2028\u2029"
_ESCAPES = {ord("\n"): "\\n"} | {ord(end): f"\\u{ord(end):04x}" for end in _LINE_ENDS}
_MIN_TABLE_ROWS = 3
"""From this many rows on, a list of flat objects is shown as a table."""
_MAX_CELL_CHARS = 80
"""Characters of a cell from which on a table is harder to read than a list."""


def build_result(answer: BaseModel, masker: Masker) -> CallToolResult:
    """Return a tool's answer as it goes to the host: nulls dropped, secrets masked."""
    facts = masker.mask(without_nulls(answer.model_dump(mode="json")))
    return CallToolResult(
        content=[TextContent(type="text", text=render_text(facts))], structured_content=facts
    )


def without_nulls(value: Any) -> Any:
    """Return a copy without null members and without empty lists and objects at the top."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def render_text(value: Any, indent: str = "") -> str:
    """Render JSON as compact text: ``name: value`` lines, lists with dashes, rows as tables."""
    if isinstance(value, dict):
        return "\n".join(_render_member(str(key), item, indent) for key, item in value.items())
    if isinstance(value, list):
        return "\n".join(_render_item(item, indent) for item in value)
    return indent + _render_scalar(value)


def _render_member(key: str, value: Any, indent: str) -> str:
    key = key.translate(_ESCAPES)  # names are other people's as well
    if isinstance(value, dict) and value:
        return f"{indent}{key}:\n{render_text(value, indent + '  ')}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        columns = _table_columns(value)
        if columns:
            return (
                f"{indent}{key} "
                f"({' | '.join(columns)}):\n{_render_table(value, columns, indent + '  ')}"
            )
        return f"{indent}{key}:\n{render_text(value, indent + '  ')}"
    if isinstance(value, str) and len(value.splitlines()) > 1:
        body = "\n".join(indent + "  " + line for line in value.splitlines())
        return f"{indent}{key}: |\n{body}"
    return f"{indent}{key}: {_render_scalar(value)}"


def _render_item(value: Any, indent: str) -> str:
    if isinstance(value, (dict, list)) and value:
        return f"{indent}- {render_text(value, indent + '  ').lstrip()}"
    return f"{indent}- {_render_scalar(value)}"


def _table_columns(rows: list[Any]) -> list[str]:
    """Return the columns of a list of flat objects, or nothing when it is no table."""
    if len(rows) < _MIN_TABLE_ROWS or not all(isinstance(row, dict) for row in rows):
        return []
    if not all(_is_cell(cell) for row in rows for pair in row.items() for cell in pair):
        return []
    columns: list[str] = []
    for row in rows:
        at = len(columns)  # a new name stands before the next one that is known, else at the end
        for key in reversed(row):
            if key in columns:
                at = columns.index(key)
            else:
                columns.insert(at, key)
    return columns


def _is_cell(value: Any) -> bool:
    if isinstance(value, (dict, list)):
        return False
    text = str(value)
    # what holds a bar could pass for more columns than one
    return len(text) <= _MAX_CELL_CHARS and "|" not in text and len(text.splitlines()) < 2


def _render_table(rows: list[Any], columns: list[str], indent: str) -> str:
    lines = (" | ".join(_render_scalar(row.get(name, "")) for name in columns) for row in rows)
    return "\n".join(indent + line.rstrip(" |") for line in lines)


def _render_scalar(value: Any) -> str:
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)
    if value == {}:
        return "none"
    return json.dumps(value, ensure_ascii=False)
