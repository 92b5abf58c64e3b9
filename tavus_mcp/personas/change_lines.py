"""Changes of fields as lines of text, for the messages about conflicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tavus_mcp.models.json_patch import ABSENT
from tavus_mcp.text import quote_path, render_json_line

_MAX_VALUE_CHARS = 120
_CONTEXT_CHARS = 30
"""Characters shown before the first difference of long values."""


def render_change(path: str, old: Any, new: Any) -> str:
    """Return ``+ path: new``, ``- path (was old)`` or ``~ path: old -> new``.

    ``ABSENT`` stands for no value. Values must be masked already.
    """
    before, after = render_values([old, new])
    name = quote_path(path)
    if old is ABSENT:
        return f"+ {name}: {after}"
    if new is ABSENT:
        return f"- {name} (was {before})"
    return f"~ {name}: {before} -> {after}"


def render_values(values: Sequence[Any]) -> list[str]:
    """Return values as JSON; of long ones the part around the first difference between them.

    ``ABSENT`` becomes the word "nothing".
    """
    texts = ["nothing" if value is ABSENT else render_json_line(value) for value in values]
    present = [text for text, value in zip(texts, values, strict=True) if value is not ABSENT]
    shared = min(map(len, present), default=0)
    start = next((at for at in range(shared) if len({text[at] for text in present}) > 1), shared)
    first = max(0, start - _CONTEXT_CHARS) if max(map(len, texts)) > _MAX_VALUE_CHARS else 0
    return [
        text if value is ABSENT else _cut(text, first)
        for text, value in zip(texts, values, strict=True)
    ]


def _cut(text: str, first: int) -> str:
    last = first + _MAX_VALUE_CHARS
    shortened = ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")
    return shortened if shortened == text else f"{shortened} ({len(text)} characters)"
