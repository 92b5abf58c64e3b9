"""The README: its size, its two commands, its picture, and every link of all documents."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAX_LINES, MAX_CHARS = 130, 8_000
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
IMAGE = re.compile(r'<img src="([^"]+)"')
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
COMMANDS = (
    "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/tavus-mcp demo",
    'python3 -m venv .venv && .venv/bin/pip install -q -e ".[dev]" && .venv/bin/python -m pytest',
)


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= MAX_LINES
    assert len(README) <= MAX_CHARS


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_is_what_ci_runs(command: str) -> None:
    """Required by the project: .ci/run carries out both, as they stand in the README."""
    assert f"```sh\n{command}\n```" in README
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in ci if line.strip().startswith(command)]


def test_the_readme_says_what_a_reader_must_know() -> None:
    beginning = "\n".join(README.splitlines()[:20])
    assert "Unofficial" in beginning
    assert "not tried on the live service" in beginning
    assert "(docs/images/demo.svg)" in README
    assert '<img src="docs/images/view.png"' in README


def test_the_readme_has_the_ownership_marker_of_the_registry_entry() -> None:
    """MCP: the registry looks for it in the description of the package."""
    name = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))["name"]
    assert f"<!-- mcp-name: {name} -->" in README.splitlines()


def test_the_registry_entry_says_whose_the_name_on_the_index_is() -> None:
    entry = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
    (metadata,) = entry["_meta"].values()
    assert "the name tavus-mcp belongs to the vendor's package" in metadata["note"]


def test_no_document_suggests_the_package_of_the_index() -> None:
    """On the package index the name tavus-mcp belongs to the vendor."""
    wrong = re.compile(r"(uvx|uv tool run|pip install|uv tool install) (-\w+ )*[\"']?tavus-mcp\b")
    folders = ("docs", "examples", "tavus_mcp", ".github")
    endings = {".md", ".yml", ".yaml", ".json", ".toml", ".py"}
    paths = [path for name in folders for path in (ROOT / name).rglob("*")]
    texts = [path for path in [*DOCUMENTS, *paths] if path.suffix in endings]
    assert [path.name for path in texts if wrong.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in [*LINK.findall(text), *IMAGE.findall(text)]:
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


def anchors(path: Path) -> set[str]:
    """Return the anchors of the headings of a document, as they are made from their texts."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}
