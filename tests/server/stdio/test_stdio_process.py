"""The manners of the process: how it ends, what it prints, and that a slow call blocks nobody."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rawclient import (
    HANDSHAKE_REVISIONS,
    PROTOCOL_REVISIONS,
    ROOT,
    SERVER_ARGUMENTS,
    Session,
    build_environment,
    start_process,
)
from sandboxes import SandboxProcess, run_sandbox

ERAS = (PROTOCOL_REVISIONS[0], PROTOCOL_REVISIONS[-1])
PROMPTLY = 1.0
"""Seconds within which the server is gone once it was told to go."""

CHATTY = """
import os, subprocess, sys
def chat(event, arguments):
    if event == "sqlite3.connect":
        print("a stray print", flush=True)
        os.write(1, b"a stray write\\n")
        subprocess.run(["echo", "a stray child"])
sys.addaudithook(chat)
from tavus_mcp.__main__ import main
main()
"""
"""The server, in which something prints whenever a database is opened: at the first call."""


@pytest.fixture(scope="module")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with run_sandbox(tmp_path_factory.mktemp("tavus")) as opened:
        yield opened


@pytest.mark.parametrize("revision", ERAS)
def test_the_end_of_stdin_ends_the_server_cleanly(tmp_path: Path, revision: str) -> None:
    """Required by MCP: closing stdin is how a host ends a server."""
    with start_process(tmp_path, *SERVER_ARGUMENTS, "--sandbox") as wire:
        Session(wire, revision).initialize().expect_result("list_personas")
        assert wire.close_stdin() < PROMPTLY
        assert (wire.process.returncode, wire.non_message_lines, wire.read_stderr()) == (0, [], "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_server_cleanly(tmp_path: Path, number: int) -> None:
    with start_process(tmp_path, *SERVER_ARGUMENTS, "--sandbox") as wire:
        Session(wire, PROTOCOL_REVISIONS[0]).initialize().expect_result("list_personas")
        assert wire.send_signal(number) < PROMPTLY
        assert (wire.process.returncode, wire.non_message_lines, wire.read_stderr()) == (0, [], "")


def test_an_immediately_closed_stdin_ends_the_server(tmp_path: Path) -> None:
    with start_process(tmp_path, *SERVER_ARGUMENTS, "--sandbox") as wire:
        wire.close_stdin()
        assert (wire.process.returncode, wire.non_message_lines, wire.read_stderr()) == (0, [], "")


@pytest.mark.parametrize("ending", ["stdin", "SIGTERM", "SIGINT"])
def test_a_running_call_does_not_delay_the_end(
    tmp_path: Path, sandbox_process: SandboxProcess, ending: str
) -> None:
    with start_process(tmp_path, *SERVER_ARGUMENTS, **sandbox_process.client_environment) as wire:
        session = Session(wire, PROTOCOL_REVISIONS[0]).initialize()
        sandbox_process.clear_requests()
        sandbox_process.plan_fault(kind="slow", method="GET", delay=30)
        session.send_request("tools/call", name="list_personas", arguments={})
        sandbox_process.wait_for_requests(1)
        took = wire.close_stdin() if ending == "stdin" else wire.send_signal(signal.Signals[ending])
        assert took < PROMPTLY
        assert (wire.process.returncode, wire.non_message_lines, wire.read_stderr()) == (0, [], "")


@pytest.mark.parametrize("revision", ERAS)
def test_other_requests_are_answered_while_a_slow_call_runs(
    tmp_path: Path, sandbox_process: SandboxProcess, revision: str
) -> None:
    """Required by MCP; the newest revision has no ping, there the list of tools stands for it."""
    with start_process(tmp_path, *SERVER_ARGUMENTS, **sandbox_process.client_environment) as wire:
        session = Session(wire, revision).initialize()
        sandbox_process.clear_requests()
        sandbox_process.plan_fault(kind="slow", method="GET", delay=1.5)
        slow = session.send_request("tools/call", name="list_personas", arguments={})
        sandbox_process.wait_for_requests(1)
        session.request("ping" if revision in HANDSHAKE_REVISIONS else "tools/list")
        session.expect_result("list_personas", limit=1)
        assert not wire.has_message(lambda message: message.get("id") == slow)
        assert session.wait_for_response(slow)["result"]["structuredContent"]["personas"]


def test_a_cancelled_call_is_not_answered_and_nothing_else_is_cancelled(
    tmp_path: Path, sandbox_process: SandboxProcess
) -> None:
    """Required by MCP."""
    with start_process(tmp_path, *SERVER_ARGUMENTS, **sandbox_process.client_environment) as wire:
        session = Session(wire, PROTOCOL_REVISIONS[0]).initialize()
        sandbox_process.clear_requests()
        sandbox_process.plan_fault(kind="slow", method="GET", delay=30)
        slow = session.send_request("tools/call", name="list_personas", arguments={})
        sandbox_process.wait_for_requests(1)
        session.notify("notifications/cancelled", requestId=slow)
        session.expect_result("list_personas")
        wire.close_stdin()
        assert not wire.has_message(lambda message: message.get("id") == slow)


@pytest.mark.parametrize("revision", ERAS)
def test_stdout_carries_only_protocol_messages_despite_prints(
    tmp_path: Path, revision: str
) -> None:
    with start_process(tmp_path, "-c", CHATTY, "--sandbox") as wire:
        Session(wire, revision).initialize().expect_result("list_personas")
        wire.close_stdin()
        assert (wire.process.returncode, wire.non_message_lines) == (0, [])
        for stray in ("a stray print", "a stray write", "a stray child"):
            assert stray in wire.read_stderr()


def test_a_closed_stdout_causes_no_traceback(tmp_path: Path) -> None:
    """The reading end is gone before the first answer: a host that died."""
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
    asked = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n' * 3
    try:
        _, said = process.communicate(asked, timeout=60)
    finally:
        process.kill()
    assert said == b""
    assert process.returncode == 0


def test_the_sandbox_keeps_its_state_over_restarts_and_crashes(tmp_path: Path) -> None:
    body = {"system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}
    with start_process(tmp_path, *SERVER_ARGUMENTS, "--sandbox") as wire:
        made = (
            Session(wire, PROTOCOL_REVISIONS[0])
            .initialize()
            .expect_result("create_persona", name="Ada", **body)
        )
        wire.send_signal(signal.SIGTERM)
    with start_process(tmp_path, *SERVER_ARGUMENTS, "--sandbox") as wire:
        session = Session(wire, PROTOCOL_REVISIONS[1]).initialize()
        session.expect_result(
            "edit_prompt", persona_id=made["persona_id"], find="help", replace="listen"
        )
        wire.send_signal(signal.SIGKILL)
    with start_process(tmp_path, *SERVER_ARGUMENTS, "--sandbox") as wire:
        session = Session(wire, PROTOCOL_REVISIONS[2]).initialize()
        read = session.expect_result("get_persona", persona_id=made["persona_id"])["persona"]
    assert (read["persona_name"], read["system_prompt"]) == ("Ada", "You listen.")
