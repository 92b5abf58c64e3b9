"""Contradicting goals: the first one in the call takes precedence, and the conflict is reported."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient
from persona_fixtures import store_persona, suggest_tuning, values_by_path

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

FLOW = "/layers/conversational_flow"
MODEL = "/layers/llm/model"
NEAR = {"conversational_flow": {"voice_isolation": "near"}}


@pytest.mark.parametrize(
    ("first", "second", "path", "chosen", "chosen_reversed"),
    [
        ("respond_faster", "be_more_patient", f"{FLOW}/turn_taking_patience", "low", "high"),
        ("respond_faster", "be_smarter", MODEL, "tavus-gpt-oss", "tavus-gemini-3-flash"),
        ("see_the_user", "respect_privacy", "/layers/perception/perception_model", None, "off"),
        (
            "be_easier_to_interrupt",
            "ignore_background_noise",
            f"{FLOW}/replica_interruptibility",
            "high",
            "low",
        ),
        ("re_engage_when_silent", "be_more_patient", f"{FLOW}/idle_engagement", "eager", None),
        (
            "sound_more_expressive",
            "sound_calmer",
            "/layers/tts/tts_emotion_control",
            None,
            False,
        ),
    ],
)
async def test_the_first_goal_takes_precedence_at_a_disputed_field(
    tool_client: ToolClient,
    store: Store,
    first: str,
    second: str,
    path: str,
    chosen: Any,
    chosen_reversed: Any,
) -> None:
    """A chosen value of None means that the field has the wanted value already."""
    for goals, wins in (((first, second), chosen), ((second, first), chosen_reversed)):
        store_persona(store, layers=NEAR)
        answer = await suggest_tuning(tool_client, *goals, strength="strong")
        assert values_by_path(answer).get(path) == wins
        (settled,) = [row for row in answer["settled"] if row["path"] == path]
        assert settled["goals"] == list(goals)
        assert wins is None or settled["chosen"] == wins
        assert settled["why"].startswith(f"{goals[0]} was named first; {goals[1]} alone would set")


async def test_a_goal_overruled_at_one_field_changes_other_fields(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store)
    answer = await suggest_tuning(tool_client, "see_the_user", "respect_privacy", strength="strong")
    assert values_by_path(answer)["/layers/perception/emotion_recognition"] == "limited"
    assert values_by_path(answer)["/disclosure_type"] == "always"


async def test_a_later_goal_goes_as_far_as_the_first_one_allows(
    tool_client: ToolClient, store: Store
) -> None:
    flow = {"turn_detection_model": "sparrow-1", "replica_interruptibility": "low"}
    store_persona(store, layers={"conversational_flow": flow})
    answer = await suggest_tuning(tool_client, "ignore_background_noise", "be_easier_to_interrupt")
    assert values_by_path(answer)[f"{FLOW}/replica_interruptibility"] == "medium"
    near = {**NEAR["conversational_flow"], "turn_detection_model": "sparrow-1"}
    store_persona(store, layers={"conversational_flow": near})
    answer = await suggest_tuning(tool_client, "ignore_background_noise", "be_easier_to_interrupt")
    (settled,) = answer["settled"]
    assert settled["chosen"] == "medium"


async def test_agreeing_goals_share_a_change(tool_client: ToolClient, store: Store) -> None:
    store_persona(store, layers=NEAR)
    answer = await suggest_tuning(
        tool_client, "be_more_patient", "interrupt_less", strength="gentle"
    )
    (change,) = answer["changes"]
    assert change["goal"] == "be_more_patient, interrupt_less"
    assert answer["settled"] == []


async def test_resolved_conflicts_stay_resolved_after_applying_the_plan(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store, layers=NEAR)
    goals = ("respond_faster", "be_more_patient", "be_smarter")
    answer = await suggest_tuning(tool_client, *goals, strength="strong")
    await tool_client.expect_result("apply_plan", plan_id=answer["plan_id"])
    again = await suggest_tuning(tool_client, *goals, strength="strong")
    assert again["status"] == "unchanged"
    assert [row["path"] for row in again["settled"]] == [row["path"] for row in answer["settled"]]


async def test_modernize_conflicts_with_no_goal_in_any_position(
    tool_client: ToolClient, store: Store
) -> None:
    stt = {"participant_pause_sensitivity": "low"}
    layers = {"stt": stt, "llm": {"model": "tavus-gpt-4o"}}
    store_persona(store, layers=layers)
    modernize_first = await suggest_tuning(
        tool_client, "modernize", "respond_faster", strength="strong"
    )
    modernize_last = await suggest_tuning(
        tool_client, "respond_faster", "modernize", strength="strong"
    )
    assert values_by_path(modernize_first) == values_by_path(modernize_last)
    assert modernize_first["settled"] == modernize_last["settled"] == []
    assert values_by_path(modernize_first)[f"{FLOW}/turn_taking_patience"] == "low"
    assert values_by_path(modernize_first)[MODEL] == "tavus-gpt-oss"
