"""The wheel: it holds every file of the package, and ``uvx --from`` starts the server from it."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from uv_commands import build_environment, find_uv, list_served_tools

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.extended


def test_the_wheel_contains_every_file_of_the_package(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    files = [path for path in (ROOT / "tavus_mcp").rglob("*") if path.is_file()]
    missing = [
        name
        for path in files
        if "__pycache__" not in path.parts
        if (name := path.relative_to(ROOT).as_posix()) not in names
    ]
    assert missing == []
    assert [name for name in names if name.startswith(("tests/", "examples/"))] == []


@pytest.mark.anyio
async def test_uvx_starts_the_server_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    command = [find_uv(), "tool", "run", "--from", str(wheel), "tavus-mcp", "--sandbox"]
    assert "create_persona" in await list_served_tools(command, tmp_path / "data", {})


def test_the_installed_command_runs_the_demo(installed_command: Path, tmp_path: Path) -> None:
    """``uv tool install`` puts the command where the README says."""
    demo = [str(installed_command), "demo"]
    environment = build_environment(tmp_path / "data", {})
    done = subprocess.run(demo, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Every step was checked." in done.stdout


@pytest.mark.parametrize("host", ["claude-code", "cursor", "vscode"])
@pytest.mark.anyio
async def test_a_new_user_gets_from_the_install_to_a_changed_persona(
    installed_command: Path, tmp_path: Path, host: str
) -> None:
    """The steps of the README: install, ten personas, the entry of a host, a plan, an undo."""
    settings = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    environment = build_environment(tmp_path / "data", settings)
    install = [str(installed_command), "install", host, "--sandbox"]
    done = subprocess.run(install, capture_output=True, text=True, check=True, env=environment)
    fill = [str(installed_command), "sandbox", "--make-personas"]
    subprocess.run(fill, capture_output=True, check=True, env=environment)
    path = Path(next(tmp_path.glob("**/*.json")))
    assert str(path) in done.stdout
    (servers,) = json.loads(path.read_text(encoding="utf-8")).values()
    entry = servers["tavus"]
    assert entry["command"] == str(installed_command)
    server = StdioServerParameters(
        command=entry["command"], args=entry["args"], env={**environment, **entry.get("env", {})}
    )
    async with Client(server) as client:
        found = await call(client, "list_personas", name_contains="Front desk")
        named = {"persona_id": found["personas"][0]["persona_id"]}
        before = await call(client, "get_persona", **named)
        plan = await call(client, "suggest_tuning", **named, goals=["interrupt_less"])
        receipt = await call(client, "apply_plan", plan_id=plan["plan_id"])
        undone = await call(client, receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert (receipt["status"], undone["status"]) == ("applied", "applied")
    assert undone["revision"] == before["revision"]


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return dict(result.structured_content or {})
