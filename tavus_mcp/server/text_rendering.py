"""Render a result: the same facts as compact text and as structured content, never JSON twice.

Hosts forward one or the other to the model, so both hold the same facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel

from tavus_mcp.models.masking import Masker
from tavus_mcp.server.compact_rows import (
    RowFormatter,
    escape_line_ends,
    find_row_formatter,
    format_call,
    format_path,
    is_call,
    render_json,
)
from tavus_mcp.server.results import Page, PersonaResult, RevisionPage
from tavus_mcp.server.served_tools import UnservedTools

_MIN_TABLE_ROWS = 2
"""From this many rows on, a list of flat objects is rendered as a table."""
_LEFT_OUT_IF_EMPTY = frozenset({"already", "changes", "findings", "settled", "skipped"})
"""Lists of remarks that a text does not mention when there are none."""
_MAX_CELL_CHARS = 80
"""With a longer cell, a list is easier to read than a table."""


def build_result(
    result: BaseModel, masker: Masker, unserved: UnservedTools, *, list_name: str
) -> CallToolResult:
    """Return a tool's result as it goes to the host: nulls dropped, secrets masked.

    Our texts in it name no tool that is not served. ``list_name`` replaces ``rows`` in a ``Page``.
    """
    facts = unserved.adapt_members(unserved.adapt_calls(result).model_dump(mode="json"))
    if isinstance(result, Page):
        facts = {list_name if name == "rows" else name: value for name, value in facts.items()}
    facts = masker.mask(without_nulls(facts))
    rendered = {
        name: value for name, value in facts.items() if value or name not in _LEFT_OUT_IF_EMPTY
    }
    if isinstance(result, PersonaResult):
        rendered.pop("cut", None)  # the mark at the end of each text says it
    if isinstance(result, RevisionPage):
        rendered["revisions"] = [_without_repeated_paths(row) for row in facts["revisions"]]
    if (part := facts.get("part")) and "changes" in rendered:
        rendered["changes"] = [
            {**row, "path": row["path"] or part["kind"]} for row in facts["changes"]
        ]
    return CallToolResult(
        content=[TextContent(type="text", text=render_text(rendered))], structured_content=facts
    )


def without_nulls(value: Any) -> Any:
    """Return a copy without null members, at every depth. Empty lists and objects are kept."""
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
    key = escape_line_ends(key)  # names can come from other people
    if is_call(value):
        return f"{indent}{key}: {format_call(value)}"
    if isinstance(value, dict) and value:
        return f"{indent}{key}:\n{render_text(value, indent + '  ')}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return _render_rows(key, value, indent)
    if isinstance(value, str) and len(lines := value.splitlines()) > 1:
        body = "\n".join(indent + "  " + line for line in lines)
        return f"{indent}{key}: |\n{body}"
    return f"{indent}{key}: {_render_scalar(value)}"


def _render_rows(key: str, rows: list[Any], indent: str) -> str:
    """Render a list that holds objects or lists: in a form of its own, as a table, or in full."""
    if format_row := find_row_formatter(rows):
        return "\n".join([f"{indent}{key}:", *_render_short_rows(rows, format_row, indent + "  ")])
    if columns := _table_columns(rows):
        table = _render_table(rows, columns, indent + "  ")
        return f"{indent}{key} ({' | '.join(columns)}):\n{table}"
    return f"{indent}{key}:\n{render_text(rows, indent + '  ')}"


def _render_short_rows(rows: list[Any], format_row: RowFormatter, indent: str) -> Iterator[str]:
    """Yield the line of each row and its further members; equal reasons are given once."""
    explained: dict[str, str] = {}
    for row in rows:
        line, rest = format_row(row)
        yield indent + line
        text = render_text(rest, indent + "    ") if rest else ""
        if text in explained:
            yield f"{indent}    as for {explained[text]}"
        elif text:
            yield text
        if "reason" in rest:
            explained[text] = format_path(row)


def _render_item(value: Any, indent: str) -> str:
    if is_call(value):
        return f"{indent}- {format_call(value)}"
    if isinstance(value, (dict, list)) and value:
        return f"{indent}- {render_text(value, indent + '  ').lstrip()}"
    return f"{indent}- {_render_scalar(value)}"


def _without_repeated_paths(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a history without its ``paths`` if the listed changes hold all of them."""
    changed = [f"{change['path']}/" for change in row.get("changes") or ()]
    is_repeated = all(
        any(path.startswith(f"{prefix}/") for path in changed) for prefix in row.get("paths") or ()
    )
    return {name: value for name, value in row.items() if name != "paths" or not is_repeated}


def _table_columns(rows: list[Any]) -> list[str]:
    """Return the columns of a list of flat objects, or [] when it is better no table."""
    if len(rows) < _MIN_TABLE_ROWS or not all(isinstance(row, dict) for row in rows):
        return []
    if not all(_is_cell(cell) for row in rows for pair in row.items() for cell in pair):
        return []
    columns: list[str] = []
    for row in rows:
        position = len(columns)  # a new name goes before the next known one, else to the end
        for key in reversed(row):
            if key in columns:
                position = columns.index(key)
            else:
                columns.insert(position, key)
    return columns


def _is_cell(value: Any) -> bool:
    if isinstance(value, (dict, list)):
        return False
    text = str(value)
    # a bar in a cell would look like a column
    return len(text) <= _MAX_CELL_CHARS and "|" not in text and len(text.splitlines()) < 2


def _render_table(rows: list[Any], columns: list[str], indent: str) -> str:
    lines = (" | ".join(_render_cell(row.get(name)) for name in columns) for row in rows)
    return "\n".join(indent + line.rstrip(" |") for line in lines)


def _render_cell(value: Any) -> str:
    """Return a cell; an absent value is empty, and an empty text has quotes."""
    if value is None:
        return ""
    return _render_scalar(value) or '""'


def _render_scalar(value: Any) -> str:
    if isinstance(value, str):
        return escape_line_ends(value)
    return render_json(value)
