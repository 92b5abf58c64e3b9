"""A server that a person starts on a terminal says what it is and what to do."""

from __future__ import annotations

from pathlib import Path

from forked_processes import ForkServer

from tavus_mcp import __version__

ON_A_TERMINAL = """
import os, pty
from tavus_mcp.cli import main

terminal, theirs = pty.openpty()
os.dup2(theirs, 0)
os.write(terminal, b"\\x04")  # the end of input, as typed with Ctrl+D
raise SystemExit(main.run(["--sandbox"]))
"""


def test_a_server_on_a_terminal_prints_one_line_to_stderr(
    fork_server: ForkServer, tmp_path: Path
) -> None:
    with fork_server.start(tmp_path, program=ON_A_TERMINAL) as process:
        process.wait_for_exit()
        assert process.process.returncode == 0
        (line,) = process.read_stderr().splitlines()
        assert process.non_message_lines == []
    assert line.startswith(f"tavus-mcp {__version__}: an MCP server for Tavus personas")
    assert "tavus-mcp install HOST" in line


def test_a_server_of_a_host_prints_nothing(fork_server: ForkServer, tmp_path: Path) -> None:
    done = fork_server.run(tmp_path, "--sandbox")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
