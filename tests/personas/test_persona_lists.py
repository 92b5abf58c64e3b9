"""``list_personas``: pages without repeats or gaps, and filters over the whole account."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_client import ToolClient
from property_examples import examples

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio
STOCK = 7
"""Personas that every sandbox has from the start."""


def store_personas(store: Store, count: int = 300) -> list[str]:
    """Store personas directly; every third has the name of a colour, every seventh a model."""
    ids = [f"p{number:011x}" for number in range(count)]
    for number, persona_id in enumerate(ids):
        layers = {} if number % 7 else {"llm": {"model": "tavus-gpt-oss"}}
        row = {
            "persona_id": persona_id,
            "persona_name": f"Blue {number}" if number % 3 == 0 else f"Bot {number}",
            "persona_type": "user",
            "pipeline_mode": "full",
            "system_prompt": "You help.",
            "default_replica_id": "rfe12d8b9597",
            "created_at": "2026-10-01T10:00:00.000000+00:00",
            "updated_at": "2026-10-01T10:00:00.000000+00:00",
            "layers": layers,
        }
        store.put("persona", persona_id, row)
    return ids


async def collect_pages(tool_client: ToolClient, **arguments: Any) -> list[list[dict[str, Any]]]:
    """Follow next_cursor to the end; return the pages."""
    pages, cursor = [], None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = await tool_client.expect_result("list_personas", **arguments, **more)
        pages.append(page["personas"])
        assert len(pages) < 400, "the walk does not end"
        if (cursor := page.get("next_cursor")) is None:
            return pages


def list_ids(pages: list[list[dict[str, Any]]]) -> list[str]:
    return [row["persona_id"] for page in pages for row in page]


@given(limit=st.integers(7, 100))
@settings(
    max_examples=examples(8),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_cursors_cover_300_personas_without_repeats_or_gaps(
    tool_client: ToolClient, store: Store, limit: int
) -> None:
    """The docs do not say whether pages are counted from 0 or from 1."""
    store_personas(store)
    pages = await collect_pages(tool_client, limit=limit)
    found = list_ids(pages)
    assert len(found) == len(set(found)) == 300 + STOCK
    assert all(len(page) == limit for page in pages[:-1])


@given(limit=st.integers(1, 100))
@settings(
    max_examples=examples(8),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_a_name_filter_searches_the_whole_account_with_cursors(
    tool_client: ToolClient, store: Store, limit: int
) -> None:
    ids = store_personas(store)
    limit = max(limit, 9)
    pages = await collect_pages(tool_client, name_contains="bLUE ", limit=limit)
    assert list_ids(pages) == ids[::3]
    assert all(len(page) == limit for page in pages[:-1])


async def test_a_name_filter_finds_a_persona_on_the_last_page_in_one_call(
    tool_client: ToolClient, store: Store
) -> None:
    store_personas(store)
    found = await tool_client.expect_result("list_personas", name_contains="bot 299", limit=1)
    assert [row["persona_name"] for row in found["personas"]] == ["Bot 299"]
    assert found["total_count"] == 1
    assert "next_cursor" not in found


async def test_a_filtered_list_continues_after_its_last_row_when_earlier_rows_were_deleted(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_personas(store, 30)
    first = await tool_client.expect_result("list_personas", name_contains="blue", limit=4)
    store.remove("persona", ids[0])
    then = await tool_client.expect_result(
        "list_personas", name_contains="blue", limit=4, cursor=first["next_cursor"]
    )
    assert list_ids([then["personas"]]) == ids[12:24:3]


async def test_a_name_without_matches_gives_an_empty_list(
    tool_client: ToolClient,
) -> None:
    found = await tool_client.expect_result("list_personas", name_contains="nobody is called so")
    assert found["personas"] == []
    assert found["total_count"] == 0


@pytest.mark.parametrize(("kind", "count"), [("system", STOCK), ("user", 1)])
async def test_persona_type_distinguishes_stock_personas_from_own_ones(
    tool_client: ToolClient, kind: str, count: int
) -> None:
    await tool_client.create_persona()
    found = await tool_client.expect_result("list_personas", persona_type=kind)
    assert [row["type"] for row in found["personas"]] == [kind] * count
    assert found["total_count"] == count


async def test_persona_type_and_name_filter_can_be_combined(tool_client: ToolClient) -> None:
    await tool_client.create_persona(name="Sales Bot")
    found = await tool_client.expect_result(
        "list_personas", persona_type="user", name_contains="sales"
    )
    assert [row["persona_name"] for row in found["personas"]] == ["Sales Bot"]


async def test_a_row_shows_model_engine_mode_replica_and_time(tool_client: ToolClient) -> None:
    """The fields that distinguish personas."""
    await tool_client.create_persona(
        layers={"llm": {"model": "tavus-gpt-oss"}, "tts": {"tts_engine": "azure"}}
    )
    found = await tool_client.expect_result("list_personas", persona_type="user")
    (row,) = found["personas"]
    assert row["model"] == "tavus-gpt-oss"
    assert row["engine"] == "azure"
    assert row["mode"] == "full"
    assert row["replica"] == "rfe12d8b9597"
    assert len(row["updated_at"]) == len("2026-10-01T10:00")


async def test_a_long_page_states_common_values_once(tool_client: ToolClient, store: Store) -> None:
    store_personas(store)
    page = await tool_client.expect_result("list_personas", limit=100, persona_type="user")
    assert page["common"]["mode"] == "full"
    assert all("mode" not in row for row in page["personas"])
    assert {row.get("model") for row in page["personas"]} == {
        "tavus-gemma-4 (default)",
        "tavus-gpt-oss",
    }


@pytest.mark.parametrize("limit", [0, -1, 101, 1_000_000])
async def test_a_limit_outside_1_to_100_is_refused_without_a_request(
    tool_client: ToolClient, limit: int
) -> None:
    error = await tool_client.expect_error("list_personas", limit=limit)
    assert "/limit" in error
    assert str(1 if limit < 1 else 100) in error
    assert tool_client.transport.requests == []


def _encode_cursor(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


WRONG_CURSORS = [
    "x",
    "2",
    "not a cursor",
    _encode_cursor({"page": 2}),
    _encode_cursor([1]),
    _encode_cursor("ab"),
    "ÿ",
    "====",
]


@pytest.mark.parametrize("filters", [{}, {"name_contains": "bot"}], ids=["all", "filtered"])
@pytest.mark.parametrize("cursor", WRONG_CURSORS)
async def test_an_invalid_cursor_is_refused(
    tool_client: ToolClient, cursor: str, filters: dict[str, str]
) -> None:
    error = await tool_client.expect_error("list_personas", cursor=cursor, **filters)
    assert "/cursor" in error
    assert "next_cursor" in error


async def test_a_cursor_with_a_non_numeric_page_is_refused(tool_client: ToolClient) -> None:
    error = await tool_client.expect_error(
        "list_personas", cursor=_encode_cursor([float("inf"), 20, "", 20])
    )
    assert "/cursor" in error


async def test_a_cursor_is_refused_when_the_filter_differs(
    tool_client: ToolClient, store: Store
) -> None:
    store_personas(store, 30)
    plain = (await tool_client.expect_result("list_personas", limit=5))["next_cursor"]
    named = (await tool_client.expect_result("list_personas", limit=5, name_contains="bot"))[
        "next_cursor"
    ]
    assert "/cursor" in await tool_client.expect_error(
        "list_personas", cursor=plain, name_contains="bot"
    )
    assert "/cursor" in await tool_client.expect_error("list_personas", cursor=named)


async def test_a_cursor_of_another_list_is_refused(tool_client: ToolClient, store: Store) -> None:
    """Otherwise rows would be skipped silently."""
    store_personas(store, 30)
    other = (await tool_client.expect_result("list_replicas", limit=2))["next_cursor"]
    assert "/cursor" in await tool_client.expect_error("list_personas", cursor=other)
