"""Find the line and column of a key in TOML, whose parser of the standard library knows none."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")
_PARSER_POSITION = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


def find_key(text: str, path: Sequence[str]) -> tuple[int, int]:
    """Return line and column of the key at ``path``, or of what encloses it; (1, 1) at worst.

    Tables in brackets, dotted keys and inline tables on one line are found.
    """
    for length in range(len(path), 0, -1):
        found = _find_exact(text, path[:length])
        if found is not None:
            return found
    return 1, 1


def _find_exact(text: str, path: Sequence[str]) -> tuple[int, int] | None:
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _split_key(header[1])
            if table == list(path):
                return number, line.index("[") + 1
            continue
        key = _KEY.match(line)
        if key is None:
            continue
        full = [*table, *_split_key(key[1])]
        if full == list(path):
            return number, len(line) - len(line.lstrip()) + 1
        if full == list(path[: len(full)]) and len(path) == len(full) + 1:
            inline = re.search(rf"[{{,]\s*[\"']?({re.escape(path[-1])})[\"']?\s*=", line)
            if inline:
                return number, inline.start(1) + 1
    return None


def _split_key(text: str) -> list[str]:
    return [part.strip().strip("\"'") for part in text.split(".")]


def split_parser_message(text: str, message: str) -> tuple[int, int, str]:
    """Return line, column and words of an error of ``tomllib``."""
    match = _PARSER_POSITION.search(message)
    words = message[: match.start()] if match else message
    if match is None or match[1] is None:
        lines = text.splitlines() or [""]
        return len(lines), len(lines[-1]) + 1, words
    return int(match[1]), int(match[2]), words
