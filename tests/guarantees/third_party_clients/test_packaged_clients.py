"""The code of LiveKit's plugin, Pipecat's client and the vendor's client, against the sandbox.

The packages are installed from the package index into an environment of their own. They run in
processes of that environment; ``client_programs/`` holds the calls that they make.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ENVIRONMENT_VARIABLE = "TAVUS_MCP_CLIENT_PYTHON"
"""Names the Python of an environment that has the packages of ``requirements.txt``."""
RunClient = Callable[[str], dict[str, Any]]
pytestmark = pytest.mark.extended


@pytest.fixture(scope="module")
def client_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the Python with the clients; install them unless the environment names one."""
    if installed := os.environ.get(ENVIRONMENT_VARIABLE):
        return installed
    folder = tmp_path_factory.mktemp("clients")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(next(folder.glob("*/python*")))
    requirements = str(HERE / "requirements.txt")
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
    return python


@pytest.fixture(scope="module")
def run_client(
    client_python: str, sandbox_url: str, tmp_path_factory: pytest.TempPathFactory
) -> RunClient:
    """Run a program of ``client_programs`` against a sandbox; returns what it printed."""
    ours = ("TAVUS_", "PYTHONPATH")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    settings = {"TAVUS_API_KEY": "key-12345678", "TAVUS_PUBLIC_API_BASE_URL": sandbox_url}
    folder = tmp_path_factory.mktemp("client")

    def run(name: str) -> dict[str, Any]:
        done = subprocess.run(
            [client_python, str(HERE / "client_programs" / f"{name}.py"), sandbox_url],
            capture_output=True,
            text=True,
            env={**plain, **settings},
            cwd=folder,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return dict(json.loads(done.stdout))

    return run


def test_the_plugin_of_livekit_starts_its_calls(run_client: RunClient) -> None:
    result = run_client("livekit_plugin")
    for call in ("stock_call", "pal_call", "persona_call", "greeted_call"):
        assert result[call].startswith("c")
    assert result["pal_id"].startswith("p")
    assert result["persona_id"].startswith("p")


def test_the_transport_of_pipecat_starts_and_ends_a_call(run_client: RunClient) -> None:
    result = run_client("pipecat_transport")
    assert result["persona_name"]
    assert result["conversation_id"].startswith("c")
    assert result["conversation_url"].startswith("https://")


def test_every_call_of_the_vendors_client_succeeds(run_client: RunClient) -> None:
    result = run_client("vendor_client")
    failures = {name: text for name, text in result["failures"].items() if text is not None}
    assert failures == {}
    assert len(result["failures"]) >= 50
    assert result["documents"], "the document that was added is listed"
    expected = {
        "objectives": {"objectives_id", "objectives_name", "uuid"},
        "documents": {"document_id", "display_status", "uuid"},
        "skills": {"skill_id", "display_name", "tool_names"},
    }
    for kind, names in expected.items():
        assert names <= set(result["rows"][kind])


def test_the_comparison_with_the_vendors_server_is_current(client_python: str) -> None:
    """If this fails: python docs/measure_comparison.py"""
    script = str(ROOT / "docs" / "measure_comparison.py")
    vendor = str(Path(client_python).with_name("tavus-mcp"))
    done = subprocess.run(
        [sys.executable, script, "--check", "--vendor", vendor],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
