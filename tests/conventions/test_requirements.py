"""Whatever the package imports is installed with it, or with an extra."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from source_files import ROOT, parse_source_files

BROUGHT_BY = {
    "jsonpointer": "jsonpatch",
    "mcp-types": "mcp",
    "numpy": "scipy",
    "psycopg-pool": "psycopg",
    "pydantic-core": "pydantic",
}
"""Packages that one of our requirements always brings."""


def normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def list_requirements() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["statistics"], *extras["postgres"]]
    return {normalize(re.split(r"[<>=!~\[; ]", line, maxsplit=1)[0]) for line in lines}


def list_imported_modules() -> set[str]:
    modules: set[str] = set()
    for source in parse_source_files("tavus_mcp"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.split(".")[0])
    return modules - set(sys.stdlib_module_names) - {"tavus_mcp", "__future__"}


def test_every_imported_package_is_a_requirement() -> None:
    distributions = packages_distributions()
    requirements = list_requirements()
    missing = {}
    for module in list_imported_modules():
        names = {normalize(name) for name in distributions.get(module, [module])}
        names |= {BROUGHT_BY[name] for name in names if name in BROUGHT_BY}
        if not names & requirements:
            missing[module] = names
    assert missing == {}
