"""The plans of a tool, and the writes that belong to none, as projects ask for them."""

from __future__ import annotations

import pytest
from journal_databases import build_journal_of_test

from tavus_mcp.journal.entry import REFUSED, JournalEntry

pytestmark = [pytest.mark.anyio, pytest.mark.every_database]


async def test_outcomes_of_the_plans_of_a_tool_are_left_out() -> None:
    journal = build_journal_of_test()

    async def write(persona_id: str, plan_tool: str = "") -> JournalEntry:
        """Record a write, by default without a plan; return its outcome."""
        at, ref = "2026-01-01T00:00:00+00:00", 0
        if plan_tool:
            ref = (await journal.append(JournalEntry("plan", "", at, plan_tool))).seq
        intent = await journal.append(JournalEntry("intent", persona_id, at, ref=ref))
        return await journal.append(
            JournalEntry("outcome", persona_id, at, status="applied", ref=intent.seq)
        )

    first = await write("p1")
    await write("p2", "mine")
    others = [await write("p3", "other"), await write("p4")]
    found = await journal.outcomes_without_plan("mine", 0, 10)
    assert [entry.seq for entry in found] == [others[1].seq, others[0].seq, first.seq]
    newest = await journal.outcomes_without_plan("mine", first.seq, 1)
    assert [entry.persona_id for entry in newest] == ["p4"]
    journal.close()


async def test_plans_of_a_tool_that_were_refused_are_left_out() -> None:
    journal, at = build_journal_of_test(), "2026-01-01T00:00:00+00:00"
    ended, refused, under_way = [
        (await journal.append(JournalEntry("plan", "", at, "mine"))).seq for _ in range(3)
    ]
    for seq, status in ((ended, "ended"), (refused, REFUSED)):
        await journal.append(JournalEntry("used", "", at, "mine", status, ref=seq))
    found = await journal.plans_of_tool("mine", 10)
    assert [entry.seq for entry in found] == [under_way, ended]
    journal.close()
