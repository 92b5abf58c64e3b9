"""``tavus-mcp sandbox`` as a process of its own, and the few requests that control it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rawclient import SERVER_ARGUMENTS, TIMEOUT_SECONDS, build_environment


@dataclass
class SandboxProcess:
    """A running sandbox: its process, its base URL and the line it said at the start."""

    process: subprocess.Popen[str]
    startup_line: str

    @property
    def url(self) -> str:
        """Return the base URL, as a client is told it."""
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
        """Ask until so many requests have arrived."""
        until = time.monotonic() + TIMEOUT_SECONDS
        while len(self._send_control_request("requests", "GET")["requests"]) < count:
            assert time.monotonic() < until, "the requests never came"

    def _send_control_request(self, resource: str, method: str, body: object = None) -> Any:
        url = self.url.removesuffix("/v2") + f"/_sandbox/{resource}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": "any", "content-type": "application/json"}
        asked = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(asked, timeout=TIMEOUT_SECONDS) as reply:  # noqa: S310 - loopback
            return json.loads(reply.read() or b"null")


@contextmanager
def run_sandbox(folder: Path, *arguments: str) -> Iterator[SandboxProcess]:
    """Run ``tavus-mcp sandbox`` on a free port, in memory unless told otherwise."""
    process = subprocess.Popen(
        [
            sys.executable,
            *SERVER_ARGUMENTS,
            "sandbox",
            "--port",
            "0",
            *(arguments or ("--memory",)),
        ],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=build_environment(folder),
    )
    assert process.stderr is not None
    try:
        yield SandboxProcess(process, process.stderr.readline())
    finally:
        process.terminate()
        process.wait(TIMEOUT_SECONDS)
        process.stderr.close()
