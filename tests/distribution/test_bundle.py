"""The bundle for Claude Desktop: built and checked by its script; it starts when unpacked."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from uv_commands import find_uv, list_served_tools

from tavus_mcp.cli.manifest import MIN_PYTHON
from tavus_mcp.settings import VARIABLES

ROOT = Path(__file__).parents[2]
NODE_VARIABLE = "TAVUS_MCP_TEST_NODE_MODULES"
"""Names the folder node_modules of tests/node/package.json."""
NODE_MODULES = os.environ.get(NODE_VARIABLE)  # before tests remove the variables of the machine


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    path = ROOT / "examples" / "claude-desktop-bundle" / "build.py"
    spec = importlib.util.spec_from_file_location("build_bundle", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bundle(builder: ModuleType, tmp_path: Path) -> Path:
    path = tmp_path / "dist" / "tavus-mcp.mcpb"
    builder.write_bundle(path)
    return path


def test_the_bundle_contains_the_package_and_what_builds_it(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as packed:
        names = set(packed.namelist())
        manifest = json.loads(packed.read("manifest.json"))
    tracked = [path for path in (ROOT / "tavus_mcp").rglob("*") if path.is_file()]
    expected = {
        path.relative_to(ROOT).as_posix() for path in tracked if "__pycache__" not in path.parts
    }
    assert expected | {"manifest.json", "pyproject.toml", "README.md", "LICENSE"} == names
    assert manifest["server"]["type"] == "uv"
    assert manifest["server"]["entry_point"] in names


def test_the_same_files_give_the_same_bundle(
    builder: ModuleType, bundle: Path, tmp_path: Path
) -> None:
    builder.write_bundle(tmp_path / "again.mcpb")
    assert (tmp_path / "again.mcpb").read_bytes() == bundle.read_bytes()


def test_a_wrong_manifest_is_reported(builder: ModuleType) -> None:
    manifest = json.loads(builder.MANIFEST.read_text(encoding="utf-8"))
    names = set(builder.list_contents())
    assert builder.find_problems(manifest, names) == []
    server = {**manifest["server"], "type": "rust", "entry_point": "main.rs"}
    problems = builder.find_problems({**manifest, "server": server}, names)
    assert len(problems) == 2
    assert problems[0].startswith("/server/type: ")
    assert problems[1] == "main.rs is not in the bundle"


def test_the_manifest_sets_variables_that_the_server_knows(builder: ModuleType) -> None:
    manifest = json.loads(builder.MANIFEST.read_text(encoding="utf-8"))
    env = manifest["server"]["mcp_config"]["env"]
    assert set(env) <= set(VARIABLES)
    assert set(env.values()) == {f"${{user_config.{name}}}" for name in manifest["user_config"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == MIN_PYTHON


@pytest.mark.extended
def test_the_script_builds_the_bundle(tmp_path: Path) -> None:
    script = str(ROOT / "examples" / "claude-desktop-bundle" / "build.py")
    command = [sys.executable, script, "--output", str(tmp_path / "x.mcpb")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "x.mcpb: " in done.stdout
    assert zipfile.is_zipfile(tmp_path / "x.mcpb")


@pytest.mark.extended
@pytest.mark.anyio
async def test_an_unpacked_bundle_starts_as_its_manifest_says(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(bundle) as packed:
        packed.extractall(folder)
        config = json.loads(packed.read("manifest.json"))["server"]["mcp_config"]
    assert config["command"] == "uv"
    arguments = [item.replace("${__dirname}", str(folder)) for item in config["args"]]
    values = {"TAVUS_API_KEY": "test-key-0123456789"}
    environment = {
        name: values.get(name, "false") for name in config["env"]
    }  # a host writes a switch that is off as "false"
    names = await list_served_tools([find_uv(), *arguments], tmp_path / "data", environment)
    assert "create_persona" in names


@pytest.mark.extended
def test_the_official_tool_accepts_the_manifest_and_the_bundle(
    bundle: Path, builder: ModuleType
) -> None:
    path = os.pathsep.join(
        [*([f"{NODE_MODULES}/.bin"] if NODE_MODULES else []), os.environ["PATH"]]
    )
    mcpb = shutil.which("mcpb", path=path)
    if mcpb is None:
        pytest.skip(f"npm package @anthropic-ai/mcpb: not on PATH or in {NODE_VARIABLE}")
    for arguments in (["validate", str(builder.MANIFEST)], ["info", str(bundle)]):
        done = subprocess.run(
            [mcpb, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PATH": path},
        )
        assert done.returncode == 0, done.stdout + done.stderr
