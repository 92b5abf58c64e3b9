"""Fixtures of the tests of ``install`` and ``doctor``, which import the ones that they use.

Their functions have other names than the fixtures, so that an import is not shadowed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from command_runner import CommandResult, CommandRunner
from doctor_runs import Doctor
from install_runs import KEY, Install


@pytest.fixture(name="home")
def home_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of a user on Linux; the running program is installed in it."""
    program = tmp_path / "home/.local/bin/tavus-mcp"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "argv", [str(program)])
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "SSL_CERT_FILE", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


@pytest.fixture(name="project")
def project_fixture(tmp_path: Path) -> Path:
    """The folder of a project, in which commands run."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture(name="install")
def install_fixture(home: Path, project: Path) -> Install:
    """Run ``tavus-mcp install`` with a key in the environment."""
    runner = CommandRunner(project, {"TAVUS_MCP_DATA_DIR": "", "TAVUS_API_KEY": KEY})

    def run(*arguments: str, **env: str) -> CommandResult:
        return runner.run_without_sandbox("install", *arguments, **env)

    return run


@pytest.fixture(name="doctor")
def doctor_fixture(home: Path, project: Path) -> Doctor:
    """Run ``tavus-mcp doctor`` in the folder of a project."""
    return Doctor(home, project)
