"""``tavus-mcp sandbox --make-personas``: example personas to look at and to change."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_runner import CommandRunner

PROJECT = """\
[environments.staging]
sandbox = true

[environments.production]
api_key_env = "TAVUS_API_KEY"
"""


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    return CommandRunner(tmp_path, {})


def test_ten_personas_are_created_once(runner: CommandRunner) -> None:
    created = runner.run_successfully("sandbox", "--make-personas").stdout
    assert created.startswith("created: 10 personas and 3 parts, in ")
    assert "created: 0 personas and 0 parts" in runner.run("sandbox", "--make-personas").stdout
    rows = runner.run_successfully("list").stdout.splitlines()
    assert len(rows) == 11
    assert any("Front desk" in row for row in rows)


def test_the_examples_have_no_mistakes(runner: CommandRunner) -> None:
    runner.run_successfully("sandbox", "--make-personas")
    ids = [row.split()[0] for row in runner.run("list").stdout.splitlines()[1:]]
    checked = runner.run("check", *ids)
    assert checked.status == 0, checked
    assert "- error" not in checked.stdout
    assert "- warning" not in checked.stdout
    assert "tavus-gpt-4o" in checked.stdout, "an example has something to improve"


def test_an_environment_of_a_project_has_a_sandbox_of_its_own(runner: CommandRunner) -> None:
    runner.write_file(PROJECT, "tavus.toml")
    environment = ("--env", "staging")
    assert runner.run_without_sandbox("sandbox", "--make-personas", *environment).status == 0
    assert "Front desk" in runner.run_without_sandbox("list", *environment).stdout
    assert runner.run("list").stdout == "no personas\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--memory"], 64, "--memory"),
        (["--env", "production"], 4, "is an account, not a sandbox"),
        (["--env", "test"], 64, "there is no environment 'test'"),
    ],
)
def test_what_cannot_hold_personas_is_refused(
    runner: CommandRunner, arguments: list[str], status: int, words: str
) -> None:
    runner.write_file(PROJECT, "tavus.toml")
    result = runner.run_without_sandbox("sandbox", "--make-personas", *arguments)
    assert result.status == status
    assert words in result.stderr
