"""Which tool do the words of a complaint lead to? A plain, deterministic score.

TF-IDF over stems: a document is all that a model reads of a tool (its name, its description and
the descriptions and values of its parameters). Every stem of the complaint that stands in a
document counts ``1 + log(n / df)``, once, however often it stands there: ``n`` is the number of
tools and ``df`` how many of them have the stem. What stands in the tool's name or description
counts double, because that is what it is chosen by. Ties go to the shorter document.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from mcp_types import Tool

from tavus_mcp.catalog import load_catalog
from tavus_mcp.tuning.complaints import stem, words_of

_SMALL = frozenset(
    next(item.words for item in load_catalog().word_classes() if item.name == "small")
) | {"it", "i", "of", "you", "me", "not", "what", "which", "or", "in", "at", "than", "."}


def stems(text: str) -> set[str]:
    """Return the stems of a text; small words left out, names split at their underscores."""
    plain = re.sub(r"[_/-]", " ", text)
    return {stem(word) for word in words_of(plain) if word not in _SMALL}


def ranked(complaint: str, tools: Sequence[Tool]) -> list[str]:
    """Return the names of the tools, the best match first."""
    first = {tool.name: stems(f"{tool.name} {tool.description}") for tool in tools}
    whole = {tool.name: first[tool.name] | stems(" ".join(_told(tool))) for tool in tools}
    asked = stems(complaint)

    def score(name: str) -> float:
        return sum(
            _weight(word, whole.values()) * (2 if word in first[name] else 1)
            for word in asked & whole[name]
        )

    return sorted(whole, key=lambda name: (-score(name), len(whole[name])))


def _weight(word: str, documents: Any) -> float:
    return 1 + math.log(len(documents) / sum(word in document for document in documents))


def _told(tool: Tool) -> Iterator[str]:
    for name, schema in tool.input_schema["properties"].items():
        yield name
        yield from _strings(schema)


def _strings(schema: Any) -> Iterator[str]:
    if isinstance(schema, str):
        yield schema
    for value in schema.values() if isinstance(schema, dict) else ():
        yield from _strings(value)
    for value in schema if isinstance(schema, list) else ():
        yield from _strings(value)
