"""Run the full counts of interleavings and undone changes, and print what happened.

    python tests/guarantees/conflicts/full_counts.py [--count N] [--seed N]

The default suite runs samples of the same. Exits non-zero where an edit or a value is lost.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

TESTS = Path(__file__).parents[2]
sys.path[:0] = [str(TESTS), str(Path(__file__).parent)]

import anyio  # noqa: E402
from interleaving_runs import run_interleavings  # noqa: E402
from undo_runs import run_undos  # noqa: E402

from tavus_mcp.sandbox.switches import Switches  # noqa: E402

Run = Callable[[Path, int, int], Awaitable[Counter[str]]]
RUNS: dict[str, Run] = {
    "interleavings, test operations accepted": partial(run_interleavings, switches=Switches()),
    "interleavings, test operations refused": partial(
        run_interleavings, switches=Switches(test_operations="refused")
    ),
    "undone changes": run_undos,
}


def write_line(text: str) -> None:
    """Write a line at once, as a run takes minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Run everything and print the figures."""
    parser = argparse.ArgumentParser(description="Run the full counts of conflicts and undos.")
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    arguments = parser.parse_args()
    write_line(f"seed {arguments.seed}")
    for name, run in RUNS.items():
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            figures = anyio.run(run, Path(folder), arguments.count, arguments.seed)
        write_line(f"{name} ({time.monotonic() - started:.0f} s)")
        for figure, number in sorted(figures.items()):
            write_line(f"  {figure}: {number}")


if __name__ == "__main__":
    main()
