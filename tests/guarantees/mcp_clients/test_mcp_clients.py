"""The clients of other projects, each in a process, against the server over stdio.

The Inspector and the clients of the Python and TypeScript SDKs list the tools, call them, get an
error, and are notified of a change. The server runs on its embedded sandbox.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from node_programs import node_command, node_modules

from tavus_mcp.server.tools import load_all_specs
from tavus_mcp.settings import DEFAULT_TOOLSETS

pytestmark = pytest.mark.extended

HERE = Path(__file__).parent
PROGRAMS = HERE / "client_programs"
ROOT = HERE.parents[2]
FIELDS = json.dumps(
    {"name": "Bot", "system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}
)
STOCK_PERSONA_ID = "p1af207b8189"
TIMEOUT_SECONDS = 60
SERVER_COMMAND = [sys.executable, "-m", "tavus_mcp", "--sandbox"]
TOOL_NAMES = [
    spec.name
    for spec in load_all_specs()
    if spec.toolset in DEFAULT_TOOLSETS and not spec.for_view_only
]
MODERN = "2026-07-28"


def build_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a client, which its server inherits."""
    ours = ("TAVUS_", "PYTHONPATH")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**plain, "PYTHONPATH": str(ROOT), "TAVUS_MCP_DATA_DIR": str(folder)}


def run_client(
    folder: Path, *command: str, exit_code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a client to its end."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**build_environment(folder), **environment},
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == exit_code, done.stdout[-1000:] + done.stderr[-2000:]
    return done


def check_seen(text: str) -> dict[str, Any]:
    """Check what a program of ``client_programs`` printed, and return it."""
    seen = dict(json.loads(text))
    assert seen["tools"] == TOOL_NAMES
    persona = seen["read"]["persona"]
    assert persona["persona_name"] == "Bot"
    assert seen["refused"] is True
    assert seen["updated"] == [f"tavus://personas/{persona['persona_id']}"]
    return seen


@pytest.fixture(scope="module")
def sdk_1_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the Python of an environment with the SDK 1.x."""
    folder = tmp_path_factory.mktemp("sdk_1")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(next(folder.glob("*/python*")))
    requirements = str(HERE / "requirements.txt")
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
    return python


def test_the_python_sdk_1_uses_the_server(sdk_1_python: str, tmp_path: Path) -> None:
    program = str(PROGRAMS / "python_sdk_1.py")
    done = run_client(tmp_path, sdk_1_python, program, "legacy", FIELDS, *SERVER_COMMAND)
    assert check_seen(done.stdout)["protocol"] == "2025-11-25"


@pytest.mark.parametrize(("era", "protocol"), [("legacy", "2025-11-25"), ("auto", MODERN)])
def test_the_python_sdk_2_uses_the_server(tmp_path: Path, era: str, protocol: str) -> None:
    program = str(PROGRAMS / "python_sdk_2.py")
    done = run_client(tmp_path, sys.executable, program, era, FIELDS, *SERVER_COMMAND)
    assert check_seen(done.stdout)["protocol"] == protocol


@pytest.mark.parametrize(
    ("program", "era", "protocol"),
    [
        ("typescript_sdk_1", "legacy", None),
        ("typescript_sdk_2", "legacy", "2025-11-25"),
        ("typescript_sdk_2", "auto", MODERN),
    ],
)
def test_the_typescript_sdk_uses_the_server(
    tmp_path: Path, program: str, era: str, protocol: str | None
) -> None:
    [node, _] = node_command("node")
    done = run_client(
        tmp_path,
        *(node, str(PROGRAMS / f"{program}.cjs"), era, FIELDS, *SERVER_COMMAND),
        NODE_PATH=str(node_modules()),
    )
    assert check_seen(done.stdout)["protocol"] == protocol


def run_inspector(folder: Path, era: str, *options: str, exit_code: int = 0) -> Any:
    """Run the command line of the Inspector; return the JSON result."""
    done = run_client(
        folder,
        *(*node_command("inspector"), "--cli", "--protocol-era", era, "--format", "json", "-q"),
        *("-e", f"TAVUS_MCP_DATA_DIR={folder}", "-e", f"PYTHONPATH={ROOT}"),
        *options,
        *SERVER_COMMAND,
        exit_code=exit_code,
        MCP_CATALOG_PATH=str(folder / "catalog.json"),
    )
    return json.loads(done.stdout)["result"]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_lists_portable_tools_and_calls_one(tmp_path: Path, era: str) -> None:
    """Strict: the Inspector exits with 6 when a schema is an error for some host."""
    listed = run_inspector(tmp_path, era, "--method", "tools/list", "--strict")
    assert [tool["name"] for tool in listed["tools"]] == TOOL_NAMES
    arguments = json.dumps({"persona_id": STOCK_PERSONA_ID})
    call = ("--method", "tools/call", "--tool-name", "get_persona", "--tool-args-json", arguments)
    called = run_inspector(tmp_path, era, *call)
    assert called["structuredContent"]["persona"]["persona_name"] == "Sales Coach"
