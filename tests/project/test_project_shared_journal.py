"""Two applies of one project at the same time on two machines, with one journal."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from journal_databases import journal_of_test
from project_harness import ADA, ProjectFolder, build_folder, ignore

from tavus_mcp.errors import Conflict
from tavus_mcp.project.apply import ApplyResult
from tavus_mcp.project.plan import PlanOptions
from tavus_mcp.project.session import ProjectSession

pytestmark = [pytest.mark.extended, pytest.mark.every_database]
NAMES = ("Ada", "Bob", "Cy", "Dan", "Eve")
ROUNDS = 4


def apply_when_all_are_ready(project: ProjectFolder, barrier: threading.Barrier) -> bool:
    """Plan and apply; return True if it was carried out, False if it was refused."""

    async def work(session: ProjectSession) -> ApplyResult | None:
        barrier.wait(60)
        planned = await session.plan(PlanOptions(), ignore)
        try:
            return await session.apply(planned, PlanOptions(), ignore)
        except Conflict:
            return None

    result = project.run(work)
    assert result is None or result.errors == []
    return result is not None and result.remaining_count == 0


def test_each_object_is_written_once_by_one_of_them(tmp_path: Path) -> None:
    """In each round files are changed and added; the state of one of them is committed then."""
    here = build_folder(tmp_path / "here")
    account = here.accounts["staging"]
    account.journal_path = journal_of_test()
    there = here.copy(tmp_path / "there")
    for number in range(ROUNDS):
        for project in (here, there):
            for name in NAMES:
                text = ADA.replace("Ada", f"{name} {number}")
                project.write(f"personas/{name.lower()}-{number}.yaml", text)
                if number:
                    path = f"personas/{name.lower()}-{number - 1}.yaml"
                    project.replace(path, "help", "assist")
        pair, barriers = (here, there), [threading.Barrier(2)] * 2
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(apply_when_all_are_ready, pair, barriers))
        assert any(done)
        written = [line for project in pair for line in project.carried_out]
        assert len(written) == len(NAMES) * (2 if number else 1)
        assert len(account.ids()) == len(NAMES) * (number + 1)
        source, target = pair if done[0] else pair[::-1]
        state = Path(".tavus/staging.json")
        shutil.copy(source.folder / state, target.folder / state)
        for project in pair:
            assert set(project.statuses().values()) == {"in sync"}
