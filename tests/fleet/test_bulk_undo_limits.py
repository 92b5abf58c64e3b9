"""What the undo of a bulk plan leaves alone, and says so: others' work, secrets, what is unseen."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from account import GOOD, fill, kept, many, persona_of, planned, statuses
from mcp_client import SECRET, Desk
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio

TOOLS = [
    {"type": "function", "function": {"name": "ask", "description": f"Call with {SECRET} now."}}
]


async def done(desk: Desk, **asked: Any) -> str:
    """Plan a change of all and carry it out; return the id of the plan."""
    plan = await planned(desk, everything=True, **asked)
    await desk.facts("apply_plan", plan_id=plan["plan_id"])
    return str(plan["plan_id"])


async def test_what_others_write_before_we_read_back_is_not_taken_away(
    opening: Opening, sandbox: ASGIApp, store: Store
) -> None:
    ids = many(store, 2)
    edited: list[str] = []

    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        await sandbox(scope, receive, send)
        if scope["method"] == "PATCH" and scope["path"].endswith(ids[0]) and not edited:
            edited.append(ids[0])
            row = store.get("persona", ids[0]) or {}
            store.put("persona", ids[0], {**row, "greeting": "Theirs."})

    async with opening(busy) as desk:
        plan_id = await done(desk, values={"/greeting": "Hello."})
        undo = await planned(desk, undo_of=plan_id)
        assert [row["persona_id"] for row in undo["skipped"]] == [ids[0]]
        await desk.facts("apply_plan", plan_id=undo["plan_id"])
    assert [row.get("greeting") for row in kept(store, *ids)] == ["Theirs.", None]


async def test_a_list_that_holds_a_known_secret_is_not_put_back_masked(
    desk: Desk, store: Store
) -> None:
    layers = {"llm": {"model": GOOD, "tools": TOOLS}}
    ids = fill(store, persona_of(1, layers=layers), persona_of(2, layers=layers, greeting="Hi."))
    plan_id = await done(desk, unset=["/layers/llm/tools", "/greeting"])
    undo = await planned(desk, undo_of=plan_id)
    assert [row["persona_id"] for row in undo["personas"]] == ids[1:]
    assert "come back" in undo["skipped"][0]["reason"]
    assert "come back" in str(undo["findings"])
    await desk.facts("apply_plan", plan_id=undo["plan_id"])
    assert "tools" not in kept(store, ids[1])[0]["layers"]["llm"]
    assert kept(store, ids[1])[0]["greeting"] == "Hi."


async def test_stars_that_somebody_wrote_are_text_and_come_back(desk: Desk, store: Store) -> None:
    ids = fill(
        store, persona_of(1, greeting="Hi ***"), persona_of(2, greeting="***Hi***", context="c")
    )
    before = copy.deepcopy(kept(store, *ids))
    plan_id = await done(desk, values={"/greeting": "Hello.", "/context": "d"})
    undo = await planned(desk, undo_of=plan_id)
    await desk.facts("apply_plan", plan_id=undo["plan_id"])
    assert kept(store, *ids) == before


async def test_what_tavus_never_shows_is_not_emptied(desk: Desk, store: Store) -> None:
    ids = fill(store, persona_of(1, memories=["m1"], is_template=True), persona_of(2))
    plan_id = await done(desk, values={"/memories": ["new"], "/greeting": "Hello."})
    undo = await planned(desk, undo_of=plan_id)
    assert "come back" in str(undo["findings"])
    applied = await desk.facts("apply_plan", plan_id=undo["plan_id"])
    assert statuses(applied) == ["applied", "applied"]
    first, second = kept(store, *ids)
    assert first["memories"] == second["memories"] == ["new"]
    assert "greeting" not in first


async def test_what_two_servers_claimed_is_undone_when_one_of_them_changed_it(
    desk: Desk, store: Store
) -> None:
    """A second server took the claim over before the first had sent, and failed: so the journal."""
    ids = many(store, 1)
    plan_id = await done(desk, values={"/greeting": "Hello."})
    diary = desk.server.app.diary
    lines = await diary.after(int(plan_id.split("-")[1]))
    claim, intent, _ = lines
    second = await diary.claim(claim, after=claim.seq)
    sent = await diary.append(replace(intent, ref=second.seq))
    await diary.append(
        JournalEntry("outcome", ids[0], claim.at, claim.tool, "failed", ref=sent.seq)
    )
    assert "already" in await desk.refusal("apply_plan", plan_id=plan_id)
    undo = await planned(desk, undo_of=plan_id)
    await desk.facts("apply_plan", plan_id=undo["plan_id"])
    assert "greeting" not in kept(store, *ids)[0]
