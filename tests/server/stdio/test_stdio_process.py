"""The server process: how it ends, what it prints, and that a slow call blocks no other.

The interpreter of a forked process is finalized in these tests, as it is in a process that was
started. Starting is tested in ``guarantees/process``.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from forked_processes import ForkServer
from rawclient import (
    HANDSHAKE_REVISIONS,
    PROTOCOL_REVISIONS,
    ROOT,
    SERVER_ARGUMENTS,
    TIMEOUT_SECONDS,
    ServerProcess,
    Session,
    build_environment,
    require_fast,
)
from sandboxes import SandboxProcess, run_sandbox

OLDEST_AND_NEWEST = (PROTOCOL_REVISIONS[0], PROTOCOL_REVISIONS[-1])
MAX_SECONDS_TO_END = 1.0
"""From the request to end until the process has ended."""

PRINTING_SERVER = """
import os, subprocess, sys
def print_something(event, arguments):
    if event == "sqlite3.connect":
        print("a stray print", flush=True)
        os.write(1, b"a stray write\\n")
        subprocess.run(["echo", "a stray child"])
sys.addaudithook(print_something)
from tavus_mcp.__main__ import main
main()
"""
"""The server, with a hook that prints when a database is opened, which the first call does."""


@pytest.fixture(scope="module")
def sandbox_process(
    tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer
) -> Iterator[SandboxProcess]:
    with run_sandbox(fork_server, tmp_path_factory.mktemp("tavus")) as process:
        yield process


def has_id(request_id: object, message: dict[str, Any]) -> bool:
    return message.get("id") == request_id


def has_ended_cleanly(server: ServerProcess) -> bool:
    """Tell whether the exit status is 0, and nothing but protocol messages was written."""
    output = (server.process.returncode, server.non_message_lines, server.read_stderr())
    return output == (0, [], "")


@pytest.mark.parametrize("revision", OLDEST_AND_NEWEST)
def test_the_end_of_stdin_ends_the_server_cleanly(
    tmp_path: Path, fork_server: ForkServer, revision: str
) -> None:
    """Required by MCP: closing stdin is how a host ends a server."""

    def end() -> float:
        with fork_server.start(tmp_path, "--sandbox", finalizes=True) as server:
            Session(server, revision).initialize().expect_result("list_personas")
            seconds = server.close_stdin()
            assert has_ended_cleanly(server)
        return seconds

    require_fast(end, MAX_SECONDS_TO_END)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_server_cleanly(
    tmp_path: Path, fork_server: ForkServer, number: int
) -> None:
    def end() -> float:
        with fork_server.start(tmp_path, "--sandbox", finalizes=True) as server:
            Session(server, PROTOCOL_REVISIONS[0]).initialize().expect_result("list_personas")
            seconds = server.send_signal(number)
            assert has_ended_cleanly(server)
        return seconds

    require_fast(end, MAX_SECONDS_TO_END)


def test_an_immediately_closed_stdin_ends_the_server(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    with fork_server.start(tmp_path, "--sandbox", finalizes=True) as server:
        server.close_stdin()
        assert has_ended_cleanly(server)


@pytest.mark.parametrize("ending", ["stdin", "SIGTERM", "SIGINT"])
def test_a_running_call_does_not_delay_the_end(
    tmp_path: Path, fork_server: ForkServer, sandbox_process: SandboxProcess, ending: str
) -> None:
    def end() -> float:
        with fork_server.start(
            tmp_path, finalizes=True, **sandbox_process.client_environment
        ) as server:
            session = Session(server, PROTOCOL_REVISIONS[0]).initialize()
            sandbox_process.clear_requests()
            sandbox_process.plan_fault(kind="slow", method="GET", delay=30)
            session.send_request("tools/call", name="list_personas", arguments={})
            sandbox_process.wait_for_requests(1)
            if ending == "stdin":
                seconds = server.close_stdin()
            else:
                seconds = server.send_signal(signal.Signals[ending])
            assert has_ended_cleanly(server)
        return seconds

    require_fast(end, MAX_SECONDS_TO_END)


@pytest.mark.parametrize("revision", OLDEST_AND_NEWEST)
def test_other_requests_are_answered_while_a_slow_call_runs(
    tmp_path: Path, fork_server: ForkServer, sandbox_process: SandboxProcess, revision: str
) -> None:
    """Required by MCP. The newest revision has no ping; the list of tools is requested instead."""
    with fork_server.start(
        tmp_path, finalizes=True, **sandbox_process.client_environment
    ) as server:
        session = Session(server, revision).initialize()
        for delay in (1.5, 6, 24):  # a longer one where this machine is busy with something else
            sandbox_process.clear_requests()
            sandbox_process.plan_fault(kind="slow", method="GET", delay=delay)
            slow = session.send_request("tools/call", name="list_personas", arguments={})
            sandbox_process.wait_for_requests(1)
            session.request("ping" if revision in HANDSHAKE_REVISIONS else "tools/list")
            session.expect_result("list_personas", limit=1)
            is_answered = server.has_message(partial(has_id, slow))
            if not is_answered:
                break
        assert not is_answered
        assert session.wait_for_response(slow)["result"]["structuredContent"]["personas"]


def test_a_cancelled_call_is_not_answered_and_nothing_else_is_cancelled(
    tmp_path: Path, fork_server: ForkServer, sandbox_process: SandboxProcess
) -> None:
    """Required by MCP."""
    with fork_server.start(
        tmp_path, finalizes=True, **sandbox_process.client_environment
    ) as server:
        session = Session(server, PROTOCOL_REVISIONS[0]).initialize()
        sandbox_process.clear_requests()
        sandbox_process.plan_fault(kind="slow", method="GET", delay=30)
        slow = session.send_request("tools/call", name="list_personas", arguments={})
        sandbox_process.wait_for_requests(1)
        session.notify("notifications/cancelled", requestId=slow)
        session.expect_result("list_personas")
        server.close_stdin()
        assert not server.has_message(lambda message: message.get("id") == slow)


@pytest.mark.parametrize("revision", OLDEST_AND_NEWEST)
def test_stdout_carries_only_protocol_messages_despite_prints(
    tmp_path: Path, fork_server: ForkServer, revision: str
) -> None:
    with fork_server.start(tmp_path, "--sandbox", program=PRINTING_SERVER) as server:
        Session(server, revision).initialize().expect_result("list_personas")
        server.close_stdin()
        assert (server.process.returncode, server.non_message_lines) == (0, [])
        for stray in ("a stray print", "a stray write", "a stray child"):
            assert stray in server.read_stderr()


def test_a_closed_stdout_causes_no_traceback(tmp_path: Path) -> None:
    """The reading end is closed before the first answer, as after a crash of the host."""
    process = subprocess.Popen(
        [sys.executable, *SERVER_ARGUMENTS, "--sandbox"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=build_environment(tmp_path),
        cwd=ROOT,
    )
    assert process.stdout is not None
    process.stdout.close()
    request = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
    try:
        _, stderr = process.communicate(request * 3, timeout=TIMEOUT_SECONDS)
    finally:
        process.kill()
    assert (process.returncode, stderr) == (0, b"")


def test_the_sandbox_keeps_its_state_over_restarts_and_crashes(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    body = {"system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}
    with fork_server.start(tmp_path, "--sandbox", finalizes=True) as server:
        made = (
            Session(server, PROTOCOL_REVISIONS[0])
            .initialize()
            .expect_result("create_persona", name="Ada", **body)
        )
        server.send_signal(signal.SIGTERM)
    with fork_server.start(tmp_path, "--sandbox", finalizes=True) as server:
        session = Session(server, PROTOCOL_REVISIONS[1]).initialize()
        session.expect_result(
            "edit_prompt", persona_id=made["persona_id"], find="help", replace="listen"
        )
        server.send_signal(signal.SIGKILL)
    with fork_server.start(tmp_path, "--sandbox", finalizes=True) as server:
        session = Session(server, PROTOCOL_REVISIONS[2]).initialize()
        read = session.expect_result("get_persona", persona_id=made["persona_id"])["persona"]
    assert (read["persona_name"], read["system_prompt"]) == ("Ada", "You listen.")
