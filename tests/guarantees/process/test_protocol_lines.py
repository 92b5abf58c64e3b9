"""Stdout carries protocol messages only; unknown methods and malformed parameters are refused.

Lines that are no message are tested in ``server/stdio/test_stdio_lines.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_processes import ForkServer
from rawclient import Message, Session, start_process

METHOD_NOT_FOUND, INVALID_PARAMS = -32601, -32602
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


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[Session]:
    with fork_server.start(tmp_path_factory.mktemp("lines"), "--sandbox") as server:
        yield Session(server).initialize()
        server.close_stdin()
        assert (server.process.returncode, server.non_message_lines) == (0, [])


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
