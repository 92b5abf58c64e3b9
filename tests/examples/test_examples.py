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


def output_of(name: str) -> str:
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
    told = output_of("quickstart.py")
    assert "turn_taking_patience" in told
    assert "undone: applied" in told
    assert "removed: Receptionist" in told


def test_the_quickstart_stays_short() -> None:
    lines = (EXAMPLES / "quickstart.py").read_text().split("SERVER =")[1].splitlines()
    assert len([line for line in lines if line.strip()]) <= 45


def test_the_technical_interviewer_is_created_mended_and_tuned() -> None:
    told = output_of("technical_interviewer.py")
    for layer in ("llm", "tts", "stt", "perception", "conversational_flow"):
        assert f"/layers/{layer}" in told
    assert "tavus-gpt-4o is deprecated" in told
    assert "'tavus-gpt-4o' -> 'tavus-gemma-4'" in told
    assert "left to mend: {'info': 1}" in told


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_file_starts_this_server_from_a_source_and_holds_no_key(host: str) -> None:
    config: dict[str, Any] = json.loads((EXAMPLES / "hosts" / f"{host}.json").read_text())
    server = config[HOSTS[host]]["tavus"]
    assert server["command"] == "uvx"
    assert server["args"][0] == "--from"
    assert server["args"][-1] == "tavus-mcp"
    assert server["env"] == {"TAVUS_API_KEY": "YOUR_TAVUS_API_KEY"}
