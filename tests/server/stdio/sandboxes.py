"""``tavus-mcp sandbox`` as a process of its own, and the few requests that control it."""

from __future__ import annotations

import json
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forked_processes import ForkServer
from rawclient import TIMEOUT_SECONDS, ServerProcess


@dataclass
class SandboxProcess:
    """A running sandbox, and the line that it has written at the start."""

    server: ServerProcess
    startup_line: str

    @property
    def url(self) -> str:
        """Return the base URL for clients."""
        return self.startup_line.split(" at ")[1].split()[0]

    @property
    def client_environment(self) -> dict[str, str]:
        """Return the variables that make our server talk to it."""
        return {"TAVUS_API_KEY": "any-key-0123456789", "TAVUS_BASE_URL": self.url}

    def plan_fault(self, **fault: Any) -> None:
        """Plan a failure."""
        self._send_control_request("faults", "POST", fault)

    def clear_requests(self) -> None:
        """Empty the log of requests."""
        self._send_control_request("requests", "DELETE")

    def wait_for_requests(self, count: int) -> None:
        """Poll until so many requests have arrived."""
        until = time.monotonic() + TIMEOUT_SECONDS
        while len(self._send_control_request("requests", "GET")["requests"]) < count:
            assert time.monotonic() < until, "the requests never came"

    def _send_control_request(self, resource: str, method: str, body: object = None) -> Any:
        url = self.url.removesuffix("/v2") + f"/_sandbox/{resource}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": "any", "content-type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as reply:  # noqa: S310 - loopback
            return json.loads(reply.read() or b"null")


@contextmanager
def run_sandbox(fork_server: ForkServer, folder: Path, *arguments: str) -> Iterator[SandboxProcess]:
    """Run ``tavus-mcp sandbox`` on a free port; in memory, unless the arguments name a file."""
    options = ("--port", "0", *(arguments or ("--memory",)))
    with fork_server.start(folder, "sandbox", *options, joins_stderr=True) as server:
        yield SandboxProcess(server, server.wait_for_line())
        server.send_signal(signal.SIGTERM)
