"""Find values that neither JSON (RFC 8259) nor UTF-8 can express, or that nest too deep."""

from __future__ import annotations

import math
import re
from typing import Any

from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.text import quote_path

MAX_PROBLEMS = 12
"""Further problems are not listed: they are usually the same mistake again."""

MAX_LEVELS = 100
"""The deepest nesting of an argument; a persona has about ten levels."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def find_unsendable_values(value: Any) -> list[str]:
    """Return a sentence for each lone surrogate, NaN, infinite number and too deep nesting.

    Each sentence starts with the JSON Pointer of the value. Values are not repeated. The search is
    iterative, because a nesting of thousands of lists must not exhaust the stack. It ends after
    ``MAX_PROBLEMS``. Pointers are built only if there is a problem.
    """
    return _describe_unsendable(value) if _has_unsendable(value) else []


def _has_unsendable(value: Any) -> bool:
    """Tell whether there may be a problem, level by level; quick, because there rarely is."""
    level = [value]
    for _ in range(MAX_LEVELS + 1):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if not item.isascii() and _SURROGATE.search(item):
                    return True
            elif isinstance(item, float):
                if not math.isfinite(item):
                    return True
            elif isinstance(item, dict):
                inner += map(str, item)
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        if not inner:
            return False
        level = inner
    return True


def _describe_unsendable(value: Any) -> list[str]:
    problems: list[str] = []
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while pending and len(problems) < MAX_PROBLEMS:
        tokens, item = pending.pop()
        path = quote_path(replace_surrogates(pointer_of(tokens)) or "/")
        if len(tokens) > MAX_LEVELS:
            problems.append(f"{path}: nests deeper than {MAX_LEVELS} levels.")
        elif isinstance(item, str) and (match := _SURROGATE.search(item)):
            code_point = f"U+{ord(match.group()):04X}"
            problems.append(
                f"{path}: holds half of a character (a lone surrogate, {code_point}); "
                "send whole characters."
            )
        elif isinstance(item, float) and not math.isfinite(item):
            problems.append(f"{path}: must be a finite number; JSON has no NaN or Infinity.")
        elif isinstance(item, dict):
            if any(_SURROGATE.search(str(key)) for key in item):
                problems.append(f"{path}: a key of it holds half of a character.")
            pending += [((*tokens, key), item[key]) for key in reversed(item)]
        elif isinstance(item, list):
            pending += [((*tokens, index), item[index]) for index in reversed(range(len(item)))]
    return problems


def replace_surrogates(text: str) -> str:
    """Return a text with each lone surrogate replaced by U+FFFD, so that UTF-8 can express it."""
    return _SURROGATE.sub("\ufffd", text)
