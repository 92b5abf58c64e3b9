"""plan_bulk_change(undo_of=...): takes back what a bulk plan did, as a whole and nothing else."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from account import GOOD, RETIRED, fill, kept, many, model, persona_of, planned, statuses
from mcp_client import Desk

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio

TOOLS = [
    {"type": "function", "function": {"name": name, "description": "Call it when asked."}}
    for name in ("ask", "tell")
]
OLD_SPELLING = "a0e99841-438c-4a64-b679-ae501e7d6091"
"""A provider's voice id, where today it would stand in external_voice_id."""
FLOW = {
    "turn_detection_model": "sparrow-2",
    "turn_taking_patience": "low",
    "replica_interruptibility": "medium",
    "voice_isolation": "near",
    "idle_engagement": "off",
}
"""The layer with all that Tavus fills in beside one setting of it."""
KINDS: list[dict[str, Any]] = [
    {"layers": model(RETIRED)},
    {"layers": {}},
    {"layers": {"llm": {"model": RETIRED, "tools": TOOLS, "extra_body": {"top_p": 0.4}}}},
    {"layers": {**model(GOOD), "conversational_flow": FLOW}},
    {"layers": {**model(GOOD), "stt": {"hotwords": "Tavus"}}, "greeting": "Hi.", "context": "c"},
    {"layers": {**model(GOOD), "tts": {"tts_engine": "cartesia", "voice_id": OLD_SPELLING}}},
    {"greeting": "Good day.", "languages": ["en", "de"], "document_tags": ["a"]},
]
CHANGE: dict[str, Any] = {
    "everything": True,
    "values": {
        "/layers/llm/model": "tavus-gemma-4",
        "/layers/llm/tools": TOOLS[:1],
        "/layers/conversational_flow/turn_taking_patience": "high",
        "/greeting": "Hello.",
        "/languages": ["en"],
    },
    "unset": ["/layers/stt/hotwords", "/context", "/layers/llm/extra_body", "/layers/tts/voice_id"],
}


async def undone(desk: Desk, applied: dict[str, Any]) -> dict[str, Any]:
    """Take a plan back by the call that its answer names."""
    plan = await desk.facts(applied["undo"]["tool"], **applied["undo"]["arguments"])
    return await desk.facts("apply_plan", plan_id=plan["plan_id"])


async def test_all_documents_are_restored_byte_for_byte(desk: Desk, store: Store) -> None:
    ids = fill(store, *(persona_of(n, **fields) for n, fields in enumerate(KINDS)))
    before = copy.deepcopy(kept(store, *ids))
    plan = await planned(desk, **CHANGE)
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert statuses(applied) == ["applied"] * len(KINDS)
    assert all(one != other for one, other in zip(before, kept(store, *ids), strict=True))
    back = await undone(desk, applied)
    assert statuses(back) == ["applied"] * len(KINDS)
    assert kept(store, *ids) == before
    again = await undone(desk, back)
    assert statuses(again) == ["applied"] * len(KINDS)
    assert kept(store, *ids)[0]["greeting"] == "Hello."


async def test_the_history_of_a_persona_names_the_bulk_plan_it_was_part_of(
    desk: Desk, store: Store
) -> None:
    """Who comes back a day later has no plan id at hand."""
    ids = many(store, 2, layers=model(RETIRED))
    plan = await planned(desk, everything=True, values={"/layers/llm/model": GOOD})
    await desk.facts("apply_plan", plan_id=plan["plan_id"])
    await desk.facts("update_persona", persona_id=ids[1], greeting="Hi.")
    told = await desk.facts("list_revisions", persona_id=ids[1])
    assert [row.get("plan_id") for row in told["revisions"]] == [None, plan["plan_id"], None]


async def test_edits_of_others_at_other_places_stay(desk: Desk, store: Store) -> None:
    ids = many(store, 3, layers=model(RETIRED))
    before = copy.deepcopy(kept(store, *ids))
    plan = await planned(desk, everything=True, values={"/layers/llm/model": GOOD})
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    await desk.facts("update_persona", persona_id=ids[1], greeting="Mine.")
    await desk.facts("configure_llm", persona_id=ids[2], temperature=0.4)
    back = await undone(desk, applied)
    assert statuses(back) == ["applied"] * 3
    after = kept(store, *ids)
    assert after[0] == before[0]
    assert after[1] == {**before[1], "greeting": "Mine."}
    assert after[2]["layers"]["llm"] == {"model": RETIRED, "extra_body": {"temperature": 0.4}}


async def test_a_persona_edited_at_the_same_place_since_is_left_alone_and_told(
    desk: Desk, store: Store
) -> None:
    ids = many(store, 4)
    plan = await planned(desk, everything=True, values={"/greeting": "Hello.", "/context": "c"})
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    await desk.facts("update_persona", persona_id=ids[2], greeting="Mine.")
    undo = await planned(desk, undo_of=plan["plan_id"])
    assert [row["persona_id"] for row in undo["personas"]] == [ids[0], ids[1], ids[3]]
    assert undo["skipped"][0]["persona_id"] == ids[2]
    assert undo["skipped"][0]["reason"].startswith("/greeting: not as the plan left it")
    await undone(desk, applied)
    assert ["greeting" in row for row in kept(store, *ids)] == [False, False, True, False]
    assert kept(store, ids[2])[0]["context"] == "c"


async def test_only_those_that_were_changed_are_put_back(desk: Desk, store: Store) -> None:
    ids = many(store, 4)
    plan = await planned(desk, everything=True, values={"/greeting": "Hello."})
    store.put("persona", ids[0], persona_of(0, greeting="Mine."))
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert statuses(applied)[0] == "failed"
    store.remove("persona", ids[3])
    undo = await planned(desk, undo_of=plan["plan_id"])
    assert [row["persona_id"] for row in undo["personas"]] == ids[1:3]
    assert [row["persona_id"] for row in undo["skipped"]] == [ids[3]]
    await desk.facts("apply_plan", plan_id=undo["plan_id"])
    assert kept(store, ids[0])[0]["greeting"] == "Mine."


async def test_keys_are_not_put_back_and_that_is_said(desk: Desk, store: Store) -> None:
    tts = {"tts_engine": "cartesia"}
    ids = fill(
        store,
        persona_of(1, layers={"tts": {**tts, "api_key": "old-key-0123456789"}}),
        persona_of(2, layers={"tts": tts}),
    )
    values = {"/layers/tts/api_key_ref": "openai", "/greeting": "Hello."}
    plan = await planned(desk, everything=True, values=values)
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    await undone(desk, applied)
    first, second = kept(store, *ids)
    assert first["layers"]["tts"]["api_key"] != "old-key-0123456789"
    assert second["layers"]["tts"] == tts
    assert "greeting" not in first
    assert "greeting" not in second


async def test_an_expired_or_foreign_servers_plan_can_be_undone(
    opening: Opening, store: Store
) -> None:
    ids = many(store, 2)
    async with opening() as desk:
        plan = await planned(desk, everything=True, values={"/greeting": "Hello."})
        applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    async with opening() as desk:
        await undone(desk, applied)
    assert all("greeting" not in row for row in kept(store, *ids))


async def test_what_cannot_be_undone_is_refused_with_the_reason(desk: Desk, store: Store) -> None:
    ids = many(store, 2)
    plan = await planned(desk, everything=True, values={"/greeting": "Hello."})
    said = await desk.refusal("plan_bulk_change", undo_of=plan["plan_id"])
    assert "changed no persona" in said
    dry = await desk.facts("update_persona", persona_id=ids[0], greeting="x", dry_run=True)
    said = await desk.refusal("plan_bulk_change", undo_of=dry["plan_id"])
    assert "restore_revision" in said
