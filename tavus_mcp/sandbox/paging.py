"""Lists: limits, pages, order and the envelope around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from tavus_mcp.sandbox.store import Query
from tavus_mcp.sandbox.wire import bad_request, store_of

MOST = 100
_ORDERS = {"asc": False, "ascending": False, "desc": True, "descending": True}


@dataclass(frozen=True)
class Paging:
    """The defaults of one list: how many rows, and the number of its first page.

    Where the first page is 1, page 0 is the first as well: the docs count personas from 1, the
    vendor's client from 0 (docs: get-personas, get-documents).
    """

    limit: int = 10
    first: int = 1

    def window(self, request: Request) -> tuple[int, int]:
        """Return the limit and offset that a request asks for."""
        limit = min(_number(request, "limit", self.limit, least=1), MOST)
        page = _number(request, "page", self.first, least=0)
        return limit, max(0, page - self.first) * limit


def newest_first(request: Request) -> bool:
    """Return the asked order by creation; the oldest comes first by default."""
    asked = request.query_params.get("sort", "asc")
    if asked not in _ORDERS:
        raise bad_request("Invalid sort: use asc or desc")
    return _ORDERS[asked]


def listed(request: Request, paging: Paging, kind: str, **filters: Any) -> dict[str, Any]:
    """Return the envelope ``{data, total_count}`` of one page (docs: get-personas)."""
    limit, offset = paging.window(request)
    order = newest_first(request)
    query = Query(kind, newest_first=order, limit=limit, offset=offset, **filters)
    rows, total = store_of(request).page(query)
    return {"data": rows, "total_count": total}


def split_list(request: Request, *names: str) -> list[str] | None:
    """Return a comma list parameter under any of its names, or ``None`` when absent."""
    for name in names:
        if name in request.query_params:
            return [part for part in request.query_params[name].split(",") if part]
    return None


def chosen_type(request: Request, name: str, *, stored_as: str) -> dict[str, str]:
    """Return the filter of a ``user`` / ``system`` / ``all`` parameter."""
    value = request.query_params.get(name, "all")
    if value not in {"user", "system", "all"}:
        raise bad_request(f"Invalid {name}: use user, system or all")
    return {} if value == "all" else {stored_as: value}


def _number(request: Request, name: str, default: int, *, least: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
        raise bad_request(f"Invalid {name}: use a whole number from {least} up")
    return int(text)
