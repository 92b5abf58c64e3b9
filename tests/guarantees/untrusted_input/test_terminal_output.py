"""Texts of other people on a terminal: they control nothing there, and imitate no line of ours."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command_runner import CommandRunner

HOSTILE = 'x"\nforged: applied\r\x1b[31m\u202e\u200b\U000e0041\u2028forged: \x9b1m'
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028\u202e\U000e0041]")
CONFIGURATION = """\
[environments.staging]
sandbox = true

[environments.production]
sandbox = true
protected = true
"""
REPLICA = "rfe12d8b9597"


def build_persona(**changes: object) -> str:
    """Return a persona file in JSON, which is YAML, with a hostile name in every place."""
    extra_body = {HOSTILE: {HOSTILE: HOSTILE}, "n": 1, **changes}
    fields = {
        "persona_name": HOSTILE,
        "system_prompt": HOSTILE,
        "default_replica_id": REPLICA,
        "layers": {"llm": {"extra_body": extra_body}},
    }
    return json.dumps(fields)


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    runner = CommandRunner(tmp_path, {})
    (tmp_path / "personas").mkdir()
    runner.write_file(CONFIGURATION, "tavus.toml")
    runner.write_file(build_persona(), "personas/ada.yaml")
    return runner


def require_safe(text: str) -> None:
    """Expect that a text controls no terminal and has no line that only the foreign text begins."""
    assert RAW.findall(text) == [], ascii(text)
    forged = [line for line in text.split("\n") if re.match(r'[\s"+-]*forged', line)]
    # a value that is listed line by line is marked as such
    assert [line for line in forged if not re.match(r"\s+([+-]|forged)", line)] == [], text


def test_no_command_lets_a_foreign_text_control_the_terminal(runner: CommandRunner) -> None:
    staging = ("--env", "staging")
    outputs = []

    def run(*arguments: str) -> str:
        result = runner.run_without_sandbox(*arguments)
        outputs.append(result)
        require_safe(result.stdout)
        require_safe(result.stderr)
        return result.stdout

    for command in ("validate", "status", "plan", "apply", "list", "history"):
        run(command, *staging)
    run("check", "ada", *staging)
    assert "forged" in run("check", "ada", "--json", *staging)
    runner.write_file(build_persona(**{HOSTILE: 2, f"{HOSTILE}2": 3}), "personas/ada.yaml")
    for command in ("status", "diff", "plan", "apply"):
        run(command, *staging)
    assert "forged" in run("list", "--json", *staging)
    run("undo", "--dry-run", *staging)
    run("journal", "show", *staging)
    (runner.folder / "personas/ada.yaml").unlink()
    run("status", *staging)
    run("pull", "--all", *staging)
    assert {result.status for result in outputs} <= {0, 2, 4}


def test_a_plan_before_a_question_is_made_visible(runner: CommandRunner) -> None:
    """The plan before the question went to stderr as it was."""
    screen = runner.run_on_terminal("apply", "--env", "production", stdin="yes\n")
    assert screen.status == 0, screen.stdout
    assert "forged" in screen.stdout
    require_safe(re.sub(r"[^\n]*\r\x1b\[K", "", screen.stdout))
    screen = runner.run_on_terminal("undo", "--env", "production", stdin="no\n")
    require_safe(re.sub(r"[^\n]*\r\x1b\[K", "", screen.stdout))


def test_a_key_that_stands_among_the_arguments_is_masked(tmp_path: Path) -> None:
    key = "Zp3w-canary/Llm+55d0c1b9"
    runner = CommandRunner(tmp_path, {"TAVUS_SECRET_OPENAI": key})
    for arguments in (
        (key,),
        ("list", key),
        ("list", f"--{key}"),
        ("install", key),
        ("check", key),
    ):
        result = runner.run(*arguments)
        assert result.status != 0
        assert key not in result.stdout + result.stderr, arguments
