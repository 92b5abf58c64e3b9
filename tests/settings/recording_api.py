"""A Tavus API on loopback that records requests, over TLS too, and a proxy in front of it."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class RecordingApi:
    """An account without personas, and the keys and bodies of the requests that it received."""

    port: int = 0
    received_keys: list[str] = field(default_factory=list)
    received_bodies: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return the base URL of the API without TLS."""
        return f"http://127.0.0.1:{self.port}/v2"


@contextmanager
def serve_recording_api(tls: ssl.SSLContext | None = None) -> Iterator[RecordingApi]:
    """Serve an account without personas, over TLS if a context is given."""
    api = RecordingApi()

    class Handler(BaseHTTPRequestHandler):
        """Answers every request with an empty list."""

        def log_message(self, *_: object) -> None:
            """Write no log."""

        def do_GET(self) -> None:
            """Record the key; answer with no rows."""
            api.received_keys.append(self.headers.get("x-api-key", ""))
            if size := int(self.headers.get("content-length") or 0):
                api.received_bodies.append(self.rfile.read(size).decode())
            body = json.dumps({"data": [], "total_count": 0}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the library's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    api.port = server.server_address[1]
    with _run_in_thread(server):
        yield api


@dataclass
class RecordingProxy:
    """A proxy for CONNECT: what it was asked, and every byte that passed in clear or encrypted."""

    port: int = 0
    request_lines: list[str] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)


@contextmanager
def serve_recording_proxy(target_port: int, *, refuses: bool = False) -> Iterator[RecordingProxy]:
    """Serve a proxy that tunnels every CONNECT to a port of loopback, or answers 407."""
    proxy = RecordingProxy()

    class Handler(BaseHTTPRequestHandler):
        """Tunnels CONNECT."""

        def log_message(self, *_: object) -> None:
            """Write no log."""

        def do_CONNECT(self) -> None:
            """Record the request, and pass bytes in both directions."""
            proxy.request_lines.append(self.requestline)
            proxy.received += str(self.headers).encode()
            self.close_connection = True
            if refuses:
                self.send_error(407)
                return
            self.send_response(200)
            self.end_headers()
            with socket.create_connection(("127.0.0.1", target_port)) as target:
                back = threading.Thread(target=_pass_bytes, args=(target, self.connection, None))
                back.start()
                _pass_bytes(self.connection, target, proxy.received)
                back.join()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.port = server.server_address[1]
    with _run_in_thread(server):
        yield proxy


def _pass_bytes(source: socket.socket, target: socket.socket, record: bytearray | None) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if record is not None:
                record += data
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def _run_in_thread(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
