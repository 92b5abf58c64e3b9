"""The wheel: it holds every file of the package, and ``uvx --from`` starts the server from it."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from uv_commands import BUILD_FILES, build_environment, find_uv, list_served_tools

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.extended


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a copy of what is needed, so that nothing of the checkout gets into it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tavus_mcp", source / "tavus_mcp", ignore=ignore)
    for name in BUILD_FILES:
        shutil.copy(ROOT / name, source / name)
    command = [find_uv(), "build", "--wheel", "--quiet", "--out-dir", str(folder / "dist")]
    environment = build_environment(folder / "data", {})
    subprocess.run([*command, str(source)], check=True, env=environment)
    return next((folder / "dist").glob("*.whl"))


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


def test_uv_installs_the_command_of_the_readme(wheel: Path, tmp_path: Path) -> None:
    """``uv tool install`` puts the command where the README says; the demo runs with it."""
    folders = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    environment = build_environment(tmp_path / "data", folders)
    install = [find_uv(), "tool", "install", "--quiet", "--from", str(wheel), "tavus-mcp"]
    subprocess.run(install, check=True, env=environment)
    command = next((tmp_path / "bin").glob("tavus-mcp*"))
    demo = [str(command), "demo"]
    done = subprocess.run(demo, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Every step was checked." in done.stdout
