"""The container file, the workflows and the issue forms, as far as they can be checked here."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from uv_commands import BUILD_FILES

from tavus_mcp.settings import VARIABLES

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(
    path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"
)


def load_yaml(path: Path) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(path.read_text(encoding="utf-8")))


def dockerfile_lines() -> list[list[str]]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


def test_the_container_copies_files_that_exist_and_are_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    sources = [word for line in dockerfile_lines() if line[0] == "COPY" for word in line[1:-1]]
    assert sources
    assert all((ROOT / source).exists() for source in sources)
    assert allowed == set(sources)


def test_the_container_contains_what_the_wheel_is_built_from() -> None:
    """The tests of the wheel build it from the same files."""
    sources = {word for line in dockerfile_lines() if line[0] == "COPY" for word in line[1:-1]}
    assert sources == {*BUILD_FILES, "tavus_mcp"}


def test_the_container_runs_the_server_without_root_and_with_a_volume() -> None:
    lines = dockerfile_lines()
    (entry_point,) = (line[1:] for line in lines if line[0] == "ENTRYPOINT")
    assert json.loads(" ".join(entry_point)) == ["tavus-mcp"]
    assert [line[1] for line in lines if line[0] == "USER"] == ["tavus"]
    settings = dict(line[1].split("=") for line in lines if line[0] == "ENV")
    assert set(settings) <= set(VARIABLES)
    assert [settings["TAVUS_MCP_DATA_DIR"]] == [line[1] for line in lines if line[0] == "VOLUME"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_and_ends_in_time(path: Path) -> None:
    workflow = load_yaml(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 30
        uses = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in uses)


def test_the_workflow_runs_the_checks_of_ci() -> None:
    jobs = load_yaml(ROOT / ".github" / "workflows" / "checks.yml")["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert ".ci/run" in commands
    for command in commands:
        for word in command.split():
            if "/" in word and not fnmatch(word, "dist/*"):
                assert (ROOT / word).exists(), word


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_an_issue_form_has_what_the_forge_requires(path: Path) -> None:
    form = load_yaml(path)
    assert form["name"]
    assert form["description"]
    ids = [item["id"] for item in form["body"] if item["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 0
    for item in form["body"]:
        assert item["type"] in {"markdown", "textarea", "input", "dropdown", "checkboxes"}
        assert item["attributes"]["value" if item["type"] == "markdown" else "label"]


def test_a_report_of_a_bug_asks_for_the_doctor_and_for_no_key() -> None:
    text = (ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text(encoding="utf-8")
    assert "tavus-mcp doctor" in text
    assert "Never paste a key" in text
