"""list_personas: filters over the whole account; marks of defaults and deprecated models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from account import (
    DEPRECATED_MODEL,
    RETIRED_MODEL,
    ObservedApp,
    build_model_layers,
    build_persona_row,
    store_equal_personas,
    store_personas,
)
from mcp_client import ToolClient, text_of
from starlette.applications import Starlette

from tavus_mcp.concurrency import MAX_CONCURRENT_REQUESTS
from tavus_mcp.sandbox.faults import Fault
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio


async def find_ids(tool_client: ToolClient, **filters: Any) -> list[str]:
    """Return the ids of the user's personas that the filters find."""
    found = await tool_client.expect_result("list_personas", persona_type="user", **filters)
    return [row["persona_id"] for row in found["personas"]]


def store_various(store: Store) -> list[str]:
    """Store personas that differ in model, engine, mode and texts; return their ids."""
    function = {"name": "acme_order", "description": "Orders at Acme."}
    tools = {"llm": {"tools": [{"type": "function", "function": function}]}}
    custom = {"model": DEPRECATED_MODEL, "base_url": "https://llm.example.com/v1"}
    return store_personas(
        store,
        build_persona_row(0, persona_name="Acme desk"),
        build_persona_row(1, layers=build_model_layers(DEPRECATED_MODEL)),
        build_persona_row(2, layers={}, greeting="Welcome to ACME, the Acme shop."),
        build_persona_row(3, layers={"tts": {"tts_engine": "elevenlabs"}}),
        build_persona_row(4, layers=tools),
        build_persona_row(5, layers={"llm": custom}),
        build_persona_row(6, pipeline_mode="echo", system_prompt="", layers={}),
        build_persona_row(7, layers=build_model_layers(RETIRED_MODEL)),
    )


async def test_a_text_is_found_in_names_prompts_greetings_and_functions_whatever_the_case(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_various(store)
    found = await tool_client.expect_result("list_personas", text_contains="acme")
    assert [(row["persona_id"], row["matches"], row["excerpt"]) for row in found["personas"]] == [
        (ids[0], "1 in /persona_name", "Acme desk"),
        (ids[2], "2 in /greeting", "Welcome to ACME, the Acme shop."),
        (ids[4], "1 in /layers/llm/tools/0/function/description", "Orders at Acme."),
    ]
    assert found["total_count"] == 3


async def test_a_text_is_not_found_in_ids_addresses_and_names_of_functions(
    tool_client: ToolClient, store: Store
) -> None:
    """A search for texts to replace must not find references."""
    store_various(store)
    for text in ("llm.example.com", "acme_order", "rfe12d8b9597"):
        assert await find_ids(tool_client, text_contains=text) == []


async def test_filters_compare_what_is_in_effect_and_are_combined(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_various(store)
    assert await find_ids(tool_client, model="tavus-gemma-4") == [ids[2], ids[3], ids[4]]
    assert await find_ids(tool_client, model=DEPRECATED_MODEL) == [ids[1], ids[5]]
    assert await find_ids(tool_client, engine="elevenlabs") == [ids[3]]
    assert await find_ids(tool_client, mode="echo") == [ids[6]]
    assert await find_ids(tool_client, engine="cartesia", text_contains="acme") == [
        ids[0],
        ids[2],
        ids[4],
    ]


async def test_rows_show_defaults_and_old_models(tool_client: ToolClient, store: Store) -> None:
    ids = store_various(store)
    found = await tool_client.expect_result("list_personas", persona_type="user")
    models = {row["persona_id"]: row.get("model") for row in found["personas"]}
    assert [models[persona_id] for persona_id in ids] == [
        "tavus-gpt-oss",
        f"{DEPRECATED_MODEL} (deprecated)",
        "tavus-gemma-4 (default)",
        "tavus-gemma-4 (default)",
        "tavus-gemma-4 (default)",
        f"{DEPRECATED_MODEL} (custom)",
        None,
        f"{RETIRED_MODEL} (retired)",
    ]
    assert found["personas"][0]["engine"] == "cartesia (default)"


async def test_a_finding_filter_reads_each_persona_and_returns_pages(
    open_tool_client: ToolClientFactory, sandbox: Starlette, store: Store
) -> None:
    ids = store_equal_personas(store, 60, layers=build_model_layers(RETIRED_MODEL))
    store_equal_personas(store, 7)

    async def let_others_start(_: str, __: str) -> None:
        await anyio.lowlevel.checkpoint()

    observed = ObservedApp(sandbox, let_others_start)
    found: list[str] = []
    async with open_tool_client(observed) as tool_client:
        arguments: dict[str, Any] = {"finding": "llm-model-retired", "limit": 20}
        page = await tool_client.expect_result("list_personas", **arguments)
        first_requests = len(observed.request_lines)
        while True:
            found += [row["persona_id"] for row in page["personas"]]
            if "next_cursor" not in page:
                break
            page = await tool_client.expect_result(
                "list_personas", cursor=page["next_cursor"], **arguments
            )
    assert found == ids[7:]
    assert first_requests < 60
    assert 1 < observed.max_concurrent_requests <= MAX_CONCURRENT_REQUESTS


async def test_personas_that_cannot_be_read_are_counted(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    ids = store_equal_personas(store, 3, layers=build_model_layers(RETIRED_MODEL))
    sandbox.state.faults.plan(Fault(kind="status", path=f"/v2/personas/{ids[1]}", status=500))
    found = await tool_client.expect_result("list_personas", finding="llm-model-retired")
    assert [row["persona_id"] for row in found["personas"]] == [ids[0], ids[2]]
    assert found["unread"] == 1


async def test_an_unknown_rule_is_refused_with_the_nearest_before_any_request(
    tool_client: ToolClient,
) -> None:
    error = await tool_client.expect_error("list_personas", finding="llm-model-retird")
    assert "did you mean 'llm-model-retired'?" in error
    assert tool_client.transport.requests == []


async def test_rows_without_the_document_are_read_one_by_one(
    open_tool_client: ToolClientFactory, sandbox: Starlette, store: Store
) -> None:
    """Tavus says nowhere that the rows of its list will always be whole documents."""
    ids = store_various(store)

    async def short_rows(scope: Any, receive: Any, send: Any) -> None:
        async def shorten(message: Any) -> None:
            body = message.get("body")
            if scope["path"] == "/v2/personas" and body:
                answer = json.loads(body)
                for row in answer["data"]:
                    for name in ("layers", "system_prompt", "greeting"):
                        row.pop(name, None)
                message = {**message, "body": json.dumps(answer).encode()}
            await send(message)

        async def forward(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [pair for pair in message["headers"] if pair[0] != b"content-length"]
                message = {**message, "headers": headers}
            await shorten(message)

        await sandbox(scope, receive, forward)

    async with open_tool_client(short_rows) as tool_client:
        assert await find_ids(tool_client, text_contains="acme") == [ids[0], ids[2], ids[4]]


async def test_a_list_of_mine_shows_which_are_outdated_in_one_small_answer(
    tool_client: ToolClient, store: Store
) -> None:
    store_equal_personas(store, 40, layers=build_model_layers(DEPRECATED_MODEL))
    result = await tool_client.call("list_personas", persona_type="user", limit=100)
    assert f"model: {DEPRECATED_MODEL} (deprecated)" in text_of(result)
    assert len(text_of(result).encode()) < 2_500


@pytest.mark.parametrize(
    ("filters", "path", "nearest", "way"),
    [
        ({"name_contains": "Acme dsk"}, "/name_contains", "'Acme desk'", "list_personas without"),
        ({"model": "gemma"}, "/model", "'tavus-gemma-4'", "describe_layer("),
        ({"engine": "elevenlab"}, "/engine", "'elevenlabs'", "describe_layer("),
        ({"mode": "ech"}, "/mode", "'echo'", "full, echo"),
    ],
    ids=["name", "model", "engine", "mode"],
)
async def test_a_filter_that_matches_nothing_names_the_closest_and_how_to_see_all(
    tool_client: ToolClient,
    store: Store,
    filters: dict[str, str],
    path: str,
    nearest: str,
    way: str,
) -> None:
    """Found by a new user: no persona was listed, and no word said why."""
    store_personas(store, build_persona_row(0, persona_name="Acme desk"))
    page = await tool_client.expect_result("list_personas", persona_type="user", **filters)
    (finding,) = page["findings"]
    assert finding["path"] == path
    assert nearest in finding["message"]
    assert way in finding["hint"]
    if path != "/mode":  # a bulk change has no such filter
        unset = {"unset": ["/greeting"]}
        plan = await tool_client.expect_result("plan_bulk_change", **filters, **unset)
        assert plan["findings"] == [finding]
    if path == "/name_contains":
        assert nearest in (await tool_client.expect_result("audit_personas", **filters))["next"]
    known = await tool_client.expect_result("list_personas", model="tavus-gpt-4o")
    assert known["personas"] == []
    assert "findings" not in known


async def test_an_unknown_finding_is_refused_with_names_of_the_same_words(
    tool_client: ToolClient,
) -> None:
    for tool, more in (("list_personas", {}), ("plan_bulk_change", {"goals": ["modernize"]})):
        message = await tool_client.expect_error(tool, finding="legacy-stt", **more)
        assert "did you mean 'stt-turn-taking-legacy'? audit_personas lists" in message
    assert tool_client.transport.requests == []


async def test_a_word_for_outdated_settings_names_all_rules_about_them(
    tool_client: ToolClient,
) -> None:
    """Found in use: for ``deprecated`` only those with this word in their name were offered."""
    for finding in ("deprecated", "outdated", "Legacy"):
        message = await tool_client.expect_error("list_personas", finding=finding)
        for rule in ("llm-model-retired", "stt-turn-taking-legacy", "tts-model-older"):
            assert rule in message
        assert 'plan_bulk_change(everything=true, goals=["modernize"])' in message


async def test_a_search_that_finds_no_text_names_the_users_of_a_function_or_an_id(
    tool_client: ToolClient, store: Store
) -> None:
    """Found in use: an assistant concluded that no persona has the function."""
    replica = "r90bbd427f71"
    function = {"type": "function", "function": {"name": "book_demo", "description": "Do it."}}
    ids = store_personas(
        store,
        build_persona_row(0, layers={"llm": {"tools": [function]}}),
        build_persona_row(1, default_replica_id=replica),
        build_persona_row(2),
    )
    for wanted, user in (("book_demo", ids[0]), (replica, ids[1])):
        page = await tool_client.expect_result(
            "list_personas", text_contains=wanted, persona_type="user"
        )
        assert page["personas"] == []
        (finding,) = page["findings"]
        assert finding["message"].endswith(f"in 1 persona: {user}.")
    page = await tool_client.expect_result("list_personas", text_contains="book_dem")
    assert "findings" not in page
