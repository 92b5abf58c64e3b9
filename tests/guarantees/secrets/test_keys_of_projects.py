"""Keys of the environments of a project: those of all of them are masked."""

from __future__ import annotations

from pathlib import Path

from command_runner import CommandRunner

KEYS = {"PRODUCTION_OPENAI": "pr0d-openai-55d0c1b9", "TAVUS_API_KEY": "t4vus-key-7f2e1d0c"}
CONFIGURATION = """\
[environments.staging]
sandbox = true

[environments.production]
sandbox = true
secrets = { openai = "PRODUCTION_OPENAI" }
"""
ADA = (
    f"persona_name: Ada\nsystem_prompt: {' '.join(KEYS.values())}\ndefault_replica_id: rfe12d8b9597"
)


def test_a_key_of_another_environment_is_masked_too(tmp_path: Path) -> None:
    """The prompt of one environment may hold a key of another."""
    runner = CommandRunner(tmp_path, KEYS)
    (tmp_path / "personas").mkdir()
    runner.write_file(CONFIGURATION, "tavus.toml")
    runner.write_file(ADA, "personas/ada.yaml")
    for arguments in (("plan",), ("apply",), ("check", "ada")):
        done = runner.run_without_sandbox(*arguments, "--env", "staging")
        assert done.status in (0, 2), done
        assert [key for key in KEYS.values() if key in done.stdout + done.stderr] == []
