"""Rules about characters that nobody sees: they are pointed out, never silently altered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.models.document import PersonaDocument

# Soft hyphen, Arabic letter mark, Hangul fillers, zero width, invisible operators, BOM, fillers.
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
# Joiners between letters and between emoji are part of how those are written.
_JOINER_PATTERN = re.compile("(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")


_NO_FIX_REASON = "A person has to read first what was hidden; nothing alters it silently."
_FIND_BY_KIND: dict[str, Callable[[str], list[str]]] = {
    "invisible": lambda written: _INVISIBLE.findall(_JOINER_PATTERN.sub("", written)),
    "direction-turning": _DIRECTION_CONTROLS.findall,
    "tag or selector": _TAGS.findall,
}


def describe_invisible(text: str, kinds: Iterable[str] = _FIND_BY_KIND) -> Iterator[str]:
    """Yield a sentence for each kind of character in a text that nobody sees."""
    for kind in kinds:
        found = _FIND_BY_KIND[kind](text)
        if found:
            shown = ", ".join(sorted({f"U+{ord(one):04X}" for one in found})[:6])
            yield f"{len(found)} {kind} character(s) stand in this text: {shown}."


@rule("text-invisible", "warning", source="P:guardrails", no_fix_reason=_NO_FIX_REASON)
def invisible_characters(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The model reads what a person reviewing the text cannot see."""
    yield from _violations(document, "invisible")


@rule("text-direction-turned", "warning", source="P:guardrails", no_fix_reason=_NO_FIX_REASON)
def direction_turned(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """BiDi controls make a text look otherwise than it is read."""
    yield from _violations(document, "direction-turning")


@rule("text-tag-characters", "warning", source="P:guardrails", no_fix_reason=_NO_FIX_REASON)
def tag_characters(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tag characters can hide whole sentences from people."""
    yield from _violations(document, "tag or selector")


def _violations(document: PersonaDocument, kind: str) -> Iterator[Violation]:
    for path, written in document.texts_to_inspect:
        for message in describe_invisible(written, (kind,)):
            yield Violation(
                path,
                message,
                "Look where they come from; edit_prompt or a new text removes them.",
            )
