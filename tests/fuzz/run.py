"""Send hostile inputs to every entry point.

``PYTHONPATH=.:tests python tests/fuzz/run.py [--count N] [--seed S]``

Prints the number of inputs, the faults and the slowest input of each entry point, and the seed with
which the same inputs are made again. Ends with 1 if there was a fault.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import anyio
from entry_points import (
    Report,
    fuzz_arguments,
    fuzz_files,
    fuzz_settings,
    fuzz_stdin,
    fuzz_upstream,
)

EntryPoint = Callable[[random.Random, int, Path], Report]
ENTRY_POINTS: dict[str, tuple[EntryPoint, float]] = {
    "stdin": (fuzz_stdin, 0.25),
    "arguments": (lambda *given: anyio.run(fuzz_arguments, *given), 0.25),
    "upstream": (lambda *given: anyio.run(fuzz_upstream, *given), 0.25),
    "files": (fuzz_files, 0.05),
    "settings": (fuzz_settings, 0.2),
}
"""The function and the share of the inputs of each entry point."""
_MAX_PRINTED_FAULTS = 10


def fuzz_all(count: int, seed: int, folder: Path) -> dict[str, Report]:
    """Send ``count`` inputs, made with ``seed``, to all entry points; return their reports."""
    reports = {}
    for name, (fuzz, share) in ENTRY_POINTS.items():
        entry_folder = folder / name
        entry_folder.mkdir()
        source = random.Random(f"{seed} {name}")  # noqa: S311 - inputs that can be made again
        reports[name] = fuzz(source, max(1, int(count * share)), entry_folder)
    return reports


def main() -> int:
    """Run and print the figures; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    sys.stdout.write(f"seed {options.seed}\n")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tavus-mcp-fuzz-") as name:
        reports = fuzz_all(options.count, options.seed, Path(name))
    for name, report in reports.items():
        sys.stdout.write(
            f"{name:10} {report.count:6} inputs {len(report.faults):4} faults  slowest "
            f"{report.slowest_seconds:.2f} s  longest answer {report.longest_chars} characters\n"
        )
        for fault, what in report.faults[:_MAX_PRINTED_FAULTS]:
            sys.stdout.write(f"    {fault}: {what}\n")
    total = sum(report.count for report in reports.values())
    sys.stdout.write(f"{total} inputs in {time.monotonic() - started:.0f} s\n")
    return int(any(report.faults for report in reports.values()))


if __name__ == "__main__":
    sys.exit(main())
