"""Two servers and a dashboard edit one persona and undo, in any order of their requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from edits import EditScript, build_dashboard_edit, build_server_edit
from interleaving_runs import check_run, run_interleavings
from property_examples import draw_seed, examples
from two_servers import open_two_servers

from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.sandbox.switches import Switches

pytestmark = [pytest.mark.anyio, pytest.mark.generated]

SAMPLE = 60
"""Interleavings of each kind, a part in the default suite; ``full_counts.py`` runs a thousand."""


@pytest.mark.parametrize("test_operations", ["accepted", "refused"])
async def test_no_edit_is_lost_in_interleavings(tmp_path: Path, test_operations: str) -> None:
    """A persona is edited by people, dashboards and agents at once."""
    seed = draw_seed()
    switches = Switches(test_operations=test_operations)  # type: ignore[arg-type]  # parametrized
    figures = await run_interleavings(tmp_path, examples(SAMPLE), seed, switches)
    assert figures["edits applied"] > examples(SAMPLE)
    journal = JournalStore.open(tmp_path / "journal.sqlite3")
    assert journal.verify() == []
    journal.close()


async def test_an_edit_of_a_list_item_does_not_change_the_item_now_at_its_index(
    tmp_path: Path,
) -> None:
    script = EditScript(
        {
            "one": (build_server_edit("list item", 10),),
            "dashboard": (build_dashboard_edit("like tool first", 11),),
        },
        (1, 0, 0, 0),
    )
    async with open_two_servers(tmp_path) as servers:
        check_run(servers, await servers.play(script), accepts_tests=True)
