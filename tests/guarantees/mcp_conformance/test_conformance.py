"""The official conformance suite of MCP against a build of the server with the suite's fixtures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node_programs import node_command

pytestmark = pytest.mark.extended

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
DATA: dict[str, list[dict[str, Any]]] = tomllib.loads((HERE / "scenarios.toml").read_text("utf-8"))
TIMEOUT_SECONDS = 180
MIN_SCENARIOS = 25
_RESULT_FOLDER = re.compile(r"server-(.+)-\d{4}-\d\d-\d\dT[\dZ-]+")
"""Of a scenario, with the time of its run."""

Checks = dict[str, list[str]]
"""Ids of checks by scenario."""


@pytest.fixture(scope="module")
def fixture_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the server, in a process of its own."""
    ours = ("TAVUS_", "PYTHONPATH")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    folder = tmp_path_factory.mktemp("conformance")
    with subprocess.Popen(
        [sys.executable, str(HERE / "fixture_server.py"), str(folder / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**plain, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def run_suite(url: str, options: list[str], folder: Path) -> tuple[Checks, Checks]:
    """Run scenarios; return the ids of all checks and of those that failed."""
    command = [*node_command("conformance"), "server", "--url", url, *options, "-o", str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    every: Checks = {}
    failed: Checks = {}
    for path in sorted(folder.glob("*/checks.json")):
        match = _RESULT_FOLDER.fullmatch(path.parent.name)
        assert match, path
        checks = json.loads(path.read_text(encoding="utf-8"))
        every[match[1]] = sorted({check["id"] for check in checks})
        if ids := sorted({check["id"] for check in checks if check["status"] == "FAILURE"}):
            failed[match[1]] = ids
    assert every, done.stdout[-2000:] + done.stderr[-2000:]
    return every, failed


@pytest.mark.parametrize("revision", DATA["revision"], ids=lambda row: row["name"])
def test_only_the_listed_checks_fail(
    fixture_url: str, revision: dict[str, Any], tmp_path: Path
) -> None:
    every, failed = run_suite(fixture_url, revision["options"], tmp_path)
    listed = {
        row["scenario"]: sorted(row["checks"])
        for row in DATA["not_applicable"]
        if revision["name"] in row["revisions"]
    }
    assert failed == listed
    assert len(every) >= MIN_SCENARIOS, "the suite ran too little"


def test_every_listed_scenario_has_a_reason() -> None:
    assert [row["scenario"] for row in DATA["not_applicable"] if not row["reason"]] == []
