"""A small Tavus API in a thread that can withhold answers, and notices closed connections."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from rawclient import TIMEOUT_SECONDS


class StubApi:
    """The state of the API: one persona, and what happens to requests about it.

    A request with a method in ``withheld_methods`` is never answered; one with a method in
    ``ignored_methods`` has no effect.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.persona: dict[str, Any] = {
            "persona_id": "p1",
            "persona_name": "Bot",
            "system_prompt": "Hi.",
        }
        self.withheld_methods: set[str] = set()
        self.ignored_methods: set[str] = set()
        self.request_arrived = threading.Event()
        self.connection_dropped = threading.Event()
        self.persona_changed = threading.Event()

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that make our server talk to it."""
        return {"TAVUS_API_KEY": "any-key-0123456789", "TAVUS_BASE_URL": self.url}


def _build_handler(api: StubApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers about one persona."""

        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Write no log."""

        def handle_any(self) -> None:
            """Apply the change, then answer or wait until the client closes the connection."""
            size = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(size) or b"null")
            if self.command == "PATCH" and "PATCH" not in api.ignored_methods:
                for operation in body:
                    if operation["op"] in ("add", "replace"):
                        api.persona[operation["path"][1:]] = operation["value"]
                api.persona_changed.set()
            if self.command in api.withheld_methods:
                api.request_arrived.set()
                self.connection.settimeout(TIMEOUT_SECONDS)
                if self.connection.recv(1) == b"":
                    api.connection_dropped.set()
                self.close_connection = True
                return
            row = {"data": [api.persona], "total_count": 1}
            answer = api.persona if self.path.rstrip("/").endswith("p1") else row
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
def serve_stub_api() -> Iterator[StubApi]:
    """Serve a persona on loopback."""
    stub = StubApi("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _build_handler(stub))
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
