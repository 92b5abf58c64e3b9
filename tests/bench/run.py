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
from fleet import audit
from journaling import journal
from report import Figure, table, write


@dataclass(frozen=True)
class Rounds:
    """How often each thing is done."""

    starts: int
    calls: int
    weighed_calls: int
    audited: int


FULL = Rounds(starts=15, calls=500, weighed_calls=1_000, audited=1_000)
QUICK = Rounds(starts=1, calls=20, weighed_calls=200, audited=100)


def measured(rounds: Rounds) -> list[Figure]:
    """Measure every figure."""
    with tempfile.TemporaryDirectory(prefix="tavus-mcp-bench-") as name:
        folder = Path(name)
        return [
            *figures.start(folder, rounds.starts),
            *figures.call(folder, rounds.calls),
            *figures.surface(folder),
            *figures.memory(folder, rounds.weighed_calls),
            *figures.answers(folder),
            *journal(folder, rounds.calls),
            *audit(folder, rounds.audited),
        ]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: does it run at all?")
    parser.add_argument("--out", type=Path, default=Path("bench-results.json"), metavar="FILE")
    asked = parser.parse_args()
    found = measured(QUICK if asked.quick else FULL)
    write(found, asked.out, quick=asked.quick)
    sys.stdout.write(table(found))


if __name__ == "__main__":
    main()
