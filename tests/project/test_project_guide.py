"""``docs/projects.md``: its files are written and its commands run, and print what it shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from command_runner import CommandRunner

from tavus_mcp.persona_files.yaml_reader import parse_yaml

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "projects.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"(?:^([^\n]*)\n\n)?^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_QUESTION = "Type yes: "
_GIT = {
    f"GIT_{role}_{name}": value
    for role in ("AUTHOR", "COMMITTER")
    for name, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"))
}


@dataclass(frozen=True)
class Step:
    """A command with the output and the exit status that the document shows."""

    command: str
    output: str
    status: int

    @classmethod
    def parse(cls, text: str) -> Step:
        """Parse a command and the lines below it."""
        command, _, output = text.partition("\n")
        match = re.search(r"^\[exit status (\d+)\]\n\Z", output, re.MULTILINE)
        return cls(
            command,
            output[: match.start()] if match else output,
            int(match[1]) if match else 0,
        )

    @property
    def pattern(self) -> str:
        """The pattern of the output: ``...`` is anything on a line, or any lines on its own."""
        lines = (
            r"(?:.*\n)*" if line == "...\n" else re.escape(line).replace(r"\.\.\.", ".*")
            for line in self.output.splitlines(keepends=True)
        )
        return "".join(lines)


@dataclass
class Walk:
    """A reader who types what the document says, in a folder of their own."""

    runner: CommandRunner
    digest: str = ""
    commands: list[str] = field(default_factory=list)

    def take(self, step: Step) -> str:
        """Run a command as on a terminal; return what the terminal shows."""
        self.commands.append(step.command)
        words = shlex.split(step.command.replace("DIGEST", self.digest))
        if words[0] == "cd":
            self.runner.folder /= words[1]
            return ""
        if words[0] != "tavus-mcp":
            done = subprocess.run(
                words,
                cwd=self.runner.folder,
                env={**_GIT, "PATH": os.environ["PATH"], "HOME": str(self.runner.folder)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == step.status, done
            return done.stdout + done.stderr
        answers = "yes\n" * step.output.count(_QUESTION)
        result = self.runner.run_on_terminal(*words[1:], stdin=answers)
        assert result.status == step.status, result
        self.digest = result.find_value("digest") or self.digest
        return result.stdout


def iterate_blocks() -> Iterator[tuple[str, str, str, str]]:
    for match in _BLOCK.finditer(GUIDE):
        before, language, path, content = match.groups()
        yield before or "", language, path or "", content


@pytest.mark.extended
def test_the_guide_can_be_followed(tmp_path: Path) -> None:
    """From an account of ten personas to an undo, by the document alone."""
    walk = Walk(CommandRunner(tmp_path, {}))
    for before, language, path, content in iterate_blocks():
        if path:
            assert f"`{path}`" in before.splitlines()[-1], "the text must say where this belongs"
            (walk.runner.folder / path).write_text(content, encoding="utf-8")
        elif language == "console":
            for text in content.split("$ ")[1:]:
                step = Step.parse(text)
                output = walk.take(step)
                assert re.fullmatch(step.pattern, output), f"$ {step.command}\n{output}"
    assert len(walk.commands) > 20


@pytest.mark.parametrize("command", ["validate", "plan", "apply"])
def test_the_workflow_runs_commands_that_exist(command: str) -> None:
    workflow = parse_yaml((ROOT / "examples/project/ci.yml").read_text()).to_data()
    runs = [step.get("run", "") for step in workflow["jobs"]["agents"]["steps"]]
    assert any(f"tavus-mcp {command}" in run for run in runs)
