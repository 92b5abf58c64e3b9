"""The masks in journal entries of version 0.1, frozen: they were known by their characters.

Later entries list their masked places (``JournalEntry.masked``). Nothing here may change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

MASK = "********"
_MASK_PATTERN = re.compile(r".{0,8}[*\u2022]{3,}.{0,8}")
SECRET_NAME = re.compile(
    r"(^|[_\-\s])(api[_\-]?key|key|authorization|auth|token|secret|password|passwd|credential|cookie)s?$"
    r"|^(x-)?api[_\-]?key$|apikey$|access[_\-]?key|client[_\-]?secret|bearer",
    re.IGNORECASE,
)
PLAIN_HEADERS = frozenset({"accept", "accept-language", "content-type", "user-agent"})


def find_masked_places(document: Any) -> Iterator[tuple[str, ...]]:
    """Yield the paths, as tuples of names, of the masks in a document.

    A text that contains the mask held a known secret; another mask counts where the rule of that
    version looked for a secret. Names of members were masked too: then the path is that of the
    object that holds the name.
    """
    waiting: list[tuple[tuple[str, ...], Any]] = [((), document)]
    while waiting:
        parts, node = waiting.pop()
        if isinstance(node, dict):
            if any(MASK in key for key in node):
                yield parts
            waiting += [((*parts, key), item) for key, item in node.items()]
        elif isinstance(node, list):
            waiting += [((*parts, str(index)), item) for index, item in enumerate(node)]
        elif isinstance(node, str) and (
            MASK in node or (_MASK_PATTERN.fullmatch(node) and _is_secret(parts))
        ):
            yield parts


def _is_secret(parts: tuple[str, ...]) -> bool:
    *parents, name = parts or ("",)
    if "properties" not in parts and any(SECRET_NAME.search(part) for part in parents):
        return True
    if parents[-1:] == ["headers"]:
        return name.lower() not in PLAIN_HEADERS
    return SECRET_NAME.search(name) is not None
