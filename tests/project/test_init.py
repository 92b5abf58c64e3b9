"""``tavus-mcp init``: a project from nothing, from exported files, and from an account."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from command_runner import CommandRunner

ADA = "persona_name: Ada\nsystem_prompt: You help people.\ndefault_replica_id: rfe12d8b9597\n"
SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "init-1.schema.json"


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    return CommandRunner(tmp_path, {})


def test_a_new_project_works_on_a_sandbox(runner: CommandRunner) -> None:
    result = runner.run_without_sandbox("init", "--sandbox")
    assert result.status == 0
    assert "next: tavus-mcp status --env local" in result.stdout
    assert runner.run_without_sandbox("status").status == 0
    assert runner.run_without_sandbox("init", "--sandbox").status == 4


def test_the_variable_of_the_key_is_named_and_no_key_is_written(runner: CommandRunner) -> None:
    key = "key-0123456789abcdef"
    result = runner.run_without_sandbox("init", "--env", "staging", TAVUS_API_KEY=key)
    assert result.status == 0
    text = (runner.folder / "tavus.toml").read_text()
    assert text.startswith('[environments.staging]\napi_key_env = "TAVUS_API_KEY"\n')
    assert key not in "".join(
        path.read_text() for path in runner.folder.glob("*.*") if path.is_file()
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--api-key-env", "sk-1.2"], "the name of a variable, not the key"),
        (["--env", "a b"], "not TOML"),
    ],
)
def test_a_wrong_name_writes_nothing(
    runner: CommandRunner, arguments: list[str], words: str
) -> None:
    result = runner.run_without_sandbox("init", *arguments)
    assert result.status == 4
    assert words in result.stderr
    assert not (runner.folder / "tavus.toml").exists()


def test_exported_files_are_taken_over_with_their_ids(runner: CommandRunner) -> None:
    """Required by the issue: the export of a persona becomes a file of the project."""
    exported = (
        "# mine\npersona_id: p123\nrevision: abcdefabcdef\n"
        + ADA
        + ("tool_ids: [t1]\nlayers:\n  llm:\n    api_key_ref: OpenAI\n")
    )
    runner.write_file(exported, "Ada.yaml")
    runner.write_file("a: 1\n", "other.yaml")
    data = json.loads(runner.run_without_sandbox("init", "--sandbox", "--json").stdout)
    jsonschema.validate(data, json.loads(SCHEMA.read_text()))
    assert data["adopted"] == [{"from": "Ada.yaml", "to": "personas/ada.yaml"}]
    text = (runner.folder / "personas/ada.yaml").read_text()
    assert text.startswith("# mine\npersona_name: Ada\n")
    assert "id:t1" in text
    state = json.loads((runner.folder / ".tavus/local.json").read_text())
    assert state["objects"]["personas/ada"]["id"] == "p123"
    assert 'openai = "TAVUS_SECRET_OPENAI"' in (runner.folder / "tavus.toml").read_text()
    assert (runner.folder / "other.yaml").exists()


def test_an_account_without_its_key_can_be_pulled_later(runner: CommandRunner) -> None:
    arguments = ("--env", "staging", "--api-key-env", "STAGING_KEY", "--from-account")
    result = runner.run_without_sandbox("init", *arguments)
    assert result.status == 5
    assert "the variable STAGING_KEY is not set" in result.stderr
    assert result.stderr.splitlines()[-1].endswith("tavus-mcp pull --env staging --all")


def test_an_empty_sandbox_can_be_filled(runner: CommandRunner) -> None:
    result = runner.run_without_sandbox("init", "--sandbox", "--from-account")
    assert "tavus-mcp sandbox --env local --make-personas fills it" in result.stdout


def test_an_account_becomes_files(runner: CommandRunner) -> None:
    result = runner.run_without_sandbox("init", "--sandbox", "--from-account", "--json")
    assert result.status == 0
    assert json.loads(result.stdout)["objects"] == []
