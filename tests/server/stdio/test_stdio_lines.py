"""Invalid lines are answered and the session continues (JSON-RPC 2.0)."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from forked_processes import ForkServer
from rawclient import (
    PROTOCOL_REVISIONS,
    SERVER_ARGUMENTS,
    TIMEOUT_SECONDS,
    Message,
    Session,
    build_environment,
    start_process,
)

from tavus_mcp.server.stdio_lines import MAX_LINE_BYTES

PARSE_ERROR, INVALID_REQUEST = -32700, -32600
MEBIBYTE = 1024 * 1024
TOO_LONG_BYTES = 10 * MEBIBYTE
SILENCE_SECONDS = 0.5
"""A server that takes nothing for so long waits for its reader."""
MAX_UNREAD_BYTES = 2 * MAX_LINE_BYTES + 2 * MEBIBYTE
"""The server reads ahead at most two of the longest lines; the rest is in pipes."""
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": "i",
    "method": "initialize",
    "params": {
        "protocolVersion": PROTOCOL_REVISIONS[0],
        "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    },
}
CALL = {
    "jsonrpc": "2.0",
    "id": "call",
    "method": "tools/call",
    "params": {"name": "get_persona", "arguments": {"persona_id": "p1af207b8189"}},
}
MALFORMED_LINES: dict[str, tuple[bytes, int]] = {
    "no json": (b"{'jsonrpc': '2.0'}", PARSE_ERROR),
    "cut json": (b'{"jsonrpc": "2.0", "id": 1, "meth', PARSE_ERROR),
    "no utf-8": (b'{"jsonrpc": "2.0", "method": "\xff\xfe"}', PARSE_ERROR),
    "no method": (b'{"jsonrpc": "2.0"}', INVALID_REQUEST),
    "no version": (b'{"method": "tools/list"}', INVALID_REQUEST),
    "a wrong version": (b'{"jsonrpc": "1.0", "method": "tools/list"}', INVALID_REQUEST),
    "a nul": (b"\x00", PARSE_ERROR),
    "an id of null": (b'{"jsonrpc": "2.0", "id": null}', INVALID_REQUEST),
    "a number": (b"42", INVALID_REQUEST),
    "null": (b"null", INVALID_REQUEST),
    "an empty batch": (b"[]", INVALID_REQUEST),
    "a batch without requests": (b'[{"jsonrpc": "2.0", "method": "ping"}, 1]', INVALID_REQUEST),
    "a message of 10 MB": (b'{"jsonrpc": "2.0", "pad": "' + b"x" * TOO_LONG_BYTES + b'"}', -32600),
    "10 MB of noise": (b"x" * TOO_LONG_BYTES, INVALID_REQUEST),
    "10 MB of blanks": (b" " * TOO_LONG_BYTES, INVALID_REQUEST),
    "10 MB of brackets": (b"[" * TOO_LONG_BYTES, INVALID_REQUEST),
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
    answer = session.server.wait_for_message(is_error_without_id)
    assert answer["error"]["code"] == code
    assert len(json.dumps(answer)) < 300
    assert session.request("tools/list")["tools"]


@pytest.mark.parametrize("request_id", ["{}", "[1]", "true", "1.5"])
def test_a_request_with_an_invalid_id_is_answered(session: Session, request_id: str) -> None:
    """JSON-RPC 2.0: an id that cannot be read is answered with null."""
    session.server.send_line(
        b'{"jsonrpc": "2.0", "id": %s, "method": "ping"}' % request_id.encode()
    )
    assert session.server.wait_for_message(is_error_without_id)["error"]["code"] == INVALID_REQUEST
    assert session.request("tools/list")["tools"]


def test_each_request_of_a_batch_is_refused(session: Session) -> None:
    batch = [{"jsonrpc": "2.0", "id": name, "method": "ping"} for name in ("b1", "b2")]
    session.server.send([*batch, {"jsonrpc": "2.0", "method": "notifications/x"}])
    for request in batch:
        message = session.server.wait_for_message(lambda item: item.get("id") == request["id"])  # noqa: B023 - called at once
        assert "batches are not supported" in message["error"]["message"]
    assert session.request("tools/list")["tools"]


@pytest.mark.parametrize(
    "response",
    [
        {"id": "r1", "result": None},
        {"id": "r1", "result": 5},
        {"id": "r1", "error": "no"},
        {"id": "r1", "result": {}},
        {"id": "r1", "error": {"code": "x", "message": 1}},
    ],
    ids=json.dumps,
)
def test_a_response_is_never_answered(session: Session, response: Message) -> None:
    """An answer would end the request of the client that has the same id."""
    session.server.send({"jsonrpc": "2.0", **response})
    assert session.request("tools/list")["tools"]
    assert not session.server.has_message(lambda message: message.get("id") == "r1")
    assert not session.server.has_message(is_error_without_id)


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
    """A rejected value may be a secret."""
    session.server.send_line(b'{"jsonrpc": "2.0", "api_key": "sk-live-0123456789"}')
    assert "sk-live" not in json.dumps(session.server.wait_for_message(is_error_without_id))


def test_a_line_of_100_mb_is_answered_and_fills_no_memory(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    with fork_server.start(tmp_path, "--sandbox") as server:
        session = Session(server, PROTOCOL_REVISIONS[0]).initialize()
        assert server.process.stdin is not None
        for _ in range(100):
            server.process.stdin.write(b"x" * MEBIBYTE)
        server.send_line(b"")
        assert server.wait_for_message(is_error_without_id)["error"]["code"] == INVALID_REQUEST
        assert session.request("tools/list")["tools"]


def test_a_thousand_calls_at_once_are_all_answered(tmp_path: Path, fork_server: ForkServer) -> None:
    with fork_server.start(tmp_path, "--sandbox") as server:
        session = Session(server, PROTOCOL_REVISIONS[0]).initialize()
        arguments = {"persona_id": "p1af207b8189"}
        ids = [
            session.send_request("tools/call", name="get_persona", arguments=arguments)
            for _ in range(1_000)
        ]
        for request_id in ids:
            assert not session.wait_for_response(request_id)["result"].get("isError")


def test_invalid_lines_are_not_answered_faster_than_they_are_read(tmp_path: Path) -> None:
    """A client that sends and never reads has to wait; no answer is buffered without limit."""
    with start_process(tmp_path, *SERVER_ARGUMENTS, "--sandbox", reads=False) as server:
        assert server.process.stdin is not None
        descriptor = server.process.stdin.fileno()
        os.set_blocking(descriptor, False)
        written = 0
        _, can_write, _ = select.select([], [descriptor], [], TIMEOUT_SECONDS)
        while can_write and written < MAX_UNREAD_BYTES:
            with suppress(BlockingIOError):
                written += os.write(descriptor, b"no message\n" * 300)
            _, can_write, _ = select.select([], [descriptor], [], SILENCE_SECONDS)
        assert written < MAX_UNREAD_BYTES


def test_a_closed_stdout_does_not_end_the_server_before_stdin_does(tmp_path: Path) -> None:
    with start_process(tmp_path, *SERVER_ARGUMENTS, "--sandbox", reads=False) as server:
        assert server.process.stdout is not None
        server.process.stdout.close()
        for _ in range(50):
            server.send_line(b"no message")
            server.send({"jsonrpc": "2.0", "id": 1, "method": "ping"})
        assert server.close_stdin() < TIMEOUT_SECONDS
        assert (server.process.returncode, server.read_stderr()) == (0, "")


FILE_LINES = [
    b"\xef\xbb\xbf" + json.dumps(INITIALIZE).encode(),
    b'{"jsonrpc": "2.0", "method": "notifications/initialized"}',
    b"no message",
    b"x" * (9 * MEBIBYTE),
    json.dumps(CALL).encode(),
    b'{"jsonrpc": "2.0", "id": "last", "method": "ping"}',
]


@pytest.mark.parametrize("last_line_end", [b"\n", b""])
def test_a_plain_file_on_stdin_is_answered_to_its_end(tmp_path: Path, last_line_end: bytes) -> None:
    """The same reader serves Windows, which has no pipes for asyncio."""
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b"\n".join(FILE_LINES) + last_line_end)
    with source.open("rb") as lines, target.open("wb") as answers:
        done = subprocess.run(
            [sys.executable, *SERVER_ARGUMENTS, "--sandbox"],
            stdin=lines,
            stdout=answers,
            stderr=subprocess.PIPE,
            env=build_environment(tmp_path),
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    messages = [json.loads(line) for line in target.read_bytes().splitlines()]
    assert {message["id"] for message in messages} == {"i", None, "call", "last"}
    assert sum(message["id"] is None for message in messages) == 2
    [called] = [message for message in messages if message["id"] == "call"]
    assert called["result"]["structuredContent"]["persona"]["persona_id"] == "p1af207b8189"


@pytest.mark.extended
def test_an_endless_stream_does_not_keep_a_server_on_a_plain_file(tmp_path: Path) -> None:
    envelope = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    notifications = {"resourceSubscriptions": ["tavus://personas"]}
    listen = {
        "jsonrpc": "2.0",
        "id": "stream",
        "method": "subscriptions/listen",
        "params": {"notifications": notifications, "_meta": envelope},
    }
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(listen) + "\n")
    with source.open("rb") as lines:
        done = subprocess.run(
            [sys.executable, *SERVER_ARGUMENTS, "--sandbox"],
            stdin=lines,
            capture_output=True,
            env=build_environment(tmp_path),
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
