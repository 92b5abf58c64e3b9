"""The import contracts, import cycles, and importing without side effects."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports
from source_files import PACKAGE, ROOT, parse_source_files

CONTRACTS = Path(__file__).parent / "importlinter.ini"

IMPORT_EVERYTHING = """
import json, pkgutil, sys
events = []
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
            events.append(f"{name}:{frame.f_lineno} {event} {arguments!r:.80}")
            return
        frame = frame.f_back
sys.addaudithook(watch)
import tavus_mcp
for module in pkgutil.walk_packages(tavus_mcp.__path__, "tavus_mcp."):
    __import__(module.name)
print(json.dumps(events))
"""
"""Imports every module and prints the audit events that our modules caused meanwhile."""


def test_packages_import_only_what_the_contracts_allow() -> None:
    assert lint_imports(str(CONTRACTS), no_cache=True, no_logo=True) == 0


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """The imports of all modules, those inside functions included."""
    return grimp.build_graph("tavus_mcp", include_external_packages=True, cache_dir=None)


@pytest.fixture(scope="module")
def imports(graph: grimp.ImportGraph) -> set[tuple[str, str]]:
    """Every import between two packages, or from a package to a library, by name."""
    return {
        (package_of(importer), package_of(imported))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if package_of(importer) != package_of(imported)
    }


def package_of(module: str) -> str:
    return ".".join(module.split(".")[:2]) if module.startswith("tavus_mcp.") else module


def test_only_the_command_imports_the_sandbox(imports: set[tuple[str, str]]) -> None:
    """The server and the sandbox it is tested on must not depend on each other."""
    importers = {importer for importer, imported in imports if imported == "tavus_mcp.sandbox"}
    assert importers == {"tavus_mcp.cli"}


def test_the_sandbox_imports_only_the_models_package(
    imports: set[tuple[str, str]],
) -> None:
    own_imports = {
        imported
        for importer, imported in imports
        if importer == "tavus_mcp.sandbox" and imported.startswith("tavus_mcp")
    }
    assert own_imports == {"tavus_mcp.models"}


def test_only_the_api_client_sends_http_requests(imports: set[tuple[str, str]]) -> None:
    """The command line passes the sandbox as a transport; the sandbox serves and sends nothing."""
    http_libraries = {"httpx2", "httpx", "http", "socket", "urllib3", "requests", "aiohttp"}
    importers = {importer for importer, imported in imports if imported in http_libraries}
    assert importers <= {"tavus_mcp.tavus_api", "tavus_mcp.cli", "tavus_mcp.sandbox"}


def test_only_server_and_cli_import_the_mcp_sdk(imports: set[tuple[str, str]]) -> None:
    importers = {importer for importer, imported in imports if imported in {"mcp", "mcp_types"}}
    assert importers == {"tavus_mcp.server", "tavus_mcp.cli"}


def test_no_module_imports_itself_through_others(graph: grimp.ImportGraph) -> None:
    """Imports inside functions count: they hide a cycle and do not remove it."""
    predecessors = {
        module: {
            imported
            for imported in graph.find_modules_directly_imported_by(module)
            if imported.startswith("tavus_mcp.") and not module.startswith(f"{imported}.")
        }
        for module in graph.modules
        if module.startswith("tavus_mcp.")
    }
    TopologicalSorter(predecessors).prepare()  # raises CycleError, which names the modules


def test_importing_has_no_side_effects(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING],
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
    undocumented = [
        path for path in PACKAGE.rglob("__init__.py") if not path.read_text().startswith('"""')
    ]
    assert undocumented == []


def test_no_test_imports_conftest_when_it_runs() -> None:
    """Several folders have a conftest.py: which one is imported depends on what else is run."""
    assert [
        file.location_of(node)
        for file in parse_source_files("tests")
        for node in file.tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "conftest"
    ] == []


def test_no_two_files_of_tests_have_one_name() -> None:
    """They are imported by their name alone, so that pytest could collect only one of them."""
    names = Counter(file.path.name for file in parse_source_files("tests"))
    assert [name for name in names if names[name] > 1 and name.startswith("test_")] == []
