from __future__ import annotations

import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from tavus_mcp.sandbox.store import Query, Store

ENV = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
COUNTING = """
import sys
from pathlib import Path
from tavus_mcp.sandbox.store import Store
store = Store.open(Path(sys.argv[1]))
for _ in range(50):
    with store.write_transaction():
        row = store.get("counter", "one") or {"n": 0}
        store.put("counter", "one", {"n": row["n"] + 1})
store.close()
"""


def test_state_survives_closing_and_opening(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "state.db")) as store:
        store.put("thing", "a", {"name": "A\ud83d"})
    with closing(Store.open(tmp_path / "state.db")) as store:
        assert store.get("thing", "a") == {"name": "A\ud83d"}


@pytest.mark.anyio
async def test_state_survives_a_killed_process(tmp_path: Path) -> None:
    script = COUNTING.replace("store.close()", "import os, signal; os.kill(os.getpid(), 9)")
    command = [sys.executable, "-c", script, str(tmp_path / "state.db")]
    done = await anyio.run_process(command, check=False, env=ENV)
    assert done.returncode == -9
    with closing(Store.open(tmp_path / "state.db")) as store:
        assert store.get("counter", "one") == {"n": 50}


def test_stock_objects_are_inserted_once(tmp_path: Path) -> None:
    for _ in range(3):
        with closing(Store.open(tmp_path / "state.db")) as store:
            assert store.page(Query("persona"))[1] == 7


def test_the_file_is_private_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "data" / "state.db"
    with closing(Store.open(path)) as store:
        store.put("thing", "a", {})
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_two_stores_on_one_file_lose_no_update(tmp_path: Path) -> None:
    path = tmp_path / "state.db"

    def count(store: Store) -> None:
        for _ in range(100):
            with store.write_transaction():
                row = store.get("counter", "one") or {"n": 0}
                store.put("counter", "one", {"n": row["n"] + 1})

    with closing(Store.open(path)) as first, closing(Store.open(path)) as second:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(count, (first, second)))
        assert first.get("counter", "one") == second.get("counter", "one") == {"n": 200}


@pytest.mark.anyio
async def test_processes_that_open_a_new_file_together_lose_no_update(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    command = [sys.executable, "-c", COUNTING, str(path)]
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(lambda: anyio.run_process(command, env=ENV))
    with closing(Store.open(path)) as store:
        assert store.get("counter", "one") == {"n": 150}


def test_a_failed_change_is_rolled_back(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write_transaction():
        store.put("thing", "a", {"n": 1 // 0 if store.remove("persona", "p1af207b8189") else 0})
    assert store.get("persona", "p1af207b8189") is not None


def test_a_changed_document_keeps_its_list_position(store: Store) -> None:
    for key in "abc":
        store.put("thing", key, {"id": key})
    store.put("thing", "a", {"id": "a", "changed": True})
    assert [row["id"] for row in store.all("thing")] == ["a", "b", "c"]


def test_a_page_can_combine_every_filter(store: Store) -> None:
    for number in range(30):
        store.put(
            "thing",
            str(number),
            {"name": f"N{number}", "even": str(number % 2), "tags": ["x"] if number > 9 else []},
        )
    rows, total = store.page(
        Query(
            "thing",
            equals={"even": "0"},
            text="n2",
            text_in=("name",),
            tags=("x",),
            newest_first=True,
            limit=2,
            offset=1,
        )
    )
    assert total == 5
    assert [row["name"] for row in rows] == ["N26", "N24"]
