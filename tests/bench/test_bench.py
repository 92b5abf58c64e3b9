"""The benchmarks run, and the sizes that they measure are within their budgets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from journal_databases import create_database
from journal_measurements import measure_shared_journaling

RUN = Path(__file__).with_name("run.py")
TIMED = {
    "journaling a change",
    "list_revisions of a long journal",
    "memory of journal commands",
    "spawn to tools/list",
    "spawn to the first call",
    "get_persona",
    "memory after 200 calls",
    "memory growth after 100 calls",
    "audit of an account",
    "memory of an audit 10 times as large",
    "memory growth of more audits",
    "plan of a project",
}
BUDGETS = {
    "requests of a plan beyond one per object",
    "memory of a plan per byte of its prompts",
    "memory growth of more plans",
    "connections for 100 calls",
    "model-visible bytes, default",
    "model-visible bytes, all",
    "create_persona",
    "largest other tool",
    "output schemas, default",
    "list of 100 personas",
    "persona with a 20 kB prompt",
}


def run_benchmarks(folder: Path, *options: str) -> dict[str, Any]:
    """Run the benchmarks quickly; return the measurements by name."""
    out = folder / "results.json"
    done = subprocess.run(
        [sys.executable, str(RUN), "--quick", "--out", str(out), *options],
        env={**os.environ, "PYTHONPATH": str(RUN.parents[2])},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stderr == ""
    measurements = {row["name"]: row for row in json.loads(out.read_text())["figures"]}
    assert all(name in done.stdout for name in measurements)
    return measurements


@pytest.mark.extended
def test_every_measurement_is_reported_and_every_budget_is_met(tmp_path: Path) -> None:
    results = run_benchmarks(tmp_path)
    assert results.keys() == TIMED | BUDGETS
    assert {name for name, figure in results.items() if figure["timed"]} == TIMED
    grown = {"memory of journal commands"}
    grown |= {name for name in results if "growth" in name or "times as large" in name}
    assert all(figure["value"] > 0 for name, figure in results.items() if name not in grown)
    assert [
        results[name] for name in BUDGETS if results[name]["value"] > results[name]["goal"]
    ] == []


@pytest.mark.extended
def test_a_change_in_postgres_is_measured_beside_one_in_a_file(tmp_path: Path) -> None:
    create_database("tavus_mcp_bench")  # or skip
    [figure] = measure_shared_journaling(tmp_path, 3)
    assert figure.goal == 10
    assert "PostgreSQL" in figure.baseline
