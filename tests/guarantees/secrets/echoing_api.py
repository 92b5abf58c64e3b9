"""A Tavus API in a thread that stores every request and repeats it in its responses."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STATUS_BY_MODE = {"take": 200, "refuse": 400, "deny": 401, "break": 500, "cut": 200}


class EchoingApi:
    """One persona, and the kind of response to the next writes."""

    def __init__(self, persona: dict[str, Any]) -> None:
        self.persona, self.mode, self.url = persona, "take", ""
        self.received_requests: list[str] = []


def _build_handler(api: EchoingApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Responds in the way that is set."""

        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Log nothing."""

        def handle_any(self) -> None:
            """Respond to a read with the persona, and to a write with a copy of it."""
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            message = f"{self.command} {self.path} {dict(self.headers)} {body}"
            api.received_requests.append(message)
            if self.command == "GET":
                one = self.path.startswith("/v2/personas/")
                rows = {"data": [api.persona], "total_count": 1}
                self._reply(200, json.dumps(api.persona if one else rows))
            elif api.mode == "take":
                self._reply(200, json.dumps({**api.persona, "repeated": message}))
            else:
                text = json.dumps({"error": f"cannot take {message}"})
                self._reply(STATUS_BY_MODE[api.mode], text[:60] if api.mode == "cut" else text)

        def _reply(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PATCH = do_POST = do_DELETE = handle_any  # noqa: N815 - the library's names

    return Handler


@contextmanager
def serve_echoing_api(persona: dict[str, Any]) -> Iterator[EchoingApi]:
    """Serve on loopback."""
    tavus = EchoingApi(persona)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _build_handler(tavus))
    server.daemon_threads = True
    tavus.url = f"http://127.0.0.1:{server.server_address[1]}/v2"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield tavus
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
