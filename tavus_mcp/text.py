"""Text helpers: the closest match of a name, truncation, invisible characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches


def find_nearest(name: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed name closest to ``name``, or None when nothing is close."""
    return next(iter(find_nearest_names(name, allowed, limit=1)), None)


def find_nearest_names(name: str, allowed: Iterable[str], limit: int = 3) -> list[str]:
    """Return the allowed names that are close to ``name``, the closest first."""
    choices = {choice.lower().replace("-", "_"): choice for choice in reversed(list(allowed))}
    matches = get_close_matches(name.lower().replace("-", "_"), choices, n=limit, cutoff=0.6)
    return [choices[match] for match in matches]


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest allowed name, or an empty string."""
    close = find_nearest(name, allowed)
    return f"; did you mean {close!r}?" if close else ""


def suggestion_or_period(name: str, allowed: Iterable[str]) -> str:
    """Return the end of a sentence about a wrong name: ``did_you_mean``, or a full stop."""
    return did_you_mean(name, allowed) or "."


def strip_quotes(text: str) -> str:
    """Return a text without the blanks and quotation marks that copying leaves around it."""
    return text.strip(" \t\r\n\"'`\u00a0\u2018\u2019\u201c\u201d\u201e")


def truncate(text: str, max_chars: int) -> str:
    """Cut a text to at most ``max_chars`` characters; the last one then is an ellipsis."""
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


_JOINERS = "\u200c\u200d"  # joiners of emoji and of some scripts
_ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\", ord("\n"): "\\n", ord("\t"): "\\t"}


def escape_invisible(text: str) -> str:
    """Escape the characters that would control a terminal or reverse the direction of text."""
    return "".join(
        char if char in "\n\t" or char in _JOINERS or is_visible(char) else escape(char)
        for char in text
    )


def is_visible(char: str) -> bool:
    """Return True if a terminal prints the character as itself."""
    return char.isprintable() or unicodedata.category(char) == "Zs"


def escape(char: str) -> str:
    """Return the escape sequence of a character in a double-quoted text."""
    code = ord(char)
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# Soft hyphen, Arabic letter mark, Hangul fillers, zero width, invisible operators, BOM, controls.
# A list, because general categories do not tell: fillers are letters, Arabic number signs are Cf.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028\u2029"
    "\u2060-\u2064\u206a-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_DIRECTION_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SYMBOL = "\u0023-\u0039\u00a9-\u32ff\U0001f000-\U0001faff"
_TAGS = re.compile(
    "[\U000e0000-\U000e007f\U000e0100-\U000e01ef\ufe00-\ufe0e]" + f"|(?<![{_SYMBOL}])\ufe0f"
)
# Between letters and between emoji, joiners are part of the spelling.
_NEEDED_JOINERS = re.compile("(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")
_FIND_BY_KIND: Mapping[str, Callable[[str], list[str]]] = {
    "invisible": lambda text: _INVISIBLE.findall(_NEEDED_JOINERS.sub("", text)),
    "direction-turning": _DIRECTION_CONTROLS.findall,
    "tag or selector": _TAGS.findall,
}
_MAX_CODE_POINTS_LISTED = 6


def describe_invisible(text: str, kinds: Iterable[str] = _FIND_BY_KIND) -> Iterator[str]:
    """Yield a sentence for each kind of invisible character in a text."""
    for kind in kinds:
        if characters := _FIND_BY_KIND[kind](text):
            code_points = sorted({f"U+{ord(char):04X}" for char in characters})
            listed = ", ".join(code_points[:_MAX_CODE_POINTS_LISTED])
            yield f"{len(characters)} {kind} character(s) stand in this text: {listed}."
