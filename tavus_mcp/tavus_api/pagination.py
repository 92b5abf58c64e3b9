"""Walking a list of which nobody can say whether its first page is 0 or 1.

The first request names no page; then 1, 2, ... are asked for. Where page 1 turns out to be the
first page again, it is passed over. Rows are told apart by id. The walk ends at ``total_count`` or
when a page adds nothing; an empty first page is not believed while ``total_count`` says otherwise
(docs: get-personas, get-documents; the vendor's client starts some lists at 0 and some at 1).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.vocabularies import to_persona_names

MAX_PAGE_ROWS = 100
"""Rows asked for at once when a whole list is walked."""


@dataclass(frozen=True)
class ListEndpoint:
    """One list of Tavus: where it is, what names a row, and what is always asked."""

    path: str
    id_fields: tuple[str, ...]
    fixed_query: Mapping[str, str]
    description: str

    def row_id(self, row: JsonObject) -> str:
        """Return what tells this row from others; of one without an id a hash, never the row."""
        for key in self.id_fields:
            if row.get(key) and isinstance(row[key], (str, int)):
                return str(row[key])
        whole = json.dumps(row, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
        return f"(no id) {hashlib.sha256(whole).hexdigest()[:12]}"


def _list_endpoint(path: str, *id_fields: str, **fixed_query: str) -> ListEndpoint:
    return ListEndpoint(path, id_fields, fixed_query, f"the list of {path.strip('/')}")


PERSONAS = _list_endpoint("/personas", "persona_id", "uuid")
REPLICAS = _list_endpoint("/replicas", "replica_id", "uuid")
VOICES = _list_endpoint("/voices", "voice_id", "voice_name")
DOCUMENTS = _list_endpoint("/documents", "document_id", "uuid")
OBJECTIVES = _list_endpoint("/objectives/", "objectives_id", "uuid")
GUARDRAILS = _list_endpoint("/guardrails/", "uuid", "guardrails_id", legacy="false")
REGISTRY_TOOLS = _list_endpoint("/tools", "tool_id", "uuid")
CONVERSATIONS = _list_endpoint("/conversations", "conversation_id", "uuid")


@dataclass(frozen=True)
class PagePosition:
    """Where a walk stands: the page to ask for next, and enough to notice a repeated page."""

    page: int
    limit: int
    first_id: str
    rows_seen: int

    def to_parts(self) -> list[int | str]:
        """Return the mark as plain values, to travel in a cursor."""
        return [self.page, self.limit, self.first_id, self.rows_seen]

    @classmethod
    def from_parts(cls, parts: object) -> PagePosition:
        """Return the mark of such values; raise ``ValueError`` when they are none."""
        if not isinstance(parts, list) or len(parts) != 4:
            raise ValueError("not a mark")
        try:
            return cls(int(parts[0]), int(parts[1]), str(parts[2]), int(parts[3]))
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError("not a cursor of this list") from error


@dataclass(frozen=True)
class Page:
    """Some rows of a list, how many there are in all (when Tavus says), and where to go on."""

    rows: list[JsonObject]
    total: int | None
    next_position: PagePosition | None


class ListWalk:
    """A walk through a whole list: where it stands, and which rows it has met, each once."""

    def __init__(self, endpoint: ListEndpoint) -> None:
        self.has_more = True
        self.position: PagePosition | None = None
        self._endpoint = endpoint
        self._seen_ids: set[str] = set()

    def add_page(self, page: Page) -> list[JsonObject]:
        """Take a page in; return the rows of it that are new, and know whether to go on."""
        new = {self._endpoint.row_id(row): row for row in page.rows}
        fresh = [row for row_id, row in new.items() if row_id not in self._seen_ids]
        self._seen_ids.update(new)
        self.position = page.next_position
        self.has_more = page.next_position is not None and bool(fresh)
        return fresh


def build_page(
    rows: list[JsonObject], total: int | None, position: PagePosition, first_id: str
) -> Page:
    """Return a page that was read at a mark, with the mark to go on at when there is more."""
    seen = position.rows_seen + len(rows)
    more = bool(rows) and (total is None or seen < total)
    after = PagePosition(position.page + 1, position.limit, position.first_id or first_id, seen)
    return Page(rows, total, after if more else None)


def parse_page(body: Any) -> tuple[list[JsonObject], int | None]:
    """Return the rows and the total of a list reply: an envelope, or a bare list."""
    rows = body.get("data") if isinstance(body, dict) else body
    if rows is None and isinstance(body, dict):
        rows = next((value for value in body.values() if isinstance(value, list)), [])
    total = body.get("total_count", body.get("total")) if isinstance(body, dict) else None
    kept = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    named: list[JsonObject] = to_persona_names(kept)
    return named, total if isinstance(total, int) and not isinstance(total, bool) else None
