"""``suggest_tuning`` for each goal: what it changes, with which words, and what it leaves."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import Desk
from planting import ELEVENLABS, OWN_LLM, PROMPT, outcome, planted, said, stored, suggested

from tavus_mcp.catalog.goals import GOALS
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

FLOW = "/layers/conversational_flow"
IN_USE = {"turn_detection_model": "sparrow-2", "voice_isolation": "near"}


def flow(**fields: str) -> dict[str, Any]:
    return {"conversational_flow": {**IN_USE, **fields}}


CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "respond_faster",
        "normal",
        flow(turn_taking_patience="high"),
        {f"{FLOW}/turn_taking_patience": "low"},
    ),
    (
        "respond_faster",
        "gentle",
        {**flow(turn_taking_patience="high"), "llm": {"model": "tavus-gemini-3-flash"}},
        {f"{FLOW}/turn_taking_patience": "medium"},
    ),
    (
        "respond_faster",
        "normal",
        {**flow(turn_taking_patience="low"), "llm": {"model": "tavus-gemini-3-flash"}},
        {"/layers/llm/model": "tavus-gemini-2.5-flash"},
    ),
    (
        "respond_faster",
        "normal",
        {**flow(turn_taking_patience="low"), "llm": {"speculative_inference": False}},
        {"/layers/llm/speculative_inference": True},
    ),
    (
        "respond_faster",
        "normal",
        {
            **flow(turn_taking_patience="low"),
            "tts": {**ELEVENLABS, "tts_model_name": "eleven_multilingual_v2"},
        },
        {"/layers/tts/tts_model_name": "eleven_flash_v2_5"},
    ),
    (
        "be_more_patient",
        "normal",
        flow(turn_taking_patience="low", idle_engagement="eager"),
        {f"{FLOW}/turn_taking_patience": "high", f"{FLOW}/idle_engagement": "patient"},
    ),
    (
        "be_more_patient",
        "strong",
        flow(turn_taking_patience="high", idle_engagement="eager"),
        {f"{FLOW}/idle_engagement": "off"},
    ),
    (
        "interrupt_less",
        "normal",
        flow(turn_taking_patience="low", turn_detection_model="sparrow-1"),
        {f"{FLOW}/turn_taking_patience": "high", f"{FLOW}/turn_detection_model": "sparrow-2"},
    ),
    (
        "be_easier_to_interrupt",
        "normal",
        flow(replica_interruptibility="low"),
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
        flow(voice_isolation="off", replica_interruptibility="high"),
        {f"{FLOW}/voice_isolation": "near", f"{FLOW}/replica_interruptibility": "medium"},
    ),
    (
        "re_engage_when_silent",
        "gentle",
        flow(idle_engagement="off"),
        {f"{FLOW}/idle_engagement": "patient"},
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
        {"llm": OWN_LLM},
        {"/layers/llm/speculative_inference": False},
    ),
]


@pytest.mark.parametrize(("goal", "strength", "layers", "expected"), CASES)
async def test_a_goal_moves_its_places_and_no_other(
    desk: Desk,
    store: Store,
    goal: str,
    strength: str,
    layers: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    planted(store, layers=layers)
    answer = await suggested(desk, goal, strength=strength)
    assert answer["status"] == "planned"
    assert outcome(answer) == expected
    for change in answer["changes"]:
        assert change["goal"] == goal
        assert change["reason"]
        assert change["effect"]
        assert change["confidence"] in ("documented", "reported", "inferred")
        assert change["source"]
    assert desk.wire.writes == []


@pytest.mark.parametrize("goal", [goal for goal in GOALS if goal != "modernize"])
async def test_normal_and_strong_are_so_already_once_they_were_applied(
    desk: Desk, store: Store, goal: str
) -> None:
    more = {"languages": ["German", "en"]} if goal == "speak_languages" else {}
    planted(store, layers={"llm": {"model": "tavus-gemini-3-flash"}, "tts": ELEVENLABS})
    for strength in ("normal", "strong"):
        answer = await suggested(desk, goal, strength=strength, **more)
        if answer["status"] == "planned":
            await desk.facts("apply_plan", plan_id=answer["plan_id"])
        again = await suggested(desk, goal, strength=strength, **more)
        assert again["status"] == "unchanged"
        assert again["changes"] == []
        assert "plan_id" not in again
        assert [one for one in again["already"] if one["goal"] == goal]


async def test_a_plan_is_one_revision_and_its_undo_brings_the_persona_back(
    desk: Desk, store: Store
) -> None:
    persona_id = planted(store, greeting="Hello!", layers={"stt": {"smart_turn_detection": True}})
    before = stored(store)
    answer = await suggested(desk, "respond_faster", "modernize", strength="strong")
    applied = await desk.facts("apply_plan", plan_id=answer["plan_id"])
    assert applied["status"] == "applied"
    assert len(desk.wire.writes) == 1
    shown = {change["path"]: change.get("after") for change in applied["changes"]}
    assert shown == outcome(answer)
    rows = (await desk.facts("list_revisions", persona_id=persona_id))["revisions"]
    assert (rows[0]["tool"], rows[0]["status"]) == ("suggest_tuning", "applied")
    undo = applied["undo"]
    await desk.facts(undo["tool"], **undo["arguments"])
    assert stored(store) == before


async def test_strong_adds_a_marked_paragraph_to_the_prompt_and_never_twice(
    desk: Desk, store: Store
) -> None:
    planted(store)
    answer = await suggested(desk, "respond_faster", "cost_less", strength="strong")
    change = next(one for one in answer["changes"] if one["path"] == "/system_prompt")
    assert change["goal"] == "respond_faster, cost_less"
    assert change["confidence"] == "inferred"
    await desk.facts("apply_plan", plan_id=answer["plan_id"])
    prompt = stored(store)["system_prompt"]
    assert prompt.startswith(f'{PROMPT}\n\n<tuning name="short_answers">\n')
    assert prompt.endswith("\n</tuning>")
    assert prompt.count("<tuning") == 1
    again = await suggested(desk, "be_easier_to_interrupt", strength="strong")
    assert "/system_prompt" not in outcome(again)


async def test_a_paragraph_that_pulls_the_other_way_is_pointed_out_not_contradicted(
    desk: Desk, store: Store
) -> None:
    persona_id = planted(store)
    lively = await suggested(desk, "sound_more_expressive")
    await desk.facts("apply_plan", plan_id=lively["plan_id"])
    calm = await suggested(desk, "sound_calmer")
    assert "/system_prompt" not in outcome(calm)
    (sentence,) = said(calm, "pulls the other way")
    assert "edit_prompt(persona_id, find=" in sentence
    paragraph = stored(store)["system_prompt"].removeprefix(PROMPT)
    await desk.facts("edit_prompt", persona_id=persona_id, find=paragraph.strip("\n"), replace="")
    calm = await suggested(desk, "sound_calmer")
    assert "unhurried" in outcome(calm)["/system_prompt"]


async def test_the_languages_may_be_names_or_codes_and_join_those_that_are_there(
    desk: Desk, store: Store
) -> None:
    layers = {"stt": {"stt_engine": "tavus-parakeet"}}
    planted(store, languages=["en"], layers=layers, document_ids=["d8-a"])
    answer = await suggested(
        desk, "speak_languages", strength="gentle", languages=["hindi", "de", "German"]
    )
    assert outcome(answer) == {
        "/languages/1": "hi",
        "/languages/2": "de",
        "/layers/stt/stt_engine": "tavus-auto",
    }
    assert said(answer, "English only")
    assert said(answer, "properties.languages")


async def test_an_engine_that_hears_the_languages_stays(desk: Desk, store: Store) -> None:
    layers = {"stt": {"stt_engine": "tavus-parakeet"}}
    planted(store, layers=layers)
    answer = await suggested(desk, "speak_languages", strength="gentle", languages=["fi"])
    assert outcome(answer) == {"/languages": ["fi"]}


async def test_the_quickest_engine_is_for_who_is_sure_to_speak_one_of_its_languages(
    desk: Desk, store: Store
) -> None:
    layers = flow(turn_taking_patience="low")
    planted(store, languages=["de"], layers=layers)
    answer = await suggested(desk, "respond_faster")
    assert outcome(answer) == {"/layers/stt/stt_engine": "tavus-parakeet"}
    answer = await suggested(desk, "respond_faster", "speak_languages", languages=["hi"])
    assert "/layers/stt/stt_engine" not in outcome(answer)


async def test_questions_beyond_the_first_five_are_asked_once_after_the_call(
    desk: Desk, store: Store
) -> None:
    queries = ["One?", "Two?", "one? ", "Three?", "Four?", "Five?", "Six?"]
    layers = {
        **flow(turn_taking_patience="low"),
        "llm": {"model": "tavus-gpt-oss"},
        "perception": {"visual_awareness_queries": queries},
    }
    planted(store, layers=layers, system_prompt='<tuning name="short_answers">')
    answer = await suggested(desk, "respond_faster", strength="strong")
    await desk.facts("apply_plan", plan_id=answer["plan_id"])
    assert stored(store)["layers"]["perception"] == {
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
    ],
)
async def test_what_no_change_can_do_is_advised_with_the_call_to_make(
    desk: Desk, store: Store, goal: str, call: str
) -> None:
    planted(store)
    assert said(await suggested(desk, goal), call)
