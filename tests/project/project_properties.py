"""What holds for every project, as checks of one generated project; each returns nothing."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from generated_projects import build_project, change_project
from project_harness import ProjectFolder

from tavus_mcp.catalog import load_catalog
from tavus_mcp.models.json_patch import ABSENT
from tavus_mcp.models.parts.part_document import DEFAULTS
from tavus_mcp.project.equivalence import build_equivalence
from tavus_mcp.project.merge import MergeBase, Side, merge_fields


def check_settling(draw: random.Random, folder: Path) -> None:
    """Pull after apply changes nothing, and apply after pull sends nothing."""
    project = build_project(draw, folder)
    project.apply_successfully()
    for _ in range(2):
        files, state = project.files(), project.state_text()
        assert project.pull() == []
        assert project.files() == files
        assert project.state_text() == state
        project.apply_successfully()
        assert project.writes == []
        assert set(project.statuses().values()) <= {"in sync"}
        change_project(draw, project)
        project.apply_successfully(prune=True)


def check_two_environments(draw: random.Random, folder: Path) -> None:
    """Two environments hold the same agents, whatever each of them was before."""
    project = build_project(draw, folder)
    project.apply_successfully("staging")
    change_project(draw, project)
    project.apply_successfully("staging", prune=True)
    project.apply_successfully("production")
    contents = [project.contents(name) for name in ("staging", "production")]
    assert find_differences(*contents) == [], find_differences(*contents)
    assert all(project.count_objects(name) == len(contents[0]) for name in project.accounts)
    ids = [set(project.state_ids(name).values()) for name in project.accounts]
    assert not ids[0] & ids[1]


def check_undo(draw: random.Random, folder: Path) -> None:
    """An undo of an apply restores the state before, with the secrets that files name.

    One more undo deletes everything that the project created.
    """
    project = build_project(draw, folder)
    project.apply_successfully()
    before, count = project.contents(), project.count_objects()
    change_project(draw, project)
    comparison = project.compare()
    statuses = {str(name): item.status.value for name, item in comparison.objects.items()}
    renamed = {*map(str, comparison.state.objects)} - before.keys()
    project.apply_successfully(prune=True)
    if not project.writes:
        return
    result = project.undo()
    assert result.errors == [], result.errors
    assert project.count_objects() == count
    after = project.contents()
    if not renamed:  # else the same objects have other names by now
        assert find_differences(before, after) == [], find_differences(before, after)
        assert project.statuses() == statuses
    result = project.undo()  # the first apply, of objects of which some were created again
    assert result.errors == [], result.errors
    assert project.count_objects() == 0


def check_kill(draw: random.Random, folder: Path, moment: int | None = None) -> bool:
    """A kill at any request resumes to the same end, with nothing done twice.

    Without a moment a random one is tried. Returns False if the apply ended before the moment.
    """
    seed = draw.random()
    expected = build_start(seed, folder / "expected")
    expected.apply_successfully(prune=True)
    if moment is None:
        moment = draw.randrange(2 * len(expected.requests))
    killed = build_start(seed, folder / f"killed-{moment}")
    if not killed.kill_apply(moment, prune=True):
        return False
    require_same_end(killed, expected)
    return True


def build_start(seed: float, folder: Path) -> ProjectFolder:
    """Return a project that was applied and changed since."""
    draw = random.Random(seed)  # noqa: S311 - generated cases
    project = build_project(draw, folder)
    project.apply_successfully()
    change_project(draw, project)
    return project


def require_same_end(killed: ProjectFolder, expected: ProjectFolder) -> None:
    """Apply again after a kill: the same objects, and no write a second time."""
    before = list(killed.carried_out)
    killed.apply_successfully(prune=True)
    assert len(before) + len(killed.carried_out) == len(expected.carried_out)
    assert find_differences(expected.contents(), killed.contents()) == []
    assert killed.count_objects() == expected.count_objects()
    assert set(killed.statuses().values()) <= {"in sync"}
    killed.apply_successfully(prune=True)
    assert killed.writes == []


def find_differences(left: dict[str, Any], right: dict[str, Any]) -> list[str]:
    """Return the fields in which objects differ; a default and nothing are the same."""
    if left.keys() != right.keys():
        return sorted(left.keys() ^ right.keys())
    left, right = (
        {name: _without_defaults(row) for name, row in side.items()} for side in (left, right)
    )
    defaults = {"personas": load_catalog().default_value}
    return [
        f"{name}{item.pointer}"
        for name in left
        for item in merge_fields(
            MergeBase(left[name], left[name]),
            right[name],
            left[name],
            build_equivalence(defaults.get(name.partition("/")[0], _find_part_default)),
        )
        if item.side is not Side.NEITHER
    ]


def _without_defaults(value: Any) -> Any:
    """Return an object of an account without what new objects have, also in lists."""
    if isinstance(value, list):
        return [_without_defaults(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_defaults(item)
        for key, item in value.items()
        if item != DEFAULTS.get(key, ABSENT)
    }


def _find_part_default(pointer: str) -> Any:
    return DEFAULTS.get(pointer.rpartition("/")[2])
