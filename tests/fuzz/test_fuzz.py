"""A sample of the hostile inputs of ``run.py``, which sends 20,000."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from run import ENTRY_POINTS, fuzz_all

COUNT = 80
EXTENDED_COUNT = 1_000


@pytest.mark.parametrize("count", [COUNT, pytest.param(EXTENDED_COUNT, marks=pytest.mark.extended)])
def test_hostile_inputs_end_nothing_forge_no_line_and_exceed_no_limit(
    tmp_path: Path, count: int
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    reports = fuzz_all(count, seed, tmp_path)
    faults = {name: report.faults for name, report in reports.items() if report.faults}
    assert not faults, f"python tests/fuzz/run.py --count {count} --seed {seed}"
    assert reports.keys() == ENTRY_POINTS.keys()
