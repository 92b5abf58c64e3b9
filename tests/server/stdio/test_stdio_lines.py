"""Lines that are no message: each is answered, and the session continues (JSON-RPC 2.0)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_processes import ForkServer
from rawclient import PROTOCOL_REVISIONS, Message, Session

PARSE_ERROR, INVALID_REQUEST = -32700, -32600
TOO_LONG_BYTES = 10 * 1024 * 1024
MALFORMED_LINES: dict[str, tuple[bytes, int]] = {
    "no json": (b"{'jsonrpc': '2.0'}", PARSE_ERROR),
    "cut json": (b'{"jsonrpc": "2.0", "id": 1, "meth', PARSE_ERROR),
    "no utf-8": (b'{"jsonrpc": "2.0", "method": "\xff\xfe"}', PARSE_ERROR),
    "no method": (b'{"jsonrpc": "2.0"}', INVALID_REQUEST),
    "no version": (b'{"method": "tools/list"}', INVALID_REQUEST),
    "a wrong version": (b'{"jsonrpc": "1.0", "method": "tools/list"}', INVALID_REQUEST),
    "a number": (b"42", INVALID_REQUEST),
    "null": (b"null", INVALID_REQUEST),
    "an empty batch": (b"[]", INVALID_REQUEST),
    "a batch": (b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', INVALID_REQUEST),
    "a message of 10 MB": (b'{"jsonrpc": "2.0", "pad": "' + b"x" * TOO_LONG_BYTES + b'"}', -32600),
    "10 MB of noise": (b"x" * TOO_LONG_BYTES, INVALID_REQUEST),
}


@pytest.fixture(scope="module", params=PROTOCOL_REVISIONS)
def session(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    fork_server: ForkServer,
) -> Iterator[Session]:
    with fork_server.start(tmp_path_factory.mktemp("lines"), "--sandbox") as server:
        yield Session(server, request.param).initialize()
        server.close_stdin()
        assert server.process.returncode == 0
        assert server.non_message_lines == []


def is_error_without_id(message: Message) -> bool:
    return "error" in message and message.get("id") is None


@pytest.mark.parametrize("name", MALFORMED_LINES)
def test_an_invalid_line_is_answered_and_the_session_continues(session: Session, name: str) -> None:
    line, code = MALFORMED_LINES[name]
    session.server.send_line(line)
    assert session.server.wait_for_message(is_error_without_id)["error"]["code"] == code
    assert session.request("tools/list")["tools"]


def test_too_deeply_nested_json_is_answered_and_the_session_continues(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    with fork_server.start(tmp_path, "--sandbox") as server:
        session = Session(server, PROTOCOL_REVISIONS[0]).initialize()
        server.send_line(b"[" * 200_000)
        assert server.wait_for_message(is_error_without_id)["error"]["code"] in {
            PARSE_ERROR,
            INVALID_REQUEST,
        }
        assert session.request("tools/list")["tools"]


def test_a_malformed_request_is_answered_with_its_own_id(session: Session) -> None:
    session.server.send({"id": "mine", "method": "tools/list"})
    message = session.server.wait_for_message(lambda message: message.get("id") == "mine")
    assert message["error"]["code"] == INVALID_REQUEST


def test_empty_lines_are_ignored(session: Session) -> None:
    session.server.send_line(b"")
    session.server.send_line(b"  \r")
    assert session.request("tools/list")["tools"]
    assert not session.server.has_message(is_error_without_id)


def test_a_line_that_arrives_in_pieces_is_one_message(session: Session) -> None:
    pipe = session.server.process.stdin
    assert pipe is not None
    request = session.build_request("tools/list")
    for byte in json.dumps(request).encode() + b"\n":
        pipe.write(bytes([byte]))
        pipe.flush()
    assert session.wait_for_response(request["id"])["result"]["tools"]


def test_a_large_message_within_the_limit_is_served(session: Session) -> None:
    body = {"system_prompt": "x" * 1_000_000, "default_replica_id": "rfe12d8b9597"}
    made = session.expect_result("create_persona", name="Long", **body)
    read = session.expect_result("get_persona", persona_id=made["persona_id"], full_prompt=True)
    assert len(read["persona"]["system_prompt"]) == 1_000_000


def test_errors_never_repeat_the_input(session: Session) -> None:
    """Required by us: a rejected value may be a secret."""
    session.server.send_line(b'{"jsonrpc": "2.0", "api_key": "sk-live-0123456789"}')
    assert "sk-live" not in json.dumps(session.server.wait_for_message(is_error_without_id))
