"""Cursors: opaque, and good only for the list and the filter that they came from."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from tavus_mcp.errors import InvalidArgument


def written(scope: list[Any], place: list[Any]) -> str:
    """Return a cursor for a place in the list that ``scope`` names."""
    return base64.urlsafe_b64encode(json.dumps([_named(scope), *place]).encode()).decode()


def read(scope: list[Any], cursor: str) -> list[Any]:
    """Return the place of a cursor; raise ``InvalidArgument`` when it is of another list."""
    try:
        named, *place = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError, RecursionError):
        raise bad() from None
    if named != _named(scope):
        raise bad()
    return list(place)


def bad() -> InvalidArgument:
    """Return the error for a cursor that cannot be used."""
    return InvalidArgument(
        [
            "/cursor: not a cursor of this list and filter; give next_cursor of the same call, or "
            "leave it out to start at the beginning."
        ]
    )


def _named(scope: list[Any]) -> str:
    return hashlib.sha256(json.dumps(scope).encode()).hexdigest()[:8]
