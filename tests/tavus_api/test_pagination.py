"""Lists are read completely, each row once, whether their pages count from 0 or 1."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mcp_client import ToolClient, build_test_app
from property_examples import examples
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tavus_mcp.errors import Unavailable
from tavus_mcp.tavus_api import pagination

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio


@dataclass
class PagedListApi:
    """An API with one long list of personas, and configurable pagination."""

    count: int
    first: int | None = 1
    cap: int = 100
    total: int | None = 0
    requests: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with a page; ``first`` None ignores the requested page."""
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
    PagedListApi,
    count=st.integers(0, 260),
    first=st.sampled_from([0, 1]),
    cap=st.sampled_from([1, 7, 10, 25, 50, 100]),
    total=st.sampled_from([None, 0, 1, 40]),
)


def build_ids(count: int) -> list[str]:
    return [f"p{number}" for number in range(count)]


async def collect_ids(listing: PagedListApi) -> list[str]:
    app, _ = build_test_app(listing)
    return [str(row["persona_id"]) async for row in app.api.iter_all(pagination.PERSONAS)]


@given(listing=LISTINGS)
@example(listing=PagedListApi(count=0, total=3))
@example(listing=PagedListApi(count=100, first=0, cap=100))
@example(listing=PagedListApi(count=200, first=0, cap=100, total=None))
@settings(max_examples=examples(90))
def test_pagination_returns_every_row_exactly_once(listing: PagedListApi) -> None:
    """Tavus: the first page is 0 or 1 (section 12, row 1)."""
    assert anyio.run(collect_ids, listing) == build_ids(listing.count)
    pages = listing.count // listing.cap + 1
    assert listing.requests <= 2 * pages + 3


@given(
    count=st.integers(0, 120),
    cap=st.sampled_from([5, 10, 100]),
    total=st.sampled_from([None, 0, 40]),
)
@settings(max_examples=examples(40))
def test_pagination_stops_when_the_server_ignores_the_page_number(
    count: int, cap: int, total: int | None
) -> None:
    listing = PagedListApi(count=count, first=None, cap=cap, total=total)
    assert anyio.run(collect_ids, listing) == build_ids(min(count, cap))
    assert listing.requests <= 4


async def collect_ids_by_cursor(tool_client: ToolClient, limit: int) -> list[str]:
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(400):
        page = await tool_client.expect_result("list_personas", limit=limit, **cursor)
        found += [row["persona_id"] for row in page["personas"]]
        if "next_cursor" not in page:
            return found
        cursor = {"cursor": page["next_cursor"]}
    raise AssertionError("the walk does not end")


@pytest.mark.parametrize("first", [0, 1, None])
@pytest.mark.parametrize("total", [None, 40])
@pytest.mark.parametrize(("count", "cap", "limit"), [(30, 10, 10), (95, 10, 20)])
async def test_the_cursors_of_the_tool_cover_irregular_lists(
    open_tool_client: ToolClientFactory,
    first: int | None,
    total: int | None,
    count: int,
    cap: int,
    limit: int,
) -> None:
    listing = PagedListApi(count=count, first=first, cap=cap, total=total)
    async with open_tool_client(listing) as client:
        found = await collect_ids_by_cursor(client, limit)
    reachable = count if first is not None else min(count, cap, limit)
    assert found == build_ids(reachable)


async def test_an_empty_page_before_the_total_is_reached_is_an_error(
    open_tool_client: ToolClientFactory,
) -> None:
    """Tavus: a list once gave ``data: []`` with ``total_count: 55`` (section 12, row 24)."""
    from_page_1 = {"1": [{"persona_id": "p1", "persona_name": "One"}]}

    async def shy(scope: Scope, receive: Receive, send: Send) -> None:
        page = Request(scope, receive).query_params.get("page", "")
        body = {"data": from_page_1.get(page, []), "total_count": 1}
        await Response(json.dumps(body), media_type="application/json")(scope, receive, send)

    async with open_tool_client(shy) as client:
        found = await client.expect_result("list_personas")
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
async def test_alternative_list_envelopes_are_read(
    open_tool_client: ToolClientFactory, body: Any
) -> None:
    async def once(scope: Scope, receive: Receive, send: Send) -> None:
        page = Request(scope, receive).query_params.get("page")
        rendered = body if page is None else {"data": []}
        await Response(json.dumps(rendered), media_type="application/json")(scope, receive, send)

    async with open_tool_client(once) as client:
        read = await client.client.read_resource("tavus://personas")
        found = await client.expect_result("list_personas")
    assert len(found["personas"]) == 1
    assert read.contents


async def test_a_row_that_moves_to_a_later_page_is_returned_once() -> None:
    """A new persona shifts the rows while the list is read."""
    rows = [{"persona_id": f"p{number}"} for number in range(250)]

    async def growing(scope: Scope, receive: Receive, send: Send) -> None:
        query = Request(scope, receive).query_params
        page, limit = int(query.get("page", 1)), int(query["limit"])
        rendered = rows[(page - 1) * limit : page * limit]
        if "page" not in query:
            rows.insert(0, {"persona_id": "new"})
        body = json.dumps({"data": rendered})
        await Response(body, media_type="application/json")(scope, receive, send)

    app, _ = build_test_app(growing)
    found = [row["persona_id"] async for row in app.api.iter_all(pagination.PERSONAS)]
    assert len(found) == len(set(found))
    assert set(build_ids(250)) <= set(found)


async def test_a_row_without_an_id_is_identified_by_a_hash_and_not_returned(
    open_tool_client: ToolClientFactory,
) -> None:
    row = {"persona_name": "x", "layers": {"tts": {"api_key": "stored-key-0123456789"}}}

    async def nameless(scope: Scope, receive: Receive, send: Send) -> None:
        body = json.dumps({"data": [row, {**row, "persona_name": "y"}], "total_count": 2})
        await Response(body, media_type="application/json")(scope, receive, send)

    async with open_tool_client(nameless) as client:
        result = await client.expect_result("audit_personas")
    assert len({item["persona_id"] for item in result["failed"]}) == 2
    assert all(item["persona_id"].startswith("(no id) ") for item in result["failed"])
    assert "stored-key" not in json.dumps(result)


@dataclass
class EndlessListApi:
    """An API whose list of personas never ends: each page has ``new_rows`` new ids."""

    new_rows: int
    requests: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with a page of new ids."""
        self.requests += 1
        ids = [f"p{self.requests}x{number}" for number in range(self.new_rows)]
        body = {"data": [{"persona_id": row_id, "persona_name": "Bot"} for row_id in ids]}
        await Response(json.dumps(body), media_type="application/json")(scope, receive, send)


async def test_a_list_without_an_end_is_read_to_a_limit_of_rows(
    open_tool_client: ToolClientFactory,
) -> None:
    api = EndlessListApi(new_rows=5_000)
    async with open_tool_client(api) as tool_client:
        text = await tool_client.expect_error("list_personas", name_contains="Bot")
    assert "goes on after" in text
    assert api.requests <= pagination.MAX_LIST_ROWS // api.new_rows + 1


@pytest.mark.parametrize("repeated_rows", [0, 99])
def test_a_list_without_an_end_is_read_to_a_limit_of_pages(repeated_rows: int) -> None:
    walk = pagination.ListWalk(pagination.PERSONAS)
    for number in range(pagination.MAX_LIST_PAGES):
        walk.add_page(_build_page(walk, number, repeated_rows))
    assert walk.has_more
    with pytest.raises(Unavailable, match="goes on after"):
        walk.add_page(_build_page(walk, pagination.MAX_LIST_PAGES, repeated_rows))


def _build_page(walk: pagination.ListWalk, number: int, repeated_rows: int) -> pagination.Page:
    ids = [f"p{number}", *(f"q{repeated}" for repeated in range(repeated_rows))]
    rows = [{"persona_id": row_id} for row_id in ids]
    position = walk.position or pagination.PagePosition(0, 100, "", 0)
    return pagination.build_page(rows, None, position, ids[0])
