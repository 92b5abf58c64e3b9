"""Runs ``tavus-mcp doctor`` in this process, in a home folder of its own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

from command_runner import CommandResult, CommandRunner
from install_runs import USER_FILES
from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "doctor.schema.json"


@dataclass
class Doctor:
    """The command in a home folder with a project, and a data folder."""

    home: Path
    project: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def runner(self) -> CommandRunner:
        """Return what runs commands in the project."""
        data = {"TAVUS_MCP_DATA_DIR": str(self.home / "data")}
        return CommandRunner(self.project, {**data, **self.environment})

    def run(self, *arguments: str, **env: str) -> CommandResult:
        """Run the command."""
        return self.runner.run_without_sandbox("doctor", *arguments, **env)

    def check(self, *arguments: str, **env: str) -> dict[str, dict[str, str]]:
        """Run the command with ``--json``; return its checks by name."""
        done = self.run("--json", *arguments, **env)
        result = json.loads(done.stdout)
        Draft202012Validator(json.loads(SCHEMA.read_text())).validate(result)
        checks = {check["name"]: check for check in result["checks"]}
        assert len(checks) == len(result["checks"])
        has_error = any(check["status"] == "error" for check in checks.values())
        assert done.status == int(has_error), done
        assert done.stderr == ""
        return checks

    def write_host_file(self, host: str, content: object) -> Path:
        """Write the file of a host for the user."""
        path = self.home / USER_FILES[host]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        path.chmod(0o600)
        return path

    def write_entry(self, host: str = "cursor", **entry: Any) -> Path:
        """Write a file of a host with our entry."""
        return self.write_host_file(host, {"mcpServers": {"tavus": entry}})


@dataclass
class AnsweringApi:
    """An API that answers every request in the same way, and the keys that it received."""

    url: str = ""
    received_keys: list[str] = field(default_factory=list)


@contextmanager
def serve_answer(
    status: int = 200,
    body: Mapping[str, Any] = MappingProxyType({"data": [], "total_count": 0}),
    *,
    is_silent_to_keys: bool = False,
) -> Iterator[AnsweringApi]:
    """Serve an API that answers every request with a status and a body.

    With ``is_silent_to_keys`` only those without a key are answered.
    """
    api = AnsweringApi()
    has_ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        """Answers every request in the same way."""

        def log_message(self, *_: object) -> None:
            """Write no log."""

        def do_GET(self) -> None:
            """Record the key; answer with the status and the body."""
            api.received_keys.append(self.headers.get("x-api-key", ""))
            if is_silent_to_keys and api.received_keys[-1]:
                has_ended.wait()
            content = json.dumps(dict(body)).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            with suppress(OSError):  # the client may have given up
                self.end_headers()
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        api.url = f"http://127.0.0.1:{server.server_address[1]}/v2"
        yield api
    finally:
        has_ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serve_silence() -> Iterator[str]:
    """Accept connections and never answer; yield the base URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v2"
