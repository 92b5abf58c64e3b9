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

LONG = 80
"""Characters from which a text of one line gets a block of its own."""
DEEPEST = 100
"""Levels that a file may nest; no persona comes near."""
_LONGEST_KEY = 400
_STEP = "  "
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def mapping(data: JsonObject) -> list[str]:
    """Return an object as the lines of a block, without an end of line.

    Raises ``ValueError`` when it nests deeper than ``DEEPEST``.
    """
    return _mapping(data, DEEPEST)


def member(key: str, value: Any, depth: int = DEEPEST) -> list[str]:
    """Return one member of an object as lines."""
    written = name(key)
    if len(written) > _LONGEST_KEY:  # 7.4.2: a key on one line with its colon must be short
        head, body = placed(value, depth)
        return [f"? {written}", f": {head}".rstrip(" "), *body]
    head, body = placed(value, depth)
    return [f"{written}: {head}" if head else f"{written}:", *body]


def item(value: Any, depth: int = DEEPEST) -> list[str]:
    """Return one item of a list as lines."""
    if isinstance(value, (dict, list)) and value:
        first, *rest = _block(value, depth - 1)
        return [f"- {first}", *_indented(rest)]
    head, body = placed(value, depth)
    return [f"- {head}", *body]


def placed(value: Any, depth: int = DEEPEST) -> tuple[str, list[str]]:
    """Return what stands behind ``key:`` on its line, and the lines below, indented once."""
    if isinstance(value, (dict, list)) and value:
        return "", _indented(_block(value, depth - 1))
    if isinstance(value, str):
        head, body = text(value)
        return head, _indented(body)
    return _number(value) if isinstance(value, float) else flow(value), []


def text(value: str) -> tuple[str, list[str]]:
    """Return a text as it stands on its line, and the lines below it."""
    if _is_plain(value):
        return value, []
    if ("\n" in value or len(value) > LONG) and _fits_block(value):
        return _literal(value)
    if "\n" not in value.rstrip("\n"):
        return quoted(value), []
    first, *rest = value.split("\n")
    # 7.3.1: spaces at the start of a continued line say nothing, so a first one is escaped
    lines = ["\\" + line if line.startswith(" ") else line for line in map(_escaped, rest)]
    whole = [f'"{_escaped(first)}', *lines]
    return whole[0] + "\\n\\", [*(line + "\\n\\" for line in whole[1:-1]), whole[-1] + '"']


def flow(value: Any) -> str:
    """Return a value on one line, as JSON."""
    said = json.dumps(value, ensure_ascii=False)
    return said if said.isprintable() else json.dumps(value)


def name(key: str) -> str:
    """Return a key as it is written, on one line."""
    return key if _is_plain(key) and ":" not in key else quoted(key)


def quoted(value: str) -> str:
    """Return a text in double quotes, on one line."""
    return f'"{_escaped(value)}"'


def _mapping(data: JsonObject, depth: int) -> list[str]:
    return [line for key, value in data.items() for line in member(key, value, depth)]


def _block(value: Any, depth: int) -> list[str]:
    if depth <= 0:
        raise ValueError(f"it nests deeper than {DEEPEST} levels")
    if isinstance(value, dict):
        return _mapping(value, depth)
    return [line for inner in value for line in item(inner, depth)]


def _indented(lines: Iterable[str]) -> list[str]:
    return [_STEP + line if line else line for line in lines]


def _literal(value: str) -> tuple[str, list[str]]:
    """Return a literal block (8.1): the number tells the indent where it cannot be guessed."""
    guide = str(len(_STEP)) if value[0] in " \n\t" else ""
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
        0 < len(value) <= LONG
        and value[0].isalpha()
        and value[-1] not in ": "
        and value.isprintable()
        and ": " not in value
        and " #" not in value
        and value.lower() not in _WORDS
    )


def _escaped(value: str) -> str:
    return "".join(
        char if char.isprintable() and char not in '"\\' else escape(char) for char in value
    )


def _number(value: float) -> str:
    """Return a float so that it stays one, also for YAML 1.1, which wants a point in it."""
    digits, e, power = repr(value).partition("e")
    return digits + (".0" if e and "." not in digits else "") + e + power
