"""Goals of tuning for many personas: each moved from where it stands, by one plan."""

from __future__ import annotations

import copy

import pytest
from account import RETIRED, fill, kept, model, persona_of, planned, statuses
from mcp_client import Desk

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

FLOW = {
    "turn_detection_model": "sparrow-2",
    "turn_taking_patience": "low",
    "replica_interruptibility": "medium",
    "voice_isolation": "near",
    "idle_engagement": "off",
}


async def test_each_persona_gets_what_suggest_tuning_would_plan_for_it(
    desk: Desk, store: Store
) -> None:
    ids = fill(
        store,
        persona_of(1, layers={**model("tavus-gpt-oss"), "conversational_flow": FLOW}),
        persona_of(2, layers=model(RETIRED)),
        persona_of(3, pipeline_mode="echo", system_prompt="", layers={}),
    )
    goals = {"goals": ["be_more_patient", "modernize"], "strength": "strong"}
    plan = await planned(desk, everything=True, **goals)
    told = {row["persona_id"]: row for row in plan["personas"]}
    for persona_id in ids:
        alone = await desk.facts("suggest_tuning", persona_id=persona_id, **goals)
        paths = [change["path"] for change in alone["changes"]]
        assert told.get(persona_id, {"paths": []})["paths"] == paths
    assert ids[0] in told
    assert ids[1] in told
    before = copy.deepcopy(kept(store, *ids))
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert set(statuses(applied)) == {"applied"}
    again = await desk.facts("plan_bulk_change", everything=True, **goals)
    assert again["status"] == "unchanged"
    assert again["totals"]["already_so"] == 3
    undo = await planned(desk, undo_of=plan["plan_id"])
    await desk.facts("apply_plan", plan_id=undo["plan_id"])
    assert kept(store, *ids) == before


async def test_what_an_audit_finds_is_mended_by_modernize(desk: Desk, store: Store) -> None:
    fill(store, *(persona_of(number, layers=model(RETIRED)) for number in range(5)))
    plan = await planned(desk, finding="llm-model-retired", goals=["modernize"])
    await desk.facts("apply_plan", plan_id=plan["plan_id"])
    rules = {row["rule"] for row in (await desk.facts("audit_personas"))["groups"]}
    assert "llm-model-retired" not in rules


async def test_languages_go_with_their_goal(desk: Desk, store: Store) -> None:
    fill(store, persona_of(1))
    plan = await planned(
        desk, everything=True, goals=["speak_languages"], languages=["German", "en"]
    )
    assert {"path": "/languages", "after": ["de", "en"], "personas": 1} in plan["changes"]
    said = await desk.refusal("plan_bulk_change", everything=True, goals=["speak_languages"])
    assert "needs names or codes" in said
    values = {"values": {"/greeting": "x"}, "languages": ["de"]}
    assert "/languages" in await desk.refusal("plan_bulk_change", everything=True, **values)


async def test_a_goal_that_is_none_is_refused_with_the_nearest(desk: Desk) -> None:
    said = await desk.refusal("plan_bulk_change", everything=True, goals=["respond_fast"])
    assert "'respond_faster'" in said
    assert desk.wire.requests == []
