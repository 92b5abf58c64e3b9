"""The table of characters that a reader does not see, and how to make them visible.

Sources: Unicode's Default_Ignorable_Code_Point and Bidi_Control, and the control characters. It is
a list, because general categories do not suffice: fillers are letters, Arabic number signs are Cf.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping

ZERO_WIDTH_CHARS = (
    # soft hyphen, Arabic letter mark, Hangul fillers, Mongolian selectors, zero width, operators
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028\u2029"
    # invisible operators, deprecated format characters, blank Braille, byte order mark, annotations
    "\u2060-\u2064\u206a-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb"
)
"""The inside of a character class of a regular expression, as are the next ones."""
DIRECTION_CHARS = "\u202a-\u202e\u2066-\u2069"
_CONTROL_CHARS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_TAG_CHARS = "\U000e0000-\U000e007f\U000e0100-\U000e01ef\ufe00-\ufe0e"
_SYMBOL_CHARS = "\u0023-\u0039\u00a9-\u32ff\U0001f000-\U0001faff"
_NON_ASCII = "[^\x00-\x7f]"
_JOINERS = "\u200c\u200d"

_INVISIBLE = re.compile(f"[{ZERO_WIDTH_CHARS}{_CONTROL_CHARS}]")
_DIRECTION_CONTROLS = re.compile(f"[{DIRECTION_CHARS}]")
_TAGS = re.compile(f"[{_TAG_CHARS}]|(?<![{_SYMBOL_CHARS}])\ufe0f")
# Between letters and between emoji, joiners are part of the spelling.
_NEEDED_JOINERS = re.compile(f"(?<={_NON_ASCII})[{_JOINERS}](?={_NON_ASCII})")
# In texts that are read from right to left, marks put numbers and punctuation into their place.
_DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f]")
_RIGHT_TO_LEFT = re.compile("[\u05d0-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_FIND_BY_KIND: Mapping[str, Callable[[str], list[str]]] = {
    "invisible": lambda text: _INVISIBLE.findall(_drop_needed(text)),
    "direction-turning": _DIRECTION_CONTROLS.findall,
    "tag or selector": _TAGS.findall,
}
_MAX_CODE_POINTS_LISTED = 6

_HIDDEN = re.compile(
    f"(?!{_JOINERS[0]}|{_JOINERS[1]})[{ZERO_WIDTH_CHARS}{DIRECTION_CHARS}{_CONTROL_CHARS}\r]"
    f"|(?<!{_NON_ASCII})[{_JOINERS}]|[{_JOINERS}](?!{_NON_ASCII})|{_TAGS.pattern}"
)
_LINE_CONTROLS = re.compile(f"[\n\t{_JOINERS}]")
_ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\", ord("\n"): "\\n", ord("\t"): "\\t"}


def describe_invisible(text: str, kinds: Iterable[str] = _FIND_BY_KIND) -> Iterator[str]:
    """Yield a sentence for each kind of invisible character in a text."""
    for kind in kinds:
        if characters := _FIND_BY_KIND[kind](text):
            code_points = sorted({f"U+{ord(char):04X}" for char in characters})
            listed = ", ".join(code_points[:_MAX_CODE_POINTS_LISTED])
            noun = "character" if len(characters) == 1 else "characters"
            yield f"This text has {len(characters)} {kind} {noun}: {listed}."


def _drop_needed(text: str) -> str:
    """Return a text without the invisible characters that its script needs."""
    rest = _NEEDED_JOINERS.sub("", text)
    return _DIRECTION_MARKS.sub("", rest) if _RIGHT_TO_LEFT.search(text) else rest


def escape(char: str) -> str:
    """Return the escape sequence of a character in a double-quoted text."""
    code = ord(char)
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def escape_invisible(text: str, escape_char: Callable[[str], str] = escape) -> str:
    """Escape all characters that a reader does not see or that control a terminal.

    Line feeds, tabs, and joiners that a script or an emoji needs are kept.
    """
    if text.isprintable() and not _HIDDEN.search(text):
        return text
    escaped = _HIDDEN.sub(lambda match: escape_char(match[0]), text)
    return "".join(
        char if char in "\n\t" or char in _JOINERS or _is_printable(char) else escape_char(char)
        for char in escaped
    )


def escape_line(text: str) -> str:
    """Escape line feeds, tabs and every joiner as well; the text stays on its line."""
    return _LINE_CONTROLS.sub(lambda match: escape(match[0]), escape_invisible(text))


def _is_printable(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"
