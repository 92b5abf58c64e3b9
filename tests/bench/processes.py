"""The measured processes, and a minimal JSON-RPC client for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tavus_mcp.server.tools import SECONDS_BETWEEN_IMPORTS
from tavus_mcp.settings import TOOLSETS

ROOT = Path(__file__).parents[2]
SERVER_COMMAND = ("-m", "tavus_mcp")
BARE_SERVER_COMMAND = (str(Path(__file__).with_name("bare_server.py")),)
API_KEY = "any-key-0123456789"
PROTOCOL_REVISION = "2025-11-25"
_INITIALIZE_PARAMS = {
    "protocolVersion": PROTOCOL_REVISION,
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}


class ServerProcess:
    """An MCP server process; it gets one request at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._last_id = 0

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and wait for its result."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()
        while line := self.process.stdout.readline():
            message = json.loads(line)
            if message.get("id") == self._last_id:
                return dict(message["result"])
        raise RuntimeError(f"{method}: the server is gone")

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed."""
        result = self.request("tools/call", name=tool, arguments=arguments)
        if result.get("isError"):
            raise RuntimeError(f"{tool}: {result['content'][0]['text']}")
        return result

    def initialize(self) -> None:
        """Perform the MCP handshake."""
        assert self.process.stdin is not None
        self.request("initialize", **_INITIALIZE_PARAMS)
        self.process.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    def wait_until_loaded(self) -> None:
        """Wait until a server that was just initialized has imported its toolsets.

        It does so while it waits for calls, at fixed times. Memory is measured after that, or a
        long series of calls would seem to take what a short one ended too early to see.
        """
        time.sleep((len(TOOLSETS) + 1) * 2 * SECONDS_BETWEEN_IMPORTS)

    @property
    def resident_kib(self) -> int:
        """Return the resident memory in KiB, the unit of ``ps`` on every platform."""
        command = ["ps", "-o", "rss=", "-p", str(self.process.pid)]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)


@contextmanager
def start_server(*arguments: str, folder: Path, **environment: str) -> Iterator[ServerProcess]:
    """Start ``python ARGUMENTS`` as an MCP server; stop it at the end of the block."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_build_environment(folder, **environment),
    ) as process:
        try:
            yield ServerProcess(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)


class SandboxProcess:
    """The sandbox as a process, over TCP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client_environment = {"TAVUS_API_KEY": API_KEY, "TAVUS_BASE_URL": url}

    def read_requests(self) -> dict[str, Any]:
        """Return the requests since the last clearing, and the number of their connections."""
        return dict(self._send_control_request("GET", "requests"))

    def clear_requests(self) -> None:
        """Clear the log of requests."""
        self._send_control_request("DELETE", "requests")

    def delay_requests(self, seconds: float) -> None:
        """Delay every response from now on."""
        self._send_control_request("POST", "faults", {"kind": "slow", "delay": seconds, "times": 0})

    def _send_control_request(self, method: str, resource: str, body: object = None) -> Any:
        url = f"{self.url.removesuffix('/v2')}/_sandbox/{resource}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": API_KEY, "content-type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(request) as response:  # noqa: S310 - loopback
            return json.loads(response.read() or b"null")


@contextmanager
def run_sandbox(folder: Path, state: Path | None = None) -> Iterator[SandboxProcess]:
    """Start the sandbox as a process; stop it at the end of the block."""
    storage = ["--state", str(state)] if state else ["--memory"]
    with subprocess.Popen(
        [sys.executable, *SERVER_COMMAND, "sandbox", "--port", "0", *storage],
        stderr=subprocess.PIPE,
        text=True,
        env=_build_environment(folder),
    ) as process:
        assert process.stderr is not None
        try:
            yield SandboxProcess(process.stderr.readline().split()[3])
        finally:
            process.terminate()


def milliseconds_since(started_at: float) -> float:
    """Return the milliseconds since ``time.perf_counter()`` returned ``started_at``."""
    return (time.perf_counter() - started_at) * 1000


def _build_environment(folder: Path, **variables: str) -> dict[str, str]:
    # With bytecode on the disk, as every start of an installation but the first has it, and without
    # certificates of the machine's own, which few have and which our server reads at the start.
    left_out = ("TAVUS_", "SSL_CERT_", "PYTHONDONTWRITEBYTECODE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "TAVUS_MCP_DATA_DIR": str(folder),
        **variables,
    }
