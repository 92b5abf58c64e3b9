"""Runs this server with uv, as people install it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

BUILD_FILES = ("pyproject.toml", "README.md", "LICENSE")
"""What the package is built from, besides itself."""
UV_VARIABLE = "TAVUS_MCP_TEST_UV"
"""Names the command ``uv``, if it is neither on PATH nor beside the Python of the tests."""
_NAMED_UV = os.environ.get(UV_VARIABLE)  # before tests remove the variables of the machine


def find_uv() -> str:
    """Return the path of uv; skip the test without one."""
    beside = str(Path(sys.executable).parent)
    path = _NAMED_UV or shutil.which("uv") or shutil.which("uv", path=beside)
    if path is None:
        pytest.skip(f"uv: neither on PATH nor beside Python, and {UV_VARIABLE} is not set")
    return path


def build_environment(data_folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the machine without those of Python and of this project."""
    ours = ("TAVUS_", "PYTHONPATH", "VIRTUAL_ENV")
    plain = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
    return {**plain, "TAVUS_MCP_DATA_DIR": str(data_folder), **settings}


async def list_served_tools(
    command: Sequence[str], data_folder: Path, settings: Mapping[str, str]
) -> list[str]:
    """Start a server with this command and return the names of its tools."""
    server = StdioServerParameters(
        command=command[0],
        args=list(command[1:]),
        env=build_environment(data_folder, settings),
        cwd=str(data_folder.parent),
    )
    async with Client(server, read_timeout_seconds=300) as client:
        return [tool.name for tool in (await client.list_tools()).tools]
