"""Messages of clients that deviate from MCP are read, or refused without ending the session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from forked_processes import ForkServer
from mcp_types import JSONRPCNotification
from rawclient import ENVELOPE_REVISION, HANDSHAKE_REVISIONS, Message, Session, text_of

from tavus_mcp.server.stdio import dump_message

METHOD_NOT_FOUND = -32601
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": "i",
    "method": "initialize",
    "params": {
        "protocolVersion": HANDSHAKE_REVISIONS[-1],
        "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    },
}


@pytest.fixture
def session(tmp_path: Path, fork_server: ForkServer) -> Iterator[Session]:
    with fork_server.start(tmp_path, "--sandbox") as server:
        yield Session(server, HANDSHAKE_REVISIONS[-1]).initialize()


def call_raw(session: Session, arguments: Any, tool: str = "list_personas") -> Message:
    params = {"name": tool, "arguments": arguments}
    request = {"jsonrpc": "2.0", "id": "raw", "method": "tools/call", "params": params}
    session.server.send_line(json.dumps(request).encode())
    return session.server.wait_for_message(lambda message: message.get("id") == "raw")


@pytest.mark.parametrize("arguments", [[], None, "", "{}", {}, '""', '"{}"'], ids=repr)
def test_no_arguments_may_be_written_in_several_ways(session: Session, arguments: Any) -> None:
    assert not call_raw(session, arguments)["result"].get("isError")


def test_null_for_an_argument_of_a_prompt_means_not_given(session: Session) -> None:
    arguments = {"brief": "A guide at a hotel.", "replica": None}
    prompt = session.request("prompts/get", name="create_from_brief", arguments=arguments)
    assert "None" not in prompt["messages"][0]["content"]["text"]


@pytest.mark.parametrize("arguments", [5, True, ["x"], "x", '"x"'], ids=repr)
def test_arguments_that_are_no_object_are_refused(session: Session, arguments: Any) -> None:
    assert "arguments must be an object" in call_raw(session, arguments)["error"]["message"]


def test_half_a_character_in_an_argument_is_refused_by_the_tool(session: Session) -> None:
    result = call_raw(session, {"name_contains": "x\ud83d"})["result"]
    assert result["isError"]
    assert "/name_contains: holds half of a character" in text_of(result)
    assert session.request("tools/list")["tools"]


@pytest.mark.parametrize("tool", ["x\ud83d", "\udc00"], ids=["high", "low"])
def test_half_a_character_elsewhere_is_an_invalid_request(session: Session, tool: str) -> None:
    params = {"name": tool, "arguments": {}}
    request = {"jsonrpc": "2.0", "id": "raw", "method": "tools/call", "params": params}
    session.server.send_line(json.dumps(request).encode())
    error = session.server.wait_for_message(lambda message: message.get("id") == "raw")["error"]
    assert "/params/name: holds half of a character" in error["message"]
    assert session.request("tools/list")["tools"]


def test_nan_in_an_argument_is_refused_by_the_tool(session: Session) -> None:
    result = call_raw(session, {"limit": float("nan")})["result"]
    assert result["isError"]
    assert "/limit: must be a finite number" in text_of(result)
    assert session.request("tools/list")["tools"]


@pytest.mark.parametrize(
    "capabilities",
    [
        True,
        [],
        {"roots": True},
        {"elicitation": True, "sampling": False},
        {"roots": None},
        {"elicitation": {"form": True, "url": False}},
        {"roots": {"listChanged": True}, "sampling": {"tools": True, "context": None}},
    ],
    ids=repr,
)
def test_capabilities_may_be_given_as_true(
    tmp_path: Path, fork_server: ForkServer, capabilities: Any
) -> None:
    with fork_server.start(tmp_path, "--sandbox") as server:
        params = {**INITIALIZE["params"], "capabilities": capabilities}  # type: ignore[dict-item]
        server.send({**INITIALIZE, "params": params})
        assert server.wait_for_message(lambda message: message.get("id") == "i")["result"]


def test_lines_as_written_on_windows_are_accepted(tmp_path: Path, fork_server: ForkServer) -> None:
    """With a byte order mark before the first or each line, and CR LF after it."""
    with fork_server.start(tmp_path, "--sandbox") as server:
        for request_id in ("i", "j"):
            request = {**INITIALIZE, "id": request_id}
            request |= {} if request_id == "i" else {"method": "ping", "params": {}}
            server.send_line(b"\xef\xbb\xbf" + json.dumps(request).encode() + b"\r")
            server.send_line(b"\xef\xbb\xbf\r")
            answer = server.wait_for_message(lambda message: "id" in message)
            assert (answer["id"], "result" in answer) == (request_id, True)


@pytest.mark.parametrize(
    "params", [[], {"_meta": []}, {"_meta": {"progressToken": None}}], ids=json.dumps
)
def test_empty_parameters_may_be_written_in_several_ways(session: Session, params: Any) -> None:
    session.server.send({"jsonrpc": "2.0", "id": "raw", "method": "tools/list", "params": params})
    answer = session.server.wait_for_message(lambda message: message.get("id") == "raw")
    assert answer["result"]["tools"]


def test_half_a_character_in_an_answer_is_replaced() -> None:
    message = JSONRPCNotification(
        jsonrpc="2.0", method="notifications/message", params={"data": "x\ud83d", "\udc00": 1}
    )
    sent = json.loads(dump_message(message).encode())
    assert sent["params"] == {"data": "x\ufffd", "\ufffd": 1}


def test_no_changes_of_lists_are_promised(tmp_path: Path, fork_server: ForkServer) -> None:
    """The server sends no such notification; a client that waited for it would show old data."""
    with fork_server.start(tmp_path, "--sandbox") as server:
        session = Session(server, ENVELOPE_REVISION)
        capabilities = session.request("server/discover")["capabilities"]
        assert [capabilities[name] for name in ("tools", "resources", "prompts")] == [
            {"listChanged": False},
            {"subscribe": True, "listChanged": False},
            {"listChanged": False},
        ]


def test_half_a_character_in_a_response_is_replaced(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    """The answer to a form reaches the call that waits for it."""
    with fork_server.start(tmp_path, "--sandbox") as server:
        capabilities = {"elicitation": {"form": True}}
        params = {**INITIALIZE["params"], "capabilities": capabilities}  # type: ignore[dict-item]
        server.send({**INITIALIZE, "params": params})
        server.wait_for_message(lambda message: message.get("id") == "i")
        session = Session(server, HANDSHAKE_REVISIONS[-1])
        session.notify("notifications/initialized")
        copy = session.expect_result("create_persona", name="Copy", based_on="p1af207b8189")
        arguments = {"persona_id": copy["persona_id"]}
        call = session.send_request("tools/call", name="delete_persona", arguments=arguments)
        form = server.wait_for_message(
            lambda message: message.get("method") == "elicitation/create"
        )
        content = {"persona_name": "x\ud83d"}
        server.send(
            {"jsonrpc": "2.0", "id": form["id"], "result": {"action": "accept", "content": content}}
        )
        answer = session.wait_for_response(call)["result"]
        assert answer["structuredContent"]["status"] == "planned"
