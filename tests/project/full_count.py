"""Run each property of generated projects for many projects, and print the seed.

Run by hand: ``PYTHONPATH=.:tests:tests/project python tests/project/full_count.py [COUNT] [SEED]
[KILLED]``. KILLED projects are killed at every moment, the others at a random one each.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
import traceback
from itertools import count
from pathlib import Path

from project_properties import check_kill, check_settling, check_two_environments, check_undo

from tavus_mcp.errors import ToolFailure

PROJECTS = 200


def run(number: int, seed: int, killed: int) -> None:
    """Run every property; print each failure with the index of its project."""
    for check in (check_settling, check_two_environments, check_undo, check_kill):
        started, failures = time.monotonic(), 0
        for index in range(number):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    check(_draw(seed, index), Path(folder))
                except (AssertionError, ToolFailure):
                    failures += 1
                    sys.stdout.write(f"{check.__name__}: seed {seed}, project {index}\n")
                    sys.stdout.write("".join(traceback.format_exc().splitlines(True)[-8:]))
        seconds = time.monotonic() - started
        sys.stdout.write(
            f"{check.__name__}: {number} projects, {failures} failed, {seconds:.0f} s\n"
        )
        sys.stdout.flush()
    for index in range(killed):
        with tempfile.TemporaryDirectory() as folder:
            for moment in count():
                if not check_kill(_draw(seed, index), Path(folder), moment):
                    break
                shutil.rmtree(folder)
        sys.stdout.write(f"project {index}: killed at each of {moment} moments\n")


def _draw(seed: int, index: int) -> random.Random:
    return random.Random(f"{seed}-{index}")  # noqa: S311 - generated cases


if __name__ == "__main__":
    values = [int(value) for value in sys.argv[1:]]
    chosen = values[1] if len(values) > 1 else random.SystemRandom().randrange(10**6)
    sys.stdout.write(f"seed {chosen}\n")
    run(values[0] if values else PROJECTS, chosen, values[2] if len(values) > 2 else 1)
