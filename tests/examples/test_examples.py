"""The examples run as they stand, and the host files are what hosts read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
HOSTS = {
    "claude-desktop": "mcpServers",
    "claude-code": "mcpServers",
    "cursor": "mcpServers",
    "vscode": "servers",
}


def run_example(name: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_quickstart_creates_tunes_and_undoes() -> None:
    output = run_example("quickstart.py")
    assert "turn_taking_patience" in output
    assert "undone: applied" in output
    assert "removed: Receptionist" in output


def test_the_quickstart_stays_short() -> None:
    lines = (EXAMPLES / "quickstart.py").read_text().split("SERVER =")[1].splitlines()
    assert len([line for line in lines if line.strip()]) <= 45


def test_the_technical_interviewer_is_created_fixed_and_tuned() -> None:
    output = run_example("technical_interviewer.py")
    for layer in ("llm", "tts", "stt", "perception", "conversational_flow"):
        assert f"/layers/{layer}" in output
    assert "tavus-gpt-4o is deprecated" in output
    assert "'tavus-gpt-4o' -> 'tavus-gemma-4'" in output
    assert "left to mend: {'info': 1}" in output


def test_a_tuning_session_goes_from_a_complaint_to_measurements_and_undo() -> None:
    output = run_example("tuning_session.py")
    assert "suggest_tuning(persona_id=" in output
    assert "- interrupt_less: it talks over people less; not " in output
    assert "/layers/conversational_flow/turn_taking_patience: low -> high" in output
    figures = {line.split(",")[0].strip(): line for line in output.splitlines() if " to " in line}
    assert figures["agent_over_user"].endswith("more than chance")
    assert figures["response_gap_median"].endswith("more than chance")
    assert "made up by the sandbox" in output
    assert "Undone: applied; the persona is at the earlier revision again." in output


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_configuration_starts_this_server_and_contains_no_key(host: str) -> None:
    config: dict[str, Any] = json.loads((EXAMPLES / "hosts" / f"{host}.json").read_text())
    server = config[HOSTS[host]]["tavus"]
    assert server["command"] == "uvx"
    assert server["args"][0] == "--from"
    assert server["args"][-1] == "tavus-mcp"
    assert server["env"] == {"TAVUS_API_KEY": "YOUR_TAVUS_API_KEY"}
