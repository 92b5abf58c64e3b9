"""``docs/projects.md``: its files are written and its commands run, from ``init`` to an undo."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from command_runner import CommandRunner

from tavus_mcp.persona_files.yaml_reader import parse_yaml

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "projects.md"
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STATUS = re.compile(r"\[exit status (\d+)\]")


def run_console(runner: CommandRunner, block: str) -> None:
    """Run the commands of a block; their output holds the lines below each."""
    for step in block.split("$ ")[1:]:
        command, *lines = step.splitlines()
        expected_status = 0
        if lines and (match := _STATUS.fullmatch(lines[-1])):
            expected_status = int(match[1])
            lines.pop()
        status, output = run_command(runner, command)
        assert status == expected_status, (command, output)
        for line in lines:
            assert line.strip() in output, (command, line, output)


def run_command(runner: CommandRunner, command: str) -> tuple[int, str]:
    words = shlex.split(command)
    if words[0] != "tavus-mcp":
        done = subprocess.run(words, cwd=runner.folder, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr
    if "DIGEST" in words:
        plan = runner.run_without_sandbox("plan", "--env", "production", "--json")
        words[words.index("DIGEST")] = json.loads(plan.stdout)["digest"]
    result = runner.run_without_sandbox(*words[1:])
    return result.status, result.stdout + result.stderr


def test_the_guide_can_be_followed(tmp_path: Path) -> None:
    """Required by the issue: by the document alone, from ``init`` to a promotion and an undo."""
    runner = CommandRunner(tmp_path, {})
    commands = 0
    for language, path, content in _BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        if language == "console":
            run_console(runner, content)
            commands += content.count("$ ")
        elif path:
            target = tmp_path / path
            target.parent.mkdir(exist_ok=True)
            target.write_text(content, encoding="utf-8")
    assert commands > 10


@pytest.mark.parametrize("command", ["validate", "plan", "apply"])
def test_the_workflow_runs_commands_that_exist(command: str) -> None:
    workflow = parse_yaml((ROOT / "examples/project/ci.yml").read_text()).to_data()
    runs = [step.get("run", "") for step in workflow["jobs"]["agents"]["steps"]]
    assert any(f"tavus-mcp {command}" in run for run in runs)
