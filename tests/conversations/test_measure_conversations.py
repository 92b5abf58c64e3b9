"""measure_conversations and compare_personas(measure=true)."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from ended_conversations import (
    STOCK_PERSONA_ID,
    build_transcript,
    create_ended_conversation,
    start_conversation,
    store_ended_conversation,
)
from mcp_client import ToolClient

from tavus_mcp.conversations import measure, report
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.anyio
OTHER_PERSONA_ID = "pcb7a34da5fe"


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
    await create_ended_conversation(
        sandbox_client, build_transcript(99), persona_id=OTHER_PERSONA_ID
    )
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
    assert "no ended call" in result["notes"][0]
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
    assert "not an id" in why["c/../x"]


async def test_comparing_distinguishes_a_slower_persona_from_chance(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    quick = await tool_client.create_persona(name="Quick")
    slow = await tool_client.create_persona(name="Slow")
    for number in range(14):
        await create_ended_conversation(sandbox_client, build_transcript(number), persona_id=quick)
        await create_ended_conversation(
            sandbox_client, build_transcript(100 + number, gap_seconds=2.0), persona_id=slow
        )
    plain = await tool_client.expect_result("compare_personas", first=quick, second=slow)
    assert "figures" not in plain
    result = await tool_client.expect_result(
        "compare_personas", first=quick, second=slow, measure=True
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
    same = await tool_client.expect_result(
        "compare_personas", first=quick, second=quick, measure=True
    )
    assert "same calls" in same["figures"]["verdict"]
    assert "figures" not in same["figures"]


async def test_a_comparison_says_that_older_calls_are_left_out(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "MAX_COMPARED_CONVERSATIONS", 2)
    ids = [await tool_client.create_persona() for _ in range(2)]
    for number, persona_id in enumerate([ids[0], ids[0], *[ids[1]] * 3]):
        await create_ended_conversation(
            sandbox_client, build_transcript(number), persona_id=persona_id
        )
    result = await tool_client.expect_result(
        "compare_personas", first=ids[0], second=ids[1], measure=True
    )
    note = f"Of the 3 calls of {ids[1]} the latest 2 are compared."
    assert result["figures"]["note"].startswith(note)
    assert result["figures"]["second"]["calls"] == 2


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
        "compare_personas", first=STOCK_PERSONA_ID, second=OTHER_PERSONA_ID, measure=True
    )
    assert nothing["figures"]["verdict"] == report.TOO_FEW


def test_scipy_is_loaded_only_when_conversations_are_measured() -> None:
    """Its import takes about two seconds."""
    program = (
        "import tavus_mcp.server.server, sys; print('scipy' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]


async def test_a_selection_truncated_at_the_limit_is_reported(
    tool_client: ToolClient, sandbox_client: httpx2.AsyncClient
) -> None:
    """A verdict of too few calls may be due to the limit alone."""
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
    assert any("3 of these calls were generated by the sandbox" in note for note in result["notes"])


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
    assert result["notes"] == ["It has 3 ended calls, none of them in that time or revision."]
