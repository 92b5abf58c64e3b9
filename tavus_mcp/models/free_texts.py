"""The free texts of a persona: what people wrote for it to say, to know or to look for.

Ids, addresses, choices and names of functions are no free texts: replacing a word in them would
point the persona at something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tavus_mcp.models.document import PersonaDocument

_FREE_TEXT_PATH = re.compile(
    r"/(persona_name|persona_description|system_prompt|context|greeting"
    r"|verbal_disclosure|visual_disclosure|memories/\d+"
    r"|layers/stt/hotwords(/\d+)?"
    r"|layers/perception/(\w+_queries/\d+|\w*tool_prompt)"
    r"|layers/conversational_flow/(wake|sleep)_phrase"
    r"|layers/\w+/(\w+_)?tools/\d+/.*description)"
)
_REFERENCE_PATH = re.compile(
    r"/((document|guardrail|tool)_ids/\d+|objectives_id|guardrails_id|default_replica_id"
    r"|layers/tts/(external_)?voice_id|layers/\w+/(\w+_)?tools/\d+/(function/)?name)"
)
"""Ids of what a persona refers to, and the names of its functions: never replaced."""
_CONTEXT_CHARS = 30
"""Characters that an excerpt shows before and after a match."""


def is_free_text_path(path: str) -> bool:
    """Return True if the field at a JSON Pointer holds a free text."""
    return _FREE_TEXT_PATH.fullmatch(path) is not None


def free_texts(document: PersonaDocument) -> dict[str, str]:
    """Return every free text of a persona by its JSON Pointer, in order of the pointers."""
    return {path: text for path, text in sorted(document.texts) if text and is_free_text_path(path)}


def count_matches(document: PersonaDocument, wanted: str) -> dict[str, int]:
    """Return how often each free text holds ``wanted``, whatever the case, by JSON Pointer."""
    folded = wanted.casefold()
    counts = {path: text.casefold().count(folded) for path, text in free_texts(document).items()}
    return {path: count for path, count in counts.items() if count}


def refers_to(document: PersonaDocument, wanted: str) -> bool:
    """Return True if ``wanted`` is an id that a persona refers to, or the name of a function."""
    return any(text == wanted and _REFERENCE_PATH.fullmatch(path) for path, text in document.texts)


def find_starts(text: str, wanted: str, *, overlapping: bool = False) -> Iterator[int]:
    """Yield where ``wanted`` starts in a text, exactly; by default of matches side by side."""
    step = 1 if overlapping else max(1, len(wanted))
    start = text.find(wanted)
    while start >= 0:
        yield start
        start = text.find(wanted, start + step)


def excerpt_at(text: str, wanted: str, start: int) -> str:
    """Return the match of ``wanted`` that starts there, with text around it."""
    end = start + len(wanted)
    first, last = max(0, start - _CONTEXT_CHARS), min(len(text), end + _CONTEXT_CHARS)
    opening, closing = "…" if first else "", "…" if last < len(text) else ""
    return opening + text[first:last] + closing


def find_excerpts(text: str, wanted: str) -> list[str]:
    """Return all different places of ``wanted``, exactly, with text around each."""
    return list(
        dict.fromkeys(excerpt_at(text, wanted, start) for start in find_starts(text, wanted))
    )


def find_first_excerpt(text: str, wanted: str) -> str:
    """Return the first place of ``wanted``, whatever the case, with text around it, or ""."""
    match = re.search(re.escape(wanted), text, re.IGNORECASE)
    return excerpt_at(text, match[0], match.start()) if match else ""


def list_first(texts: Sequence[str], limit: int) -> list[str]:
    """Return the first texts, and after them how many there are more."""
    omitted_count = len(texts) - limit
    more = [f"and {omitted_count} more"] if omitted_count > 0 else []
    return [*texts[:limit], *more]
