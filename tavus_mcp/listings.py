"""Cursors: opaque, and good only for the list and the filter that they came from."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp import listings
from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject
from tavus_mcp.tavus_api.pagination import LARGEST, Listing, Mark, Walk


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


@dataclass(frozen=True)
class Rows:
    """A page of a list as it is shown."""

    rows: list[JsonObject]
    total_count: int | None
    next_cursor: str | None


@dataclass(frozen=True)
class Asked:
    """Which list is asked for, which of its rows, and how a row is shown.

    ``query`` is what Tavus is asked to filter by; ``equals`` are fields that every row shown has.
    """

    listing: Listing
    show: Callable[[JsonObject], JsonObject]
    name: str
    limit: int = 20
    cursor: str | None = None
    name_contains: str | None = None
    query: dict[str, str] = field(default_factory=dict)
    equals: dict[str, str] = field(default_factory=dict)

    @property
    def everywhere(self) -> bool:
        """Tell whether the rows must be looked for here, in the whole account."""
        return bool(self.name_contains) or bool(self.equals.items() - self.query.items())

    def fits(self, row: JsonObject) -> bool:
        """Tell whether a row is one of those asked for."""
        named = (self.name_contains or "").casefold() in str(row.get(self.name) or "").casefold()
        return named and all(row.get(key) == value for key, value in self.equals.items())


async def rows(app: App, asked: Asked) -> Rows:
    """Read a page of a list; filters of our own look at the whole account, not at one page.

    Raises ``InvalidArgument`` when the cursor is not one of this list.
    """
    if not asked.everywhere:
        page = await app.api.page(asked.listing, asked.limit, _mark(asked), **asked.query)
        after = listings.written(_scope(asked), page.next.parts()) if page.next else None
        return Rows([asked.show(row) for row in page.rows if asked.fits(row)], page.total, after)
    walk = Walk(asked.listing)
    found: list[JsonObject] = []
    while walk.more:
        page = await app.api.page(asked.listing, LARGEST, walk.mark, **asked.query)
        found += [row for row in walk.met(page) if asked.fits(row)]
    return _cut_out(asked, found)


def _cut_out(asked: Asked, found: list[JsonObject]) -> Rows:
    """Return the page of the found rows that the cursor stands at."""
    start = _start(asked, found)
    page = found[start : start + asked.limit]
    more = start + asked.limit < len(found)
    after = [asked.listing.id_of(page[-1]), start + asked.limit] if more else None
    cursor = listings.written(_scope(asked), after) if after else None
    return Rows([asked.show(row) for row in page], len(found), cursor)


def _start(asked: Asked, found: list[JsonObject]) -> int:
    """Return where to go on: behind the last row that was shown, wherever it stands now."""
    if asked.cursor is None:
        return 0
    match listings.read(_scope(asked), asked.cursor):
        case [str(last), int(count)]:
            ids = [asked.listing.id_of(row) for row in found]
            return ids.index(last) + 1 if last in ids else max(0, min(count, len(ids)))
    raise listings.bad()


def _mark(asked: Asked) -> Mark | None:
    if asked.cursor is None:
        return None
    try:
        return Mark.of(listings.read(_scope(asked), asked.cursor))
    except ValueError:
        raise listings.bad() from None


def _scope(asked: Asked) -> list[Any]:
    filters = [sorted(asked.query.items()), asked.name_contains or ""]
    return [asked.listing.path, *filters, *([sorted(asked.equals.items())] if asked.equals else [])]
