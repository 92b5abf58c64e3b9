"""``tavus-mcp completion``: scripts that complete commands, options and environments."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from command_runner import CommandRunner


def complete(script: str, folder: Path, *words: str) -> list[str]:
    """Return what bash offers for the last of these words."""
    line = " ".join(f"'{word}'" for word in words)
    program = (
        f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _tavus_mcp;"
        "echo ${COMPREPLY[@]}"
    )
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_commands_options_and_environments(tmp_path: Path) -> None:
    (tmp_path / "tavus.toml").write_text("[environments.staging]\n[environments.local.values]\n")
    script = CommandRunner(tmp_path, {}).run_without_sandbox("completion", "bash").stdout
    assert complete(script, tmp_path, "tavus-mcp", "sta") == ["status"]
    assert complete(script, tmp_path, "tavus-mcp", "apply", "--pr") == ["--project", "--prune"]
    assert complete(script, tmp_path, "tavus-mcp", "plan", "--env", "") == ["staging", "local"]


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("zsh", "bashcompinit"),
        ("fish", "complete -c tavus-mcp -n '__fish_seen_subcommand_from apply' -l prune"),
    ],
)
def test_other_shells_have_a_script(tmp_path: Path, shell: str, words: str) -> None:
    result = CommandRunner(tmp_path, {}).run_without_sandbox("completion", shell)
    assert result.status == 0
    assert words in result.stdout
