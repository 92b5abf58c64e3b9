"""``suggest_tuning`` for each goal: the changes it plans, their texts, and what stays."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient
from persona_fixtures import (
    CUSTOM_LLM,
    ELEVENLABS,
    build_flow_layer,
    read_stored_persona,
    store_persona,
    suggest_tuning,
    values_by_path,
)

from tavus_mcp.catalog.goals import GOALS
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

FLOW = "/layers/conversational_flow"
SPEED = "/layers/tts/voice_settings/speed"


CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "respond_faster",
        "normal",
        build_flow_layer(turn_taking_patience="high"),
        {f"{FLOW}/turn_taking_patience": "low"},
    ),
    (
        "respond_faster",
        "gentle",
        {**build_flow_layer(turn_taking_patience="high"), "llm": {"model": "tavus-gemini-3-flash"}},
        {f"{FLOW}/turn_taking_patience": "medium"},
    ),
    (
        "respond_faster",
        "normal",
        {**build_flow_layer(turn_taking_patience="low"), "llm": {"model": "tavus-gemini-3-flash"}},
        {"/layers/llm/model": "tavus-gemini-2.5-flash"},
    ),
    (
        "respond_faster",
        "normal",
        {**build_flow_layer(turn_taking_patience="low"), "llm": {"speculative_inference": False}},
        {"/layers/llm/speculative_inference": True},
    ),
    (
        "respond_faster",
        "normal",
        {
            **build_flow_layer(turn_taking_patience="low"),
            "tts": {**ELEVENLABS, "tts_model_name": "eleven_multilingual_v2"},
        },
        {"/layers/tts/tts_model_name": "eleven_flash_v2_5"},
    ),
    (
        "be_more_patient",
        "normal",
        build_flow_layer(turn_taking_patience="low", idle_engagement="eager"),
        {f"{FLOW}/turn_taking_patience": "high", f"{FLOW}/idle_engagement": "patient"},
    ),
    (
        "be_more_patient",
        "strong",
        build_flow_layer(turn_taking_patience="high", idle_engagement="eager"),
        {f"{FLOW}/idle_engagement": "off"},
    ),
    (
        "interrupt_less",
        "normal",
        build_flow_layer(turn_taking_patience="low", turn_detection_model="sparrow-1"),
        {f"{FLOW}/turn_taking_patience": "high", f"{FLOW}/turn_detection_model": "sparrow-2"},
    ),
    (
        "be_easier_to_interrupt",
        "normal",
        build_flow_layer(replica_interruptibility="low"),
        {f"{FLOW}/replica_interruptibility": "high"},
    ),
    (
        "sound_more_expressive",
        "gentle",
        {"tts": {**ELEVENLABS, "tts_emotion_control": False, "voice_settings": {"stability": 0.9}}},
        {"/layers/tts/tts_emotion_control": True, "/layers/tts/voice_settings/stability": 0.5},
    ),
    (
        "sound_calmer",
        "gentle",
        {"tts": {**ELEVENLABS, "voice_settings": {"stability": 0.3, "style": 0.4}}},
        {
            "/layers/tts/voice_settings/stability": 0.6,
            "/layers/tts/voice_settings/style": 0.3,
        },
    ),
    (
        "be_more_grounded",
        "gentle",
        {"llm": {"extra_body": {"temperature": 0.5}}},
        {"/layers/llm/extra_body/temperature": 0.4},
    ),
    (
        "be_more_grounded",
        "gentle",
        {"llm": {"extra_body": {"top_p": 0.95}}},
        {"/layers/llm/extra_body/top_p": 0.9},
    ),
    (
        "be_smarter",
        "normal",
        {"llm": {"model": "tavus-gpt-oss"}},
        {"/layers/llm/model": "tavus-gemini-2.5-flash"},
    ),
    (
        "be_smarter",
        "strong",
        {"llm": {"model": "tavus-gpt-oss"}},
        {"/layers/llm/model": "tavus-gemini-3-flash"},
    ),
    (
        "ignore_background_noise",
        "normal",
        build_flow_layer(voice_isolation="off", replica_interruptibility="high"),
        {f"{FLOW}/voice_isolation": "near", f"{FLOW}/replica_interruptibility": "low"},
    ),
    (
        "re_engage_when_silent",
        "gentle",
        build_flow_layer(idle_engagement="off"),
        {f"{FLOW}/idle_engagement": "patient"},
    ),
    (
        "stay_silent",
        "gentle",
        build_flow_layer(idle_engagement="eager"),
        {f"{FLOW}/idle_engagement": "patient"},
    ),
    (
        "stay_silent",
        "normal",
        build_flow_layer(idle_engagement="eager"),
        {f"{FLOW}/idle_engagement": "off"},
    ),
    (
        "be_harder_to_interrupt",
        "gentle",
        build_flow_layer(replica_interruptibility="high", turn_commitment="low"),
        {f"{FLOW}/replica_interruptibility": "medium", f"{FLOW}/turn_commitment": "medium"},
    ),
    (
        "be_harder_to_interrupt",
        "normal",
        build_flow_layer(),
        {f"{FLOW}/replica_interruptibility": "low"},
    ),
    (
        "speak_faster",
        "gentle",
        {"tts": ELEVENLABS},
        {SPEED: 1.05},
    ),
    (
        "speak_faster",
        "normal",
        {"tts": {"tts_engine": "cartesia"}},
        {SPEED: 1.1},
    ),
    (
        "speak_faster",
        "normal",
        {},
        {SPEED: 1.1},
    ),
    (
        "speak_slower",
        "strong",
        {"tts": {"voice_id": "v0a1b2c3d4e5f"}},
        {SPEED: 0.8},
    ),
    (
        "speak_faster",
        "strong",
        {"tts": {**ELEVENLABS, "voice_settings": {"speed": 0.8}}},
        {SPEED: 1.2},
    ),
    (
        "speak_slower",
        "gentle",
        {"tts": {**ELEVENLABS, "voice_settings": {"speed": 1.1}}},
        {SPEED: 1.0},
    ),
    (
        "speak_slower",
        "normal",
        {"tts": {"tts_engine": "cartesia"}},
        {SPEED: 0.9},
    ),
    (
        "see_the_user",
        "gentle",
        {"perception": {"perception_model": "off"}},
        {"/layers/perception/perception_model": "raven-1"},
    ),
    (
        "respect_privacy",
        "gentle",
        {"perception": {"emotion_recognition": "full"}},
        {"/layers/perception/emotion_recognition": "limited", "/disclosure_type": "always"},
    ),
    (
        "cost_less",
        "gentle",
        {"llm": CUSTOM_LLM},
        {"/layers/llm/speculative_inference": False},
    ),
]


@pytest.mark.parametrize(("goal", "strength", "layers", "expected"), CASES)
async def test_a_goal_changes_only_its_own_fields(
    tool_client: ToolClient,
    store: Store,
    goal: str,
    strength: str,
    layers: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    store_persona(store, layers=layers)
    answer = await suggest_tuning(tool_client, goal, strength=strength)
    assert answer["status"] == "planned"
    assert values_by_path(answer) == expected
    for change in answer["changes"]:
        assert change["goal"] == goal
        assert change["reason"]
        assert change["effect"]
        assert change["confidence"] in ("documented", "reported", "inferred")
        assert change["source"]
    assert tool_client.transport.writes == []


@pytest.mark.parametrize("goal", [goal for goal in GOALS if goal != "modernize"])
async def test_applying_normal_or_strong_again_changes_nothing(
    tool_client: ToolClient, store: Store, goal: str
) -> None:
    more = {"languages": ["German", "en"]} if goal == "speak_languages" else {}
    store_persona(store, layers={"llm": {"model": "tavus-gemini-3-flash"}, "tts": ELEVENLABS})
    for strength in ("normal", "strong"):
        answer = await suggest_tuning(tool_client, goal, strength=strength, **more)
        if answer["status"] == "planned":
            await tool_client.expect_result("apply_plan", plan_id=answer["plan_id"])
        again = await suggest_tuning(tool_client, goal, strength=strength, **more)
        assert again["status"] == "unchanged"
        assert again["changes"] == []
        assert "plan_id" not in again
        assert [row for row in again["already"] if row["goal"] == goal]


async def test_a_plan_creates_one_revision_and_its_undo_restores_the_persona(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = store_persona(
        store, greeting="Hello!", layers={"stt": {"smart_turn_detection": True}}
    )
    before = read_stored_persona(store)
    answer = await suggest_tuning(tool_client, "respond_faster", "modernize", strength="strong")
    applied = await tool_client.expect_result("apply_plan", plan_id=answer["plan_id"])
    assert applied["status"] == "applied"
    assert len(tool_client.transport.writes) == 1
    applied_values = {change["path"]: change.get("after") for change in applied["changes"]}
    assert applied_values == values_by_path(answer)
    rows = (await tool_client.expect_result("list_revisions", persona_id=persona_id))["revisions"]
    assert (rows[0]["tool"], rows[0]["status"]) == ("suggest_tuning", "applied")
    undo = applied["undo"]
    await tool_client.expect_result(undo["tool"], **undo["arguments"])
    assert read_stored_persona(store) == before
