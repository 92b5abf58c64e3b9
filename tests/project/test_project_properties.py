"""What holds for every project: applies and pulls settle, undo restores, kills do no harm."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
from generated_projects import build_project, change_project
from project_harness import ADA, ProjectFolder, build_folder
from property_examples import draw_seed, examples

from tavus_mcp.catalog import load_catalog
from tavus_mcp.project.equivalence import build_equivalence
from tavus_mcp.project.merge import MergeBase, Side, merge_fields

PROJECTS = 1
"""Generated projects in the default suite; the extended one has many more."""
EXTENDED_FACTOR = 10
KILLED_PROJECTS, MOMENT_STEP = 7, 7


def iterate_projects(
    folder: Path, number: int = PROJECTS
) -> Iterator[tuple[random.Random, ProjectFolder]]:
    """Yield generated projects, each with its source of random choices."""
    total = examples(number)
    factor = EXTENDED_FACTOR if total > number else 1
    seed = draw_seed()
    for index in range(total * factor):
        draw = random.Random(f"{seed}-{index}")  # noqa: S311 - generated cases
        yield draw, build_project(draw, folder / str(index))


@pytest.mark.generated
def test_pull_after_apply_and_apply_after_pull_do_nothing(tmp_path: Path) -> None:
    """Required by the issue."""
    for _, project in iterate_projects(tmp_path):
        project.apply_successfully()
        files, state = project.files(), project.state_text()
        assert project.pull() == []
        assert project.files() == files
        assert project.state_text() == state
        project.apply_successfully()
        assert project.writes == []
        assert set(project.statuses().values()) <= {"in sync"}


@pytest.mark.generated
def test_two_environments_hold_the_same_agents(tmp_path: Path) -> None:
    """Required by the issue."""
    for draw, project in iterate_projects(tmp_path):
        project.apply_successfully("staging")
        change_project(draw, project)
        project.apply_successfully("staging", prune=True)
        project.apply_successfully("production")
        assert find_differences(project.agents(), project.agents("production")) == []


@pytest.mark.generated
def test_undo_restores_the_state_before(tmp_path: Path) -> None:
    """Required by the issue; a key cannot come back, so that personas with one are left out."""
    for draw, project in iterate_projects(tmp_path):
        project.apply_successfully()
        before = project.agents()
        change_project(draw, project)
        statuses = project.statuses()
        project.apply_successfully(prune=True)
        if not project.writes or "api_key" in str(before):
            continue
        result = project.undo()
        assert result.errors == []
        assert find_differences(project.agents(), before) == []
        assert project.statuses() == statuses


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


@pytest.mark.parametrize("moment", [5, 8])
def test_a_kill_resumes_to_the_same_end(tmp_path: Path, moment: int) -> None:
    """Required by the issue: with nothing done twice."""
    expected = build_small_start(tmp_path / "expected")
    expected.apply_successfully(prune=True)
    killed = build_small_start(tmp_path / "killed")
    assert killed.kill_apply(moment, prune=True)
    require_same_end(killed, expected)


@pytest.mark.extended
def test_a_kill_at_any_request_of_a_small_project_resumes(tmp_path: Path) -> None:
    """Required by the issue: with nothing done twice."""
    expected = build_small_start(tmp_path / "expected")
    expected.apply_successfully(prune=True)
    for moment in count():
        killed = build_small_start(tmp_path / str(moment))
        if not killed.kill_apply(moment, prune=True):
            break
        require_same_end(killed, expected)
    assert moment > 10


@pytest.mark.extended
def test_a_kill_at_any_request_resumes_to_the_same_end(tmp_path: Path) -> None:
    """Required by the issue: with nothing done twice.

    Of each project every seventh moment is tried, beginning with another one.
    """
    projects = islice(iterate_projects(tmp_path, 1), KILLED_PROJECTS)
    for number, (draw, _) in enumerate(projects):
        seed = draw.random()
        expected = build_start(seed, tmp_path / f"expected-{seed}")
        expected.apply_successfully(prune=True)
        for moment in count(number % MOMENT_STEP, MOMENT_STEP):
            killed = build_start(seed, tmp_path / f"killed-{seed}-{moment}")
            if not killed.kill_apply(moment, prune=True):
                break
            require_same_end(killed, expected)


def require_same_end(killed: ProjectFolder, expected: ProjectFolder) -> None:
    """Apply again after a kill: the same objects, and no write a second time."""
    before = list(killed.carried_out)
    killed.apply_successfully(prune=True)
    assert len(before) + len(killed.carried_out) == len(expected.carried_out)
    assert find_differences(killed.agents(), expected.agents()) == []
    assert set(killed.statuses().values()) <= {"in sync"}
    killed.apply_successfully(prune=True)
    assert killed.writes == []


def find_differences(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> list[str]:
    """Return the fields in which agents differ; a default and nothing are the same."""
    is_same = build_equivalence(load_catalog().default_value)
    names = [[item["persona_name"] for item in items] for items in (left, right)]
    if names[0] != names[1]:
        return [f"{names[0]} and {names[1]}"]
    return [
        f"{own['persona_name']}{item.pointer}"
        for own, other in zip(left, right, strict=True)
        for item in merge_fields(MergeBase(own, own), other, own, is_same)
        if item.side is not Side.NEITHER
    ]


def build_start(seed: float, folder: Path) -> ProjectFolder:
    """Return a project that was applied and changed since."""
    draw = random.Random(seed)  # noqa: S311 - generated cases
    project = build_project(draw, folder)
    project.apply_successfully()
    change_project(draw, project)
    return project
