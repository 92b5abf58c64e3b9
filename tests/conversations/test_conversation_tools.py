"""The tools list_conversations and get_conversation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from ended_conversations import (
    STOCK_PERSONA_ID,
    build_event,
    build_utterance,
    create_ended_conversation,
    start_conversation,
    store_ended_conversation,
)
from mcp_client import SECRET, ToolClient, text_of
from starlette.types import ASGIApp

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio
OTHER_PERSONA_ID = "pcb7a34da5fe"


async def collect_rows(
    tool_client: ToolClient, tool: str, rows: str, **arguments: Any
) -> list[Any]:
    """Follow the cursors to the end of a list; return every row."""
    collected: list[Any] = []
    cursor: dict[str, str] = {}
    for _ in range(100):
        page = await tool_client.expect_result(tool, **arguments, **cursor)
        collected += page[rows]
        if "next_cursor" not in page:
            return collected
        cursor = {"cursor": page["next_cursor"]}
    raise AssertionError("the list does not end")


async def test_conversations_are_listed_with_persona_names_in_either_vocabulary(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    """Tavus: one account holds both vocabularies."""
    old = await start_conversation(sandbox_client, conversation_name="Demo")
    reply = await sandbox_client.post(
        "/v2/conversations", json={"pal_id": STOCK_PERSONA_ID, "face_id": "r90bbd427f71"}
    )
    new = reply.json()["conversation_id"]
    result = await tool_client.expect_result("list_conversations")
    rows = {row["conversation_id"]: row for row in result["conversations"]}
    assert result["total_count"] == 2
    assert {rows[name]["persona_id"] for name in (old, new)} == {STOCK_PERSONA_ID}
    assert {rows[name]["replica_id"] for name in (old, new)} == {"r90bbd427f71"}
    assert rows[old]["conversation_name"] == "Demo"
    assert rows[old]["status"] == "active"
    assert rows[old]["created_at"]


async def test_the_conversations_of_a_persona_are_searched_in_the_whole_account(
    tool_client: ToolClient, store: Store
) -> None:
    for number in range(230):
        more = {"persona_id": OTHER_PERSONA_ID} if number % 10 == 0 else {}
        store_ended_conversation(store, f"c{number}", "2026-11-01T10:00:00Z", [], **more)
    every = await collect_rows(tool_client, "list_conversations", "conversations", limit=50)
    assert len({row["conversation_id"] for row in every}) == len(every) == 230
    own = await collect_rows(
        tool_client, "list_conversations", "conversations", persona_id=OTHER_PERSONA_ID, limit=5
    )
    assert [row["conversation_id"] for row in own] == [f"c{n}" for n in range(0, 230, 10)]
    page = await tool_client.expect_result(
        "list_conversations", persona_id=OTHER_PERSONA_ID, limit=5
    )
    assert page["total_count"] == 23
    message = await tool_client.expect_error(
        "list_conversations", persona_id=STOCK_PERSONA_ID, limit=5, cursor=page["next_cursor"]
    )
    assert "/cursor" in message


@pytest.mark.parametrize("status", ["active", "ended"])
async def test_conversations_are_listed_by_status(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient, status: str
) -> None:
    ids = {
        "active": await start_conversation(sandbox_client),
        "ended": await create_ended_conversation(sandbox_client),
    }
    await create_ended_conversation(sandbox_client, persona_id=OTHER_PERSONA_ID)
    result = await tool_client.expect_result(
        "list_conversations", persona_id=STOCK_PERSONA_ID, status=status
    )
    assert [row["conversation_id"] for row in result["conversations"]] == [ids[status]]


async def test_the_total_counts_the_conversations_of_a_status(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    await start_conversation(sandbox_client)
    await create_ended_conversation(sandbox_client)
    await create_ended_conversation(sandbox_client, persona_id=OTHER_PERSONA_ID)
    result = await tool_client.expect_result("list_conversations", status="ended")
    assert result["total_count"] == 2


async def test_an_unknown_status_is_refused(tool_client: ToolClient) -> None:
    assert "active, ended" in await tool_client.expect_error("list_conversations", status="over")


async def test_a_conversation_is_read_with_its_transcript_its_end_and_its_analysis(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    entries = [
        {"role": "system", "content": "The prompt."},
        build_utterance("user", 1, 2, "Hello?"),
        build_utterance("replica", 4.25, 1.5, "Good day."),
    ]
    name = await create_ended_conversation(
        sandbox_client,
        entries,
        perception_analysis="The user smiled.",
        shutdown_reason="participant_left_timeout",
    )
    result = await tool_client.expect_result("get_conversation", conversation_id=name)
    assert result["turns"] == [
        {"role": "user", "start": 1.0, "duration": 2.0, "content": "Hello?"},
        {"role": "assistant", "start": 4.25, "duration": 1.5, "content": "Good day."},
    ]
    assert result["total_turns"] == 2
    assert result["shutdown_reason"] == "participant_left_timeout"
    assert result["perception"] == "The user smiled."
    assert result["conversation"]["persona_id"] == STOCK_PERSONA_ID
    assert result["conversation"]["status"] == "ended"
    assert "not instructions" in result["note"]
    assert "findings" not in result
    assert "The prompt." not in json.dumps(result)


async def test_the_pages_of_a_long_transcript_neither_skip_nor_repeat_entries(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    entries = [build_utterance("user", number, 0.5, f"turn {number}") for number in range(120)]
    name = await create_ended_conversation(sandbox_client, entries)
    turns = await collect_rows(tool_client, "get_conversation", "turns", conversation_id=name)
    assert [turn["content"] for turn in turns] == [f"turn {number}" for number in range(120)]
    first = await tool_client.expect_result("get_conversation", conversation_id=name)
    assert (len(first["turns"]), first["total_turns"]) == (50, 120)
    other_id = await create_ended_conversation(sandbox_client, entries)
    message = await tool_client.expect_error(
        "get_conversation", conversation_id=other_id, cursor=first["next_cursor"]
    )
    assert "/cursor" in message


async def test_an_active_conversation_states_that_its_transcript_comes_later(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    result = await tool_client.expect_result(
        "get_conversation", conversation_id=await start_conversation(sandbox_client)
    )
    assert (result["turns"], result["total_turns"]) == ([], 0)
    assert "active" in result["no_transcript"]
    ended = await tool_client.expect_result(
        "get_conversation", conversation_id=await create_ended_conversation(sandbox_client)
    )
    assert "nothing was said" in ended["no_transcript"]
    assert ended["perception"] == "unavailable: no_vision_history"


async def test_invisible_characters_are_reported_and_not_altered(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    hidden = "Yes\u200b, \u202eno\u202c."
    name = await create_ended_conversation(
        sandbox_client,
        [build_utterance("user", 0, 1, hidden)],
        perception_analysis="A\U000e0041 hat.",
    )
    result = await tool_client.expect_result("get_conversation", conversation_id=name)
    assert result["turns"][0]["content"] == hidden
    findings = {(item["path"], item["message"].split(" ")[4]) for item in result["findings"]}
    assert findings == {
        ("/turns/0/content", "invisible"),
        ("/turns/0/content", "direction-turning"),
        ("/perception", "tag"),
    }


async def test_keys_tokens_and_urls_of_a_conversation_are_not_returned(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    hook = "https://example.com/hook?k=zebra-stripes"
    name = await start_conversation(sandbox_client, require_auth=True, callback_url=hook)
    long = "x" * 1_490 + SECRET + "y" * 1_000
    body = {
        "transcript": [build_utterance("user", 0, 1, f"My key is {SECRET}.")],
        "perception_analysis": long,
        "shutdown_reason": f"because of {SECRET}",
        "events": [build_event("application.perception_unavailable", reason=SECRET)],
    }
    await sandbox_client.post(f"/_sandbox/calls/{name}", json=body)
    for tool, arguments in (
        ("get_conversation", {"conversation_id": name}),
        ("list_conversations", {}),
        ("measure_conversations", {"persona_id": STOCK_PERSONA_ID}),
    ):
        answer = await tool_client.call(tool, **arguments)
        answer_text = text_of(answer) + json.dumps(answer.structured_content)
        assert not answer.is_error
        for hidden in (SECRET, SECRET[:8], "sandbox.c", "zebra-stripes", "tavus.daily.co"):
            assert hidden not in answer_text, (tool, hidden)
    result = await tool_client.expect_result("get_conversation", conversation_id=name)
    assert result["turns"][0]["content"] == "My key is ********."
    assert "characters in all]" in result["perception"]


@pytest.mark.parametrize("status", [400, 404])
async def test_an_unknown_conversation_is_an_error_with_advice(
    open_tool_client: ToolClientFactory,
    sandbox: ASGIApp,
    sandbox_client: httpx2.AsyncClient,
    status: int,
) -> None:
    """Tavus answers 400 with "Invalid conversation_id"; clients have met 404 as well."""
    if status == 404:
        fault = {"kind": "status", "status": 404, "path": "/v2/conversations/c0000"}
        reply = await sandbox_client.post("/_sandbox/faults", json=fault)
        assert reply.is_success, reply.text
    async with open_tool_client() as client:
        message = await client.expect_error("get_conversation", conversation_id="c0000")
    assert str(status) in message
    assert "no such conversation" in message
    assert "list_conversations" in message
    assert "persona" not in message.partition("There is")[0]


@pytest.mark.parametrize(
    ("tool", "argument"),
    [
        ("get_conversation", "conversation_id"),
        ("list_conversations", "persona_id"),
        ("measure_conversations", "persona_id"),
    ],
)
async def test_an_invalid_id_is_refused_before_any_request(
    tool_client: ToolClient, tool: str, argument: str
) -> None:
    assert "not an id" in await tool_client.expect_error(tool, **{argument: "../personas"})
    assert tool_client.transport.requests == []
