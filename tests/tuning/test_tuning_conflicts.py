"""Goals that pull against each other: the first named wins the place, and it is told."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import Desk
from planting import outcome, planted, suggested

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

FLOW = "/layers/conversational_flow"
MODEL = "/layers/llm/model"
NEAR = {"conversational_flow": {"voice_isolation": "near"}}


@pytest.mark.parametrize(
    ("first", "second", "path", "chosen", "other"),
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
async def test_the_goal_named_first_wins_a_disputed_place_either_way(
    desk: Desk, store: Store, first: str, second: str, path: str, chosen: Any, other: Any
) -> None:
    """Ours: None where the place stands so already."""
    for goals, wins in (((first, second), chosen), ((second, first), other)):
        planted(store, layers=NEAR)
        answer = await suggested(desk, *goals, strength="strong")
        assert outcome(answer).get(path) == wins
        (settled,) = [one for one in answer["settled"] if one["path"] == path]
        assert settled["goals"] == list(goals)
        assert wins is None or settled["chosen"] == wins
        assert settled["why"].startswith(f"{goals[0]} was named first; {goals[1]} alone would set")


async def test_the_goal_that_lost_a_place_gets_what_it_can_elsewhere(
    desk: Desk, store: Store
) -> None:
    planted(store)
    answer = await suggested(desk, "see_the_user", "respect_privacy", strength="strong")
    assert outcome(answer)["/layers/perception/emotion_recognition"] == "limited"
    assert outcome(answer)["/disclosure_type"] == "always"


async def test_a_goal_goes_as_far_as_the_first_one_lets_it(desk: Desk, store: Store) -> None:
    planted(store, layers={"conversational_flow": {"replica_interruptibility": "low"}})
    answer = await suggested(desk, "ignore_background_noise", "be_easier_to_interrupt")
    assert outcome(answer)[f"{FLOW}/replica_interruptibility"] == "medium"
    planted(store, layers=NEAR)
    answer = await suggested(desk, "ignore_background_noise", "be_easier_to_interrupt")
    (settled,) = answer["settled"]
    assert settled["chosen"] == "medium"


async def test_goals_that_agree_share_a_change(desk: Desk, store: Store) -> None:
    planted(store, layers=NEAR)
    answer = await suggested(desk, "be_more_patient", "interrupt_less", strength="gentle")
    (change,) = answer["changes"]
    assert change["goal"] == "be_more_patient, interrupt_less"
    assert answer["settled"] == []


async def test_what_was_settled_stays_settled_when_the_plan_was_applied(
    desk: Desk, store: Store
) -> None:
    planted(store, layers=NEAR)
    goals = ("respond_faster", "be_more_patient", "be_smarter")
    answer = await suggested(desk, *goals, strength="strong")
    await desk.facts("apply_plan", plan_id=answer["plan_id"])
    again = await suggested(desk, *goals, strength="strong")
    assert again["status"] == "unchanged"
    assert [one["path"] for one in again["settled"]] == [one["path"] for one in answer["settled"]]


async def test_modernize_disputes_nothing_wherever_it_is_named(desk: Desk, store: Store) -> None:
    stt = {"participant_pause_sensitivity": "low"}
    layers = {"stt": stt, "llm": {"model": "tavus-gpt-4o"}}
    planted(store, layers=layers)
    one = await suggested(desk, "modernize", "respond_faster", strength="strong")
    other = await suggested(desk, "respond_faster", "modernize", strength="strong")
    assert outcome(one) == outcome(other)
    assert one["settled"] == other["settled"] == []
    assert outcome(one)[f"{FLOW}/turn_taking_patience"] == "low"
    assert outcome(one)[MODEL] == "tavus-gpt-oss"
