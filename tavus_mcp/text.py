"""Text for people: the closest match, and characters made visible."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches


def find_nearest(name: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed name closest to ``name``, or None when nothing is close."""
    choices = list(allowed)
    folded = {choice.lower().replace("-", "_"): choice for choice in reversed(choices)}
    found = get_close_matches(name.lower().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest allowed name, or an empty string."""
    close = find_nearest(name, allowed)
    return f"; did you mean {close!r}?" if close else ""


def suggestion_or_period(name: str, allowed: Iterable[str]) -> str:
    """Return what closes a sentence about a wrong name: the closest match, or a full stop."""
    return did_you_mean(name, allowed) or "."


def strip_quotes(text: str) -> str:
    """Return a text without the blanks and quotation marks that copying leaves around it."""
    return text.strip(" \t\r\n\"'`\u00a0\u2018\u2019\u201c\u201d\u201e")


_JOINERS = "\u200c\u200d"  # they hold emoji and some scripts together


_ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\", ord("\n"): "\\n", ord("\t"): "\\t"}


def escape_invisible(text: str) -> str:
    """Return a text for a terminal: what would steer it or turn its direction is escaped."""
    return "".join(
        char if char in "\n\t" or char in _JOINERS or is_visible(char) else escape(char)
        for char in text
    )


def is_visible(char: str) -> bool:
    """Return True if a terminal shows the character as itself."""
    return char.isprintable() or unicodedata.category(char) == "Zs"


def escape(char: str) -> str:
    """Return the escape sequence of a character in a double-quoted text."""
    code = ord(char)
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
