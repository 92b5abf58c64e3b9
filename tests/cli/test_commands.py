"""The commands of ``tavus-mcp``: each is a module that is imported only when it is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tavus_mcp.cli import main

COMMANDS = (
    *("demo", "sandbox", "journal", "manifest", "install", "doctor"),
    *("list", "export", "apply", "undo", "restore", "delete"),
    *("init", "validate", "status", "diff", "plan", "pull", "history", "check", "completion"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_shows_its_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main.run([command, "--help"])
    assert end.value.code == 0
    assert f"usage: tavus-mcp {command}" in capsys.readouterr().out


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.run(["--help"])
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert set(COMMANDS) - {"manifest"} <= listed
    assert "manifest" not in listed, "it is for developers"


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [("aply", "; did you mean 'apply'?"), ("Exprot", "; did you mean 'export'?"), ("xyzzy", ".")],
)
def test_an_unknown_command_is_answered_with_the_closest_one(
    name: str, suggestion: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main.run([name])
    assert end.value.code == 64
    assert capsys.readouterr().err == (
        f"tavus-mcp: no command '{name}'{suggestion} tavus-mcp --help lists all.\n"
    )


def test_an_invalid_setting_ends_with_status_64(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAVUS_MCP_TOOLSETS", "personnas")
    assert main.run(["journal", "verify"]) == 64
    assert "did you mean 'personas'?" in capsys.readouterr().err


def test_the_start_of_a_server_imports_no_other_command() -> None:
    program = (
        "import sys; from tavus_mcp.cli import main; main._build_parser([]);"
        "print([name for name in sys.argv[1:] if f'tavus_mcp.cli.{name}' in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *COMMANDS], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["export", "doctor", "demo"])
def test_an_environment_that_a_command_would_not_use_is_refused(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would work on another account."""
    more = ["p1"] if command == "export" else []
    assert main.run(["--env", "production", command, *more]) == 64
    assert f"{command} takes no --env and no --project." in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [["list"], ["status"], ["validate"], ["sandbox", "--make-personas"], ["journal", "show"]],
)
def test_a_project_and_its_environment_may_be_named_before_the_command(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "tavus.toml").write_text("[environments.only]\nsandbox = true\n")
    assert main.run(["--project", str(tmp_path), "--env", "another", *command]) == 64
    assert "no environment 'another'. tavus.toml has: only." in capsys.readouterr().err


def test_a_command_without_a_key_says_how_to_give_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TAVUS_API_KEY", raising=False)
    monkeypatch.setenv("TAVUS_MCP_DATA_DIR", str(tmp_path))
    assert main.run(["list"]) != 0
    assert "No Tavus key. Set TAVUS_API_KEY, or add --sandbox." in capsys.readouterr().err
