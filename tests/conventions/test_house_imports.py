"""Who may import whom, and that importing does nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports
from source_files import PACKAGE, ROOT

CONTRACTS = Path(__file__).parent / "importlinter.ini"

WATCHED = """
import json, pkgutil, sys
seen = []
harmless = ("import", "compile", "exec", "marshal", "object.", "code.", "sys._getframe", "builtins")
def watch(event, arguments):
    if event.startswith(harmless):
        return
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib"):
            return
        if f"/{'tavus_mcp'}/" in name.replace("\\\\", "/"):
            seen.append(f"{name}:{frame.f_lineno} {event} {arguments!r:.80}")
            return
        frame = frame.f_back
sys.addaudithook(watch)
import tavus_mcp
for module in pkgutil.walk_packages(tavus_mcp.__path__, "tavus_mcp."):
    __import__(module.name)
print(json.dumps(seen))
"""
"""Imports every module, and prints whatever ours asked of the system meanwhile."""


def test_packages_import_only_what_the_contracts_allow() -> None:
    assert lint_imports(str(CONTRACTS), no_cache=True, no_logo=True) == 0


@pytest.fixture(scope="module")
def imports() -> set[tuple[str, str]]:
    """Every import between two rooms, or from a room to a library, by name."""
    graph = grimp.build_graph("tavus_mcp", include_external_packages=True, cache_dir=None)
    return {
        (package_of(importer), package_of(imported))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if package_of(importer) != package_of(imported)
    }


def package_of(module: str) -> str:
    return ".".join(module.split(".")[:2]) if module.startswith("tavus_mcp.") else module


def test_only_the_command_imports_the_sandbox(imports: set[tuple[str, str]]) -> None:
    """Required by us: what is served and what it is tried on must not know each other."""
    assert {here for here, there in imports if there == "tavus_mcp.sandbox"} == {"tavus_mcp.cli"}


def test_the_sandbox_imports_only_the_models_package(
    imports: set[tuple[str, str]],
) -> None:
    ours = {there for here, there in imports if here == "tavus_mcp.sandbox" and "tavus_" in there}
    assert ours == {"tavus_mcp.models"}


def test_only_the_api_client_sends_http_requests(imports: set[tuple[str, str]]) -> None:
    """The command hands it the sandbox as a transport; the sandbox serves, it asks nobody."""
    ways = {"httpx2", "httpx", "http", "socket", "urllib3", "requests", "aiohttp"}
    out = {here for here, there in imports if there in ways}
    assert out <= {"tavus_mcp.tavus_api", "tavus_mcp.cli", "tavus_mcp.sandbox"}


def test_importing_has_no_side_effects(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYDANTIC_DISABLE_PLUGINS": "__all__"},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert json.loads(done.stdout) == []
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_every_package_has_a_docstring() -> None:
    for room in (path.parent for path in PACKAGE.rglob("__init__.py")):
        assert (room / "__init__.py").read_text().startswith('"""'), room
