"""Rules about pronunciation dictionaries: unique texts, and phonemes that are phonemes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.parts.part_rule import (
    CheckedPart,
    change_part,
    part_rule,
    remove_value,
    set_value,
)
from tavus_mcp.checker.rule import Violation
from tavus_mcp.models.base import JsonObject, text

_SOURCE = "OAS, P:pronunciation-dictionaries"
_IPA_ONLY = re.compile(
    "[\u0250-\u02af\u02c8\u02cc\u02d0\u03b8\u03b2\u03c7\u00e6\u00f0\u014b\u0153\u0271\u1d7b]"
)
"""Letters and marks that only a phonetic alphabet has, or that no spelling of English has."""
_RESPELLING = re.compile(r"[A-Z0-9]|(?<=[a-z])-(?=[a-z])|\s-\s")
"""Capital letters and hyphens of a respelling, such as TAH-vus; IPA has neither."""
_BRACKETS = re.compile(r"^[/\[].*[/\]]$")


def _iter_rules(part: CheckedPart) -> Iterator[tuple[str, JsonObject]]:
    yield from part.rows("/rules")


@part_rule("dictionary-text-duplicate", "error", "dictionary", source=_SOURCE, blocks_write=True)
def text_duplicate(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Each text has one pronunciation."""
    seen: set[str] = set()
    for path, item in _iter_rules(part):
        value = item.get("text")
        if isinstance(value, str) and value in seen:
            yield Violation(
                f"{path}/text",
                "An earlier rule has the same text; Tavus refuses the dictionary.",
                "Keep one of them: ",
                remove_value(path),
            )
        elif isinstance(value, str):
            seen.add(value)


@part_rule("dictionary-text-overlap", "warning", "dictionary", source=_SOURCE)
def text_overlap(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Two texts that differ in case are the same for rules that ignore it."""
    seen: dict[str, tuple[str, str, bool]] = {}
    for path, item in _iter_rules(part):
        value, is_sensitive = text(item.get("text")), item.get("case_sensitive") is True
        first, first_path, first_is = seen.setdefault(value.casefold(), (value, path, is_sensitive))
        if value and first != value and not (is_sensitive and first_is):
            yield Violation(
                f"{path}/text",
                "An earlier rule has the same text in other capitals, and case does not count.",
                "Keep one of them, or let both count case: ",
                change_part(
                    *(
                        {"op": "add", "path": f"{place}/case_sensitive", "value": True}
                        for place in (first_path, path)
                    )
                ),
            )


@part_rule("dictionary-text-spaces", "warning", "dictionary", source=_SOURCE)
def text_spaces(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Spaces around a text are part of what must be said."""
    for path, item in _iter_rules(part):
        value = item.get("text")
        if isinstance(value, str) and value.strip() and value != value.strip():
            yield Violation(
                f"{path}/text",
                "The text has spaces around it, so it matches inside of sentences only.",
                set_value(f"{path}/text", value.strip()),
            )


@part_rule("dictionary-ipa-respelling", "warning", "dictionary", source=_SOURCE)
def ipa_respelling(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A respelling is an alias; as IPA it is read as other sounds."""
    for path, item in _iter_rules(part):
        value = text(item.get("pronunciation"))
        if item.get("type") == "ipa" and _RESPELLING.search(value) and not _IPA_ONLY.search(value):
            yield Violation(
                f"{path}/pronunciation",
                "This is a respelling in plain letters, and no phonetic alphabet (IPA).",
                set_value(f"{path}/type", "alias"),
                ", or write the sounds in IPA",
            )


@part_rule("dictionary-alias-phonetic", "warning", "dictionary", source=_SOURCE)
def alias_phonetic(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """An alias is read aloud as it is written."""
    for path, item in _iter_rules(part):
        value = text(item.get("pronunciation"))
        if item.get("type") == "alias" and _IPA_ONLY.search(value):
            yield Violation(
                f"{path}/pronunciation",
                "This is the phonetic alphabet (IPA); an alias is read as ordinary letters.",
                set_value(f"{path}/type", "ipa"),
            )


@part_rule("dictionary-ipa-brackets", "warning", "dictionary", source=_SOURCE)
def ipa_brackets(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Phonemes are given raw, or divided by bars; slashes and brackets are no sounds."""
    for path, item in _iter_rules(part):
        value = text(item.get("pronunciation"))
        if item.get("type") != "ipa":
            continue
        if _BRACKETS.match(value) and len(value) > 2:
            yield Violation(
                f"{path}/pronunciation",
                "The slashes or brackets around the phonemes are no sounds.",
                set_value(f"{path}/pronunciation", value[1:-1].strip()),
            )
        elif "|" in value and not all(part.strip() for part in value.split("|")):
            yield Violation(
                f"{path}/pronunciation",
                "Between two of the bars there is no phoneme.",
                "Give one phoneme between each two bars.",
            )


@part_rule("dictionary-alphabet-of-alias", "warning", "dictionary", source=_SOURCE)
def alphabet_of_alias(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Only phonemes have an alphabet."""
    for path, item in _iter_rules(part):
        if item.get("type") == "alias" and text(item.get("alphabet")):
            yield Violation(
                f"{path}/alphabet",
                "alphabet has no effect: an alias is read as ordinary letters.",
                remove_value(f"{path}/alphabet"),
            )


@part_rule("dictionary-rule-changes-nothing", "info", "dictionary", source=_SOURCE)
def rule_changes_nothing(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A text that is to be read as it is written needs no rule."""
    for path, item in _iter_rules(part):
        spoken = text(item.get("pronunciation")).casefold()
        if item.get("type") == "alias" and spoken and spoken == text(item.get("text")).casefold():
            yield Violation(path, "The rule changes nothing.", remove_value(path))


@part_rule("dictionary-empty", "info", "dictionary", source=_SOURCE)
def empty(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A dictionary without rules changes nothing."""
    if not part.is_set("/rules"):
        yield Violation("/rules", "The dictionary has no rules.", "Add rules.")


@part_rule("dictionary-boundaries-ignored", "info", "dictionary", source=_SOURCE)
def boundaries_ignored(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Cartesia ignores word_boundaries."""
    if part.persona is None or part.persona.text("/layers/tts/tts_engine") != "cartesia":
        return
    for path, item in _iter_rules(part):
        if "word_boundaries" in item and item["word_boundaries"] is False:
            yield Violation(
                f"{path}/word_boundaries",
                "word_boundaries has no effect: this persona's voice is of Cartesia.",
                "Use an ElevenLabs voice where a part of a word must be replaced.",
            )
