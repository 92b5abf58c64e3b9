"""Writing JSON as YAML 1.2 for people and for git: one way to say each value, line by line.

Long texts and texts of several lines are literal blocks; a text that a block cannot hold exactly
(control and direction characters, odd line ends) is quoted, one line of it per line of the file.
Words that some YAML reads as a number, a date or a switch are quoted. YAML is told in its
specification, version 1.2.2, which the comments name by chapter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tavus_mcp.models.base import JsonObject
from tavus_mcp.text import _JOINERS, escape, is_visible

MAX_INLINE_CHARS = 80
"""Characters from which a text of one line gets a block of its own."""
MAX_NESTING_LEVELS = 100
"""Levels that a file may nest; no persona comes near."""
_MAX_KEY_CHARS = 400
_INDENT = "  "
_RESERVED_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def render_mapping(data: JsonObject) -> list[str]:
    """Return an object as the lines of a block, without an end of line.

    Raises ``ValueError`` when it nests deeper than ``DEEPEST``.
    """
    return _render_mapping(data, MAX_NESTING_LEVELS)


def render_member(key: str, value: Any, depth: int = MAX_NESTING_LEVELS) -> list[str]:
    """Return one member of an object as lines."""
    written = render_key(key)
    if len(written) > _MAX_KEY_CHARS:  # 7.4.2: a key on one line with its colon must be short
        head, body = render_value(value, depth)
        return [f"? {written}", f": {head}".rstrip(" "), *body]
    head, body = render_value(value, depth)
    return [f"{written}: {head}" if head else f"{written}:", *body]


def render_item(value: Any, depth: int = MAX_NESTING_LEVELS) -> list[str]:
    """Return one item of a list as lines."""
    if isinstance(value, (dict, list)) and value:
        first, *rest = _render_block(value, depth - 1)
        return [f"- {first}", *_indent_lines(rest)]
    head, body = render_value(value, depth)
    return [f"- {head}", *body]


def render_value(value: Any, depth: int = MAX_NESTING_LEVELS) -> tuple[str, list[str]]:
    """Return what stands behind ``key:`` on its line, and the lines below, indented once."""
    if isinstance(value, (dict, list)) and value:
        return "", _indent_lines(_render_block(value, depth - 1))
    if isinstance(value, str):
        head, body = render_text(value)
        return head, _indent_lines(body)
    return _render_float(value) if isinstance(value, float) else render_flow(value), []


def render_text(value: str) -> tuple[str, list[str]]:
    """Return a text as it stands on its line, and the lines below it."""
    if _is_plain(value):
        return value, []
    if ("\n" in value or len(value) > MAX_INLINE_CHARS) and _fits_block(value):
        return _render_literal(value)
    if "\n" not in value.rstrip("\n"):
        return quote_text(value), []
    first, *rest = value.split("\n")
    # 7.3.1: spaces at the start of a continued line say nothing, so a first one is escaped
    lines = ["\\" + line if line.startswith(" ") else line for line in map(_escape_text, rest)]
    whole = [f'"{_escape_text(first)}', *lines]
    return whole[0] + "\\n\\", [*(line + "\\n\\" for line in whole[1:-1]), whole[-1] + '"']


def render_flow(value: Any) -> str:
    """Return a value on one line, as JSON."""
    said = json.dumps(value, ensure_ascii=False)
    return said if said.isprintable() else json.dumps(value)


def render_key(key: str) -> str:
    """Return a key as it is written, on one line."""
    return key if _is_plain(key) and ":" not in key else quote_text(key)


def quote_text(value: str) -> str:
    """Return a text in double quotes, on one line."""
    return f'"{_escape_text(value)}"'


def _render_mapping(data: JsonObject, depth: int) -> list[str]:
    return [line for key, value in data.items() for line in render_member(key, value, depth)]


def _render_block(value: Any, depth: int) -> list[str]:
    if depth <= 0:
        raise ValueError(f"it nests deeper than {MAX_NESTING_LEVELS} levels")
    if isinstance(value, dict):
        return _render_mapping(value, depth)
    return [line for inner in value for line in render_item(inner, depth)]


def _indent_lines(lines: Iterable[str]) -> list[str]:
    return [_INDENT + line if line else line for line in lines]


def _render_literal(value: str) -> tuple[str, list[str]]:
    """Return a literal block (8.1): the number tells the indent where it cannot be guessed."""
    guide = str(len(_INDENT)) if value[0] in " \n\t" else ""
    if not value.endswith("\n"):
        return f"|{guide}-", value.split("\n")
    body = value[:-1].split("\n")
    return (f"|{guide}+" if body[-1] == "" else f"|{guide}"), body


def _fits_block(value: str) -> bool:
    return value.strip() != "" and all(
        char in "\n\t" or char in _JOINERS or is_visible(char) for char in value
    )


def _is_plain(value: str) -> bool:
    """Tell whether a text needs no quotes in any YAML, also not in one of version 1.1."""
    return (
        0 < len(value) <= MAX_INLINE_CHARS
        and value[0].isalpha()
        and value[-1] not in ": "
        and value.isprintable()
        and ": " not in value
        and " #" not in value
        and value.lower() not in _RESERVED_WORDS
    )


def _escape_text(value: str) -> str:
    return "".join(
        char if char.isprintable() and char not in '"\\' else escape(char) for char in value
    )


def _render_float(value: float) -> str:
    """Return a float so that it stays one, also for YAML 1.1, which wants a point in it."""
    digits, e, power = repr(value).partition("e")
    return digits + (".0" if e and "." not in digits else "") + e + power
