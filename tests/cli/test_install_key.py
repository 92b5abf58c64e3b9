"""``tavus-mcp install`` and the key: from the environment, the file, or a hidden prompt."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from forked_processes import ForkServer
from install_fixtures import home_fixture, install_fixture, project_fixture  # noqa: F401 - fixtures
from install_runs import KEY, Install, read_entry


def test_without_key_and_terminal_nothing_is_written(home: Path, install: Install) -> None:
    done = install("cursor", TAVUS_API_KEY="")
    assert done.status == 5
    assert "Set TAVUS_API_KEY" in done.stderr
    assert not (home / ".cursor").exists()


def test_a_key_in_the_file_is_used_again(home: Path, install: Install) -> None:
    install("cursor")
    done = install("cursor", "--read-only", TAVUS_API_KEY="")
    assert done.status == 0, done
    entry = read_entry(home / ".cursor/mcp.json", "cursor")
    assert entry["env"] == {"TAVUS_API_KEY": KEY}
    assert entry["args"] == ["--read-only"]


def test_a_placeholder_in_the_environment_is_refused(home: Path, install: Install) -> None:
    done = install("cursor", TAVUS_API_KEY="YOUR_TAVUS_API_KEY")
    assert done.status == 64
    assert "TAVUS_API_KEY: holds a placeholder" in done.stderr
    assert not (home / ".cursor").exists()


TYPE_KEY = """
import fcntl, os, pty, sys, termios, threading
from tavus_mcp.cli import main

terminal, theirs = pty.openpty()
os.setsid()
fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
os.dup2(theirs, 0)
sys.argv[0] = {program!r}
seen = b""

def answer():
    global seen
    while b"): " not in seen:
        seen += os.read(terminal, 1000)
    os.write(terminal, {typed!r})
    while b"the end" not in seen:
        seen += os.read(terminal, 1000)

person = threading.Thread(target=answer)
person.start()
status = main.run(["install", "cursor"])
os.write(theirs, b"the end")
person.join()
print("terminal:", seen.decode())
raise SystemExit(status)
"""


@pytest.mark.parametrize(
    ("typed", "status"),
    [(f"{KEY}\n", 0), ("<any key>\n", 4), ("\n", 5), ("\x03", 5), ("\x04", 5)],
    ids=["key", "placeholder", "nothing", "Ctrl+C", "Ctrl+D"],
)
def test_a_typed_key_is_hidden(
    home: Path, fork_server: ForkServer, tmp_path: Path, typed: str, status: int
) -> None:
    path = home / ".cursor/mcp.json"
    program = TYPE_KEY.format(program=sys.argv[0], typed=typed.encode())
    environment = {"HOME": str(home), "TAVUS_MCP_DATA_DIR": ""}
    with fork_server.start(tmp_path / "run", program=program, **environment) as process:
        process.wait_for_exit()
        output = b"".join(process.non_message_lines).decode()
        errors = process.read_stderr()
        assert process.process.returncode == status, output + errors
    assert "terminal: Tavus API key (hidden): " in output
    assert "any key" not in output + errors
    assert KEY not in output + errors
    assert path.exists() == (status == 0)
    if not status:
        assert read_entry(path, "cursor")["env"] == {"TAVUS_API_KEY": KEY}
