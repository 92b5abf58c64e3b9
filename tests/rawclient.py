"""A client of our server that uses pipes and JSON only: no SDK, nothing of ours.

``ServerProcess`` is a process and its lines of input and output; ``Session`` uses one revision of
the protocol.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

ROOT = Path(__file__).parents[1]
SERVER_ARGUMENTS = ("-m", "tavus_mcp")
HANDSHAKE_REVISIONS = ("2025-06-18", "2025-11-25")
ENVELOPE_REVISION = "2026-07-28"
PROTOCOL_REVISIONS = (*HANDSHAKE_REVISIONS, ENVELOPE_REVISION)
TIMEOUT_SECONDS = 60.0
"""A test fails after so long; what works takes much less."""
CLIENT_INFO = {"name": "raw", "version": "1"}

Message = dict[str, Any]


class Process(Protocol):
    """What is used of ``subprocess.Popen``."""

    stdin: BinaryIO | None
    stdout: BinaryIO | None
    returncode: int | None

    def wait(self, timeout: float) -> int: ...
    def poll(self) -> int | None: ...
    def send_signal(self, number: int) -> None: ...
    def kill(self) -> None: ...


class ServerProcess:
    """A server process, the messages that it has sent, and its other lines of output."""

    def __init__(self, process: Process, stderr_path: Path, *, reads: bool = True) -> None:
        self.process = process
        self.stderr_path = stderr_path
        self.non_message_lines: list[bytes] = []
        self._unread_messages: list[Message] = []
        self._output_changed = threading.Condition()
        self._has_output_ended = False
        self._reader = threading.Thread(target=self._read_messages, daemon=True)
        if reads:
            self._reader.start()

    def send(self, message: object) -> None:
        """Send one message as one line."""
        self.send_line(json.dumps(message).encode())

    def send_line(self, line: bytes) -> None:
        """Send one line, which need not be a message."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def wait_for_message(self, is_wanted: Callable[[Message], bool]) -> Message:
        """Wait for the first matching message; remove and return it."""

        def find_message() -> Message | None:
            return next((message for message in self._unread_messages if is_wanted(message)), None)

        with self._output_changed:
            self._output_changed.wait_for(
                lambda: find_message() or self._has_output_ended, TIMEOUT_SECONDS
            )
            message = find_message()
            assert message is not None, f"no such message; stderr: {self.read_stderr()}"
            self._unread_messages.remove(message)
            return message

    def wait_for_line(self) -> str:
        """Wait for the first line that is no message, and return it."""
        with self._output_changed:
            self._output_changed.wait_for(
                lambda: self.non_message_lines or self._has_output_ended, TIMEOUT_SECONDS
            )
            assert self.non_message_lines, f"no line; stderr: {self.read_stderr()}"
            return self.non_message_lines[0].decode()

    def wait_for_output(self, seconds: float) -> None:
        """Wait for a message that was not taken, but no longer than so many seconds."""
        with self._output_changed:
            self._output_changed.wait_for(lambda: bool(self._unread_messages), seconds)

    def has_message(self, is_wanted: Callable[[Message], bool]) -> bool:
        """Tell whether such a message has arrived and was not removed."""
        with self._output_changed:
            return any(is_wanted(message) for message in self._unread_messages)

    def take_messages(self) -> list[Message]:
        """Return all messages that have arrived, and remove them."""
        with self._output_changed:
            messages, self._unread_messages = self._unread_messages, []
            return messages

    def read_stderr(self) -> str:
        """Return what the process has written to stderr."""
        return self.stderr_path.read_text()

    def close_stdin(self) -> float:
        """Close the server's stdin; return the seconds it took to end."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        return self.wait_for_exit()

    def send_signal(self, number: int) -> float:
        """Send a signal; return the seconds it took to end."""
        self.process.send_signal(number)
        return self.wait_for_exit()

    def wait_for_exit(self) -> float:
        """Wait for the end of the process and of its output; return the seconds it took."""
        start = time.monotonic()
        self.process.wait(TIMEOUT_SECONDS)
        took = time.monotonic() - start
        if self._reader.ident is not None:
            self._reader.join(TIMEOUT_SECONDS)
        return took

    def wait_for_end_of_output(self) -> float:
        """Wait until the output is closed; return the seconds it took."""
        start = time.monotonic()
        self._reader.join(TIMEOUT_SECONDS)
        return time.monotonic() - start

    def _read_messages(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            with self._output_changed:
                if isinstance(message, dict) and message.get("jsonrpc") == "2.0":
                    self._unread_messages.append(message)
                else:
                    self.non_message_lines.append(line)
                self._output_changed.notify_all()
        with self._output_changed:
            self._has_output_ended = True
            self._output_changed.notify_all()


def require_fast(measure: Callable[[], float], limit_seconds: float, times: int = 3) -> None:
    """Expect that something takes less than a limit, at one of a few times.

    Another program may use the machine at one time; a delay of our own is there each time.
    """
    seconds = [measure()]
    while seconds[-1] >= limit_seconds and len(seconds) < times:
        seconds.append(measure())
    assert min(seconds) < limit_seconds, seconds


class Session:
    """A session in one revision of the protocol."""

    def __init__(self, server: ServerProcess, revision: str = HANDSHAKE_REVISIONS[-1]) -> None:
        self.server = server
        self.protocol_revision = revision
        self._last_request_id = 0

    def initialize(self) -> Session:
        """Initialize the session where the revision has a handshake; return the session."""
        if self.protocol_revision in HANDSHAKE_REVISIONS:
            params = {
                "protocolVersion": self.protocol_revision,
                "capabilities": {},
                "clientInfo": CLIENT_INFO,
            }
            result = self.request("initialize", **params)
            assert result["protocolVersion"] == self.protocol_revision
            assert result["serverInfo"]["name"] == "tavus-mcp"
            self.notify("notifications/initialized")
        return self

    def send_request(self, method: str, **params: Any) -> int:
        """Send a request; return its id."""
        self.server.send(self.build_request(method, **params))
        return self._last_request_id

    def notify(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self.server.send(
            {"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})}
        )

    def build_request(self, method: str, **params: Any) -> Message:
        """Return the next request, with the envelope where the revision has one."""
        self._last_request_id += 1
        if self.protocol_revision == ENVELOPE_REVISION:
            params["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": self.protocol_revision,
                "io.modelcontextprotocol/clientInfo": CLIENT_INFO,
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        return {"jsonrpc": "2.0", "id": self._last_request_id, "method": method, "params": params}

    def wait_for_response(self, request_id: int) -> Message:
        """Wait for the answer to a request; return the whole message."""
        return self.server.wait_for_message(lambda message: message.get("id") == request_id)

    def request(self, method: str, **params: Any) -> Message:
        """Send a request that must succeed; return its result."""
        message = self.wait_for_response(self.send_request(method, **params))
        assert "result" in message, message
        return dict(message["result"])

    def expect_protocol_error(self, method: str, **params: Any) -> Message:
        """Send a request that must fail; return its error."""
        message = self.wait_for_response(self.send_request(method, **params))
        assert "error" in message, message
        return dict(message["error"])

    def expect_result(self, tool: str, **arguments: Any) -> Message:
        """Call a tool that must succeed; return its structured answer."""
        result = self.request("tools/call", name=tool, arguments=arguments)
        assert not result["isError"], text_of(result)
        assert text_of(result)
        return dict(result["structuredContent"])

    def expect_error(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must fail; return the text of the error."""
        result = self.request("tools/call", name=tool, arguments=arguments)
        assert result["isError"], result
        return text_of(result)


def text_of(result: Message) -> str:
    """Return the text of a tool's result."""
    return "\n".join(part["text"] for part in result["content"])


def build_environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment with no variables of ours but the data folder and those given.

    The certificates of the machine are left out: our servers read them at each start.
    """
    ours = ("TAVUS_", "SSL_CERT_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**inherited, "PYTHONPATH": str(ROOT), "TAVUS_MCP_DATA_DIR": str(folder), **more}


@contextmanager
def start_process(
    folder: Path, *arguments: str, reads: bool = True, **more: str
) -> Iterator[ServerProcess]:
    """Start ``python ARGUMENTS`` with pipes; it is ended with the block at the latest.

    Without ``reads`` nothing reads its output.
    """
    folder.mkdir(parents=True, exist_ok=True)
    errors = folder / "stderr.txt"
    with errors.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            env=build_environment(folder, **more),
        )
    server = ServerProcess(process, errors, reads=reads)
    try:
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        server.close_stdin()
        assert process.stdout is not None
        process.stdout.close()


def run_server_command(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with nothing on its stdin."""
    return subprocess.run(
        [sys.executable, *SERVER_ARGUMENTS, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=build_environment(folder, **(env or {})),
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
