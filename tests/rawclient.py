"""A client of our server that knows pipes and JSON only: no SDK, nothing of ours.

``Wire`` is a process and the lines to and from it; ``Session`` speaks one protocol revision on it.
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
from typing import Any

ROOT = Path(__file__).parents[1]
SERVER = ("-m", "tavus_mcp")
WITH_HANDSHAKE = ("2025-06-18", "2025-11-25")
WITH_ENVELOPE = "2026-07-28"
REVISIONS = (*WITH_HANDSHAKE, WITH_ENVELOPE)
PATIENCE = 60.0
"""Seconds after which a test gives up; nothing that works comes near."""
CLIENT = {"name": "raw", "version": "1"}

Message = dict[str, Any]


class Wire:
    """A server process, every message it has sent, and everything that was no message."""

    def __init__(self, process: subprocess.Popen[bytes], errors: Path) -> None:
        self.process = process
        self.errors = errors
        self.strays: list[bytes] = []
        self._waiting: list[Message] = []
        self._arrived = threading.Condition()
        self._over = False
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def send(self, message: object) -> None:
        """Send one message as one line."""
        self.send_line(json.dumps(message).encode())

    def send_line(self, line: bytes) -> None:
        """Send one line, whatever it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def take(self, wanted: Callable[[Message], bool]) -> Message:
        """Wait for the first message that is wanted, and take it."""

        def found() -> Message | None:
            return next((message for message in self._waiting if wanted(message)), None)

        with self._arrived:
            self._arrived.wait_for(lambda: found() or self._over, PATIENCE)
            message = found()
            assert message is not None, f"no such message; stderr: {self.said()}"
            self._waiting.remove(message)
            return message

    def is_waiting(self, wanted: Callable[[Message], bool]) -> bool:
        """Tell whether such a message has arrived and was not taken."""
        with self._arrived:
            return any(wanted(message) for message in self._waiting)

    def said(self) -> str:
        """Return what the process has written to stderr."""
        return self.errors.read_text()

    def hang_up(self) -> float:
        """Close the server's stdin; return the seconds it took to end."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        return self.ended()

    def signal(self, number: int) -> float:
        """Send a signal; return the seconds it took to end."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> float:
        """Wait for the end of the process and of its output; return the seconds it took."""
        begun = time.monotonic()
        self.process.wait(PATIENCE)
        took = time.monotonic() - begun
        self._reader.join(PATIENCE)
        return took

    def fell_silent(self) -> float:
        """Wait until nobody can write to us any more; return the seconds it took."""
        begun = time.monotonic()
        self._reader.join(PATIENCE)
        return time.monotonic() - begun

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            with self._arrived:
                if isinstance(message, dict) and message.get("jsonrpc") == "2.0":
                    self._waiting.append(message)
                else:
                    self.strays.append(line)
                self._arrived.notify_all()
        with self._arrived:
            self._over = True
            self._arrived.notify_all()


class Session:
    """One revision of the protocol, spoken on a wire."""

    def __init__(self, wire: Wire, revision: str = WITH_HANDSHAKE[-1]) -> None:
        self.wire = wire
        self.revision = revision
        self._last = 0

    def opened(self) -> Session:
        """Shake hands where the revision has a handshake; return the session."""
        if self.revision in WITH_HANDSHAKE:
            asked = {"protocolVersion": self.revision, "capabilities": {}, "clientInfo": CLIENT}
            welcome = self.request("initialize", **asked)
            assert welcome["protocolVersion"] == self.revision
            assert welcome["serverInfo"]["name"] == "tavus-mcp"
            self.notify("notifications/initialized")
        return self

    def begin(self, method: str, **params: Any) -> int:
        """Send a request; return its id."""
        self.wire.send(self.message(method, **params))
        return self._last

    def notify(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self.wire.send(
            {"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})}
        )

    def message(self, method: str, **params: Any) -> Message:
        """Return the next request, with the envelope where the revision has one."""
        self._last += 1
        if self.revision == WITH_ENVELOPE:
            params["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": self.revision,
                "io.modelcontextprotocol/clientInfo": CLIENT,
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        return {"jsonrpc": "2.0", "id": self._last, "method": method, "params": params}

    def answer(self, request_id: int) -> Message:
        """Wait for the answer to a request: its whole message."""
        return self.wire.take(lambda message: message.get("id") == request_id)

    def request(self, method: str, **params: Any) -> Message:
        """Send a request that must succeed; return its result."""
        message = self.answer(self.begin(method, **params))
        assert "result" in message, message
        return dict(message["result"])

    def error(self, method: str, **params: Any) -> Message:
        """Send a request that must fail; return its error."""
        message = self.answer(self.begin(method, **params))
        assert "error" in message, message
        return dict(message["error"])

    def call(self, tool: str, **arguments: Any) -> Message:
        """Call a tool that must succeed; return its structured answer."""
        result = self.request("tools/call", name=tool, arguments=arguments)
        assert not result["isError"], text_of(result)
        assert text_of(result)
        return dict(result["structuredContent"])

    def refusal(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must fail; return what it says."""
        result = self.request("tools/call", name=tool, arguments=arguments)
        assert result["isError"], result
        return text_of(result)


def text_of(result: Message) -> str:
    """Return the text of a tool's result."""
    return "\n".join(part["text"] for part in result["content"])


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which nothing is set but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAVUS_")}
    return {**kept, "PYTHONPATH": str(ROOT), "TAVUS_MCP_DATA_DIR": str(folder), **more}


@contextmanager
def started(folder: Path, *arguments: str, **more: str) -> Iterator[Wire]:
    """Start ``python ARGUMENTS`` with pipes; whatever happens, it ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    errors = folder / "stderr.txt"
    with errors.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            env=environment(folder, **more),
        )
    wire = Wire(process, errors)
    try:
        yield wire
    finally:
        if process.poll() is None:
            process.kill()
        wire.hang_up()
        assert process.stdout is not None
        process.stdout.close()


def run(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with nothing on its stdin."""
    return subprocess.run(
        [sys.executable, *SERVER, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(folder, **(env or {})),
        timeout=PATIENCE,
        check=False,
    )
