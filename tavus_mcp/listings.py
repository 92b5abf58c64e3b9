"""Paged lists of an account, with opaque cursors.

A cursor is valid only for the list and the filter that it came from.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject
from tavus_mcp.tavus_api.pagination import MAX_PAGE_ROWS, ListEndpoint, ListWalk, PagePosition


def encode_cursor(scope: list[Any], position: list[Any]) -> str:
    """Return the cursor for a position in the list that ``scope`` identifies."""
    return base64.urlsafe_b64encode(json.dumps([_scope_digest(scope), *position]).encode()).decode()


def decode_cursor(scope: list[Any], cursor: str) -> list[Any]:
    """Return the position in a cursor; raise ``InvalidArgument`` when it is of another list."""
    try:
        digest, *position = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError, RecursionError):
        raise invalid_cursor() from None
    if digest != _scope_digest(scope):
        raise invalid_cursor()
    return list(position)


@dataclass(frozen=True)
class WalkMark:
    """A place in a list: its last row before it, that row's number, and the row after it if known.

    Either row tells the place when rows were added or deleted; the number alone would not.
    """

    last_id: str = ""
    number: int = 0
    next_id: str = ""

    def find_in(self, numbers: Mapping[str, int]) -> int | None:
        """Return the number of the row before the place, or None if neither row is there."""
        if self.last_id in numbers:
            return numbers[self.last_id]
        return numbers[self.next_id] - 1 if self.next_id in numbers else None

    @classmethod
    def after(cls, number: int, numbers: Mapping[str, int]) -> WalkMark:
        """Return the place after a row of a walk; ``numbers`` are the rows by id."""
        ids = {number_of_row: row_id for row_id, number_of_row in numbers.items()}
        return cls(ids.get(number, ""), number, ids.get(number + 1, ""))


def decode_walk(
    scope: list[Any], cursor: str | None, endpoint: ListEndpoint
) -> tuple[WalkMark | None, ListWalk]:
    """Return the place of a cursor, and a walk that passes it; from the beginning without one."""
    if cursor is None:
        return None, ListWalk(endpoint)
    mark, start = _decode_mark(scope, cursor)
    try:
        return mark, ListWalk(endpoint, start)
    except ValueError:
        raise invalid_cursor() from None


def _decode_mark(scope: list[Any], cursor: str) -> tuple[WalkMark, list[Any]]:
    """Return the place in a cursor and what follows it there."""
    match decode_cursor(scope, cursor):
        case [str(last_id), int(number), str(next_id), *start] if number >= 0:
            return WalkMark(last_id, number, next_id), start
    raise invalid_cursor()


def encode_walk(scope: list[Any], mark: WalkMark, walk: ListWalk) -> str:
    """Return the cursor for a place in a walk, with where another walk finds it again."""
    return encode_cursor(scope, [*astuple(mark), *walk.find_start(mark.number)])


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
    """One page of formatted rows."""

    rows: list[JsonObject]
    total_count: int | None
    next_cursor: str | None


@dataclass(frozen=True)
class ListQuery:
    """Which rows of which list, and how they are formatted.

    ``query`` holds the filters that Tavus applies; ``name_contains`` and ``equals`` (field to
    value) are applied here. ``limit`` is the number of rows of a page.
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
        """Tell whether a filter applies that Tavus does not know, so that every row is read."""
        return bool(self.name_contains) or bool(self.equals.items() - self.query.items())

    @property
    def scope(self) -> list[Any]:
        """What identifies the list and its filters in a cursor."""
        equals = [sorted(self.equals.items())] if self.equals else []
        return [self.listing.path, sorted(self.query.items()), self.name_contains or "", *equals]

    def matches(self, row: JsonObject) -> bool:
        """Tell whether a row passes the filters."""
        name = str(row.get(self.name_field) or "").casefold()
        return (self.name_contains or "").casefold() in name and all(
            row.get(key) == value for key, value in self.equals.items()
        )


async def read_list_page(app: App, query: ListQuery) -> ListPage:
    """Read a page of a list; filters that Tavus lacks are applied to the whole account.

    Raises ``InvalidArgument`` when the cursor is not one of this list.
    """
    if not query.needs_full_scan:
        position = _page_position(query)
        page = await app.api.fetch_page(query.listing, query.limit, position, **query.query)
        following = page.next_position
        cursor = encode_cursor(query.scope, following.to_parts()) if following else None
        rows = [query.format_row(row) for row in page.rows if query.matches(row)]
        return ListPage(rows, page.total, cursor)
    walk = ListWalk(query.listing)
    matching: list[JsonObject] = []
    while walk.has_more:
        page = await app.api.fetch_page(query.listing, MAX_PAGE_ROWS, walk.position, **query.query)
        matching += [row for row in walk.add_page(page) if query.matches(row)]
    return _page_at_cursor(query, matching)


def _page_at_cursor(query: ListQuery, matching_rows: list[JsonObject]) -> ListPage:
    """Return the page of all matching rows at which the cursor points."""
    ids = [query.listing.row_id(row) for row in matching_rows]
    numbers = {row_id: number for number, row_id in enumerate(ids, start=1)}
    mark = None if query.cursor is None else _decode_mark(query.scope, query.cursor)[0]
    start = (mark.find_in(numbers) if mark else 0) or 0
    end = start + query.limit
    cursor = None
    if end < len(matching_rows):
        cursor = encode_cursor(query.scope, [*astuple(WalkMark.after(end, numbers))])
    rows = [query.format_row(row) for row in matching_rows[start:end]]
    return ListPage(rows, len(matching_rows), cursor)


def _page_position(query: ListQuery) -> PagePosition | None:
    if query.cursor is None:
        return None
    try:
        return PagePosition.from_parts(decode_cursor(query.scope, query.cursor))
    except ValueError:
        raise invalid_cursor() from None
