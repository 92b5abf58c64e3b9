"""Turn-taking when conversational_flow comes into use, and a fixed timer that stays without it."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient
from persona_fixtures import find_sentences, store_persona, suggest_tuning, values_by_path

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

FLOW = "/layers/conversational_flow"
STT = "/layers/stt"
TIMER = {"smart_turn_detection": False}


def find_change(answer: dict[str, Any], path: str) -> dict[str, Any]:
    (change,) = [one for one in answer["changes"] if one["path"] == path]
    return dict(change)


async def test_the_first_use_of_the_layer_reports_the_defaults_it_adds(
    tool_client: ToolClient, store: Store
) -> None:
    """Tavus: one field of conversational_flow fills in the others, with a turn model."""
    store_persona(store)
    answer = await suggest_tuning(tool_client, "be_more_patient")
    assert values_by_path(answer) == {
        f"{FLOW}/turn_taking_patience": "high",
        f"{FLOW}/turn_detection_model": "sparrow-2",
        f"{FLOW}/voice_isolation": "off",
    }
    assert "off before" in find_change(answer, f"{FLOW}/voice_isolation")["reason"]
    model = find_change(answer, f"{FLOW}/turn_detection_model")
    assert model["confidence"] == "documented"
    assert model["effect"] == "sparrow-2 decides when a turn has ended."
    assert "test a call" in model["trade_off"]
    assert "before" not in model["reason"]  # of an unused layer nothing is known to decide


@pytest.mark.parametrize("pause", ["superlow", "medium", "high"])
async def test_a_converted_level_mentions_the_changed_turn_detection_model(
    tool_client: ToolClient, store: Store, pause: str
) -> None:
    store_persona(store, layers={"stt": {"participant_pause_sensitivity": pause}})
    answer = await suggest_tuning(tool_client, "modernize")
    assert values_by_path(answer)[f"{FLOW}/turn_detection_model"] == "sparrow-2"
    change = find_change(answer, f"{FLOW}/turn_taking_patience")
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
async def test_settings_only_legacy_fields_can_express_are_preserved_and_flagged(
    tool_client: ToolClient, store: Store, stt: dict[str, Any]
) -> None:
    """Docs of 2025: off is a fixed delay; removing the switch would enable Sparrow."""
    store_persona(store, layers={"stt": stt})
    answer = await suggest_tuning(tool_client, "modernize")
    assert answer["status"] == "unchanged"
    assert answer["already"] == []
    assert not find_sentences(answer, "applies.")
    flagged = {one["path"] for one in answer["findings"] if "not changed" in one["message"]}
    assert flagged == {f"{STT}/{name}" for name in stt}
    if "smart_turn_detection" in stt:
        (sentence,) = [
            one for one in find_sentences(answer, "fixed delay") if "smart_turn_detection" in one
        ]
        assert 'turn_detection_model="time-based"' in sentence


@pytest.mark.parametrize("goals", [("respond_faster",), ("modernize", "respond_faster")])
async def test_a_replaced_timer_is_reported_once_with_how_to_preserve_it(
    tool_client: ToolClient, store: Store, goals: tuple[str, ...]
) -> None:
    store_persona(store, layers={"stt": {**TIMER, "participant_interrupt_sensitivity": "low"}})
    answer = await suggest_tuning(tool_client, *goals)
    assert values_by_path(answer)[f"{STT}/smart_turn_detection"] is None
    assert values_by_path(answer)[f"{FLOW}/turn_detection_model"] == "sparrow-2"
    assert values_by_path(answer)[f"{FLOW}/replica_interruptibility"] == "low"
    (sentence,) = find_sentences(answer, "fixed timer decided; now Sparrow does")
    assert (
        'configure_conversational_flow(persona_id, turn_detection_model="time-based")' in sentence
    )
    assert not find_sentences(answer, "not changed")


async def test_a_value_without_equivalent_becomes_the_default_of_the_new_layer(
    tool_client: ToolClient, store: Store
) -> None:
    stt = {"participant_pause_sensitivity": "auto", "participant_interrupt_sensitivity": "low"}
    store_persona(store, layers={"stt": stt})
    answer = await suggest_tuning(tool_client, "modernize")
    assert values_by_path(answer) == {
        f"{STT}/participant_pause_sensitivity": None,
        f"{STT}/participant_interrupt_sensitivity": None,
        f"{FLOW}/replica_interruptibility": "low",
        f"{FLOW}/turn_detection_model": "sparrow-2",
        f"{FLOW}/voice_isolation": "off",
    }
    assert find_sentences(answer, "the default of turn_taking_patience applies")


async def test_a_fixed_timer_counts_as_the_lowest_turn_detection_model(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store, layers={"stt": TIMER})
    answer = await suggest_tuning(tool_client, "interrupt_less")
    change = find_change(answer, f"{FLOW}/turn_detection_model")
    assert (change["goal"], change["after"]) == ("interrupt_less", "sparrow-2")
    assert find_sentences(answer, "fixed timer decided; now Sparrow does")


async def test_a_level_that_is_carried_over_counts_as_met(
    tool_client: ToolClient, store: Store
) -> None:
    """Found in use: a goal whose level another goal carried over was neither met nor changed."""
    store_persona(store, layers={"stt": {"participant_pause_sensitivity": "low"}})
    goals = ("be_harder_to_interrupt", "be_more_patient")
    answer = await suggest_tuning(tool_client, *goals, strength="strong")
    assert answer["already"] == [
        {"goal": goals[1], "path": f"{FLOW}/turn_taking_patience", "value": "high"},
        {"goal": goals[1], "path": f"{FLOW}/idle_engagement", "value": "off", "default": "off"},
    ]
    assert find_sentences(answer, "Strength strong changes no more than normal")
    assert "default" not in find_change(answer, f"{STT}/participant_pause_sensitivity")
    normal = await suggest_tuning(tool_client, *goals)
    assert not find_sentences(normal, "Strength strong")


async def test_a_goal_that_is_reached_says_whether_more_is_possible(
    tool_client: ToolClient, store: Store
) -> None:
    """Found in use: patience was at its highest, and no word said that this is all."""
    store_persona(store, layers={"conversational_flow": {"turn_taking_patience": "high"}})
    for strength in ("gentle", "normal", "strong"):
        answer = await suggest_tuning(tool_client, "be_more_patient", strength=strength)
        assert answer["status"] == "unchanged"
        assert find_sentences(answer, "No known setting goes further")
    store_persona(store, layers={"tts": {"voice_settings": {"speed": 1.1}}})
    gentle = await suggest_tuning(tool_client, "speak_faster", strength="gentle")
    if gentle["status"] == "unchanged":
        assert find_sentences(gentle, "Strength strong changes more")
