"""The manners of the process: how it ends, what it prints, and that a slow call blocks nobody."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rawclient import REVISIONS, ROOT, SERVER, WITH_HANDSHAKE, Session, environment, started
from sandboxes import Sandbox, sandbox

ERAS = (REVISIONS[0], REVISIONS[-1])
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
def tavus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("tavus")) as opened:
        yield opened


@pytest.mark.parametrize("revision", ERAS)
def test_the_end_of_stdin_ends_the_server_in_good_order(tmp_path: Path, revision: str) -> None:
    """Required by MCP: closing stdin is how a host ends a server."""
    with started(tmp_path, *SERVER, "--sandbox") as wire:
        Session(wire, revision).opened().call("list_personas")
        assert wire.hang_up() < PROMPTLY
        assert (wire.process.returncode, wire.strays, wire.said()) == (0, [], "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_server_in_good_order(tmp_path: Path, number: int) -> None:
    with started(tmp_path, *SERVER, "--sandbox") as wire:
        Session(wire, REVISIONS[0]).opened().call("list_personas")
        assert wire.signal(number) < PROMPTLY
        assert (wire.process.returncode, wire.strays, wire.said()) == (0, [], "")


def test_stdin_that_ends_before_anything_was_said_ends_the_server(tmp_path: Path) -> None:
    with started(tmp_path, *SERVER, "--sandbox") as wire:
        wire.hang_up()
        assert (wire.process.returncode, wire.strays, wire.said()) == (0, [], "")


@pytest.mark.parametrize("ending", ["stdin", "SIGTERM", "SIGINT"])
def test_a_call_that_still_runs_does_not_delay_the_end(
    tmp_path: Path, tavus: Sandbox, ending: str
) -> None:
    with started(tmp_path, *SERVER, **tavus.as_environment) as wire:
        session = Session(wire, REVISIONS[0]).opened()
        tavus.forget_requests()
        tavus.fail(kind="slow", method="GET", delay=30)
        session.begin("tools/call", name="list_personas", arguments={})
        tavus.wait_for_requests(1)
        took = wire.hang_up() if ending == "stdin" else wire.signal(signal.Signals[ending])
        assert took < PROMPTLY
        assert (wire.process.returncode, wire.strays, wire.said()) == (0, [], "")


@pytest.mark.parametrize("revision", ERAS)
def test_other_requests_are_answered_while_a_slow_call_runs(
    tmp_path: Path, tavus: Sandbox, revision: str
) -> None:
    """Required by MCP; the newest revision has no ping, there the list of tools stands for it."""
    with started(tmp_path, *SERVER, **tavus.as_environment) as wire:
        session = Session(wire, revision).opened()
        tavus.forget_requests()
        tavus.fail(kind="slow", method="GET", delay=1.5)
        slow = session.begin("tools/call", name="list_personas", arguments={})
        tavus.wait_for_requests(1)
        session.request("ping" if revision in WITH_HANDSHAKE else "tools/list")
        session.call("list_personas", limit=1)
        assert not wire.is_waiting(lambda message: message.get("id") == slow)
        assert session.answer(slow)["result"]["structuredContent"]["personas"]


def test_a_cancelled_call_is_not_answered_and_nothing_else_is_cancelled(
    tmp_path: Path, tavus: Sandbox
) -> None:
    """Required by MCP."""
    with started(tmp_path, *SERVER, **tavus.as_environment) as wire:
        session = Session(wire, REVISIONS[0]).opened()
        tavus.forget_requests()
        tavus.fail(kind="slow", method="GET", delay=30)
        slow = session.begin("tools/call", name="list_personas", arguments={})
        tavus.wait_for_requests(1)
        session.notify("notifications/cancelled", requestId=slow)
        session.call("list_personas")
        wire.hang_up()
        assert not wire.is_waiting(lambda message: message.get("id") == slow)


@pytest.mark.parametrize("revision", ERAS)
def test_stdout_carries_protocol_only_whatever_prints(tmp_path: Path, revision: str) -> None:
    with started(tmp_path, "-c", CHATTY, "--sandbox") as wire:
        Session(wire, revision).opened().call("list_personas")
        wire.hang_up()
        assert (wire.process.returncode, wire.strays) == (0, [])
        for stray in ("a stray print", "a stray write", "a stray child"):
            assert stray in wire.said()


def test_a_closed_stdout_is_no_traceback(tmp_path: Path) -> None:
    """The reading end is gone before the first answer: a host that died."""
    process = subprocess.Popen(
        [sys.executable, *SERVER, "--sandbox"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
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
    with started(tmp_path, *SERVER, "--sandbox") as wire:
        made = Session(wire, REVISIONS[0]).opened().call("create_persona", name="Ada", **body)
        wire.signal(signal.SIGTERM)
    with started(tmp_path, *SERVER, "--sandbox") as wire:
        session = Session(wire, REVISIONS[1]).opened()
        session.call("edit_prompt", persona_id=made["persona_id"], find="help", replace="listen")
        wire.signal(signal.SIGKILL)
    with started(tmp_path, *SERVER, "--sandbox") as wire:
        session = Session(wire, REVISIONS[2]).opened()
        read = session.call("get_persona", persona_id=made["persona_id"])["persona"]
    assert (read["persona_name"], read["system_prompt"]) == ("Ada", "You listen.")
