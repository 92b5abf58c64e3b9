"""What the wire carries: protocol only, an answer to everything, whatever was said or printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from pipes import COMMAND, Message, Pipes, started

import pytest

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
def pipes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipes]:
    with started(tmp_path_factory.mktemp("wire"), *COMMAND, "--sandbox") as opened:
        yield opened.greeted()
        opened.hang_up()
        assert (opened.process.returncode, opened.strays) == (0, [])


def nameless(message: Message) -> bool:
    return "error" in message and message.get("id") is None


@pytest.mark.parametrize("spoilt", ["{}", "[1]", "true", "1.5"])
def test_a_request_whose_id_is_none_is_answered(pipes: Pipes, spoilt: str) -> None:
    """JSON-RPC 2.0: an id that cannot be read is answered with null."""
    pipes.line(b'{"jsonrpc": "2.0", "id": %s, "method": "ping"}' % spoilt.encode())
    pipes.request("ping")
    assert pipes.has(nameless)
    pipes.take(nameless)


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_line_is_answered_and_the_session_goes_on(pipes: Pipes, what: str) -> None:
    line, code = SPOILT[what]
    pipes.line(line)
    answer = pipes.take(nameless)
    assert answer["error"]["code"] == code
    assert len(json.dumps(answer)) < 300
    assert pipes.request("ping")["result"] == {}


def test_brackets_too_deep_to_read_do_not_end_the_server(tmp_path: Path) -> None:
    with started(tmp_path, *COMMAND, "--sandbox") as pipes:
        pipes.greeted().line(b"[" * 100_000)
        assert pipes.take(nameless)["error"]["code"] in {PARSE_ERROR, INVALID_REQUEST}
        assert pipes.request("ping")["result"] == {}


@pytest.mark.parametrize(
    "method", ["no/such", "", "tools/delete", "__init__", "tools/call/x", "x" * 10_000]
)
def test_an_unknown_method_is_answered_as_one(pipes: Pipes, method: str) -> None:
    assert pipes.request(method)["error"]["code"] == NO_METHOD
    pipes.send({"method": f"notifications/{method}"})
    assert pipes.request("ping")["result"] == {}


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
def test_parameters_of_a_wrong_shape_are_refused_and_not_repeated(
    pipes: Pipes, params: Message
) -> None:
    answer = pipes.request("tools/call", **params)
    assert answer["error"]["code"] == NO_PARAMS
    assert "canary" not in json.dumps(answer)
    assert "canary" not in pipes.said()


def test_a_message_of_some_megabytes_is_served(pipes: Pipes) -> None:
    body = {"system_prompt": "x" * 4_000_000, "default_replica_id": "rfe12d8b9597"}
    made = pipes.call("create_persona", name="Long", **body)
    assert not made["isError"]


@pytest.mark.parametrize("level", ["WARNING", "DEBUG"])
def test_stdout_carries_protocol_only_whatever_prints_or_logs(tmp_path: Path, level: str) -> None:
    more = {"TAVUS_MCP_LOG_LEVEL": level}
    with started(tmp_path, "-c", CHATTY, "--sandbox", **more) as pipes:
        assert not pipes.greeted().call("list_personas")["isError"]
        assert not pipes.call("get_persona", persona_id="p1af207b8189")["isError"]
        pipes.hang_up()
        assert (pipes.process.returncode, pipes.strays) == (0, [])
        for stray in ("print", "write", "line on descriptor 1", "child", "log line", "warning"):
            assert f"a stray {stray}" in pipes.said()
