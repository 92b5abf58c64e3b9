"""Findings about find and replace: matches that were probably not meant, and those left out."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping

from tavus_mcp.app import App
from tavus_mcp.models.changes import Change, EditText, ReplaceTexts
from tavus_mcp.models.document import Document, PersonaDocument
from tavus_mcp.models.findings import RuleFinding, info, warning
from tavus_mcp.models.free_texts import excerpt_at, find_starts, free_texts
from tavus_mcp.text import count_of, join_first, quote_foreign, quote_path

_WORD_CHAR = re.compile(r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff\uac00-\ud7a3]")
"""A letter, a digit or _; no letter of the scripts that put no blanks between words."""
_DECIMAL = re.compile(r"[.,]?\d")
_MAX_EXCERPT_CHARS = 100
_MAX_FIELDS = 5

MatchTest = Callable[[str], list[int]]
"""Returns the starts of the matches in a text that a finding is about."""


def replacement_findings(app: App, change: Change, before: Document) -> list[RuleFinding]:
    """Return findings about a find and replace: one for each kind of doubtful match.

    Texts are masked before they are quoted.
    """
    if not isinstance(change, EditText | ReplaceTexts) or change.find == change.replace:
        return []
    texts = {
        path: app.masker.mask_text(text)
        for path, text in free_texts(PersonaDocument(before.data)).items()
        if change.find in text
    }
    concerned = {path: text for path, text in texts.items() if change.includes(path)}
    findings = [*_doubtful_matches(change, concerned)]
    others = {path: texts[path].count(change.find) for path in texts if path not in concerned}
    if concerned and others:
        listed = join_first(
            [f"{quote_path(path)} ({others[path]})" for path in others], _MAX_FIELDS
        )
        message = f"These fields contain the text too, and this change leaves them: {listed}."
        findings.append(info("text-in-other-fields", message))
    return findings


def _doubtful_matches(
    change: EditText | ReplaceTexts, texts: Mapping[str, str]
) -> Iterator[RuleFinding]:
    total = sum(text.count(change.find) for text in texts.values())

    def summarize(find_doubtful: MatchTest) -> tuple[str, str]:
        starts = {path: found for path, text in texts.items() if (found := find_doubtful(text))}
        if not starts:
            return "", ""
        path, (first, *_) = next(iter(starts.items()))
        quoted = quote_foreign(excerpt_at(texts[path], change.find, first), _MAX_EXCERPT_CHARS)
        count = sum(map(len, starts.values()))
        return path, f"{count} of {count_of(total, 'match', 'matches')}, like {quoted} in {path}"

    path, matches = summarize(lambda text: _starts_inside_words(text, change.find))
    if matches:
        yield warning(
            "match-inside-word",
            f"Inside a longer word or number: {matches}. That part would be replaced as well.",
            path=path,
            hint="To leave these out, find a longer text: with the words around it.",
        )
    path, matches = summarize(lambda text: _starts_inside(text, change.find, change.replace))
    if matches:
        yield warning(
            "replaced-twice",
            f"The new text is there already: {matches}. It would be extended once more.",
            path=path,
            hint="If it was replaced before, do not replace it again.",
        )


def _starts_inside_words(text: str, wanted: str) -> list[int]:
    """Return the starts of the matches that are a part of a longer word or number."""
    return [
        start
        for start in find_starts(text, wanted)
        for end in [start + len(wanted)]
        if _continues(text[max(0, start - 2) : start][::-1], wanted[0])
        or _continues(text[end : end + 2], wanted[-1])
    ]


def _continues(neighbours: str, edge: str) -> bool:
    """Return True if the characters next to the edge of a match continue its word or number."""
    if edge.isdigit() and _DECIMAL.match(neighbours):
        return True
    return bool(_WORD_CHAR.match(edge) and _WORD_CHAR.match(neighbours))


def _starts_inside(text: str, wanted: str, outer: str) -> list[int]:
    """Return the starts of the matches of ``wanted`` that are a part of a place with ``outer``."""
    outer_starts = list(find_starts(text, outer, overlapping=True)) if wanted in outer else []
    last_offset = len(outer) - len(wanted)
    return [
        start
        for start in find_starts(text, wanted)
        if (index := bisect_right(outer_starts, start)) > 0
        and start - outer_starts[index - 1] <= last_offset
    ]
