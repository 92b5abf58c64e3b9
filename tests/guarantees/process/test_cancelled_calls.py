"""Cancelled calls: a read stops; whether a write took effect is reported on the next read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from forked_processes import ForkServer
from rawclient import TIMEOUT_SECONDS, Session
from stubtavus import StubApi, serve_stub_api


@contextmanager
def open_session(fork_server: ForkServer, folder: Path, tavus: StubApi) -> Iterator[Session]:
    """Open a session with a server that sends its requests to this API."""
    with fork_server.start(folder, **tavus.environment) as server:
        yield Session(server).initialize()


def cancel_request(session: Session, request_id: object) -> None:
    session.notify("notifications/cancelled", requestId=request_id)


def start_call(session: Session, tavus: StubApi, tool: str, **arguments: Any) -> int:
    """Call a tool, and wait until its request has arrived at Tavus."""
    request_id = session.send_request("tools/call", name=tool, arguments=arguments)
    assert tavus.request_arrived.wait(TIMEOUT_SECONDS), session.server.read_stderr()
    return request_id


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("get_persona", {"persona_id": "p1"}), ("list_personas", {"name_contains": "b"})],
)
def test_cancelling_a_read_stops_its_request(
    tmp_path: Path, fork_server: ForkServer, tool: str, arguments: dict[str, Any]
) -> None:
    with serve_stub_api() as tavus, open_session(fork_server, tmp_path, tavus) as session:
        tavus.withheld_methods = {"GET"}
        slow = start_call(session, tavus, tool, **arguments)
        assert not tavus.connection_dropped.is_set()
        cancel_request(session, slow)
        assert tavus.connection_dropped.wait(TIMEOUT_SECONDS)
        tavus.withheld_methods = set()
        session.expect_result("get_persona", persona_id="p1")
        assert not session.server.has_message(
            lambda message: message.get("id") == slow and "result" in message
        )


@pytest.mark.parametrize("took_effect", [True, False], ids=["took effect", "did not"])
def test_the_outcome_of_a_cancelled_write_is_reported_on_the_next_read(
    tmp_path: Path, fork_server: ForkServer, took_effect: bool
) -> None:
    with serve_stub_api() as tavus, open_session(fork_server, tmp_path, tavus) as session:
        tavus.withheld_methods = {"PATCH"}
        tavus.ignored_methods = set() if took_effect else {"PATCH"}
        slow = start_call(session, tavus, "update_persona", persona_id="p1", greeting="Hello")
        cancel_request(session, slow)
        session.request("ping")
        read = session.expect_result("get_persona", persona_id="p1")
        message = read["findings"][0]["message"]
        assert "update_persona" in message
        assert ("took effect" in message and "not" not in message) is took_effect
        assert (read["persona"].get("greeting") == "Hello") is took_effect
        again = session.expect_result("get_persona", persona_id="p1")
        assert "findings" not in again
        rows = session.expect_result("list_revisions", persona_id="p1")["revisions"]
        status = [row["status"] for row in rows if row.get("tool") == "update_persona"]
        assert status == ["applied" if took_effect else "unknown"]


def test_the_outcome_of_a_cancelled_write_is_reported_after_a_restart(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    """The history shows it: the journal holds the intent, and the stored persona the outcome."""
    with serve_stub_api() as tavus:
        with open_session(fork_server, tmp_path, tavus) as session:
            tavus.withheld_methods = {"PATCH"}
            slow = start_call(session, tavus, "update_persona", persona_id="p1", greeting="Hello")
            cancel_request(session, slow)
            session.request("ping")
        tavus.withheld_methods = set()
        with open_session(fork_server, tmp_path, tavus) as session:
            answer = session.expect_result("list_revisions", persona_id="p1")
    row = answer["revisions"][0]
    assert (row["tool"], row["status"]) == ("update_persona", "applied")


def test_the_outcome_of_a_cancelled_deletion_is_reported_on_the_next_read(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    with serve_stub_api() as tavus, open_session(fork_server, tmp_path, tavus) as session:
        planned = session.expect_result("delete_persona", persona_id="p1")
        tavus.withheld_methods = {"DELETE"}
        slow = start_call(session, tavus, "apply_plan", plan_id=planned["plan_id"])
        cancel_request(session, slow)
        session.request("ping")
        read = session.expect_result("get_persona", persona_id="p1")
        assert "delete_persona" in read["findings"][0]["message"]


def test_a_slow_call_does_not_block_other_calls(tmp_path: Path, fork_server: ForkServer) -> None:
    """Required by MCP. The slow call is never answered, so the others cannot have waited for it."""
    with serve_stub_api() as tavus, open_session(fork_server, tmp_path, tavus) as session:
        tavus.withheld_methods = {"GET"}
        slow = start_call(session, tavus, "get_persona", persona_id="p1")
        assert session.request("ping") == {}
        assert session.request("tools/list")["tools"]
        session.expect_result("describe_layer", layer="llm")
        tavus.withheld_methods = set()
        session.expect_result("get_persona", persona_id="p1")
        assert not session.server.has_message(lambda message: message.get("id") == slow)


def test_a_cancellation_of_an_unknown_request_is_ignored(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    with serve_stub_api() as tavus, open_session(fork_server, tmp_path, tavus) as session:
        for request_id in (999, "nobody", -1):
            cancel_request(session, request_id)
        assert session.request("ping") == {}
        session.expect_result("get_persona", persona_id="p1")
