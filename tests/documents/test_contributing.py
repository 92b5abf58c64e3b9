"""CONTRIBUTING.md describes every package, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGES = sorted(path.parent.name for path in (ROOT / "tavus_mcp").glob("*/__init__.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_in_the_package_map(package: str) -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| `")]
    assert any(f"`{package}/`" in row.split(" | ")[0] for row in rows)


def test_every_script_that_is_named_exists() -> None:
    scripts = re.findall(r"python ([\w/-]+\.py)", TEXT)
    assert len(scripts) >= 4
    assert [name for name in scripts if not (ROOT / name).exists()] == []
