"""Run all benchmarks: ``python tests/bench/run.py [--quick] [--budgets] [--out FILE]``.

Prints a table and writes ``bench-results.json``. Each measurement is compared with a baseline that
is measured alternately with it, and reported as a median. Goals that depend on the machine are
reported, not enforced.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import server_measurements
from audit_measurements import measure_audit
from journal_measurements import (
    measure_history,
    measure_journaling,
    measure_shared_journaling,
)
from journal_memory import measure_journal_memory
from project_measurements import measure_project
from report import Measurement, render_table, write_json


@dataclass(frozen=True)
class RoundCounts:
    """The number of rounds of each benchmark."""

    startup_rounds: int
    call_rounds: int
    memory_calls: int
    audited_personas: int
    journal_entries: int
    project_personas: int


FULL_ROUNDS = RoundCounts(
    startup_rounds=15,
    call_rounds=500,
    memory_calls=1_000,
    audited_personas=1_000,
    journal_entries=100_000,
    project_personas=200,
)
QUICK_ROUNDS = RoundCounts(
    startup_rounds=1,
    call_rounds=20,
    memory_calls=200,
    audited_personas=100,
    journal_entries=2_000,
    project_personas=5,
)


def measure_budgets(folder: Path, rounds: RoundCounts) -> list[Measurement]:
    """Return the measurements whose goals must be met on any machine."""
    return [
        *server_measurements.measure_surface(folder),
        *server_measurements.measure_results(folder),
        *server_measurements.measure_connections(folder),
        *measure_project(folder, rounds.project_personas),
    ]


def measure_times(folder: Path, rounds: RoundCounts) -> list[Measurement]:
    """Return the measurements of time and memory."""
    return [
        *server_measurements.measure_startup(folder, rounds.startup_rounds),
        *server_measurements.measure_calls(folder, rounds.call_rounds),
        *server_measurements.measure_memory(folder, rounds.memory_calls),
        *measure_journaling(folder, rounds.call_rounds),
        *measure_shared_journaling(folder, min(rounds.call_rounds, 200)),
        *measure_history(folder, min(rounds.call_rounds, 100), rounds.journal_entries),
        *measure_journal_memory(folder, rounds.journal_entries),
        *measure_audit(folder, rounds.audited_personas),
    ]


def main() -> None:
    """Measure, write the JSON file and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, to see whether it runs")
    parser.add_argument("--budgets", action="store_true", help="only what holds on any machine")
    parser.add_argument("--out", type=Path, default=Path("bench-results.json"), metavar="FILE")
    options = parser.parse_args()
    rounds = QUICK_ROUNDS if options.quick else FULL_ROUNDS
    with tempfile.TemporaryDirectory(prefix="tavus-mcp-bench-") as name:
        times = [] if options.budgets else measure_times(Path(name), rounds)
        measurements = [*times, *measure_budgets(Path(name), rounds)]
    write_json(measurements, options.out, quick=options.quick)
    sys.stdout.write(render_table(measurements))


if __name__ == "__main__":
    main()
