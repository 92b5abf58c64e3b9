"""The wheel of this project, and the command that uv installs from it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from uv_commands import BUILD_FILES, build_environment, find_uv

ROOT = Path(__file__).parents[2]


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


@pytest.fixture(scope="module")
def installed_command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command as ``uv tool install`` installs it, in folders of its own."""
    folder = tmp_path_factory.mktemp("tools")
    folders = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    install = [find_uv(), "tool", "install", "--quiet", "--from", str(wheel), "tavus-mcp"]
    environment = build_environment(folder / "data", folders)
    subprocess.run(install, check=True, env=environment)
    return next((folder / "bin").glob("tavus-mcp*"))
