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

from rawclient import PATIENCE, SERVER, environment


@dataclass
class Sandbox:
    """A running sandbox: its process, its base URL and the line it said at the start."""

    process: subprocess.Popen[str]
    said: str

    @property
    def url(self) -> str:
        """Return the base URL, as a client is told it."""
        return self.said.split(" at ")[1].split()[0]

    @property
    def as_environment(self) -> dict[str, str]:
        """Return the variables that make our server talk to it."""
        return {"TAVUS_API_KEY": "any-key-0123456789", "TAVUS_BASE_URL": self.url}

    def fail(self, **fault: Any) -> None:
        """Plan a failure."""
        self._control("faults", "POST", fault)

    def forget_requests(self) -> None:
        """Empty the log of requests."""
        self._control("requests", "DELETE")

    def wait_for_requests(self, count: int) -> None:
        """Ask until so many requests have arrived."""
        until = time.monotonic() + PATIENCE
        while len(self._control("requests", "GET")["requests"]) < count:
            assert time.monotonic() < until, "the requests never came"

    def _control(self, what: str, method: str, body: object = None) -> Any:
        url = self.url.removesuffix("/v2") + f"/_sandbox/{what}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": "any", "content-type": "application/json"}
        asked = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(asked, timeout=PATIENCE) as reply:  # noqa: S310 - loopback
            return json.loads(reply.read() or b"null")


@contextmanager
def sandbox(folder: Path, *arguments: str) -> Iterator[Sandbox]:
    """Run ``tavus-mcp sandbox`` on a free port, in memory unless told otherwise."""
    process = subprocess.Popen(
        [sys.executable, *SERVER, "sandbox", "--port", "0", *(arguments or ("--memory",))],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(folder),
    )
    assert process.stderr is not None
    try:
        yield Sandbox(process, process.stderr.readline())
    finally:
        process.terminate()
        process.wait(PATIENCE)
        process.stderr.close()
