"""The toolset ``conversations`` through the front door: lists, transcripts, figures."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from ended_conversations import (
    STOCK_PERSONA_ID,
    build_event,
    build_transcript,
    build_utterance,
    create_ended_conversation,
    start_conversation,
    store_ended_conversation,
)
from mcp_client import SECRET, ToolClient, text_of
from starlette.types import ASGIApp

from tavus_mcp.conversations import report
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio
OTHER = "pcb7a34da5fe"


async def collect_rows(
    tool_client: ToolClient, tool: str, rows: str, **arguments: Any
) -> list[Any]:
    """Follow the cursors to the end; return every row."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    for _ in range(100):
        page = await tool_client.expect_result(tool, **arguments, **cursor)
        found += page[rows]
        if "next_cursor" not in page:
            return found
        cursor = {"cursor": page["next_cursor"]}
    raise AssertionError("the walk does not end")


async def test_conversations_are_listed_with_persona_names_in_either_vocabulary(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    """Tavus mixes both vocabularies in one account."""
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
        more = {"persona_id": OTHER} if number % 10 == 0 else {}
        store_ended_conversation(store, f"c{number}", "2026-11-01T10:00:00Z", [], **more)
    every = await collect_rows(tool_client, "list_conversations", "conversations", limit=50)
    assert len({row["conversation_id"] for row in every}) == len(every) == 230
    own = await collect_rows(
        tool_client, "list_conversations", "conversations", persona_id=OTHER, limit=5
    )
    assert [row["conversation_id"] for row in own] == [f"c{n}" for n in range(0, 230, 10)]
    page = await tool_client.expect_result("list_conversations", persona_id=OTHER, limit=5)
    assert page["total_count"] == 23
    message = await tool_client.expect_error(
        "list_conversations", persona_id=STOCK_PERSONA_ID, limit=5, cursor=page["next_cursor"]
    )
    assert "/cursor" in message


async def test_calls_are_listed_by_status(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    active, ended = (
        await start_conversation(sandbox_client),
        await create_ended_conversation(sandbox_client),
    )
    await create_ended_conversation(sandbox_client, persona_id=OTHER)
    for status, wanted in (("active", [active]), ("ended", [ended])):
        result = await tool_client.expect_result(
            "list_conversations", persona_id=STOCK_PERSONA_ID, status=status
        )
        assert [row["conversation_id"] for row in result["conversations"]] == wanted
    assert (await tool_client.expect_result("list_conversations", status="ended"))[
        "total_count"
    ] == 2
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
    other = await create_ended_conversation(sandbox_client, entries)
    message = await tool_client.expect_error(
        "get_conversation", conversation_id=other, cursor=first["next_cursor"]
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
    assert "nobody talked" in ended["no_transcript"]
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
    found = {(item["path"], item["message"].split(" ")[1]) for item in result["findings"]}
    assert found == {
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


async def test_an_invalid_id_is_refused_before_any_request(tool_client: ToolClient) -> None:
    for tool, argument in (
        ("get_conversation", "conversation_id"),
        ("list_conversations", "persona_id"),
        ("measure_conversations", "persona_id"),
    ):
        assert "not an id" in await tool_client.expect_error(tool, **{argument: "../personas"})
    assert tool_client.transport.requests == []


async def test_conversations_are_measured_and_those_without_transcript_counted_separately(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    for number in range(12):
        reason = "max_call_duration" if number < 2 else "participant_left_timeout reached"
        seen = "Smiling." if number % 3 else ""
        await create_ended_conversation(
            sandbox_client,
            build_transcript(number),
            shutdown_reason=reason,
            perception_analysis=seen,
        )
    await create_ended_conversation(
        sandbox_client, shutdown_reason="participant_absent_timeout reached"
    )
    await start_conversation(sandbox_client)
    await create_ended_conversation(sandbox_client, build_transcript(99), persona_id=OTHER)
    result = await tool_client.expect_result("measure_conversations", persona_id=STOCK_PERSONA_ID)
    (group,) = result["revisions"]
    assert (group["calls"], group["without_transcript"], group["turns"]) == (12, 1, 144)
    assert group["verdict"] == "enough calls for intervals"
    assert group["shutdown_reasons"] == {
        "participant_left_timeout": 10,
        "max_call_duration": 2,
        "participant_absent_timeout": 1,
    }
    assert group["perception"] == {"analysed": 8, "unavailable": {"no_vision_history": 5}}
    gap = next(row for row in group["figures"] if row["figure"] == "response_gap_median")
    assert gap["low"] <= gap["value"] <= gap["high"]
    assert (gap["n"], gap["unit"]) == (12, "s")
    assert "unread" not in result
    assert "4 s or more" in result["notes"][0]
    assert (
        await tool_client.expect_result("measure_conversations", persona_id=STOCK_PERSONA_ID)
        == result
    )


async def test_the_latest_conversations_or_those_of_a_time_range_are_selected(
    tool_client: ToolClient, store: Store
) -> None:
    for day in range(1, 10):
        store_ended_conversation(
            store, f"c{day}", f"2026-11-0{day}T10:00:00+00:00", build_transcript(day, turns=2 * day)
        )

    async def turns(**arguments: Any) -> int:
        result = await tool_client.expect_result(
            "measure_conversations", persona_id=STOCK_PERSONA_ID, **arguments
        )
        return sum(row["turns"] for row in result["revisions"])

    assert await turns(limit=2) == 18 + 16
    assert await turns(since="2026-11-08") == 18 + 16
    assert await turns(until="2026-11-02") == 2 + 4
    assert await turns(since="2026-11-03T10:00:00Z", until="2026-11-04T10:00:01Z") == 6 + 8
    assert await turns(since="2027-01-01") == 0
    message = await tool_client.expect_error(
        "measure_conversations", persona_id=STOCK_PERSONA_ID, since="soon", until="20261101"
    )
    assert "/since" in message
    assert "/until" in message


async def test_few_conversations_give_no_verdict(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    await create_ended_conversation(sandbox_client, build_transcript(1))
    (group,) = (
        await tool_client.expect_result("measure_conversations", persona_id=STOCK_PERSONA_ID)
    )["revisions"]
    assert group["verdict"] == report.TOO_FEW
    assert all("low" not in row for row in group["figures"])


async def test_a_persona_without_conversations_or_an_absent_persona_is_reported(
    tool_client: ToolClient,
) -> None:
    result = await tool_client.expect_result("measure_conversations", persona_id=STOCK_PERSONA_ID)
    assert result["revisions"] == []
    assert "No ended call" in result["notes"][0]
    assert "list_personas" in await tool_client.expect_error(
        "measure_conversations", persona_id="p00000"
    )


async def test_an_unreadable_conversation_is_named_and_the_others_are_measured(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient, store: Store
) -> None:
    names = [
        await create_ended_conversation(sandbox_client, build_transcript(number))
        for number in range(3)
    ]
    lost = f"/v2/conversations/{names[1]}"
    await sandbox_client.post(
        "/_sandbox/faults", json={"kind": "status", "status": 500, "path": lost}
    )
    store_ended_conversation(store, "c/../x", "2026-11-01T10:00:00Z", build_transcript(9))
    result = await tool_client.expect_result("measure_conversations", persona_id=STOCK_PERSONA_ID)
    assert sum(row["calls"] for row in result["revisions"]) == 2
    why = {row["conversation_id"]: row["why"] for row in result["unread"]}
    assert why.keys() == {names[1], "c/../x"}
    assert "500" in why[names[1]]
    assert "no id" in why["c/../x"]


async def test_comparing_distinguishes_a_slower_persona_from_chance(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    one, other = (
        await tool_client.create_persona(name="One"),
        await tool_client.create_persona(name="Two"),
    )
    for number in range(14):
        await create_ended_conversation(sandbox_client, build_transcript(number), persona_id=one)
        await create_ended_conversation(
            sandbox_client, build_transcript(100 + number, gap_seconds=2.0), persona_id=other
        )
    plain = await tool_client.expect_result("compare_personas", first=one, second=other)
    assert "figures" not in plain
    result = await tool_client.expect_result(
        "compare_personas", first=one, second=other, measure=True
    )
    assert result["differences"] == plain["differences"]
    figures = {row["figure"]: row for row in result["figures"]["figures"]}
    gap = figures["response_gap_median"]
    assert gap["verdict"] == report.SIGNIFICANT
    assert gap["first_low"] <= gap["first"] <= gap["first_high"] < gap["second_low"]
    assert gap["difference"] == pytest.approx(gap["second"] - gap["first"], abs=0.002)
    assert (gap["first_n"], gap["second_n"]) == (14, 14)
    assert figures["user_gap_median"]["verdict"] == report.NOT_SIGNIFICANT
    assert result["figures"]["first"]["calls"] == 14
    same = await tool_client.expect_result("compare_personas", first=one, second=one, measure=True)
    assert "same calls" in same["figures"]["verdict"]
    assert "figures" not in same["figures"]


async def test_comparing_two_revisions_counts_the_calls_of_each(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    persona_id = await tool_client.create_persona(greeting="One.")
    before = (await tool_client.expect_result("get_persona", persona_id=persona_id))["revision"]
    await create_ended_conversation(sandbox_client, build_transcript(1), persona_id=persona_id)
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Two.")
    for number in range(2):
        await create_ended_conversation(
            sandbox_client, build_transcript(2 + number), persona_id=persona_id
        )
    result = await tool_client.expect_result(
        "compare_personas", first=f"{persona_id}@{before}", second=persona_id, measure=True
    )
    assert result["figures"]["first"] == {"revision": before, "calls": 1, "without_transcript": 0}
    assert result["figures"]["second"]["calls"] == 2
    assert {row["verdict"] for row in result["figures"]["figures"]} == {report.TOO_FEW}
    nothing = await tool_client.expect_result(
        "compare_personas", first=STOCK_PERSONA_ID, second=OTHER, measure=True
    )
    assert nothing["figures"]["verdict"] == report.TOO_FEW


def test_scipy_is_loaded_only_when_conversations_are_measured() -> None:
    """Ours: it takes some two seconds to import."""
    look = (
        "import tavus_mcp.server.server, sys; print('scipy' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


async def test_a_selection_truncated_at_the_limit_is_reported(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    """A verdict of too few calls may come from the cut alone."""
    persona_id = await tool_client.create_persona()
    request = {"persona_id": persona_id, "count": 12}
    await sandbox_client.post("http://127.0.0.1/_sandbox/conversations", json=request)
    whole = await tool_client.expect_result("measure_conversations", persona_id=persona_id)
    cut = await tool_client.expect_result("measure_conversations", persona_id=persona_id, limit=5)
    assert not any("latest" in note for note in whole["notes"])
    assert any("latest 5 of 12 calls" in note for note in cut["notes"])


async def test_simulated_conversations_are_marked_as_simulated(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    persona_id = await tool_client.create_persona()
    request = {"persona_id": persona_id, "count": 3}
    await sandbox_client.post("http://127.0.0.1/_sandbox/conversations", json=request)
    result = await tool_client.expect_result("measure_conversations", persona_id=persona_id)
    assert any("3 of these calls were made up by the sandbox" in note for note in result["notes"])


async def test_an_impossible_time_range_is_refused_and_an_empty_one_is_reported(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    persona_id = await tool_client.create_persona()
    request = {"persona_id": persona_id, "count": 3}
    await sandbox_client.post("http://127.0.0.1/_sandbox/conversations", json=request)
    reversed_range = {"since": "2026-12-01", "until": "2026-11-01"}
    message = await tool_client.expect_error(
        "measure_conversations", persona_id=persona_id, **reversed_range
    )
    assert "/until: must be later than since" in message
    result = await tool_client.expect_result(
        "measure_conversations", persona_id=persona_id, since="2100-01-01"
    )
    assert any("3 ended call(s), none of them in that time" in note for note in result["notes"])
