"""The commands of ``tavus-mcp``: each is a module that is imported only when it is named."""

from __future__ import annotations

import subprocess
import sys

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
