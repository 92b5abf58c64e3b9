"""How the server ends: within a second, without a traceback, and with its parent process.

MCP requires that the end of stdin ends the server. Most of these processes are started, not
forked, because an end in the middle of the start is a case of its own.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from forked_processes import ForkServer
from rawclient import (
    SERVER_ARGUMENTS,
    TIMEOUT_SECONDS,
    Process,
    ServerProcess,
    Session,
    build_environment,
    require_fast,
    start_process,
)
from stubtavus import serve_stub_api

MAX_SECONDS_TO_END = 1.0
"""From the request to end until the process has ended."""
MANY_STARTS = 24
PARENT_PROGRAM = """
import subprocess, sys
subprocess.Popen([sys.executable, "-m", "tavus_mcp", "--sandbox"]).wait()
"""
PopenProcess = subprocess.Popen[bytes]


def close_stdin(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()


END_REQUESTS: dict[str, Callable[[Process], None]] = {
    "the end of stdin": close_stdin,
    "SIGTERM": lambda process: process.send_signal(signal.SIGTERM),
    "SIGINT": lambda process: process.send_signal(signal.SIGINT),
}


def seconds_to_end(server: ServerProcess, ending: str) -> float:
    END_REQUESTS[ending](server.process)
    return server.wait_for_exit()


def assert_clean_end(server: ServerProcess) -> None:
    assert server.process.returncode == 0
    assert server.non_message_lines == []
    assert server.read_stderr() == ""


@pytest.mark.parametrize("ending", END_REQUESTS)
def test_the_server_ends_within_a_second_of_a_stop_request(tmp_path: Path, ending: str) -> None:
    def end() -> float:
        with start_process(tmp_path, *SERVER_ARGUMENTS, "--sandbox") as server:
            Session(server).initialize().expect_result("list_personas")
            seconds = seconds_to_end(server, ending)
            assert_clean_end(server)
        return seconds

    require_fast(end, MAX_SECONDS_TO_END)


def test_a_server_with_the_null_device_as_stdin_ends_immediately(tmp_path: Path) -> None:
    with (tmp_path / "stderr.txt").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, *SERVER_ARGUMENTS, "--sandbox"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=build_environment(tmp_path),
        )
    try:
        output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    finally:
        process.kill()
        process.communicate()
    assert (output, process.returncode) == (b"", 0)


@pytest.mark.parametrize("ending", END_REQUESTS)
def test_a_running_call_does_not_delay_the_end_of_the_server(
    tmp_path: Path, fork_server: ForkServer, ending: str
) -> None:
    def end() -> float:
        with (
            serve_stub_api() as tavus,
            fork_server.start(tmp_path, finalizes=True, **tavus.environment) as server,
        ):
            tavus.withheld_methods = {"PATCH"}
            Session(server).initialize().send_request(
                "tools/call", name="update_persona", arguments={"persona_id": "p1", "name": "x"}
            )
            assert tavus.request_arrived.wait(TIMEOUT_SECONDS)
            seconds = seconds_to_end(server, ending)
            assert_clean_end(server)
            assert tavus.connection_dropped.wait(TIMEOUT_SECONDS)
        return seconds

    require_fast(end, MAX_SECONDS_TO_END)


def start_under_parent(folder: Path, program: str) -> tuple[PopenProcess, ServerProcess]:
    """Start a program that starts the server on its own pipes."""
    errors = folder / "stderr.txt"
    with errors.open("wb") as written:
        parent = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            env=build_environment(folder),
        )
    return parent, ServerProcess(parent, errors)


@pytest.mark.skipif(sys.platform == "win32", reason="the parent process is known on POSIX only")
def test_the_server_ends_with_its_parent_though_the_pipes_stay_open(tmp_path: Path) -> None:
    """A host that crashed may leave its end of the pipe open in another child process."""

    def end() -> float:
        parent, server = start_under_parent(tmp_path, PARENT_PROGRAM)
        try:
            Session(server).initialize().expect_result("list_personas")
            parent.kill()
            parent.wait()
            seconds = server.wait_for_end_of_output()
            assert server.read_stderr() == ""
        finally:
            parent.kill()
            close_stdin(parent)
            server.close_stdin()
            assert parent.stdout is not None
            parent.stdout.close()
        return seconds

    require_fast(end, MAX_SECONDS_TO_END)


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="reads /proc to find processes"
)


@needs_proc
@pytest.mark.parametrize("is_ready", [True, False], ids=["ready", "starting"])
@pytest.mark.parametrize("ending", END_REQUESTS)
def test_no_process_remains_after_the_end(tmp_path: Path, ending: str, is_ready: bool) -> None:
    with start_sandbox_server(tmp_path) as process:
        if is_ready:
            wait_until_ready(process)
        END_REQUESTS[ending](process)
    assert find_processes_of(tmp_path) == []


@needs_proc
@pytest.mark.extended
def test_many_starts_leave_no_process_behind(tmp_path: Path) -> None:
    """Two servers at a time, ended in every way, half of them in the middle of starting."""
    endings = list(END_REQUESTS.values())
    for number in range(MANY_STARTS // 2):
        with start_sandbox_server(tmp_path) as first, start_sandbox_server(tmp_path) as second:
            if number % 2 == 0:
                wait_until_ready(first)
                wait_until_ready(second)
            endings[number % len(endings)](first)
            endings[(number + 1) % len(endings)](second)
    assert find_processes_of(tmp_path) == []


def start_sandbox_server(folder: Path) -> PopenProcess:
    return subprocess.Popen(
        [sys.executable, *SERVER_ARGUMENTS, "--sandbox"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=build_environment(folder, TEST_PROCESS_MARK=str(folder)),
    )


def wait_until_ready(process: PopenProcess) -> None:
    """Wait until the server answers."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    process.stdin.flush()
    assert b'"id":1' in process.stdout.readline()


def find_processes_of(folder: Path) -> list[str]:
    """Return the ids of the processes that ``start_sandbox_server`` started for this folder."""
    mark = f"TEST_PROCESS_MARK={folder}".encode()
    process_ids = []
    for entry in Path("/proc").iterdir():
        try:
            if mark in (entry / "environ").read_bytes():
                process_ids.append(entry.name)
        except OSError:
            continue
    return process_ids
