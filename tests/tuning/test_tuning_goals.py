"""``suggest_tuning`` for each goal: the changes it plans, their texts, and what stays."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient
from persona_fixtures import (
    CUSTOM_LLM,
    ELEVENLABS,
    PROMPT,
    find_sentences,
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
IN_USE = {"turn_detection_model": "sparrow-2", "voice_isolation": "near"}


def build_flow_layer(**fields: str) -> dict[str, Any]:
    return {"conversational_flow": {**IN_USE, **fields}}


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
        {f"{FLOW}/voice_isolation": "near", f"{FLOW}/replica_interruptibility": "medium"},
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


async def test_strength_strong_adds_a_marked_prompt_paragraph_once(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store)
    answer = await suggest_tuning(tool_client, "respond_faster", "cost_less", strength="strong")
    change = next(row for row in answer["changes"] if row["path"] == "/system_prompt")
    assert change["goal"] == "respond_faster, cost_less"
    assert change["confidence"] == "inferred"
    await tool_client.expect_result("apply_plan", plan_id=answer["plan_id"])
    prompt = read_stored_persona(store)["system_prompt"]
    assert prompt.startswith(f'{PROMPT}\n\n<tuning name="short_answers">\n')
    assert prompt.endswith("\n</tuning>")
    assert prompt.count("<tuning") == 1
    again = await suggest_tuning(tool_client, "be_easier_to_interrupt", strength="strong")
    assert "/system_prompt" not in values_by_path(again)


async def test_an_opposing_prompt_paragraph_is_reported_and_no_second_one_is_added(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = store_persona(store)
    lively = await suggest_tuning(tool_client, "sound_more_expressive")
    await tool_client.expect_result("apply_plan", plan_id=lively["plan_id"])
    calm = await suggest_tuning(tool_client, "sound_calmer")
    assert "/system_prompt" not in values_by_path(calm)
    (sentence,) = find_sentences(calm, "pulls the other way")
    assert "edit_prompt(persona_id, find=" in sentence
    paragraph = read_stored_persona(store)["system_prompt"].removeprefix(PROMPT)
    await tool_client.expect_result(
        "edit_prompt", persona_id=persona_id, find=paragraph.strip("\n"), replace=""
    )
    calm = await suggest_tuning(tool_client, "sound_calmer")
    assert "unhurried" in values_by_path(calm)["/system_prompt"]


async def test_the_goal_of_silence_removes_what_the_goal_of_speaking_up_added(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store, layers=build_flow_layer(idle_engagement="off"))
    before = read_stored_persona(store)
    speaking_up = await suggest_tuning(tool_client, "re_engage_when_silent")
    await tool_client.expect_result("apply_plan", plan_id=speaking_up["plan_id"])
    assert "re_engage" in read_stored_persona(store)["system_prompt"]
    silent = await suggest_tuning(tool_client, "stay_silent")
    await tool_client.expect_result("apply_plan", plan_id=silent["plan_id"])
    assert read_stored_persona(store)["system_prompt"] == before["system_prompt"]


@pytest.mark.parametrize(
    ("tts", "phrase"),
    [
        ({"tts_model_name": "sonic-2"}, "Older Sonic models count speed from -1 to 1"),
        ({"voice_settings": {"speed": "fast"}}, "add modernize to the goals"),
        (
            {"tts_engine": "azure", "external_voice_id": "en-US-JennyNeural"},
            "No speed is documented for Azure voices",
        ),
    ],
)
@pytest.mark.parametrize("goal", ["speak_faster", "speak_slower"])
async def test_a_speed_on_another_scale_is_left_with_advice(
    tool_client: ToolClient, store: Store, goal: str, tts: dict[str, Any], phrase: str
) -> None:
    store_persona(store, layers={"tts": tts})
    answer = await suggest_tuning(tool_client, goal, strength="strong")
    assert answer["status"] == "unchanged"
    assert find_sentences(answer, phrase)


async def test_an_alias_is_taken_for_the_goal(tool_client: ToolClient, store: Store) -> None:
    store_persona(store)
    by_name = await suggest_tuning(tool_client, "respond_faster", "speak_slower")
    by_alias = await suggest_tuning(tool_client, "slow", "Talks too fast")
    assert by_alias["changes"] == by_name["changes"]


async def test_languages_given_as_names_or_codes_are_added_to_the_existing_ones(
    tool_client: ToolClient, store: Store
) -> None:
    layers = {"stt": {"stt_engine": "tavus-parakeet"}}
    store_persona(store, languages=["en"], layers=layers, document_ids=["d8-a"])
    answer = await suggest_tuning(
        tool_client, "speak_languages", strength="gentle", languages=["hindi", "de", "German"]
    )
    assert values_by_path(answer) == {
        "/languages/1": "hi",
        "/languages/2": "de",
        "/layers/stt/stt_engine": "tavus-auto",
    }
    assert find_sentences(answer, "English only")
    assert find_sentences(answer, "properties.languages")


async def test_an_stt_engine_that_supports_the_languages_is_not_replaced(
    tool_client: ToolClient, store: Store
) -> None:
    layers = {"stt": {"stt_engine": "tavus-parakeet"}}
    store_persona(store, layers=layers)
    answer = await suggest_tuning(
        tool_client, "speak_languages", strength="gentle", languages=["fi"]
    )
    assert values_by_path(answer) == {"/languages": ["fi"]}


async def test_the_fastest_stt_engine_is_chosen_only_when_it_supports_all_languages(
    tool_client: ToolClient, store: Store
) -> None:
    layers = build_flow_layer(turn_taking_patience="low")
    store_persona(store, languages=["de"], layers=layers)
    answer = await suggest_tuning(tool_client, "respond_faster")
    assert values_by_path(answer) == {"/layers/stt/stt_engine": "tavus-parakeet"}
    answer = await suggest_tuning(
        tool_client, "respond_faster", "speak_languages", languages=["hi"]
    )
    assert "/layers/stt/stt_engine" not in values_by_path(answer)


async def test_queries_beyond_the_first_five_are_moved_to_the_end_of_the_conversation(
    tool_client: ToolClient, store: Store
) -> None:
    queries = ["One?", "Two?", "one? ", "Three?", "Four?", "Five?", "Six?"]
    layers = {
        **build_flow_layer(turn_taking_patience="low"),
        "llm": {"model": "tavus-gpt-oss"},
        "perception": {"visual_awareness_queries": queries},
    }
    store_persona(store, layers=layers, system_prompt='<tuning name="short_answers">')
    answer = await suggest_tuning(tool_client, "respond_faster", strength="strong")
    await tool_client.expect_result("apply_plan", plan_id=answer["plan_id"])
    assert read_stored_persona(store)["layers"]["perception"] == {
        "visual_awareness_queries": ["One?", "Two?", "Three?", "Four?", "Five?"],
        "perception_analysis_queries": ["Six?"],
    }


@pytest.mark.parametrize(
    ("goal", "call"),
    [
        ("be_more_grounded", "list_documents"),
        ("sound_more_expressive", "list_replicas"),
        ("sound_calmer", "list_voices"),
        ("cost_less", "max_call_duration"),
        ("respect_privacy", "policy='eu'"),
        ("see_the_user", "audio_only"),
        ("re_engage_when_silent", "participant_absent_timeout"),
        ("be_smarter", "list_documents"),
        ("be_harder_to_interrupt", "add ignore_background_noise to the goals"),
    ],
)
async def test_advice_beyond_changes_names_the_call_to_make(
    tool_client: ToolClient, store: Store, goal: str, call: str
) -> None:
    store_persona(store)
    assert find_sentences(await suggest_tuning(tool_client, goal), call)
