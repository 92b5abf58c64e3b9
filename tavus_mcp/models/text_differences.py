"""Show where two texts differ: the parts that differ, with some text around each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

MAX_UNABRIDGED_CHARS = 160
"""Longer texts are abridged to the part that differs, with some context."""
_DEFAULT_CONTEXT_CHARS = 40
MAX_PART_CHARS = 400
"""Most characters of a part that differs; of a longer one, the first places are shown."""
_MAX_PLACES = 3
_ANCHOR_CHARS = (40, 20)
"""Characters that are equal again after a place that differs: fewer if there is no such place."""
_MAX_PLACE_CHARS = 2_000
"""Longest place in both texts whose end is searched for, which bounds the time that it takes."""


@dataclass(frozen=True)
class _Place:
    """A part of two texts that differs: where it starts and ends in the old one and the new."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def abridge(
    old: str,
    new: str,
    *,
    max_chars: int = MAX_UNABRIDGED_CHARS,
    context_chars: int = _DEFAULT_CONTEXT_CHARS,
) -> tuple[str, str]:
    """Return the differing parts of two texts that are longer than ``max_chars``.

    Each part has ``context_chars`` around it. Of a part of more than ``MAX_PART_CHARS`` the first
    places that differ are returned, with the length of the whole text.
    """
    if max(len(old), len(new)) <= max_chars:
        return old, new
    start = _count_equal(old, new, 0, 0)
    shortest, end = min(len(old), len(new)) - start, 0
    while end < shortest and old[-1 - end] == new[-1 - end]:
        end += 1
    whole = _Place(start, len(old) - end, start, len(new) - end)
    excerpts = _excerpts(old, new, [whole], context_chars)
    if max(map(len, excerpts)) <= MAX_PART_CHARS:
        return excerpts
    for anchor_chars in _ANCHOR_CHARS:
        places = list(islice(_iter_places(old, new, whole, anchor_chars), _MAX_PLACES + 1))
        for count in range(min(_MAX_PLACES, len(places)), 0, -1):
            before, after = _excerpts(old, new, places[:count], context_chars)
            if max(len(before), len(after)) <= MAX_PART_CHARS:
                if count == len(places):
                    return before, after
                return f"{before} {_describe_rest(old)}", f"{after} {_describe_rest(new)}"
    return excerpts


def _describe_rest(text: str) -> str:
    return f"(more places differ; {len(text)} characters)"


def _iter_places(old: str, new: str, whole: _Place, anchor_chars: int) -> Iterator[_Place]:
    """Yield the places that differ in a part, in their order; the last one may be long."""
    i, j = whole.old_start, whole.new_start
    while i < whole.old_end or j < whole.new_end:
        offsets = _find_equal_again(old[i : whole.old_end], new[j : whole.new_end], anchor_chars)
        if offsets is None:
            yield _Place(i, whole.old_end, j, whole.new_end)
            return
        yield _Place(i, i + offsets[0], j, j + offsets[1])
        i, j = i + offsets[0], j + offsets[1]
        equal_count = _count_equal(old, new, i, j)
        i, j = i + equal_count, j + equal_count


def _find_equal_again(old: str, new: str, anchor_chars: int) -> tuple[int, int] | None:
    """Return how far two texts differ before some characters of them are equal, or None.

    Of several such places it is that with the fewest characters before it.
    """
    best: tuple[int, int] | None = None
    max_chars = _MAX_PLACE_CHARS
    for offset in range(min(len(old) - anchor_chars, _MAX_PLACE_CHARS) + 1):
        if offset > max_chars:
            break
        anchor = old[offset : offset + anchor_chars]
        position = new.find(anchor, 0, max_chars - offset + anchor_chars)
        if position >= 0:
            best, max_chars = (offset, position), offset + position - 1
    return best


def _count_equal(old: str, new: str, i: int, j: int) -> int:
    """Return how many characters are equal from two positions on."""
    longest = min(len(old) - i, len(new) - j)
    return next((count for count in range(longest) if old[i + count] != new[j + count]), longest)


def _excerpts(old: str, new: str, places: Sequence[_Place], context_chars: int) -> tuple[str, str]:
    """Return the places in the old text and in the new one, with context around each."""
    spans = (
        (old, [(place.old_start, place.old_end) for place in places]),
        (new, [(place.new_start, place.new_end) for place in places]),
    )
    before, after = (
        " ".join(_excerpt(text, start, end, context_chars) for start, end in pairs)
        for text, pairs in spans
    )
    return before, after


def _excerpt(text: str, start: int, end: int, context_chars: int) -> str:
    first, last = max(0, start - context_chars), min(len(text), end + context_chars)
    return ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")
