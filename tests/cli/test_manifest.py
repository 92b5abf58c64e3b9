"""Tables of the docs and manifests are rendered from the server, and are up to date."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import anyio
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from tavus_mcp import __version__
from tavus_mcp.cli.manifest import (
    BUNDLE_MANIFEST_PATH,
    SURFACE_PATH,
    Surface,
    read_surface,
    render,
    rendered_files,
)
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.server.server import build_server
from tavus_mcp.server.tool_schemas import build_entries
from tavus_mcp.server.tools import load_all_specs
from tavus_mcp.settings import TOOLSETS, VARIABLES, Settings

ROOT = Path(__file__).parents[2]
SCHEMAS = Path(__file__).with_name("schemas")
RENDERED_FILES = (
    *("docs/tools.md", "docs/settings.md", "server.json"),
    *(BUNDLE_MANIFEST_PATH, SURFACE_PATH),
)


@pytest.fixture(scope="module")
def surface() -> Surface:
    everything = Settings(toolsets=TOOLSETS)
    return anyio.run(
        read_surface,
        build_server(build_app(everything), everything, entries=build_entries(load_all_specs())),
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the rendered files that a test may change."""
    for name in RENDERED_FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def load_json(name: str) -> dict[str, Any]:
    return dict(json.loads((ROOT / name).read_text(encoding="utf-8")))


def test_every_rendered_file_is_up_to_date(surface: Surface) -> None:
    stale = [
        path.name
        for path, text in rendered_files(surface, ROOT).items()
        if path.read_text() != text
    ]
    assert stale == [], "run: tavus-mcp manifest"


@pytest.mark.parametrize("name", RENDERED_FILES)
def test_an_outdated_file_is_detected_and_rewritten(
    surface: Surface, checkout: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = checkout / name
    right = path.read_text(encoding="utf-8")
    wrong = right.replace("configure_llm", "configure_lim").replace("TAVUS_API_KEY", "TAVUS_KEY", 1)
    path.write_text(wrong.replace(__version__, "9"))
    assert render(surface, checkout, check=True) == 1
    assert name in capsys.readouterr().err
    assert render(surface, checkout, check=False) == 0
    assert path.read_text(encoding="utf-8") == right
    assert render(surface, checkout, check=True) == 0


def test_outside_a_checkout_nothing_is_written(surface: Surface, tmp_path: Path) -> None:
    assert render(surface, tmp_path, check=False) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_registry_entry_is_valid_and_matches_the_code() -> None:
    """MCP: the registry's schema of 2025-12-11."""
    entry = load_json("server.json")
    schema = json.loads((SCHEMAS / "registry-server.2025-12-11.schema.json").read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(entry)] == []
    (package,) = entry["packages"]
    assert entry["version"] == package["version"] == __version__
    names = [variable["name"] for variable in package["environmentVariables"]]
    assert names == [name for name in VARIABLES if "<" not in name]
    assert package["runtimeArguments"][0]["name"] == "--from"


def test_the_bundle_manifest_is_valid_and_names_the_default_tools() -> None:
    bundle = load_json(BUNDLE_MANIFEST_PATH)
    schema = json.loads((SCHEMAS / "mcpb-manifest-v0.4.schema.json").read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(bundle)] == []
    assert bundle["version"] == __version__
    settings = Settings()
    specs = build_server(build_app(settings), settings).specs.values()
    assert [tool["name"] for tool in bundle["tools"]] == [
        spec.name for spec in specs if not spec.for_view_only
    ]


def test_the_bundle_contains_the_message_of_every_prompt_with_its_arguments(
    surface: Surface,
) -> None:
    """MCPB 0.4: prompts have a text, with ${arguments.name} in it."""
    bundle = load_json(BUNDLE_MANIFEST_PATH)
    assert [item["name"] for item in bundle["prompts"]] == [item.name for item in surface.prompts]
    for prompt in bundle["prompts"]:
        for name in prompt["arguments"]:
            assert f"${{arguments.{name}}}" in prompt["text"], prompt["name"]


def test_the_docs_list_every_prompt_with_its_arguments(surface: Surface) -> None:
    text = (ROOT / "docs" / "tools.md").read_text(encoding="utf-8")
    for prompt in surface.prompts:
        (row,) = (line for line in text.splitlines() if line.startswith(f"| `{prompt.name}` |"))
        assert all(f"`{argument.name}`" in row for argument in prompt.arguments or ())
        assert row.endswith(f"| {prompt.description} |")
