"""Answers that never come, or that say less than they should."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import pytest
from mcp_client import text_of
from network import Line

pytestmark = pytest.mark.anyio

CERTAIN = "Nothing was changed"
PERSONA = {"system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}


def fails(line: Line, method: str, path: str = "/v2/personas*", **fault: Any) -> None:
    line.tavus.control("POST", "faults", {"method": method, "path": path, "times": 1, **fault})


def count(line: Line, method: str) -> int:
    return sum(item.startswith(method + " ") for item in line.wire.lines)


async def test_a_change_that_tavus_sees_as_none_is_unchanged(line: Line) -> None:
    """Required by Tavus: 304 when the patch changes nothing; it reads no default back."""
    persona_id = await line.desk.create(layers={"llm": {"extra_body": {"temperature": 0.5}}})
    receipt = await line.desk.facts(
        "configure_llm", persona_id=persona_id, speculative_inference=True
    )
    assert receipt["status"] == "unchanged"
    assert count(line, "PATCH") == 1
    (row,) = (await line.desk.facts("list_revisions", persona_id=persona_id, limit=1))["revisions"]
    assert row["status"] == "unchanged"


@pytest.mark.parametrize("kind", ["reset_after", "cut_json", "cut_body", "empty"])
async def test_a_persona_whose_creation_got_no_answer_is_found_and_not_made_twice(
    line: Line, kind: str
) -> None:
    name = f"Found after {kind}"
    fails(line, "POST", kind=kind)
    receipt = await line.desk.facts("create_persona", name=name, **PERSONA)
    assert receipt["status"] == "applied"
    (made,) = line.tavus.named(name)
    assert receipt["persona_id"] == made["persona_id"]
    assert any("lost" in item["message"] for item in receipt["findings"])
    assert count(line, "POST") == 1


async def test_a_persona_whose_creation_never_arrived_is_not_sent_again_by_itself(
    line: Line,
) -> None:
    fails(line, "POST", kind="reset_before")
    told = await line.desk.refusal("create_persona", name="Never arrived", **PERSONA)
    assert "list_personas" in told
    assert count(line, "POST") == 1
    assert line.tavus.named("Never arrived") == []


async def test_an_equal_persona_made_a_moment_before_is_not_taken_for_the_lost_one(
    line: Line,
) -> None:
    earlier = await line.desk.facts("create_persona", name="Twin", **PERSONA)
    fails(line, "POST", kind="reset_before")
    result = await line.desk.call("create_persona", name="Twin", **PERSONA)
    assert len(line.tavus.named("Twin")) == 1
    facts = result.structured_content or {}
    assert facts.get("persona_id") != earlier["persona_id"], "it was never created"


async def test_a_lost_creation_that_cannot_be_looked_for_is_told_as_unknown(line: Line) -> None:
    fails(line, "POST", kind="reset_after")
    fails(line, "GET", kind="status", status=503, times=0)
    told = await line.desk.refusal("create_persona", name="Out of sight", **PERSONA)
    assert len(line.tavus.named("Out of sight")) == 1
    assert CERTAIN not in told
    assert "list_personas" in told


async def test_a_lost_creation_followed_by_silence_is_not_called_unchanged(line: Line) -> None:
    fails(line, "POST", kind="reset_after")
    line.wire.refused = lambda method, _path: method == "GET"
    told = await line.desk.refusal("create_persona", name="In silence", **PERSONA)
    assert len(line.tavus.named("In silence")) == 1
    assert CERTAIN not in told


async def test_a_lost_deletion_followed_by_silence_is_not_called_unchanged(line: Line) -> None:
    persona_id = await line.desk.create()
    plan = await line.desk.facts("delete_persona", persona_id=persona_id)
    seen = len(line.wire.lines)
    fails(line, "DELETE", kind="reset_after")
    line.wire.refused = lambda method, _path: (
        method == "GET" and "DELETE" in str(line.wire.lines[seen:])
    )
    told = await line.desk.refusal("apply_plan", plan_id=plan["plan_id"])
    assert line.tavus.persona(persona_id) is None
    assert CERTAIN not in told


async def test_a_lost_change_followed_by_silence_is_told_as_unknown(line: Line) -> None:
    persona_id = await line.desk.create()
    fails(line, "PATCH", kind="reset_after")
    line.wire.refused = lambda method, _path: method == "GET" and "PATCH" in str(line.wire.lines)
    told = await line.desk.refusal("update_persona", persona_id=persona_id, greeting="Ciao.")
    assert CERTAIN not in told
    assert "not known" in told
    line.wire.refused = lambda _method, _path: False
    (row,) = (await line.desk.facts("list_revisions", persona_id=persona_id, limit=1))["revisions"]
    assert (row["status"], row["paths"]) == ("applied", ["/greeting"])


@pytest.mark.parametrize(
    ("tool", "change", "place"),
    [
        ("configure_tts", {"api_key": "el-1f6c9d20ab"}, ("layers", "tts", "api_key")),
        ("update_persona", {"memories": ["likes tea"]}, ("memories",)),
    ],
)
async def test_a_change_that_cannot_be_read_and_never_arrived_is_not_called_applied(
    line: Line, tool: str, change: dict[str, Any], place: tuple[str, ...]
) -> None:
    """What a read does not show proves nothing: keys are masked, memories are write-only."""
    persona_id = await line.desk.create(layers={"tts": {"tts_engine": "cartesia"}})
    fails(line, "PATCH", kind="reset_before")
    result = await line.desk.call(tool, persona_id=persona_id, **change)
    stored: Any = line.tavus.persona(persona_id)
    for name in place:
        stored = stored.get(name) if stored else None
    assert stored is None
    assert (result.structured_content or {}).get("status") != "applied", text_of(result)
    (row,) = (await line.desk.facts("list_revisions", persona_id=persona_id, limit=1))["revisions"]
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
async def test_a_leaf_that_was_never_added_or_removed_is_not_called_applied(
    line: Line, tool: str, change: dict[str, Any]
) -> None:
    persona_id = await line.desk.create(greeting="Hi.", layers={"llm": {"model": "tavus-gpt-oss"}})
    before = line.tavus.persona(persona_id)
    fails(line, "PATCH", kind="reset_before")
    result = await line.desk.call(tool, persona_id=persona_id, **change)
    assert line.tavus.persona(persona_id) == before
    assert (result.structured_content or {}).get("status") != "applied", text_of(result)


async def test_a_creation_answered_without_an_id_is_not_called_applied(line: Line) -> None:
    fails(line, "POST", kind="status", status=200, body={})
    result = await line.desk.call("create_persona", name="Nameless", **PERSONA)
    assert line.tavus.named("Nameless") == []
    assert result.is_error, text_of(result)


async def test_a_write_is_tried_again_only_when_it_was_provably_not_executed(line: Line) -> None:
    persona_id = await line.desk.create(greeting="Hi.")
    fails(line, "PATCH", kind="reset_before")
    await line.desk.refusal("update_persona", persona_id=persona_id, greeting="Ciao.")
    assert count(line, "PATCH") == 1
    fails(line, "PATCH", kind="status", status=429, headers={"retry-after": "0"})
    await line.desk.facts("update_persona", persona_id=persona_id, greeting="Ciao.")
    assert count(line, "PATCH") == 3


async def test_how_long_to_wait_is_said_in_words_when_tavus_gives_a_date(line: Line) -> None:
    """Required by RFC 9110: Retry-After is a number of seconds or a date."""
    persona_id = await line.desk.create()
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    fails(line, "GET", kind="status", status=429, headers={"retry-after": date}, times=0)
    told = await line.desk.refusal("get_persona", persona_id=persona_id)
    assert date in told or "minutes" in told
    assert "GMT seconds" not in told


@pytest.mark.parametrize("tool", ["list_personas", "get_persona", "update_persona"])
async def test_an_answer_that_drips_for_ever_ends_within_the_budget(line: Line, tool: str) -> None:
    persona_id = await line.desk.create()
    arguments = {
        "list_personas": {},
        "get_persona": {"persona_id": persona_id},
        "update_persona": {"persona_id": persona_id, "greeting": "Ciao."},
    }[tool]
    line.tavus.hindered.endless = True
    line.tavus.hindered.drips = lambda method, _path: (
        method == ("PATCH" if tool == "update_persona" else "GET")
    )
    with anyio.fail_after(2.5):
        result = await line.desk.call(tool, **arguments)
    assert result.is_error or tool == "update_persona"
