"""Commands of ours as processes that cost milliseconds: forked from a process that is warm.

For tests whose subject is not the start of a process; those use ``rawclient.start_process``.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from rawclient import TIMEOUT_SECONDS, ServerProcess, build_environment

FORKSERVER = Path(__file__).with_name("forkserver.py")
MAX_OUTPUT_BYTES = 1 << 24


class ForkedProcess:
    """A forked process, with the methods of ``subprocess.Popen`` that tests use."""

    def __init__(
        self,
        pid: int,
        status_pipe: int,
        stdin: BinaryIO | None = None,
        stdout: BinaryIO | None = None,
    ) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.returncode: int | None = None
        self._status_pipe = status_pipe

    def wait(self, timeout: float) -> int:
        """Wait until the process has ended, at most so many seconds; return its exit status."""
        if self.returncode is None:
            if not select.select([self._status_pipe], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a forked process", timeout)
            self.returncode = int(os.read(self._status_pipe, 16))
            os.close(self._status_pipe)
        return self.returncode

    def poll(self) -> int | None:
        """Return the exit status; ``None`` while the process runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process without a warning."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The warm process; ``start`` and ``run`` fork a command from it."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control

    @contextmanager
    def start(
        self,
        folder: Path,
        *arguments: str,
        program: str = "",
        finalizes: bool = False,
        joins_stderr: bool = False,
        reads: bool = True,
        **environment: str,
    ) -> Iterator[ServerProcess]:
        """Start the command with pipes; it is ended with the block at the latest.

        Arguments:
            folder: the data folder, and where stderr is written to.
            arguments: those of the command.
            program: Python text to execute in place of the command.
            finalizes: whether the interpreter cleans up at the end, as in a process that was not
                forked. For tests of how a process ends.
            joins_stderr: whether stderr is written to stdout, not to a file.
            reads: whether the output is read by the answer, else by the test.
            environment: variables for the process.
        """
        folder.mkdir(parents=True, exist_ok=True)
        stderr_path = Path(os.devnull) if joins_stderr else folder / "stderr.txt"
        stdin, write_end = os.pipe()
        read_end, stdout = os.pipe()
        with stderr_path.open("wb") as stderr:
            streams = (stdin, stdout, stdout if joins_stderr else stderr.fileno())
            pid, status_pipe = self._fork(
                folder, arguments, streams, environment, program=program, finalizes=finalizes
            )
        os.close(stdin)
        os.close(stdout)
        with os.fdopen(read_end, "rb") as output:
            process = ForkedProcess(pid, status_pipe, os.fdopen(write_end, "wb"), output)
            server = ServerProcess(process, stderr_path, reads=reads)
            try:
                yield server
            finally:
                process.kill()
                server.close_stdin()

    def run(
        self,
        folder: Path,
        *arguments: str,
        stdin: bytes = b"",
        working_folder: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end; return its status and what it has written.

        Arguments:
            folder: the data folder.
            arguments: those of the command.
            stdin: what the command can read.
            working_folder: the current folder of the command; by default that of the tests.
            env: variables for the command.
        """
        with TemporaryFile() as given, TemporaryFile() as stdout, TemporaryFile() as stderr:
            given.write(stdin)
            given.seek(0)
            streams = (given.fileno(), stdout.fileno(), stderr.fileno())
            pid, status_pipe = self._fork(folder, arguments, streams, env or {}, working_folder)
            process = ForkedProcess(pid, status_pipe)
            try:
                status = process.wait(TIMEOUT_SECONDS)
            finally:
                process.kill()
            texts = [os.pread(it.fileno(), MAX_OUTPUT_BYTES, 0).decode() for it in (stdout, stderr)]
        return subprocess.CompletedProcess(arguments, status, *texts)

    def _fork(
        self,
        folder: Path,
        arguments: tuple[str, ...],
        streams: tuple[int, int, int],
        environment: Mapping[str, str],
        working_folder: Path | None = None,
        program: str = "",
        finalizes: bool = False,
    ) -> tuple[int, int]:
        """Return the id of a new process, and the pipe that delivers its exit status."""
        request = {
            "arguments": arguments,
            "environment": build_environment(folder, **environment),
            "folder": str(working_folder or Path.cwd()),
            "program": program,
            "finalizes": finalizes,
        }
        line = json.dumps(request).encode() + b"\n"
        status_pipe, write_end = os.pipe()
        socket.send_fds(self._control, [line], [*streams, write_end])
        os.close(write_end)
        return int(_read_line(self._control)), status_pipe


@contextmanager
def start_fork_server() -> Iterator[ForkServer]:
    """Start the warm process; it ends with the block."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, str(FORKSERVER), str(theirs.fileno())]
    environment = build_environment(Path(os.devnull))
    with (
        ours,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, env=environment, pass_fds=[theirs.fileno()]
        ) as process,
    ):
        theirs.close()
        try:
            assert _read_line(ours) == "ready"
            yield ForkServer(ours)
        finally:
            ours.close()
            assert process.wait(TIMEOUT_SECONDS) == 0


def _read_line(control: socket.socket) -> str:
    line = b""
    while not line.endswith(b"\n"):
        byte = control.recv(1)
        assert byte, "the fork server has ended"
        line += byte
    return line.decode().strip()
