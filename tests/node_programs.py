"""The programs of tests/node/package.json, where they are installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MODULES_VARIABLE = "TAVUS_MCP_TEST_NODE_MODULES"
"""Names the folder ``node_modules`` with the packages; .ci/run sets it."""
_MODULES = os.environ.get(MODULES_VARIABLE, "")


def node_modules() -> Path:
    """Return the folder of the packages; skip the test without it."""
    if not _MODULES:
        pytest.skip(f"the packages of tests/node/package.json are missing ({MODULES_VARIABLE})")
    return Path(_MODULES)


def node_command(program: str) -> list[str]:
    """Return the command of a program of a package, run by the Node.js among the packages."""
    folder = node_modules() / ".bin"
    return [str(folder / "node"), str(folder / program)]
