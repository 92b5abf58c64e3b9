"""Stdout carries protocol messages only, and every line on stdin is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_processes import ForkServer
from rawclient import Message, Session, start_process

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
TEN_MB = 10 * 1024 * 1024
PRINTING_SERVER = """
import logging, os, subprocess, sys, warnings
def print_everywhere(event, arguments):
    if event == "sqlite3.connect":
        print("a stray print", flush=True)
        sys.__stdout__.write("a stray write\\n"); sys.__stdout__.flush()
        os.write(1, b"a stray line on descriptor 1\\n")
        subprocess.run([sys.executable, "-c", "print('a stray child')"])
        logging.getLogger("stray").error("a stray log line")
        warnings.warn("a stray warning")
sys.addaudithook(print_everywhere)
from tavus_mcp.__main__ import main
main()
"""
"""The server, with a hook that writes in every way when a database is opened, which the first call
does."""

MALFORMED_LINES: dict[str, tuple[bytes, int]] = {
    "no json": (b"{'jsonrpc': '2.0'}", PARSE_ERROR),
    "half a message": (b'{"jsonrpc": "2.0", "id": 1, "meth', PARSE_ERROR),
    "bytes that are no text": (b"\xff\xfe\x00\x80", PARSE_ERROR),
    "a nul": (b"\x00", PARSE_ERROR),
    "a number": (b"42", INVALID_REQUEST),
    "a list": (b"[]", INVALID_REQUEST),
    "no method": (b'{"jsonrpc": "2.0", "id": null}', INVALID_REQUEST),
    "10 MB of a message": (
        b'{"jsonrpc":"2.0","x":"' + b"x" * TEN_MB + b'"}',
        INVALID_REQUEST,
    ),
    "10 MB of nothing": (b" " * TEN_MB, INVALID_REQUEST),
    "10 MB of brackets": (b"[" * TEN_MB, INVALID_REQUEST),
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[Session]:
    with fork_server.start(tmp_path_factory.mktemp("lines"), "--sandbox") as server:
        yield Session(server).initialize()
        server.close_stdin()
        assert (server.process.returncode, server.non_message_lines) == (0, [])


def is_error_without_id(message: Message) -> bool:
    return "error" in message and message.get("id") is None


@pytest.mark.parametrize("request_id", ["{}", "[1]", "true", "1.5"])
def test_a_request_with_a_null_id_is_answered(session: Session, request_id: str) -> None:
    """JSON-RPC 2.0: an id that cannot be read is answered with null."""
    session.server.send_line(
        b'{"jsonrpc": "2.0", "id": %s, "method": "ping"}' % request_id.encode()
    )
    session.request("ping")
    assert session.server.has_message(is_error_without_id)
    session.server.wait_for_message(is_error_without_id)


@pytest.mark.parametrize("name", MALFORMED_LINES)
def test_a_malformed_line_is_answered_and_the_session_continues(
    session: Session, name: str
) -> None:
    line, code = MALFORMED_LINES[name]
    session.server.send_line(line)
    answer = session.server.wait_for_message(is_error_without_id)
    assert answer["error"]["code"] == code
    assert len(json.dumps(answer)) < 300
    assert session.request("ping") == {}


def test_too_deeply_nested_json_does_not_end_the_server(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    with fork_server.start(tmp_path, "--sandbox") as server:
        session = Session(server).initialize()
        server.send_line(b"[" * 100_000)
        assert server.wait_for_message(is_error_without_id)["error"]["code"] in {
            PARSE_ERROR,
            INVALID_REQUEST,
        }
        assert session.request("ping") == {}


@pytest.mark.parametrize(
    "method", ["no/such", "", "tools/delete", "__init__", "tools/call/x", "x" * 10_000]
)
def test_an_unknown_method_is_answered_with_method_not_found(session: Session, method: str) -> None:
    assert session.expect_protocol_error(method)["code"] == METHOD_NOT_FOUND
    session.notify(f"notifications/{method}")
    assert session.request("ping") == {}


@pytest.mark.parametrize(
    "params",
    [
        {"name": 7, "arguments": {}},
        {"name": "get_persona", "arguments": "canary-77f0d1b2c3"},
        {"name": "get_persona", "arguments": ["canary-77f0d1b2c3"]},
        {"arguments": {"api_key": "canary-77f0d1b2c3"}},
        {"name": {"api_key": "canary-77f0d1b2c3"}},
    ],
)
def test_malformed_parameters_are_refused_without_repeating_them(
    session: Session, params: Message
) -> None:
    answer = session.expect_protocol_error("tools/call", **params)
    assert answer["code"] == INVALID_PARAMS
    assert "canary" not in json.dumps(answer)
    assert "canary" not in session.server.read_stderr()


def test_a_message_of_several_megabytes_is_served(session: Session) -> None:
    body = {"system_prompt": "x" * 4_000_000, "default_replica_id": "rfe12d8b9597"}
    assert session.expect_result("create_persona", name="Long", **body)["persona_id"]


@pytest.mark.parametrize("level", ["WARNING", "DEBUG"])
def test_stdout_carries_only_protocol_messages_despite_prints_and_logs(
    tmp_path: Path, level: str
) -> None:
    environment = {"TAVUS_MCP_LOG_LEVEL": level}
    arguments = ("-c", PRINTING_SERVER, "--sandbox")
    with start_process(tmp_path, *arguments, **environment) as server:
        session = Session(server).initialize()
        session.expect_result("list_personas")
        session.expect_result("get_persona", persona_id="p1af207b8189")
        server.close_stdin()
        assert (server.process.returncode, server.non_message_lines) == (0, [])
        for stray in ("print", "write", "line on descriptor 1", "child", "log line", "warning"):
            assert f"a stray {stray}" in server.read_stderr()
