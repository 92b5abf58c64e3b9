"""Calls that are given up: a read stops, a write tells on the next read whether it took effect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rawclient import PATIENCE, SERVER, Session, started
from stubtavus import Stub, stub_tavus


@contextmanager
def opened(folder: Path, tavus: Stub) -> Iterator[Session]:
    """Open a session with a server that talks to this Tavus."""
    with started(folder, *SERVER, **tavus.environment) as wire:
        yield Session(wire).opened()


def give_up(session: Session, request_id: object) -> None:
    session.notify("notifications/cancelled", requestId=request_id)


def begun(session: Session, tavus: Stub, tool: str, **arguments: Any) -> int:
    """Call a tool, and wait until its request has arrived at Tavus."""
    request_id = session.begin("tools/call", name=tool, arguments=arguments)
    assert tavus.arrived.wait(PATIENCE), session.wire.said()
    return request_id


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("get_persona", {"persona_id": "p1"}), ("list_personas", {"name_contains": "b"})],
)
def test_a_read_that_is_cancelled_stops_its_request(
    tmp_path: Path, tool: str, arguments: dict[str, Any]
) -> None:
    with stub_tavus() as tavus, opened(tmp_path, tavus) as session:
        tavus.held = {"GET"}
        slow = begun(session, tavus, tool, **arguments)
        assert not tavus.dropped.is_set()
        give_up(session, slow)
        assert tavus.dropped.wait(PATIENCE)
        tavus.held = set()
        session.call("get_persona", persona_id="p1")
        assert not session.wire.is_waiting(
            lambda message: message.get("id") == slow and "result" in message
        )


@pytest.mark.parametrize("took_effect", [True, False], ids=["took effect", "did not"])
def test_a_write_that_is_cancelled_tells_on_the_next_read_what_became_of_it(
    tmp_path: Path, took_effect: bool
) -> None:
    with stub_tavus() as tavus, opened(tmp_path, tavus) as session:
        tavus.held = {"PATCH"}
        tavus.lost = set() if took_effect else {"PATCH"}
        slow = begun(session, tavus, "update_persona", persona_id="p1", greeting="Hello")
        give_up(session, slow)
        session.request("ping")
        read = session.call("get_persona", persona_id="p1")
        told = read["findings"][0]["message"]
        assert "update_persona" in told
        assert ("took effect" in told and "not" not in told) is took_effect
        assert (read["persona"].get("greeting") == "Hello") is took_effect
        again = session.call("get_persona", persona_id="p1")
        assert "findings" not in again
        rows = session.call("list_revisions", persona_id="p1")["revisions"]
        status = [row["status"] for row in rows if row["tool"] == "update_persona"]
        assert status == ["applied" if took_effect else "unknown"]


def test_a_write_that_was_cancelled_is_told_also_after_a_restart(tmp_path: Path) -> None:
    """By the history: the journal holds the intent, and the persona shows what became of it."""
    with stub_tavus() as tavus:
        with opened(tmp_path, tavus) as session:
            tavus.held = {"PATCH"}
            slow = begun(session, tavus, "update_persona", persona_id="p1", greeting="Hello")
            give_up(session, slow)
            session.request("ping")
        tavus.held = set()
        with opened(tmp_path, tavus) as session:
            answer = session.call("list_revisions", persona_id="p1")
    row = answer["revisions"][0]
    assert (row["tool"], row["status"]) == ("update_persona", "applied")


def test_a_deletion_that_is_cancelled_is_told_on_the_next_read(tmp_path: Path) -> None:
    with stub_tavus() as tavus, opened(tmp_path, tavus) as session:
        planned = session.call("delete_persona", persona_id="p1")
        tavus.held = {"DELETE"}
        slow = begun(session, tavus, "apply_plan", plan_id=planned["plan_id"])
        give_up(session, slow)
        session.request("ping")
        read = session.call("get_persona", persona_id="p1")
        assert "delete_persona" in read["findings"][0]["message"]


def test_a_slow_call_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Required by MCP. The slow one is answered never, so what is answered did not wait for it."""
    with stub_tavus() as tavus, opened(tmp_path, tavus) as session:
        tavus.held = {"GET"}
        slow = begun(session, tavus, "get_persona", persona_id="p1")
        assert session.request("ping") == {}
        assert session.request("tools/list")["tools"]
        session.call("describe_layer", layer="llm")
        tavus.held = set()
        session.call("get_persona", persona_id="p1")
        assert not session.wire.is_waiting(lambda message: message.get("id") == slow)


def test_a_cancellation_of_nothing_is_passed_over(tmp_path: Path) -> None:
    with stub_tavus() as tavus, opened(tmp_path, tavus) as session:
        for request_id in (999, "nobody", -1):
            give_up(session, request_id)
        assert session.request("ping") == {}
        session.call("get_persona", persona_id="p1")
