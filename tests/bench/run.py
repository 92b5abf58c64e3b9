"""Measure everything: ``python tests/bench/run.py [--quick] [--out FILE]``.

Prints a table and writes ``bench-results.json``. Each figure is measured beside its floor, in
turns, and told as a median. Goals that depend on the machine are reported, never enforced.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import figures
from fleet import measure_audit
from journaling import measure_journaling
from report import Measurement, render_table, write_json


@dataclass(frozen=True)
class RoundCounts:
    """How often each thing is done."""

    startup_rounds: int
    call_rounds: int
    memory_calls: int
    audited_personas: int


FULL_ROUNDS = RoundCounts(
    startup_rounds=15, call_rounds=500, memory_calls=1_000, audited_personas=1_000
)
QUICK_ROUNDS = RoundCounts(startup_rounds=1, call_rounds=20, memory_calls=200, audited_personas=100)


def measure_all(rounds: RoundCounts) -> list[Measurement]:
    """Measure every figure."""
    with tempfile.TemporaryDirectory(prefix="tavus-mcp-bench-") as name:
        folder = Path(name)
        return [
            *figures.measure_startup(folder, rounds.startup_rounds),
            *figures.measure_calls(folder, rounds.call_rounds),
            *figures.measure_surface(folder),
            *figures.measure_memory(folder, rounds.memory_calls),
            *figures.measure_answers(folder),
            *measure_journaling(folder, rounds.call_rounds),
            *measure_audit(folder, rounds.audited_personas),
        ]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: does it run at all?")
    parser.add_argument("--out", type=Path, default=Path("bench-results.json"), metavar="FILE")
    asked = parser.parse_args()
    found = measure_all(QUICK_ROUNDS if asked.quick else FULL_ROUNDS)
    write_json(found, asked.out, quick=asked.quick)
    sys.stdout.write(render_table(found))


if __name__ == "__main__":
    main()
