"""Calls that are given up: a read stops, a write tells on the next read whether it took effect."""

from __future__ import annotations

from pathlib import Path
from pipes import COMMAND, PATIENCE, Pipes, Stub, started, stub_tavus
from typing import Any

import pytest


def give_up(pipes: Pipes, request_id: int) -> None:
    pipes.send({"method": "notifications/cancelled", "params": {"requestId": request_id}})


def begun(pipes: Pipes, tavus: Stub, tool: str, **arguments: Any) -> int:
    """Call a tool, and wait until its request has arrived at Tavus."""
    request_id = pipes.begin("tools/call", name=tool, arguments=arguments)
    assert tavus.arrived.wait(PATIENCE), pipes.said()
    return request_id


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("get_persona", {"persona_id": "p1"}), ("list_personas", {"name_contains": "b"})],
)
def test_a_read_that_is_cancelled_stops_its_request(
    tmp_path: Path, tool: str, arguments: dict[str, Any]
) -> None:
    with stub_tavus() as tavus, started(tmp_path, *COMMAND, **tavus.environment) as pipes:
        pipes.greeted()
        tavus.held = {"GET"}
        slow = begun(pipes, tavus, tool, **arguments)
        assert not tavus.dropped.is_set()
        give_up(pipes, slow)
        assert tavus.dropped.wait(PATIENCE)
        tavus.held = set()
        assert not pipes.call("get_persona", persona_id="p1")["isError"]
        assert not pipes.has(lambda message: message.get("id") == slow and "result" in message)


@pytest.mark.parametrize("took_effect", [True, False], ids=["took effect", "did not"])
def test_a_write_that_is_cancelled_tells_on_the_next_read_what_became_of_it(
    tmp_path: Path, took_effect: bool
) -> None:
    with stub_tavus() as tavus, started(tmp_path, *COMMAND, **tavus.environment) as pipes:
        pipes.greeted()
        tavus.held = {"PATCH"}
        tavus.lost = set() if took_effect else {"PATCH"}
        slow = begun(pipes, tavus, "update_persona", persona_id="p1", greeting="Hello")
        give_up(pipes, slow)
        pipes.request("ping")
        read = pipes.call("get_persona", persona_id="p1")["structuredContent"]
        told = read["findings"][0]["message"]
        assert "update_persona" in told
        assert ("took effect" in told and "not" not in told) is took_effect
        assert (read["persona"].get("greeting") == "Hello") is took_effect
        again = pipes.call("get_persona", persona_id="p1")["structuredContent"]
        assert "findings" not in again
        rows = pipes.call("list_revisions", persona_id="p1")["structuredContent"]["revisions"]
        status = [row["status"] for row in rows if row["tool"] == "update_persona"]
        assert status == ["applied" if took_effect else "unknown"]


def test_a_write_that_was_cancelled_is_told_also_after_a_restart(tmp_path: Path) -> None:
    """By the history: the journal holds the intent, and the persona shows what became of it."""
    with stub_tavus() as tavus:
        with started(tmp_path, *COMMAND, **tavus.environment) as pipes:
            pipes.greeted()
            tavus.held = {"PATCH"}
            slow = begun(pipes, tavus, "update_persona", persona_id="p1", greeting="Hello")
            give_up(pipes, slow)
            pipes.request("ping")
        tavus.held = set()
        with started(tmp_path, *COMMAND, **tavus.environment) as pipes:
            answer = pipes.greeted().call("list_revisions", persona_id="p1")
    row = answer["structuredContent"]["revisions"][0]
    assert (row["tool"], row["status"]) == ("update_persona", "applied")


def test_a_deletion_that_is_cancelled_is_told_on_the_next_read(tmp_path: Path) -> None:
    with stub_tavus() as tavus, started(tmp_path, *COMMAND, **tavus.environment) as pipes:
        planned = pipes.greeted().call("delete_persona", persona_id="p1")["structuredContent"]
        tavus.held = {"DELETE"}
        slow = begun(pipes, tavus, "apply_plan", plan_id=planned["plan_id"])
        give_up(pipes, slow)
        pipes.request("ping")
        read = pipes.call("get_persona", persona_id="p1")["structuredContent"]
        assert "delete_persona" in read["findings"][0]["message"]


def test_a_slow_call_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Required by MCP. The slow one is answered never, so what is answered did not wait for it."""
    with stub_tavus() as tavus, started(tmp_path, *COMMAND, **tavus.environment) as pipes:
        pipes.greeted()
        tavus.held = {"GET"}
        slow = begun(pipes, tavus, "get_persona", persona_id="p1")
        assert pipes.request("ping")["result"] == {}
        assert pipes.request("tools/list")["result"]["tools"]
        assert not pipes.call("describe_layer", layer="llm")["isError"]
        tavus.held = set()
        assert not pipes.call("get_persona", persona_id="p1")["isError"]
        assert not pipes.has(lambda message: message.get("id") == slow)


def test_a_cancellation_of_nothing_is_passed_over(tmp_path: Path) -> None:
    with stub_tavus() as tavus, started(tmp_path, *COMMAND, **tavus.environment) as pipes:
        pipes.greeted()
        for request_id in (999, "nobody", -1):
            pipes.send({"method": "notifications/cancelled", "params": {"requestId": request_id}})
        assert pipes.request("ping")["result"] == {}
        assert not pipes.call("get_persona", persona_id="p1")["isError"]
