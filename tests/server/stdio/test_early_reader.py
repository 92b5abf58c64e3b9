"""A session is the same whether or not the server was still being imported.

The import of such a server waits until a pipe is closed, so that a test decides
which messages arrive before.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from forked_processes import ForkServer
from rawclient import ServerProcess, build_environment

from tavus_mcp.cli.surface_file import build_request
from tavus_mcp.server.surface import ENVELOPE, HANDSHAKE
from tavus_mcp.server.tools import ServedSpecs

PROGRAM = """
import os, sys
from tavus_mcp.__main__ import main

class Gate:
    def find_spec(self, name, path=None, target=None):
        if name == "tavus_mcp.cli.serve":
            open(os.environ["GATE"]).read()

sys.modules.pop("tavus_mcp.cli.serve")
sys.meta_path.insert(0, Gate())
sys.argv = ["tavus-mcp", "--sandbox"]
main()
"""
"""The command, whose import waits for the pipe ``GATE``."""


def to_line(message: object) -> bytes:
    return json.dumps(message).encode() + b"\n"


def request(method: str, request_id: object = 1, era: str = HANDSHAKE) -> bytes:
    return to_line({**build_request(era, method), "id": request_id})


INITIALIZE, DISCOVER = request("initialize"), request("server/discover", era=ENVELOPE)
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
CANCELLED = to_line(
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}}
)
CALL = to_line(
    {
        "jsonrpc": "2.0",
        "id": 9,
        "method": "tools/call",
        "params": {"name": "get_persona", "arguments": {"persona_id": "p1af207b8189"}},
    }
)
TOOLS, PROMPTS = request("tools/list", 2), request("prompts/list", "three")
SESSIONS: dict[str, tuple[int, bytes]] = {
    "all in one read": (4, INITIALIZE + INITIALIZED + TOOLS + PROMPTS + request("ping", 4)),
    "a call": (2, INITIALIZE + INITIALIZED + TOOLS + CALL + PROMPTS),
    "lists before the handshake": (0, TOOLS + INITIALIZE + INITIALIZED + PROMPTS),
    "a ping first": (0, request("ping") + INITIALIZE + TOOLS),
    "two handshakes": (1, INITIALIZE + INITIALIZE + TOOLS),
    "a late cancellation": (2, INITIALIZE + TOOLS + CANCELLED + request("ping", 2)),
    "the same id again": (2, INITIALIZE + request("ping") + b"x\n"),
    "no JSON": (1, INITIALIZE + b"{\n" + TOOLS),
    "no UTF-8": (1, INITIALIZE + b'{"jsonrpc":"2.0","id":"\xff","method":"ping"}\n' + TOOLS),
    "a batch": (1, INITIALIZE + b"[" + TOOLS.strip() + b"]\n" + TOOLS),
    "a long line": (1, INITIALIZE + b"x" * 9_000_000 + b"\n" + TOOLS),
    "a long valid line": (1, INITIALIZE + TOOLS[:-1] + b" " * 99_999 + b"\n" + PROMPTS),
    "blank lines": (2, b"\n \r\n" + INITIALIZE + b"\n" + TOOLS.replace(b"\n", b"\r\n")),
    "an unknown revision": (0, INITIALIZE.replace(b"2025-11-25", b"2099-01-01") + TOOLS),
    "another notification": (1, INITIALIZE + INITIALIZED.replace(b"initialized", b"x") + TOOLS),
    "envelopes": (2, DISCOVER + request("tools/list", 2, ENVELOPE) + request("ping", 3)),
    "a handshake after an envelope": (1, DISCOVER + INITIALIZE + request("tools/list", 2)),
    "an envelope after a handshake": (1, INITIALIZE + request("tools/list", 2, ENVELOPE)),
    "nothing": (0, b""),
}
"""What a client sends, and how many requests of it are answered early."""
SILENCE_SECONDS = 0.3
"""No answer came early if none came in so long; an early one takes a few milliseconds."""
LAST_LINE = b'{"jsonrpc":"2.0","id":"last","method":"completion/none"}\n'


class Gate:
    """A server whose import waits until ``open`` is called."""

    def __init__(self, server: ServerProcess, fifo: Path) -> None:
        self.server = server
        self._fifo = fifo

    def open(self) -> None:
        os.close(os.open(self._fifo, os.O_WRONLY))

    def send(self, data: bytes) -> None:
        assert self.server.process.stdin is not None
        self.server.process.stdin.write(data)
        self.server.process.stdin.flush()

    def receive(self, count: int) -> list[bytes]:
        """Return so many lines of stdout, in canonical order."""
        return [to_line(self.server.wait_for_message(lambda _: True)) for _ in range(count)]

    def receive_to_the_last(self) -> list[bytes]:
        self.send(LAST_LINE)
        lines: list[bytes] = []
        while not lines or b'"id": "last"' not in lines[-1]:
            lines += self.receive(1)
        return lines


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


@contextmanager
def start_gated(fork_server: ForkServer, fifo: Path) -> Iterator[Gate]:
    folder = fifo.parent / "data"
    with fork_server.start(folder, program=PROGRAM, GATE=str(fifo)) as server:
        yield Gate(server, fifo)
        assert server.read_stderr() == ""
        assert server.non_message_lines == []


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_is_the_same_whether_or_not_it_began_early(
    fork_server: ForkServer, fifo: Path, name: str
) -> None:
    early_count, data = SESSIONS[name]
    with start_gated(fork_server, fifo) as gate:
        sender = Thread(target=gate.send, args=[data])  # a pipe does not take all of it at once
        sender.start()
        early = gate.receive(early_count)
        gate.open()
        sender.join()
        lines = early + gate.receive_to_the_last()
        assert gate.server.close_stdin() >= 0
        assert gate.server.process.returncode == 0
        assert gate.server.take_messages() == []
    with start_gated(fork_server, fifo) as gate:
        gate.open()
        gate.send(b"{\n")  # the server answers this, so that it is ready
        gate.receive(1)
        gate.send(data)
        assert sorted(gate.receive_to_the_last()) == sorted(lines)


def test_a_line_that_arrives_in_parts_is_read_as_one(fork_server: ForkServer, fifo: Path) -> None:
    with start_gated(fork_server, fifo) as gate:
        gate.send(INITIALIZE[:40])
        gate.send(INITIALIZE[40:] + TOOLS[:20])
        assert b'"id": 1' in gate.receive(1)[0]
        gate.open()
        gate.send(TOOLS[20:])
        assert b'"id": 2' in gate.receive(1)[0]
        assert len(gate.receive_to_the_last()) == 1


def test_a_client_that_does_not_read_gets_every_answer_once(
    fork_server: ForkServer, fifo: Path
) -> None:
    """Stdout takes the first answers only; the server writes the rest of the last one."""
    ids = list(range(2, 40))
    folder = fifo.parent / "data"
    with fork_server.start(folder, program=PROGRAM, reads=False, GATE=str(fifo)) as server:
        gate = Gate(server, fifo)
        gate.send(INITIALIZE + b"".join(request("tools/list", number) for number in ids))
        assert server.process.stdout is not None
        lines = [json.loads(server.process.stdout.readline())]
        gate.open()
        gate.send(LAST_LINE)
        lines += [json.loads(server.process.stdout.readline()) for _ in (*ids, "last")]
        assert sorted(line["id"] for line in lines if line["id"] != "last") == [1, *ids]
        tools = [line["result"]["tools"] for line in lines if line["id"] in ids]
        assert all(listed == tools[0] for listed in tools)


def test_a_client_may_leave_before_the_server_is_imported(
    fork_server: ForkServer, fifo: Path
) -> None:
    with start_gated(fork_server, fifo) as gate:
        gate.send(INITIALIZE + TOOLS)
        gate.receive(2)
        assert gate.server.process.stdin is not None
        gate.server.process.stdin.close()
        gate.open()
        gate.server.wait_for_exit()
        assert gate.server.process.returncode == 0
        assert gate.server.take_messages() == []


def test_a_signal_ends_a_server_that_is_being_imported(fork_server: ForkServer, fifo: Path) -> None:
    with start_gated(fork_server, fifo) as gate:
        gate.send(INITIALIZE)
        gate.receive(1)
        gate.server.send_signal(signal.SIGTERM)
        assert gate.server.process.returncode == -signal.SIGTERM


def test_nothing_is_answered_early_with_a_wrong_setting(
    fork_server: ForkServer, fifo: Path
) -> None:
    folder = fifo.parent / "data"
    wrong = {"GATE": str(fifo), "TAVUS_MCP_LOG_LEVEL": "loud"}
    with fork_server.start(folder, program=PROGRAM, **wrong) as server:
        gate = Gate(server, fifo)
        gate.send(INITIALIZE)
        server.wait_for_output(SILENCE_SECONDS)
        assert server.take_messages() == []
        gate.open()
        assert b'"result"' in gate.receive(1)[0]
        assert "TAVUS_MCP_LOG_LEVEL" in server.read_stderr()


def test_the_command_answers_before_it_imports_the_sdk(tmp_path: Path) -> None:
    """Run in a fresh interpreter that has imported no module of the package."""
    check = (
        "import sys, tavus_mcp.cli.main as m; "
        "sys.exit(sorted({'mcp', 'anyio', 'asyncio', 'pydantic', 'httpx2'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True,
        env=build_environment(tmp_path),
        check=False,
    )
    assert done.stderr == b"[]\n"


@pytest.mark.extended
def test_a_toolset_is_imported_at_the_first_call_or_while_the_server_is_idle(
    tmp_path: Path,
) -> None:
    """Run in a fresh interpreter; the toolsets that are not served are never imported."""
    check = """
import sys, anyio
from pathlib import Path
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import Settings

async def list_imports():
    prefix = "tavus_mcp.server.tools."
    def imports():
        return sorted(name.removeprefix(prefix) for name in sys.modules if name.startswith(prefix))
    settings = Settings(toolsets=("layers", "checks"), data_dir=Path())
    server = build_server(build_app(settings), settings)
    assert await server.list_tools()
    print(imports())
    await server.call_tool("describe_layer", {"layer": "llm"})
    print(imports())
    await server.specs.load_while_idle()
    print(imports())

anyio.run(list_imports)
"""
    done = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True,
        env=build_environment(tmp_path),
        cwd=tmp_path,
        check=True,
    )
    listed, called, idle = done.stdout.decode().splitlines()
    assert listed == "[]"
    assert called == "['layers']"
    assert idle == "['checks', 'layers']"


@pytest.mark.anyio
async def test_a_toolset_that_cannot_be_imported_does_not_end_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await ServedSpecs({"absent_tool": {"toolset": "absent"}}).load_while_idle()
    (record,) = caplog.records
    assert "Toolset absent cannot be imported" in record.getMessage()
