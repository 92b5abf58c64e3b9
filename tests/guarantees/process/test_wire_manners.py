"""What the wire carries: protocol only, an answer to everything, whatever was said or printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rawclient import SERVER_ARGUMENTS, Message, Session, start_process

PARSE_ERROR, INVALID_REQUEST, NO_METHOD, NO_PARAMS = -32700, -32600, -32601, -32602
TEN_MB = 10 * 1024 * 1024
CHATTY = """
import logging, os, subprocess, sys, warnings
def chat(event, arguments):
    if event == "sqlite3.connect":
        print("a stray print", flush=True)
        sys.__stdout__.write("a stray write\\n"); sys.__stdout__.flush()
        os.write(1, b"a stray line on descriptor 1\\n")
        subprocess.run([sys.executable, "-c", "print('a stray child')"])
        logging.getLogger("stray").error("a stray log line")
        warnings.warn("a stray warning")
sys.addaudithook(chat)
from tavus_mcp.__main__ import main
main()
"""
"""The server, in which everything talks whenever a database is opened: at the first call."""

SPOILT: dict[str, tuple[bytes, int]] = {
    "no json": (b"{'jsonrpc': '2.0'}", PARSE_ERROR),
    "half a message": (b'{"jsonrpc": "2.0", "id": 1, "meth', PARSE_ERROR),
    "bytes that are no text": (b"\xff\xfe\x00\x80", PARSE_ERROR),
    "a nul": (b"\x00", PARSE_ERROR),
    "a number": (b"42", INVALID_REQUEST),
    "a list": (b"[]", INVALID_REQUEST),
    "no method": (b'{"jsonrpc": "2.0", "id": null}', INVALID_REQUEST),
    "10 MB of a message": (b'{"jsonrpc":"2.0","x":"' + b"x" * TEN_MB + b'"}', INVALID_REQUEST),
    "10 MB of nothing": (b" " * TEN_MB, INVALID_REQUEST),
    "10 MB of brackets": (b"[" * TEN_MB, INVALID_REQUEST),
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with start_process(tmp_path_factory.mktemp("wire"), *SERVER_ARGUMENTS, "--sandbox") as wire:
        yield Session(wire).initialize()
        wire.close_stdin()
        assert (wire.process.returncode, wire.non_message_lines) == (0, [])


def is_error_without_id(message: Message) -> bool:
    return "error" in message and message.get("id") is None


@pytest.mark.parametrize("spoilt", ["{}", "[1]", "true", "1.5"])
def test_a_request_with_a_null_id_is_answered(session: Session, spoilt: str) -> None:
    """JSON-RPC 2.0: an id that cannot be read is answered with null."""
    session.server.send_line(b'{"jsonrpc": "2.0", "id": %s, "method": "ping"}' % spoilt.encode())
    session.request("ping")
    assert session.server.has_message(is_error_without_id)
    session.server.wait_for_message(is_error_without_id)


@pytest.mark.parametrize("what", SPOILT)
def test_a_malformed_line_is_answered_and_the_session_continues(
    session: Session, what: str
) -> None:
    line, code = SPOILT[what]
    session.server.send_line(line)
    answer = session.server.wait_for_message(is_error_without_id)
    assert answer["error"]["code"] == code
    assert len(json.dumps(answer)) < 300
    assert session.request("ping") == {}


def test_too_deeply_nested_json_does_not_end_the_server(tmp_path: Path) -> None:
    with start_process(tmp_path, *SERVER_ARGUMENTS, "--sandbox") as wire:
        session = Session(wire).initialize()
        wire.send_line(b"[" * 100_000)
        assert wire.wait_for_message(is_error_without_id)["error"]["code"] in {
            PARSE_ERROR,
            INVALID_REQUEST,
        }
        assert session.request("ping") == {}


@pytest.mark.parametrize(
    "method", ["no/such", "", "tools/delete", "__init__", "tools/call/x", "x" * 10_000]
)
def test_an_unknown_method_is_answered_with_method_not_found(session: Session, method: str) -> None:
    assert session.expect_protocol_error(method)["code"] == NO_METHOD
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
    assert answer["code"] == NO_PARAMS
    assert "canary" not in json.dumps(answer)
    assert "canary" not in session.server.read_stderr()


def test_a_message_of_several_megabytes_is_served(session: Session) -> None:
    body = {"system_prompt": "x" * 4_000_000, "default_replica_id": "rfe12d8b9597"}
    assert session.expect_result("create_persona", name="Long", **body)["persona_id"]


@pytest.mark.parametrize("level", ["WARNING", "DEBUG"])
def test_stdout_carries_only_protocol_messages_despite_prints_and_logs(
    tmp_path: Path, level: str
) -> None:
    more = {"TAVUS_MCP_LOG_LEVEL": level}
    with start_process(tmp_path, "-c", CHATTY, "--sandbox", **more) as wire:
        session = Session(wire).initialize()
        session.expect_result("list_personas")
        session.expect_result("get_persona", persona_id="p1af207b8189")
        wire.close_stdin()
        assert (wire.process.returncode, wire.non_message_lines) == (0, [])
        for stray in ("print", "write", "line on descriptor 1", "child", "log line", "warning"):
            assert f"a stray {stray}" in wire.read_stderr()
