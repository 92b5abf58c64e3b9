"""Answers that never arrive, or that lack information."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import pytest
from mcp_client import text_of
from network import TOTAL_TIMEOUT_SECONDS, FaultScenario

pytestmark = pytest.mark.anyio

CERTAIN = "Nothing was changed"
PERSONA = {"system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}


def plan_fault(line: FaultScenario, method: str, path: str = "/v2/personas*", **fault: Any) -> None:
    line.sandbox_server.send_control_request(
        "POST", "faults", {"method": method, "path": path, "times": 1, **fault}
    )


def count_requests(line: FaultScenario, method: str) -> int:
    return sum(item.startswith(method + " ") for item in line.transport.request_lines)


async def test_a_304_answer_gives_the_status_unchanged(scenario: FaultScenario) -> None:
    """Required by Tavus: 304 when the patch changes nothing; it reads no default back."""
    persona_id = await scenario.tool_client.create_persona(
        layers={"llm": {"extra_body": {"temperature": 0.5}}}
    )
    receipt = await scenario.tool_client.expect_result(
        "configure_llm", persona_id=persona_id, speculative_inference=True
    )
    assert receipt["status"] == "unchanged"
    assert count_requests(scenario, "PATCH") == 1
    (row,) = (
        await scenario.tool_client.expect_result("list_revisions", persona_id=persona_id, limit=1)
    )["revisions"]
    assert row["status"] == "unchanged"


@pytest.mark.parametrize("kind", ["reset_after", "cut_json", "cut_body", "empty"])
async def test_a_creation_without_an_answer_finds_its_persona_and_creates_no_second(
    scenario: FaultScenario, kind: str
) -> None:
    name = f"Found after {kind}"
    plan_fault(scenario, "POST", kind=kind)
    receipt = await scenario.tool_client.expect_result("create_persona", name=name, **PERSONA)
    assert receipt["status"] == "applied"
    (made,) = scenario.sandbox_server.find_personas_by_name(name)
    assert receipt["persona_id"] == made["persona_id"]
    assert any("lost" in item["message"] for item in receipt["findings"])
    assert count_requests(scenario, "POST") == 1


async def test_a_creation_that_never_arrived_is_not_resent_automatically(
    scenario: FaultScenario,
) -> None:
    plan_fault(scenario, "POST", kind="reset_before")
    error = await scenario.tool_client.expect_error(
        "create_persona", name="Never arrived", **PERSONA
    )
    assert "list_personas" in error
    assert count_requests(scenario, "POST") == 1
    assert scenario.sandbox_server.find_personas_by_name("Never arrived") == []


async def test_an_equal_persona_created_just_before_is_not_mistaken_for_the_lost_one(
    scenario: FaultScenario,
) -> None:
    earlier = await scenario.tool_client.expect_result("create_persona", name="Twin", **PERSONA)
    plan_fault(scenario, "POST", kind="reset_before")
    result = await scenario.tool_client.call("create_persona", name="Twin", **PERSONA)
    assert len(scenario.sandbox_server.find_personas_by_name("Twin")) == 1
    facts = result.structured_content or {}
    assert facts.get("persona_id") != earlier["persona_id"], "it was never created"


async def test_a_lost_creation_that_cannot_be_searched_has_an_unknown_outcome(
    scenario: FaultScenario,
) -> None:
    plan_fault(scenario, "POST", kind="reset_after")
    plan_fault(scenario, "GET", kind="status", status=503, times=0)
    error = await scenario.tool_client.expect_error(
        "create_persona", name="Out of sight", **PERSONA
    )
    assert len(scenario.sandbox_server.find_personas_by_name("Out of sight")) == 1
    assert CERTAIN not in error
    assert "list_personas" in error


async def test_a_lost_creation_without_further_answers_is_not_reported_as_unchanged(
    scenario: FaultScenario,
) -> None:
    plan_fault(scenario, "POST", kind="reset_after")
    scenario.transport.is_refused = lambda method, _path: method == "GET"
    error = await scenario.tool_client.expect_error("create_persona", name="In silence", **PERSONA)
    assert len(scenario.sandbox_server.find_personas_by_name("In silence")) == 1
    assert CERTAIN not in error


async def test_a_lost_deletion_without_further_answers_is_not_reported_as_unchanged(
    scenario: FaultScenario,
) -> None:
    persona_id = await scenario.tool_client.create_persona()
    plan = await scenario.tool_client.expect_result("delete_persona", persona_id=persona_id)
    seen = len(scenario.transport.request_lines)
    plan_fault(scenario, "DELETE", kind="reset_after")
    scenario.transport.is_refused = lambda method, _path: (
        method == "GET" and "DELETE" in str(scenario.transport.request_lines[seen:])
    )
    error = await scenario.tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
    assert scenario.sandbox_server.find_persona(persona_id) is None
    assert CERTAIN not in error


async def test_a_lost_change_without_further_answers_has_an_unknown_outcome(
    scenario: FaultScenario,
) -> None:
    persona_id = await scenario.tool_client.create_persona()
    plan_fault(scenario, "PATCH", kind="reset_after")
    scenario.transport.is_refused = lambda method, _path: (
        method == "GET" and "PATCH" in str(scenario.transport.request_lines)
    )
    error = await scenario.tool_client.expect_error(
        "update_persona", persona_id=persona_id, greeting="Ciao."
    )
    assert CERTAIN not in error
    assert "not known" in error
    scenario.transport.is_refused = lambda _method, _path: False
    (row,) = (
        await scenario.tool_client.expect_result("list_revisions", persona_id=persona_id, limit=1)
    )["revisions"]
    assert (row["status"], row["paths"]) == ("applied", ["/greeting"])


@pytest.mark.parametrize(
    ("tool", "change", "place"),
    [
        ("configure_tts", {"api_key": "el-1f6c9d20ab"}, ("layers", "tts", "api_key")),
        ("update_persona", {"memories": ["likes tea"]}, ("memories",)),
    ],
)
async def test_a_change_that_never_arrived_is_not_reported_as_applied(
    scenario: FaultScenario, tool: str, change: dict[str, Any], place: tuple[str, ...]
) -> None:
    """Fields that a read does not show prove nothing: keys are masked, memories are write-only."""
    persona_id = await scenario.tool_client.create_persona(
        layers={"tts": {"tts_engine": "cartesia"}}
    )
    plan_fault(scenario, "PATCH", kind="reset_before")
    result = await scenario.tool_client.call(tool, persona_id=persona_id, **change)
    stored: Any = scenario.sandbox_server.find_persona(persona_id)
    for name in place:
        stored = stored.get(name) if stored else None
    assert stored is None
    assert (result.structured_content or {}).get("status") != "applied", text_of(result)
    (row,) = (
        await scenario.tool_client.expect_result("list_revisions", persona_id=persona_id, limit=1)
    )["revisions"]
    assert row["status"] != "applied"


@pytest.mark.parametrize(
    ("tool", "change"),
    [
        ("update_persona", {"context": "A shop."}),
        ("update_persona", {"unset": ["greeting"]}),
        ("configure_stt", {"hotwords": "Roma"}),
        ("configure_llm", {"temperature": 0.3}),
    ],
    ids=["added", "removed", "layer added", "parent added"],
)
async def test_a_leaf_that_was_never_added_or_removed_is_not_reported_as_applied(
    scenario: FaultScenario, tool: str, change: dict[str, Any]
) -> None:
    persona_id = await scenario.tool_client.create_persona(
        greeting="Hi.", layers={"llm": {"model": "tavus-gpt-oss"}}
    )
    before = scenario.sandbox_server.find_persona(persona_id)
    plan_fault(scenario, "PATCH", kind="reset_before")
    result = await scenario.tool_client.call(tool, persona_id=persona_id, **change)
    assert scenario.sandbox_server.find_persona(persona_id) == before
    assert (result.structured_content or {}).get("status") != "applied", text_of(result)


async def test_a_creation_answered_without_an_id_is_not_reported_as_applied(
    scenario: FaultScenario,
) -> None:
    plan_fault(scenario, "POST", kind="status", status=200, body={})
    result = await scenario.tool_client.call("create_persona", name="Nameless", **PERSONA)
    assert scenario.sandbox_server.find_personas_by_name("Nameless") == []
    assert result.is_error, text_of(result)


async def test_a_write_is_retried_only_when_it_was_provably_not_executed(
    scenario: FaultScenario,
) -> None:
    persona_id = await scenario.tool_client.create_persona(greeting="Hi.")
    plan_fault(scenario, "PATCH", kind="reset_before")
    await scenario.tool_client.expect_error(
        "update_persona", persona_id=persona_id, greeting="Ciao."
    )
    assert count_requests(scenario, "PATCH") == 1
    plan_fault(scenario, "PATCH", kind="status", status=429, headers={"retry-after": "0"})
    await scenario.tool_client.expect_result(
        "update_persona", persona_id=persona_id, greeting="Ciao."
    )
    assert count_requests(scenario, "PATCH") == 3


async def test_a_retry_after_date_is_reported_as_a_waiting_time(
    scenario: FaultScenario,
) -> None:
    """Required by RFC 9110: Retry-After is a number of seconds or a date."""
    persona_id = await scenario.tool_client.create_persona()
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    plan_fault(scenario, "GET", kind="status", status=429, headers={"retry-after": date}, times=0)
    error = await scenario.tool_client.expect_error("get_persona", persona_id=persona_id)
    assert date in error or "minutes" in error
    assert "GMT seconds" not in error


@pytest.mark.parametrize("tool", ["list_personas", "get_persona", "update_persona"])
async def test_an_endless_slow_answer_ends_within_the_time_limit(
    scenario: FaultScenario, tool: str
) -> None:
    persona_id = await scenario.tool_client.create_persona()
    arguments = {
        "list_personas": {},
        "get_persona": {"persona_id": persona_id},
        "update_persona": {"persona_id": persona_id, "greeting": "Ciao."},
    }[tool]
    scenario.sandbox_server.faulty_app.sends_forever = True
    scenario.sandbox_server.faulty_app.is_sent_slowly = lambda method, _path: (
        method == ("PATCH" if tool == "update_persona" else "GET")
    )
    with anyio.fail_after(2.5 * TOTAL_TIMEOUT_SECONDS):  # three attempts would take longer
        result = await scenario.tool_client.call(tool, **arguments)
    assert result.is_error or tool == "update_persona"
