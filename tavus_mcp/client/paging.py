"""Walking a list of which nobody can say whether its first page is 0 or 1.

The first request names no page; then 1, 2, ... are asked for. Where page 1 turns out to be the
first page again, it is passed over. Rows are told apart by id. The walk ends at ``total_count`` or
when a page adds nothing; an empty first page is not believed while ``total_count`` says otherwise
(docs: get-personas, get-documents; the vendor's client starts some lists at 0 and some at 1).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tavus_mcp.models.base import JsonObject

LARGEST = 100
"""Rows asked for at once when a whole list is walked."""


@dataclass(frozen=True)
class Listing:
    """One list of Tavus: where it is, what names a row, and what is always asked."""

    path: str
    ids: tuple[str, ...]
    always: Mapping[str, str]
    what: str

    def id_of(self, row: JsonObject) -> str:
        """Return what tells this row from others."""
        for key in self.ids:
            if row.get(key):
                return str(row[key])
        return json.dumps(row, sort_keys=True, default=str)


def _listing(path: str, *ids: str, **always: str) -> Listing:
    return Listing(path, ids, always, f"the list of {path.strip('/')}")


PERSONAS = _listing("/personas", "persona_id", "uuid")
REPLICAS = _listing("/replicas", "replica_id", "uuid")
VOICES = _listing("/voices", "voice_id", "voice_name")
DOCUMENTS = _listing("/documents", "document_id", "uuid")
OBJECTIVES = _listing("/objectives/", "objectives_id", "uuid")
GUARDRAILS = _listing("/guardrails/", "uuid", "guardrails_id", legacy="false")
REGISTRY_TOOLS = _listing("/tools", "tool_id", "uuid")


@dataclass(frozen=True)
class Mark:
    """Where a walk stands: the page to ask for next, and enough to notice a repeated page."""

    page: int
    limit: int
    first: str
    seen: int

    def cursor(self) -> str:
        """Return the mark as an opaque cursor."""
        return base64.urlsafe_b64encode(json.dumps(list(asdict(self).values())).encode()).decode()

    @classmethod
    def of(cls, cursor: str) -> Mark:
        """Return the mark of a cursor; raise ``ValueError`` when it is not one of ours."""
        try:
            page, limit, first, seen = json.loads(base64.urlsafe_b64decode(cursor.encode()))
            return cls(int(page), int(limit), str(first), int(seen))
        except (ValueError, TypeError) as error:
            raise ValueError("not a cursor of this list") from error


@dataclass(frozen=True)
class Page:
    """Some rows of a list, how many there are in all (when Tavus says), and where to go on."""

    rows: list[JsonObject]
    total: int | None
    next: Mark | None


def read_page(body: Any) -> tuple[list[JsonObject], int | None]:
    """Return the rows and the total of a list reply: an envelope, or a bare list."""
    rows = body.get("data") if isinstance(body, dict) else body
    if rows is None and isinstance(body, dict):
        rows = next((value for value in body.values() if isinstance(value, list)), [])
    total = body.get("total_count", body.get("total")) if isinstance(body, dict) else None
    kept = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return kept, total if isinstance(total, int) and not isinstance(total, bool) else None
