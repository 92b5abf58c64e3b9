"""Runs commands of ``tavus-mcp`` on the embedded sandbox."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mcp_client import SECRET

from tavus_mcp.cli import main

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class CommandResult:
    """The output of a command and its exit status."""

    status: int
    stdout: str
    stderr: str

    def find_value(self, name: str) -> str:
        """Return the value of a line ``name: value``; empty when there is none."""
        lines = (line.partition(": ") for line in self.stdout.splitlines())
        return next((value for key, _, value in lines if key == name), "")


@dataclass
class CommandRunner:
    """A folder with files and a sandbox whose state persists between commands."""

    folder: Path
    env: Mapping[str, str] = field(default_factory=lambda: {"TAVUS_SECRET_OPENAI": SECRET})

    @property
    def data_folder(self) -> Path:
        """Return the data folder."""
        return self.folder / "data"

    def run_subprocess(self, *arguments: str, stdin: str = "", **env: str) -> CommandResult:
        """Run the command in a new process."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("TAVUS_")
        }
        done = subprocess.run(
            [sys.executable, "-m", "tavus_mcp", "--sandbox", *arguments],
            input=stdin.encode(),
            capture_output=True,
            env={**environment, "PYTHONPATH": str(ROOT), **self._environment(env)},
            cwd=self.folder,
            timeout=60,
            check=False,
        )
        return CommandResult(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run(self, *arguments: str, stdin: str = "", **env: str) -> CommandResult:
        """Run the command in this process, which is much faster, on the sandbox."""
        return self.run_without_sandbox("--sandbox", *arguments, stdin=stdin, **env)

    def run_without_sandbox(self, *arguments: str, stdin: str = "", **env: str) -> CommandResult:
        """Run the command in this process, without adding ``--sandbox``."""
        given, out, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(3))
        given.buffer.write(stdin.encode())
        given.buffer.seek(0)
        root = logging.getLogger()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(root, "handlers", [*root.handlers])
            patch.setattr(root, "level", root.level)
            for name, value in self._environment(env).items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            patch.setattr(sys, "stdin", given)
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", errors)
            status = main.run(arguments)
        return CommandResult(status, _read_stream(out), _read_stream(errors))

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        return {"TAVUS_MCP_DATA_DIR": str(self.data_folder), **self.env, **env}

    def run_successfully(self, *arguments: str, stdin: str = "", **env: str) -> CommandResult:
        """Run the command, which must succeed."""
        result = self.run(*arguments, stdin=stdin, **env)
        assert result.status == 0, result
        return result

    def write_file(self, text: str, name: str = "persona.yaml") -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_bytes(text.encode())
        return path

    def create_persona_from_text(self, text: str) -> tuple[Path, str]:
        """Write a file and create its persona; return the file and the id."""
        path = self.write_file(text)
        return path, self.run_successfully("apply", path.name).find_value("persona_id")


def _read_stream(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()
