"""The rule about mojibake: text whose bytes were decoded with the wrong encoding."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import UnprintedValue, set_at
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.models.document import PersonaDocument

_REPLACEMENT = "\ufffd"
# Bytes 0x80 to 0xBF of UTF-8, decoded as Latin-1 or as Windows-1252.
_CONTINUATION = (
    "[\u0080-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d"
    "\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178]"
)
# First bytes that begin most characters beyond ASCII; others are common letters by themselves.
_SEQUENCE = re.compile(
    f"[\u00c2\u00c3\u00d0\u00d1]{_CONTINUATION}|\u00e2{_CONTINUATION}{{2}}"
    f"|\u00f0{_CONTINUATION}{{3}}"
)


@rule("text-mojibake", "warning", source="D:create-persona")
def mojibake(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The model reads such characters, and the voice may say them."""
    for path, text in document.texts_to_inspect:
        repaired, count = _repair(text)
        lost = text.count(_REPLACEMENT)
        if count:
            yield Violation(
                path,
                f"{count} character(s) were decoded with the wrong encoding, as in Ã© for é.",
                "With the right characters: ",
                set_at(path, UnprintedValue(repaired)),
            )
        elif lost:
            yield Violation(
                path,
                f"{lost} character(s) were lost in a conversion of this text (U+FFFD).",
                "Write the text again: ",
                set_at(path, "<NEW_TEXT>"),
            )


def _repair(text: str) -> tuple[str, int]:
    """Return the text with mojibake decoded, and the number of characters that were repaired."""
    count = 0

    def decode(match: re.Match[str]) -> str:
        nonlocal count
        encoded = b"".join(_encode(char) for char in match.group())
        try:
            decoded = encoded.decode("utf-8")
        except UnicodeDecodeError:
            return match.group()
        count += 1
        return decoded

    return _SEQUENCE.sub(decode, text), count


def _encode(char: str) -> bytes:
    """Return the byte that was decoded as this character."""
    try:
        return char.encode("cp1252")
    except UnicodeEncodeError:
        return char.encode("latin-1")
