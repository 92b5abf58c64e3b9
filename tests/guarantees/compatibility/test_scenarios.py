"""What tools and commands answer is what was recorded, step by step.

The files that a scenario begins with were written by commit 3f83bbf: journals, states and persona
files of users must go on to work.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from recordings import RECORDINGS
from scenarios import FIXED, Recording, all_scenarios, recorded, replayed

SCENARIOS = all_scenarios()
STEPS = [(name, label) for name, each in SCENARIOS.items() for label in each.labels()]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Recording]:
    """Replay a scenario when it is first needed."""
    known: dict[str, Recording] = {}

    def outcomes_of(name: str) -> Recording:
        if name not in known:
            folder = tmp_path_factory.mktemp("scenario") / "run"
            known[name] = replayed(SCENARIOS[name], folder, recorded(name)[FIXED])
        return known[name]

    return outcomes_of


def test_every_recording_is_replayed() -> None:
    paths = RECORDINGS.rglob("*.json")
    names = {path.relative_to(RECORDINGS).with_suffix("").as_posix() for path in paths}
    assert {name for name in names if not name.startswith("surface/")} == SCENARIOS.keys()


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_step_is_recorded(name: str) -> None:
    assert sorted(SCENARIOS[name].labels()) == sorted(recorded(name).keys() - {FIXED})


@pytest.mark.parametrize(("name", "label"), STEPS, ids=[f"{name}: {it}" for name, it in STEPS])
def test_a_step_has_the_recorded_outcome(
    outcomes: Callable[[str], Recording], name: str, label: str
) -> None:
    assert outcomes(name)[label] == recorded(name)[label]
