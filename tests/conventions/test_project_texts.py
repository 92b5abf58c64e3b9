"""Texts that no file may contain, and reasons that CONTRIBUTING.md must give."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_files import ROOT, iterate_project_files

REGISTRIES = tuple(
    f"{name}.{end}"
    for name, end in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("anaconda", "org"),
        ("proxy.golang", "org"),
    )
)
"""Hosts of package registries, put together here so that this file does not name one either."""
DEVELOPER_PATH = re.compile(
    "(?<![\\w.~/-])/(?:" + "|".join(["home", "Users", "root", "opt", "work"]) + r")/\w"
)
PATHS_OF_THIS_MACHINE = {str(ROOT), sys.prefix, str(Path.home())} - {"/", "/usr", "/usr/local"}


def iterate_text_files() -> Iterator[tuple[str, str]]:
    for path in iterate_project_files():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_package_registry() -> None:
    """The user decides from where packages are installed."""
    assert [
        f"{name} names {host}"
        for name, text in iterate_text_files()
        for host in REGISTRIES
        if host in text
    ] == []


def test_no_file_contains_a_path_of_a_developer_machine() -> None:
    violations = [
        f"{name}: {match[0]}"
        for name, text in iterate_text_files()
        if (match := DEVELOPER_PATH.search(text))
    ]
    violations += [
        f"{name}: {path}"
        for name, text in iterate_text_files()
        for path in PATHS_OF_THIS_MACHINE
        if path in text
    ]
    assert violations == []


def list_dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    requirements = [*project["dependencies"], *(line for extra in extras for line in extra)]
    names = [re.split(r"[<>=!~\[; ]", line, maxsplit=1)[0] for line in requirements]
    return sorted({name for name in names if name != project["name"]})


@pytest.mark.parametrize("name", list_dependencies())
def test_every_dependency_has_a_documented_reason(name: str) -> None:
    """CONTRIBUTING.md justifies each dependency."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    mentions = [line for line in text.splitlines() if f"`{name}`" in line]
    assert mentions, f"CONTRIBUTING.md does not mention `{name}`"
    assert any(len(line.replace(f"`{name}`", "").split()) >= 4 for line in mentions), mentions
