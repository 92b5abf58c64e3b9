"""The server as a process, spoken to in lines of JSON over pipes; a Tavus in a thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COMMAND = ("-m", "tavus_mcp")
PATIENCE = 30.0
"""Seconds after which a test gives up; nothing that works comes near."""

Message = dict[str, Any]


def surroundings(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which nothing of ours is set but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAVUS_")}
    data = {"PYTHONPATH": str(ROOT), "TAVUS_MCP_DATA_DIR": str(folder / "data")}
    return {**kept, **data, **more}


class Pipes:
    """A server process, the messages it has sent, and the lines that were none."""

    def __init__(self, process: subprocess.Popen[bytes], errors: Path) -> None:
        self.process, self.errors = process, errors
        self.strays: list[bytes] = []
        self._messages: list[Message] = []
        self._news = threading.Condition()
        self._over = False
        self._last = 0
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def send(self, message: Message) -> None:
        """Send one message as one line."""
        self.line(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def line(self, line: bytes) -> None:
        """Send one line, whatever it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def begin(self, method: str, **params: Any) -> int:
        """Send a request; return its id."""
        self._last += 1
        self.send({"id": self._last, "method": method, "params": params})
        return self._last

    def call(self, tool: str, **arguments: Any) -> Message:
        """Call a tool; return its result."""
        return dict(self.request("tools/call", name=tool, arguments=arguments)["result"])

    def request(self, method: str, **params: Any) -> Message:
        """Send a request; return the message that answers it."""
        request_id = self.begin(method, **params)
        return self.take(lambda message: message.get("id") == request_id)

    def greeted(self, revision: str = "2025-11-25") -> Pipes:
        """Shake hands."""
        me = {"name": "raw", "version": "1"}
        asked = {"protocolVersion": revision, "capabilities": {}, "clientInfo": me}
        assert "result" in self.request("initialize", **asked)
        self.send({"method": "notifications/initialized"})
        return self

    def take(self, wanted: Callable[[Message], bool]) -> Message:
        """Wait for the first message that is wanted, and take it."""

        def found() -> Message | None:
            return next((message for message in self._messages if wanted(message)), None)

        with self._news:
            self._news.wait_for(lambda: found() or self._over, PATIENCE)
            message = found()
            assert message is not None, f"no such message; stderr: {self.said()}"
            self._messages.remove(message)
            return message

    def has(self, wanted: Callable[[Message], bool]) -> bool:
        """Tell whether such a message has arrived and was not taken."""
        with self._news:
            return any(wanted(message) for message in self._messages)

    def said(self) -> str:
        """Return what the process has written to stderr."""
        return self.errors.read_text()

    def hang_up(self) -> None:
        """Close the server's stdin, and wait for its end."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            with self._news:
                good = isinstance(message, dict) and message.get("jsonrpc") == "2.0"
                (self._messages if good else self.strays).append(message if good else line)  # type: ignore[arg-type]
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()


@contextmanager
def started(folder: Path, *arguments: str, **more: str) -> Iterator[Pipes]:
    """Start ``python ARGUMENTS`` with pipes; whatever happens, it ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    errors = folder / "stderr.txt"
    with errors.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            env=surroundings(folder, **more),
        )
    pipes = Pipes(process, errors)
    try:
        yield pipes
    finally:
        if process.poll() is None:
            process.kill()
        pipes.hang_up()
        assert process.stdout is not None
        process.stdout.close()


class Stub:
    """A Tavus in a thread: holds some requests until told, and sees who hangs up."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.persona: Message = {"persona_id": "p1", "persona_name": "Bot", "system_prompt": "Hi."}
        self.held: set[str] = set()
        self.lost: set[str] = set()
        self.arrived = threading.Event()
        self.dropped = threading.Event()
        self.release = threading.Event()
        self.changed = threading.Event()

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that make our server talk to it."""
        return {"TAVUS_API_KEY": "any-key-0123456789", "TAVUS_BASE_URL": self.url}


def _handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers about one persona."""

        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def handle_any(self) -> None:
            """Take effect, hold the answer if that is asked, then answer."""
            size = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(size) or b"null")
            if self.command == "PATCH" and "PATCH" not in stub.lost:
                for operation in body:
                    if operation["op"] in ("add", "replace"):
                        stub.persona[operation["path"][1:]] = operation["value"]
                stub.changed.set()
            if self.command in stub.held:
                stub.arrived.set()
                self.connection.settimeout(PATIENCE)
                if self.connection.recv(1) == b"":
                    stub.dropped.set()
                self.close_connection = True
                return
            row = {"data": [stub.persona], "total_count": 1}
            answer = stub.persona if self.path.rstrip("/").endswith("p1") else row
            self._reply(json.dumps(answer).encode())

        def _reply(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PATCH = do_POST = do_DELETE = handle_any  # noqa: N815 - the library's names

    return Handler


@contextmanager
def stub_tavus() -> Iterator[Stub]:
    """Serve a persona on loopback."""
    stub = Stub("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stub))
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_address[1]}/v2"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
