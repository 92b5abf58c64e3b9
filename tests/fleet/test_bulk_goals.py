"""One plan tunes many personas towards goals, each from its own settings."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from account import (
    RETIRED_MODEL,
    build_model_layers,
    build_persona_row,
    create_bulk_plan,
    read_stored_personas,
    statuses,
    store_personas,
)
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

FLOW = {
    "turn_detection_model": "sparrow-2",
    "turn_taking_patience": "low",
    "replica_interruptibility": "medium",
    "voice_isolation": "near",
    "idle_engagement": "off",
}


def is_same_change(row: dict[str, Any], change: dict[str, Any]) -> bool:
    return row["path"] == change["path"] and row.get("after") == change.get("after")


async def test_each_persona_gets_the_changes_that_suggest_tuning_plans(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_personas(
        store,
        build_persona_row(
            1, layers={**build_model_layers("tavus-gpt-oss"), "conversational_flow": FLOW}
        ),
        build_persona_row(2, layers=build_model_layers(RETIRED_MODEL)),
        build_persona_row(3, pipeline_mode="echo", system_prompt="", layers={}),
    )
    goals = {"goals": ["be_more_patient", "modernize"], "strength": "strong"}
    plan = await create_bulk_plan(tool_client, everything=True, **goals)
    rows = {row["persona_id"]: row for row in plan["personas"]}
    trade_offs: set[str | None] = set()
    for persona_id in ids:
        alone = await tool_client.expect_result("suggest_tuning", persona_id=persona_id, **goals)
        paths = [change["path"] for change in alone["changes"]]
        for change in alone["changes"]:
            shared = next(row for row in plan["changes"] if is_same_change(row, change))
            assert change.get("trade_off", "") in shared.get("trade_off", "")
            trade_offs.add(change.get("trade_off"))
        assert rows.get(persona_id, {"paths": []})["paths"] == paths, rows
    assert trade_offs - {None}
    assert ids[0] in rows
    assert ids[1] in rows
    before = copy.deepcopy(read_stored_personas(store, *ids))
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert set(statuses(applied)) == {"applied"}
    again = await tool_client.expect_result("plan_bulk_change", everything=True, **goals)
    assert again["status"] == "unchanged"
    assert again["totals"] == {"planned": 0, "already_so": 2, "no_known_change": 1, "changes": 0}
    (row,) = again["skipped"]  # totals count those that are so already
    assert (row["persona_id"], row["persona_name"]) == (ids[2], "Persona 3")
    assert row["reason"].startswith(
        "No change is known here for be_more_patient. Goal be_more_patient"
    )
    undo = await create_bulk_plan(tool_client, undo_of=plan["plan_id"])
    await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert read_stored_personas(store, *ids) == before


async def test_modernize_fixes_the_deprecations_found_by_an_audit(
    tool_client: ToolClient, store: Store
) -> None:
    store_personas(
        store,
        *(
            build_persona_row(number, layers=build_model_layers(RETIRED_MODEL))
            for number in range(5)
        ),
    )
    plan = await create_bulk_plan(tool_client, finding="llm-model-retired", goals=["modernize"])
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    rules = {row["rule"] for row in (await tool_client.expect_result("audit_personas"))["groups"]}
    assert "llm-model-retired" not in rules


async def test_a_reason_to_skip_a_persona_is_given_once(
    tool_client: ToolClient, store: Store
) -> None:
    functions = {"tools": [{"type": "function", "function": {"name": "f", "description": "x"}}]}
    layers = {"llm": functions, "perception": {"visual_tools": functions["tools"]}}
    store_personas(store, build_persona_row(1, layers=layers))
    plan = await tool_client.expect_result("plan_bulk_change", everything=True, goals=["modernize"])
    [row] = plan["skipped"]
    assert row["reason"].count("Inline functions still work") == 1


async def test_languages_are_passed_to_their_goal(tool_client: ToolClient, store: Store) -> None:
    store_personas(store, build_persona_row(1))
    plan = await create_bulk_plan(
        tool_client, everything=True, goals=["speak_languages"], languages=["German", "en"]
    )
    [row] = [row for row in plan["changes"] if row["path"] == "/languages"]
    assert (row["after"], row["personas"]) == (["de", "en"], 1)
    message = await tool_client.expect_error(
        "plan_bulk_change", everything=True, goals=["speak_languages"]
    )
    assert "needs names or codes" in message
    values = {"values": {"/greeting": "x"}, "languages": ["de"]}
    assert "/languages" in await tool_client.expect_error(
        "plan_bulk_change", everything=True, **values
    )


async def test_an_unknown_goal_is_refused_with_the_closest_match(tool_client: ToolClient) -> None:
    message = await tool_client.expect_error(
        "plan_bulk_change", everything=True, goals=["respond_fast"]
    )
    assert "'respond_faster'" in message
    assert tool_client.transport.requests == []


async def test_a_paragraph_that_many_prompts_get_is_listed_once(
    tool_client: ToolClient, store: Store
) -> None:
    """Found in use: it was repeated in full for each persona, behind the end of its own prompt."""
    prompts = ["You sell coffee.", "You teach. " * 40, "You listen."]
    rows = [build_persona_row(at, system_prompt=prompt) for at, prompt in enumerate(prompts)]
    store_personas(store, *rows)
    plan = await create_bulk_plan(
        tool_client, everything=True, goals=["speak_languages"], languages=["de"]
    )
    (row,) = [row for row in plan["changes"] if row["path"] == "/system_prompt"]
    assert (row["personas"], row["before"]) == (3, "…")
    assert row["after"].startswith('…\n\n<tuning name="languages">')


async def test_a_value_that_begins_with_the_old_one_is_not_cut(
    tool_client: ToolClient, store: Store
) -> None:
    store_personas(
        store, build_persona_row(0, greeting="Hello"), build_persona_row(1, greeting="Hi")
    )
    plan = await create_bulk_plan(
        tool_client, everything=True, values={"/greeting": "Hello, I am Ada."}
    )
    (row,) = plan["changes"]
    assert (row["personas"], row["after"]) == (2, "Hello, I am Ada.")
