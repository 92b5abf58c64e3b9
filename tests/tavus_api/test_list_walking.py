"""Lists of which nobody can say how they count their pages: every row comes exactly once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mcp_client import Desk, world
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tavus_mcp.tavus_api import pagination

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio


@dataclass
class Listing:
    """A Tavus with one long list of personas, and habits of its own in paging it."""

    count: int
    first: int | None = 1
    cap: int = 100
    total: int | None = 0
    clamps: bool = False
    requests: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a page; ``first`` None ignores the page that is asked for."""
        query = Request(scope, receive).query_params
        self.requests += 1
        limit = min(int(query.get("limit", 10)), self.cap)
        page = int(query.get("page", self.first or 0)) - (self.first or 0)
        start = 0 if self.first is None else max(0, page) * limit
        rows = [
            {"persona_id": f"p{number}", "persona_name": f"Bot {number}"}
            for number in range(self.count)
        ][start : start + limit]
        body: dict[str, Any] = {"data": rows}
        if self.total is not None:
            body["total_count"] = self.count + self.total
        answer = Response(json.dumps(body), media_type="application/json")
        await answer(scope, receive, send)


LISTINGS = st.builds(
    Listing,
    count=st.integers(0, 260),
    first=st.sampled_from([0, 1]),
    cap=st.sampled_from([1, 7, 10, 25, 50, 100]),
    total=st.sampled_from([None, 0, 1, 40]),
)


def ids(count: int) -> list[str]:
    return [f"p{number}" for number in range(count)]


async def everything(listing: Listing) -> list[str]:
    app, _ = world(listing)
    return [str(row["persona_id"]) async for row in app.api.iter_all(pagination.PERSONAS)]


@given(listing=LISTINGS)
@example(listing=Listing(count=0, total=3))
@example(listing=Listing(count=100, first=0, cap=100))
@example(listing=Listing(count=200, first=0, cap=100, total=None))
@settings(max_examples=90, deadline=None)
def test_a_walk_finds_every_row_exactly_once(listing: Listing) -> None:
    """Tavus: facts of section 12, row 1."""
    assert anyio.run(everything, listing) == ids(listing.count)
    pages = listing.count // listing.cap + 1
    assert listing.requests <= 2 * pages + 3


@given(
    count=st.integers(0, 120),
    cap=st.sampled_from([5, 10, 100]),
    total=st.sampled_from([None, 0, 40]),
)
@settings(max_examples=40, deadline=None)
def test_a_server_that_ignores_the_page_ends_the_walk_after_its_first(
    count: int, cap: int, total: int | None
) -> None:
    listing = Listing(count=count, first=None, cap=cap, total=total)
    assert anyio.run(everything, listing) == ids(min(count, cap))
    assert listing.requests <= 4


async def walked(desk: Desk, limit: int) -> list[str]:
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(400):
        page = await desk.facts("list_personas", limit=limit, **cursor)
        found += [row["persona_id"] for row in page["personas"]]
        if "next_cursor" not in page:
            return found
        cursor = {"cursor": page["next_cursor"]}
    raise AssertionError("the walk does not end")


@pytest.mark.parametrize("first", [0, 1, None])
@pytest.mark.parametrize("total", [None, 40])
@pytest.mark.parametrize(("count", "cap", "limit"), [(30, 10, 10), (95, 10, 20)])
async def test_cursors_of_the_tool_lead_through_such_lists_as_well(
    opening: Opening, first: int | None, total: int | None, count: int, cap: int, limit: int
) -> None:
    listing = Listing(count=count, first=first, cap=cap, total=total)
    async with opening(listing) as desk:
        found = await walked(desk, limit)
    reachable = count if first is not None else min(count, cap, limit)
    assert found == ids(reachable)


async def test_an_empty_page_is_not_believed_while_the_total_says_otherwise(
    opening: Opening,
) -> None:
    """Tavus: a list once gave ``data: []`` with ``total_count: 55`` (section 12, row 24)."""
    from_page_1 = {"1": [{"persona_id": "p1", "persona_name": "One"}]}

    async def shy(scope: Scope, receive: Receive, send: Send) -> None:
        page = Request(scope, receive).query_params.get("page", "")
        body = {"data": from_page_1.get(page, []), "total_count": 1}
        await Response(json.dumps(body), media_type="application/json")(scope, receive, send)

    async with opening(shy) as desk:
        found = await desk.facts("list_personas")
    assert [row["persona_id"] for row in found["personas"]] == ["p1"]


@pytest.mark.parametrize(
    "body",
    [
        [{"persona_id": "p1"}],
        {"data": [{"persona_id": "p1"}], "total": 1},
        {"data": [{"pal_id": "p1"}, None, 5], "total_count": "many"},
        {"data": [{"uuid": "p1"}], "total_count": True},
        {"personas": [{"persona_id": "p1"}]},
    ],
)
async def test_other_envelopes_of_a_list_are_read_too(opening: Opening, body: Any) -> None:
    async def once(scope: Scope, receive: Receive, send: Send) -> None:
        page = Request(scope, receive).query_params.get("page")
        shown = body if page is None else {"data": []}
        await Response(json.dumps(shown), media_type="application/json")(scope, receive, send)

    async with opening(once) as desk:
        read = await desk.client.read_resource("tavus://personas")
        found = await desk.facts("list_personas")
    assert len(found["personas"]) == 1
    assert read.contents


async def test_a_row_that_moves_to_a_later_page_meanwhile_is_not_told_twice() -> None:
    """Ours: somebody creates a persona at the front of the list while we walk."""
    rows = [{"persona_id": f"p{number}"} for number in range(250)]

    async def growing(scope: Scope, receive: Receive, send: Send) -> None:
        query = Request(scope, receive).query_params
        page, limit = int(query.get("page", 1)), int(query["limit"])
        shown = rows[(page - 1) * limit : page * limit]
        if "page" not in query:
            rows.insert(0, {"persona_id": "new"})
        body = json.dumps({"data": shown})
        await Response(body, media_type="application/json")(scope, receive, send)

    app, _ = world(growing)
    found = [row["persona_id"] async for row in app.api.iter_all(pagination.PERSONAS)]
    assert len(found) == len(set(found))
    assert set(ids(250)) <= set(found)


async def test_a_row_without_an_id_is_told_by_a_hash_and_never_shown(opening: Opening) -> None:
    row = {"persona_name": "x", "layers": {"tts": {"api_key": "stored-key-0123456789"}}}

    async def nameless(scope: Scope, receive: Receive, send: Send) -> None:
        body = json.dumps({"data": [row, {**row, "persona_name": "y"}], "total_count": 2})
        await Response(body, media_type="application/json")(scope, receive, send)

    async with opening(nameless) as desk:
        told = await desk.facts("audit_personas")
    assert len({item["persona_id"] for item in told["failed"]}) == 2
    assert all(item["persona_id"].startswith("(no id) ") for item in told["failed"])
    assert "stored-key" not in json.dumps(told)
