"""Rules about characters that were not meant: invisible ones, and those decoded wrongly.

Invisible ones are reported, never silently altered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import UnprintedValue, set_at
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.invisible_characters import describe_invisible
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import count_of

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
_NO_FIX_REASON = "A person should first read what was hidden."


@rule("text-invisible", "warning", source="P:guardrails", no_fix_reason=_NO_FIX_REASON)
def invisible_characters(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The model reads characters that a reviewer of the text cannot see."""
    yield from _violations(document, "invisible")


@rule("text-direction-turned", "warning", source="P:guardrails", no_fix_reason=_NO_FIX_REASON)
def direction_turned(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Bidirectional controls display a text in another order than the model reads it."""
    yield from _violations(document, "direction-turning")


@rule("text-tag-characters", "warning", source="P:guardrails", no_fix_reason=_NO_FIX_REASON)
def tag_characters(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tag characters can hide whole sentences from people."""
    yield from _violations(document, "tag or selector")


@rule("text-mojibake", "warning", source="D:create-persona")
def mojibake(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The model reads such characters, and the voice may say them."""
    for path, text in document.texts_to_inspect:
        repaired, count = _repair(text)
        lost = text.count(_REPLACEMENT)
        if count:
            yield Violation(
                path,
                "Characters decoded with the wrong encoding, as in Ã© for é: "
                f"{count_of(count, 'place')}.",
                "With the right characters: ",
                set_at(path, UnprintedValue(repaired)),
            )
        elif lost:
            yield Violation(
                path,
                "Characters lost in a conversion of this text (U+FFFD): "
                f"{count_of(lost, 'place')}.",
                "Write the text again: ",
                set_at(path, "<NEW_TEXT>"),
            )


def _violations(document: PersonaDocument, kind: str) -> Iterator[Violation]:
    hint = "Check where they come from, then write the text again, or remove them with edit_prompt."
    for path, text in document.texts_to_inspect:
        repaired, _ = _repair(text)  # mojibake has a finding of its own
        messages = describe_invisible(repaired, (kind,))
        yield from (Violation(path, message, hint) for message in messages)


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
