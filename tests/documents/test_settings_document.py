"""docs/settings.md lists commands with options that exist, those of projects with all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tavus_mcp.cli import main

ROOT = Path(__file__).parents[2]
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
GENERAL, OF_PROJECTS = SETTINGS.split("## Commands of projects")
COMMON = {"--help", "--sandbox", "--read-only", "--project", "--env", "--json"}
OPTION = re.compile(r"--[a-z][a-z-]+")


def documented_options(text: str) -> dict[str, set[str]]:
    """Return the options in the first cell of the row of each command."""
    rows = re.findall(r"^\| `tavus-mcp ([a-z]+)(.*)$", text, re.MULTILINE)
    return {name: set(OPTION.findall(row.split(" | ")[0])) for name, row in rows}


def existing_options(name: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    with pytest.raises(SystemExit):
        main.run([name, "--help"])
    return set(OPTION.findall(capsys.readouterr().out))


def test_every_option_of_the_table_exists(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {**documented_options(GENERAL), **documented_options(OF_PROJECTS)}
    assert len(rows) > 15
    for name, options in rows.items():
        assert options <= existing_options(name, capsys) | COMMON, name


@pytest.mark.parametrize("name", ["init", "validate", "status", "diff", "plan", "pull", "history"])
def test_every_option_of_a_command_of_projects_is_in_the_table(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = existing_options(name, capsys) - COMMON | ({"--sandbox"} if name == "init" else set())
    assert options <= documented_options(OF_PROJECTS)[name]


def test_every_kind_of_output_has_a_schema_that_is_listed() -> None:
    sources = (ROOT / "tavus_mcp" / "cli").glob("*.py")
    printed = {
        found
        for source in sources
        for found in re.findall(r'"(tavus-mcp/[a-z-]+/\d+)"', source.read_text(encoding="utf-8"))
    }
    listed = dict(re.findall(r"\[`(tavus-mcp/[^`]*)`\]\((schemas/[^)]*)\)", SETTINGS))
    assert printed == listed.keys()
    for name, path in listed.items():
        schema = json.loads((ROOT / "docs" / path).read_text(encoding="utf-8"))
        assert schema["properties"]["schema"]["const"] == name
