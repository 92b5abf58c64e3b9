"""Rules about invisible characters: they are reported, never silently altered."""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.invisible_characters import describe_invisible
from tavus_mcp.models.document import PersonaDocument

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


def _violations(document: PersonaDocument, kind: str) -> Iterator[Violation]:
    hint = "Check where they come from, then write the text again, or remove them with edit_prompt."
    for path, text in document.texts_to_inspect:
        yield from (Violation(path, message, hint) for message in describe_invisible(text, (kind,)))
