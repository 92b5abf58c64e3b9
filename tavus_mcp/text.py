"""Text helpers: the closest match of a name, truncation, quotation of foreign texts.

A foreign text is one that this program did not write: names, values and paths of a caller, the
words and headers of an upstream, the contents of files and of the journal. Inside a message of ours
each of them is quoted by ``quote_foreign`` or ``quote_path``, so that it cannot pass for a part of
the message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from itertools import islice

from tavus_mcp.invisible_characters import escape_invisible, escape_line

MAX_QUOTED_CHARS = 80
"""The most characters of one foreign name or value; longer ones end with an ellipsis."""
MAX_PATH_CHARS = 200
MAX_LISTED_NAMES = 20
_MAX_COMPARED_NAMES = 1000
_WORD = re.compile(r"[^\W_]+")
_MAX_SIMILAR_NAMES = 3
_PLAIN_PATH = re.compile(r"[\w/~.@$+-]*")


def find_nearest(name: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed name closest to ``name``, or None when nothing is close."""
    return next(iter(find_nearest_names(name, allowed, limit=1)), None)


def find_nearest_names(name: str, allowed: Iterable[str], limit: int = 3) -> list[str]:
    """Return the allowed names that are close to ``name``, the closest first."""
    if len(name) > MAX_QUOTED_CHARS:
        return []
    known = list(islice(allowed, _MAX_COMPARED_NAMES))
    choices = {choice.lower().replace("-", "_"): choice for choice in reversed(known)}
    matches = get_close_matches(name.lower().replace("-", "_"), choices, n=limit, cutoff=0.6)
    return [choices[match] for match in matches]


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest allowed name, or an empty string."""
    close = find_nearest(name, allowed)
    return f"; did you mean {quote_foreign(close)}?" if close else ""


def suggest_similar(name: str, allowed: Collection[str]) -> str:
    """Return the end of a sentence about a wrong name: the closest, or those of the same words."""
    if close := did_you_mean(name, allowed):
        return close
    words = set(_WORD.findall(name.lower()))
    shared = {choice: len(words & set(_WORD.findall(choice.lower()))) for choice in allowed}
    most = max(shared.values(), default=0)
    similar = sorted(choice for choice, count in shared.items() if count == most > 0)
    quoted = " or ".join(map(quote_foreign, similar[:_MAX_SIMILAR_NAMES]))
    return f"; did you mean {quoted}?" if quoted else "."


def suggestion_or_period(name: str, allowed: Iterable[str]) -> str:
    """Return the end of a sentence about a wrong name: ``did_you_mean``, or a full stop."""
    return did_you_mean(name, allowed) or "."


def end_sentence(text: str) -> str:
    """Return a text with a full stop, unless it is a question."""
    return text if text.endswith("?") else f"{text}."


def strip_quotes(text: str) -> str:
    """Return a text without the blanks and quotation marks that copying leaves around it."""
    return text.strip(" \t\r\n\"'`\u00a0\u2018\u2019\u201c\u201d\u201e")


def truncate(text: str, max_chars: int) -> str:
    """Cut a text to at most ``max_chars`` characters; the last one then is an ellipsis."""
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def quote_foreign(text: object, max_chars: int = MAX_QUOTED_CHARS) -> str:
    """Return the text of another person or service for use inside a message of ours.

    It is on one line, at most about ``max_chars`` characters long, without invisible characters,
    and between quotation marks that it cannot close: the marks and backslashes in it are escaped.
    """
    escaped = escape_line(str(text)[: max_chars + 1].replace("\\", "\\\\"))
    visible = truncate(escaped, max_chars)
    mark = '"' if "'" in visible and '"' not in visible else "'"
    return mark + visible.replace(mark, "\\" + mark) + mark


def quote_words(text: str, max_chars: int = MAX_QUOTED_CHARS) -> str:
    """Quote running text: as ``quote_foreign``, with each run of white space as one blank."""
    return quote_foreign(" ".join(text[: 4 * max_chars].split()), max_chars)


def quote_path(path: str, max_chars: int = MAX_PATH_CHARS) -> str:
    """Return a JSON Pointer for use inside a message: quoted unless its names are ordinary ones."""
    is_plain = len(path) <= max_chars and _PLAIN_PATH.fullmatch(path) and escape_line(path) == path
    return path if is_plain else quote_foreign(path, max_chars)


def render_name(name: str, max_chars: int = MAX_QUOTED_CHARS) -> str:
    """Return a foreign name for a cell of a table: on one line, shortened, without quotes."""
    return truncate(escape_line(" ".join(name[: 4 * max_chars].split())), max_chars)


def join_first(items: Sequence[str], max_items: int = MAX_LISTED_NAMES) -> str:
    """Return texts as a list; those after ``max_items`` are only counted."""
    omitted = len(items) - max_items
    return ", ".join(items[:max_items]) + (f" and {omitted} more" if omitted > 0 else "")


def count_of(count: int, noun: str, plural: str = "") -> str:
    """Return a number of things in words; the plural, if not given, is the noun with an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {plural or f'{noun}s'}"


def count_personas(count: int) -> str:
    """Return a number of personas in words."""
    return count_of(count, "persona")


def quote_foreign_names(names: Iterable[object], max_names: int = MAX_LISTED_NAMES) -> str:
    """Return names as a list, each quoted; those after ``max_names`` are only counted."""
    return join_first([quote_foreign(name) for name in names], max_names)


def quote_paths(paths: Iterable[str], max_paths: int = MAX_LISTED_NAMES) -> str:
    """Return JSON Pointers as a list; those after ``max_paths`` are only counted."""
    return join_first([quote_path(path) for path in paths], max_paths)


def render_compact_json(value: object) -> str:
    """Return a value as JSON without blanks, in characters rather than escapes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def render_json_line(value: object) -> str:
    """Return a value as JSON on one line, with invisible characters as escapes of JSON."""
    return escape_json(json.dumps(value, ensure_ascii=False))


def escape_json(text: str) -> str:
    """Return the text of a JSON value with invisible characters as escapes of JSON."""
    escaped = escape_invisible(text, lambda char: json.dumps(char)[1:-1])
    return escaped.replace("\u200c", "\\u200c").replace("\u200d", "\\u200d")
