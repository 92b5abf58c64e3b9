"""Walk the lists of Tavus, whose first page is number 0 in some and 1 in others.

The first request names no page, the next ones 1, 2, ... Where page 1 turns out to be the first page
again, it is skipped. Rows are identified by id. A list ends at ``total_count``, or with a page
without new rows; an empty first page is skipped if ``total_count`` is not 0 (docs: get-personas,
get-documents; the vendor's client starts some lists at 0 and some at 1).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tavus_mcp.errors import Unavailable
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.vocabularies import to_persona_names

MAX_PAGE_ROWS = 100
"""Rows per request when a whole list is read."""
MAX_LIST_PAGES = 1_000
MAX_LIST_ROWS = 50_000


@dataclass(frozen=True)
class ListEndpoint:
    """A list of the API: its path, the fields that hold a row's id, and its fixed query."""

    path: str
    id_fields: tuple[str, ...]
    fixed_query: Mapping[str, str]
    description: str

    def row_id(self, row: JsonObject) -> str:
        """Return the id of a row; a hash stands for a missing one, because cursors contain ids."""
        for key in self.id_fields:
            if row.get(key) and isinstance(row[key], (str, int)):
                return str(row[key])
        text = json.dumps(row, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
        return f"(no id) {hashlib.sha256(text).hexdigest()[:12]}"


def _list_endpoint(path: str, *id_fields: str, **fixed_query: str) -> ListEndpoint:
    return ListEndpoint(path, id_fields, fixed_query, f"the list of {path.strip('/')}")


PERSONAS = _list_endpoint("/personas", "persona_id", "uuid")
REPLICAS = _list_endpoint("/replicas", "replica_id", "uuid")
VOICES = _list_endpoint("/voices", "voice_id", "voice_name")
DOCUMENTS = _list_endpoint("/documents", "document_id", "uuid")
OBJECTIVES = _list_endpoint("/objectives/", "objectives_id", "uuid")
GUARDRAILS = _list_endpoint("/guardrails/", "uuid", "guardrails_id", legacy="false")
REGISTRY_TOOLS = _list_endpoint("/tools", "tool_id", "uuid")
DICTIONARIES = _list_endpoint(
    "/pronunciation-dictionaries", "pronunciation_dictionary_id", "uuid", "id"
)
SKILLS = _list_endpoint("/skills", "skill_id")
CONVERSATIONS = _list_endpoint("/conversations", "conversation_id", "uuid")


@dataclass(frozen=True)
class PagePosition:
    """Where to continue a list: the next page, and the first row's id to detect a repeated page."""

    page: int
    limit: int
    first_id: str
    rows_seen: int

    def to_parts(self) -> list[int | str]:
        """Return the position as JSON values, for a cursor."""
        return [self.page, self.limit, self.first_id, self.rows_seen]

    @classmethod
    def from_parts(cls, parts: object) -> PagePosition:
        """Parse such values; raise ``ValueError`` if they are not a position."""
        if not isinstance(parts, list) or len(parts) != 4:
            raise ValueError("not a position")
        try:
            return cls(int(parts[0]), int(parts[1]), str(parts[2]), int(parts[3]))
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError("not a position") from error


@dataclass(frozen=True)
class Page:
    """Rows of a list, its total if Tavus states it, and the next position, None at the end."""

    rows: list[JsonObject]
    total: int | None
    next_position: PagePosition | None


class ListWalk:
    """The state of reading a whole list: its position and the ids seen so far.

    A list that goes on forever ends with ``Unavailable`` after ``MAX_LIST_PAGES`` pages or
    ``MAX_LIST_ROWS`` rows. ``row_count`` is the number of rows up to the position.
    """

    def __init__(self, endpoint: ListEndpoint, start: Sequence[object] = ()) -> None:
        """Begin where ``find_start`` of another walk said; raise ``ValueError`` if it is no start.

        A walk that begins later has the numbers of rows, but not the rows, that are before it.
        """
        self.has_more = True
        self.position: PagePosition | None = None
        self.row_count = 0
        if start:
            row_count, *parts = start
            if not isinstance(row_count, int) or row_count < 0:
                raise ValueError("not a start")
            self.row_count, self.position = row_count, PagePosition.from_parts(parts)
        self._endpoint = endpoint
        self._seen_ids: set[str] = set()
        self._pages = [(self.row_count, self.position)]

    def add_page(self, page: Page) -> list[JsonObject]:
        """Return the rows of the next page that are new, and update ``position``, ``has_more``."""
        rows = {self._endpoint.row_id(row): row for row in page.rows}
        new_rows = [row for row_id, row in rows.items() if row_id not in self._seen_ids]
        self._seen_ids.update(rows)
        page_count = len(self._pages)
        if page_count > MAX_LIST_PAGES or len(self._seen_ids) > MAX_LIST_ROWS:
            raise Unavailable(
                f"Tavus answered that {self._endpoint.description} goes on after "
                f"{len(self._seen_ids):,} rows in {page_count:,} pages; no account has as "
                "many. Reading it was stopped, and nothing was changed."
            )
        self.row_count += len(new_rows)
        self.position = page.next_position
        self.has_more = page.next_position is not None and bool(new_rows)
        self._pages.append((self.row_count, self.position))
        return new_rows

    def find_start(self, number: int) -> list[int | str]:
        """Return where a walk can begin to reach row ``number`` again, as values for a cursor.

        That is one page before the row's own, since rows move when others are deleted. Empty means
        the beginning of the list; so it is after a walk through the whole list, which was quick.
        """
        if not self.has_more and self._pages[0][1] is None:
            return []
        before = [page for page in self._pages if page[0] < number]
        row_count, position = before[-2:][0] if before else self._pages[0]
        return [] if position is None else [row_count, *position.to_parts()]


def build_page(
    rows: list[JsonObject], total: int | None, position: PagePosition, first_id: str
) -> Page:
    """Return the page that was read at a position, with the next position if there is more."""
    rows_seen = position.rows_seen + len(rows)
    has_more = bool(rows) and (total is None or rows_seen < total)
    next_position = PagePosition(
        position.page + 1, position.limit, position.first_id or first_id, rows_seen
    )
    return Page(rows, total, next_position if has_more else None)


def parse_page(body: Any) -> tuple[list[JsonObject], int | None]:
    """Return the rows and the total of a list response, which is an object or a bare list.

    Raises ``ValueError`` for a response without a list, which must not pass for an empty one.
    """
    rows = body.get("data") if isinstance(body, dict) else body
    if rows is None and isinstance(body, dict):
        empty: list[Any] | None = [] if "data" in body else None
        rows = next((value for value in body.values() if isinstance(value, list)), empty)
    if not isinstance(rows, list):
        raise ValueError("no list")  # noqa: TRY004 - what is wrong is the text
    total = body.get("total_count", body.get("total")) if isinstance(body, dict) else None
    objects = [row for row in rows if isinstance(row, dict)]
    renamed: list[JsonObject] = to_persona_names(objects)
    return renamed, total if isinstance(total, int) and not isinstance(total, bool) else None
