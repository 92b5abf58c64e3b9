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
from tavus_mcp.tavus_api.pagination import MAX_PAGE_ROWS, ListEndpoint, ListWalk, PagePosition


def encode_cursor(scope: list[Any], position: list[Any]) -> str:
    """Return a cursor for a place in the list that ``scope`` names."""
    return base64.urlsafe_b64encode(json.dumps([_scope_digest(scope), *position]).encode()).decode()


def decode_cursor(scope: list[Any], cursor: str) -> list[Any]:
    """Return the place of a cursor; raise ``InvalidArgument`` when it is of another list."""
    try:
        named, *place = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError, RecursionError):
        raise invalid_cursor() from None
    if named != _scope_digest(scope):
        raise invalid_cursor()
    return list(place)


def invalid_cursor() -> InvalidArgument:
    """Return the error for a cursor that cannot be used."""
    return InvalidArgument(
        [
            "/cursor: not a cursor of this list and filter; give next_cursor of the same call, or "
            "leave it out to start at the beginning."
        ]
    )


def _scope_digest(scope: list[Any]) -> str:
    return hashlib.sha256(json.dumps(scope).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class ListPage:
    """A page of a list as it is shown."""

    rows: list[JsonObject]
    total_count: int | None
    next_cursor: str | None


@dataclass(frozen=True)
class ListQuery:
    """Which list is asked for, which of its rows, and how a row is shown.

    ``query`` is what Tavus is asked to filter by; ``equals`` are fields that every row shown has.
    """

    listing: ListEndpoint
    format_row: Callable[[JsonObject], JsonObject]
    name_field: str
    limit: int = 20
    cursor: str | None = None
    name_contains: str | None = None
    query: dict[str, str] = field(default_factory=dict)
    equals: dict[str, str] = field(default_factory=dict)

    @property
    def needs_full_scan(self) -> bool:
        """Tell whether the rows must be looked for here, in the whole account."""
        return bool(self.name_contains) or bool(self.equals.items() - self.query.items())

    def matches(self, row: JsonObject) -> bool:
        """Tell whether a row is one of those asked for."""
        named = (self.name_contains or "").casefold() in str(
            row.get(self.name_field) or ""
        ).casefold()
        return named and all(row.get(key) == value for key, value in self.equals.items())


async def read_list_page(app: App, query: ListQuery) -> ListPage:
    """Read a page of a list; filters of our own look at the whole account, not at one page.

    Raises ``InvalidArgument`` when the cursor is not one of this list.
    """
    if not query.needs_full_scan:
        page = await app.api.fetch_page(
            query.listing, query.limit, _page_position(query), **query.query
        )
        after = (
            listings.encode_cursor(_scope(query), page.next_position.to_parts())
            if page.next_position
            else None
        )
        return ListPage(
            [query.format_row(row) for row in page.rows if query.matches(row)], page.total, after
        )
    walk = ListWalk(query.listing)
    found: list[JsonObject] = []
    while walk.has_more:
        page = await app.api.fetch_page(query.listing, MAX_PAGE_ROWS, walk.position, **query.query)
        found += [row for row in walk.add_page(page) if query.matches(row)]
    return _page_at_cursor(query, found)


def _page_at_cursor(query: ListQuery, matching_rows: list[JsonObject]) -> ListPage:
    """Return the page of the found rows that the cursor stands at."""
    start = _start(query, matching_rows)
    page = matching_rows[start : start + query.limit]
    more = start + query.limit < len(matching_rows)
    after = [query.listing.row_id(page[-1]), start + query.limit] if more else None
    cursor = listings.encode_cursor(_scope(query), after) if after else None
    return ListPage([query.format_row(row) for row in page], len(matching_rows), cursor)


def _start(query: ListQuery, matching_rows: list[JsonObject]) -> int:
    """Return where to go on: behind the last row that was shown, wherever it stands now."""
    if query.cursor is None:
        return 0
    match listings.decode_cursor(_scope(query), query.cursor):
        case [str(last), int(count)]:
            ids = [query.listing.row_id(row) for row in matching_rows]
            return ids.index(last) + 1 if last in ids else max(0, min(count, len(ids)))
    raise listings.invalid_cursor()


def _page_position(query: ListQuery) -> PagePosition | None:
    if query.cursor is None:
        return None
    try:
        return PagePosition.from_parts(listings.decode_cursor(_scope(query), query.cursor))
    except ValueError:
        raise listings.invalid_cursor() from None


def _scope(query: ListQuery) -> list[Any]:
    filters = [sorted(query.query.items()), query.name_contains or ""]
    return [query.listing.path, *filters, *([sorted(query.equals.items())] if query.equals else [])]
