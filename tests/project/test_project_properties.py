"""What holds for every project: applies and pulls settle, undo restores, kills do no harm.

The suite runs a few generated projects; ``full_count.py`` runs 200 of each property.
"""

from __future__ import annotations

import random
from itertools import count
from pathlib import Path

import pytest
from project_harness import ADA, ProjectFolder, build_folder
from project_properties import (
    check_kill,
    check_settling,
    check_two_environments,
    check_undo,
    require_same_end,
)
from property_examples import draw_seed, examples

CHECKS = {
    "settling": check_settling,
    "two_environments": check_two_environments,
    "undo": check_undo,
    "kill": check_kill,
}
EXTENDED_FACTOR = 2


@pytest.mark.generated
@pytest.mark.parametrize("name", CHECKS)
def test_a_generated_project_has_the_property(tmp_path: Path, name: str) -> None:
    """Required by the issue: done when 1."""
    total = examples(1)
    seed = draw_seed()
    for index in range(total * (EXTENDED_FACTOR if total > 1 else 1)):
        draw = random.Random(f"{seed}-{index}")  # noqa: S311 - generated cases
        CHECKS[name](draw, tmp_path / str(index))


def build_small_start(folder: Path) -> ProjectFolder:
    """Return a project with one persona to change, one to create and one to delete."""
    project = build_folder(folder)
    for name in ("ada", "bob"):
        project.write(f"personas/{name}.yaml", ADA.replace("Ada", name))
    project.apply_successfully()
    project.replace("personas/ada.yaml", "help people", "listen")
    (project.folder / "personas/bob.yaml").rename(project.folder / "personas/cy.yaml")
    project.replace("personas/cy.yaml", "bob", "cy")
    return project


@pytest.mark.extended
def test_a_kill_at_every_request_of_a_small_project_resumes(tmp_path: Path) -> None:
    """Required by the issue: with nothing done twice."""
    expected = build_small_start(tmp_path / "expected")
    expected.apply_successfully(prune=True)
    for moment in count():
        killed = build_small_start(tmp_path / str(moment))
        if not killed.kill_apply(moment, prune=True):
            break
        require_same_end(killed, expected)
    assert moment > 10
