"""Runs commands of ``tavus-mcp`` on the embedded sandbox."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from command_wording import find_wording_for_assistants
from mcp_client import SECRET

from tavus_mcp.cli import main

ROOT = Path(__file__).parents[1]
_ERASED_LINE = re.compile(r"[^\n]*\r\x1b\[K")


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
        ours = ("TAVUS_", "SSL_CERT_")
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(ours)
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
        return self._run(arguments, stdin, env, *(_Stream(io.BytesIO(), "utf-8") for _ in range(3)))

    def run_on_terminal(self, *arguments: str, stdin: str = "", **env: str) -> CommandResult:
        """Run the command as on a terminal: ``stdout`` is all that it shows, without colours."""
        screen = _Terminal(io.BytesIO(), "utf-8")
        given = _Keyboard(io.BytesIO(), "utf-8")
        given.screen = screen
        return self._run(arguments, stdin, {"NO_COLOR": "1", **env}, given, screen, screen)

    def _run(
        self,
        arguments: Sequence[str],
        stdin: str,
        env: Mapping[str, str],
        given: _Stream,
        out: _Stream,
        errors: _Stream,
    ) -> CommandResult:
        given.buffer.write(stdin.encode())
        given.buffer.seek(0)
        root = logging.getLogger()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(root, "handlers", [*root.handlers])
            patch.setattr(root, "level", root.level)
            patch.delenv("SSL_CERT_FILE", raising=False)  # read at the start of each command
            for name, value in self._environment(env).items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            patch.setattr(sys, "stdin", given)
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", errors)
            try:
                status = main.run(arguments)
            except SystemExit as end:  # a wrong option, or --help
                status = int(end.code or 0)
        result = CommandResult(status, out.read_all(), "" if errors is out else errors.read_all())
        assert find_wording_for_assistants(arguments, result.stdout + result.stderr) == []
        return result

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        return {"TAVUS_MCP_DATA_DIR": str(self.data_folder), **self.env, **env}

    def run_successfully(self, *arguments: str, stdin: str = "", **env: str) -> CommandResult:
        """Run the command, which must succeed."""
        result = self.run(*arguments, stdin=stdin, **env)
        assert result.status == 0, result
        return result

    def write_file(self, text: str, name: str = "persona.yaml") -> Path:
        """Write a file, and make its folder if there is none."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
        return path

    def create_persona_from_text(self, text: str) -> tuple[Path, str]:
        """Write a file and create its persona; return the file and the id."""
        path = self.write_file(text)
        return path, self.run_successfully("apply", path.name).find_value("persona_id")


def build_project_runner(folder: Path, configuration: str, **personas: str) -> CommandRunner:
    """Write the files of a project, without secrets; return what runs commands in it."""
    runner = CommandRunner(folder, {})
    runner.write_file(configuration, "tavus.toml")
    for name, text in personas.items():
        runner.write_file(text, f"personas/{name}.yaml")
    return runner


class _Stream(io.TextIOWrapper):
    def read_all(self) -> str:
        """Return everything that was written."""
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


class _Terminal(_Stream):
    """A screen, on which a line may be erased."""

    def isatty(self) -> bool:
        return True

    def read_all(self) -> str:
        return _ERASED_LINE.sub("", super().read_all())


class _Keyboard(_Terminal):
    """A keyboard whose lines the screen shows."""

    screen: _Stream

    def readline(self, size: int | None = -1, /) -> str:
        line = super().readline(-1 if size is None else size)
        self.screen.write(line)
        return line
