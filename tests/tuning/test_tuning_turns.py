"""Turn-taking when conversational_flow comes into use, and a fixed timer that stays without it."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import Desk
from planting import outcome, planted, said, suggested

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

FLOW = "/layers/conversational_flow"
STT = "/layers/stt"
TIMER = {"smart_turn_detection": False}


def change_of(answer: dict[str, Any], path: str) -> dict[str, Any]:
    (change,) = [one for one in answer["changes"] if one["path"] == path]
    return dict(change)


async def test_the_first_use_of_the_layer_says_what_comes_in_with_it(
    desk: Desk, store: Store
) -> None:
    """Tavus: one field of conversational_flow fills in the others, with a turn model."""
    planted(store)
    answer = await suggested(desk, "be_more_patient")
    assert outcome(answer) == {
        f"{FLOW}/turn_taking_patience": "high",
        f"{FLOW}/turn_detection_model": "sparrow-2",
        f"{FLOW}/voice_isolation": "off",
    }
    assert "off before" in change_of(answer, f"{FLOW}/voice_isolation")["reason"]
    model = change_of(answer, f"{FLOW}/turn_detection_model")
    assert model["confidence"] == "documented"
    assert model["effect"] == "sparrow-2 decides when a turn has ended."
    assert "listen to a call" in model["trade_off"]


@pytest.mark.parametrize("pause", ["superlow", "medium", "high"])
async def test_a_level_that_moves_says_that_another_model_waits(
    desk: Desk, store: Store, pause: str
) -> None:
    planted(store, layers={"stt": {"participant_pause_sensitivity": pause}})
    answer = await suggested(desk, "modernize")
    assert outcome(answer)[f"{FLOW}/turn_detection_model"] == "sparrow-2"
    change = change_of(answer, f"{FLOW}/turn_taking_patience")
    assert change["confidence"] == "inferred"
    assert "as before" not in change["effect"]
    assert "another turn model" in change["effect"]
    assert "Five levels became three" in change["trade_off"]


@pytest.mark.parametrize(
    "stt",
    [
        TIMER,
        {"smart_turn_detection": "false"},
        {**TIMER, "participant_pause_sensitivity": "high"},
        {**TIMER, "participant_interrupt_sensitivity": "low"},
        {"participant_pause_sensitivity": "auto"},
    ],
)
async def test_what_only_the_older_fields_can_say_stays_and_is_flagged(
    desk: Desk, store: Store, stt: dict[str, Any]
) -> None:
    """Docs of 2025: off is a fixed delay; to remove the switch would bring Sparrow in."""
    planted(store, layers={"stt": stt})
    answer = await suggested(desk, "modernize")
    assert answer["status"] == "unchanged"
    assert answer["already"] == []
    assert not said(answer, "was taken for it")
    flagged = {one["path"] for one in answer["findings"] if "It stays" in one["message"]}
    assert flagged == {f"{STT}/{name}" for name in stt}
    if "smart_turn_detection" in stt:
        (sentence,) = [one for one in said(answer, "fixed delay") if "smart_turn_detection" in one]
        assert 'turn_detection_model="time-based"' in sentence


@pytest.mark.parametrize("goals", [("respond_faster",), ("modernize", "respond_faster")])
async def test_a_timer_that_a_goal_replaces_is_told_once_with_the_way_to_keep_it(
    desk: Desk, store: Store, goals: tuple[str, ...]
) -> None:
    planted(store, layers={"stt": {**TIMER, "participant_interrupt_sensitivity": "low"}})
    answer = await suggested(desk, *goals)
    assert outcome(answer)[f"{STT}/smart_turn_detection"] is None
    assert outcome(answer)[f"{FLOW}/turn_detection_model"] == "sparrow-2"
    assert outcome(answer)[f"{FLOW}/replica_interruptibility"] == "low"
    (sentence,) = said(answer, "fixed timer by Sparrow")
    assert (
        'configure_conversational_flow(persona_id, turn_detection_model="time-based")' in sentence
    )
    assert not said(answer, "It stays")


async def test_a_value_without_an_equivalent_gets_the_default_where_the_layer_comes_in(
    desk: Desk, store: Store
) -> None:
    stt = {"participant_pause_sensitivity": "auto", "participant_interrupt_sensitivity": "low"}
    planted(store, layers={"stt": stt})
    answer = await suggested(desk, "modernize")
    assert outcome(answer) == {
        f"{STT}/participant_pause_sensitivity": None,
        f"{STT}/participant_interrupt_sensitivity": None,
        f"{FLOW}/replica_interruptibility": "low",
        f"{FLOW}/turn_detection_model": "sparrow-2",
        f"{FLOW}/voice_isolation": "off",
    }
    assert said(answer, "the default of turn_taking_patience was taken for it")


async def test_a_fixed_timer_is_the_lowest_turn_model_for_a_goal_about_them(
    desk: Desk, store: Store
) -> None:
    planted(store, layers={"stt": TIMER})
    answer = await suggested(desk, "interrupt_less")
    change = change_of(answer, f"{FLOW}/turn_detection_model")
    assert (change["goal"], change["after"]) == ("interrupt_less", "sparrow-2")
    assert said(answer, "fixed timer by Sparrow")
