"""The documents on installing name hosts, options and folders that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

from tavus_mcp.cli import main
from tavus_mcp.hosts.table import HOSTS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
INSTALLING = (ROOT / "docs" / "upgrade.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_that_install_knows_is_documented(host: str) -> None:
    assert f"`{host}`" in README
    assert re.search(rf"\b{host}\b", INSTALLING)


def test_every_documented_option_of_install_exists(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.run(["install", "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    lines = [line.split("#")[0] for line in INSTALLING.splitlines() if "tavus-mcp install " in line]
    used = {word for line in lines for word in re.findall(r"--[a-z-]+", line)}
    assert used <= options
    assert {"--scope", "--print", "--uninstall", "--sandbox"} <= used


def test_every_documented_command_exists(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.run(["--help"])
    commands = set(re.findall(r"^    ([a-z-]+)  ", capsys.readouterr().out, re.MULTILINE))
    documents = [README, *(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))]
    documented = {
        name
        for text in documents
        for name in re.findall(
            r"^(?:\| )?`?tavus-mcp (?:--sandbox )?([a-z]+)\b", text, re.MULTILINE
        )
    }
    assert documented <= commands | {"manifest"}, "which is for developers"


def test_every_command_is_in_the_table_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.run(["--help"])
    commands = re.findall(r"^    ([a-z-]+)  ", capsys.readouterr().out, re.MULTILINE)
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `tavus-mcp ([a-z]+)\b", settings, re.MULTILINE)
    assert set(commands) <= set(rows)


def test_the_documented_data_folders_are_those_of_linux_and_macos() -> None:
    """That of Windows is asked of the system, which is possible on Windows only."""
    name = "tavus-mcp"
    home = str(Path.home())
    assert Unix(name).user_data_dir.replace(home, "~") == "~/.local/share/tavus-mcp"
    assert MacOS(name).user_data_dir.replace(home, "~") in INSTALLING
