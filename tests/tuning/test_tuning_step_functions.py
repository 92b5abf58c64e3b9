"""Goals that edit the prompt, lists or engines, and advice beside the changes of a goal."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient
from persona_fixtures import (
    PROMPT,
    build_flow_layer,
    find_sentences,
    read_stored_persona,
    store_persona,
    suggest_tuning,
    values_by_path,
)

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio


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
        (
            {"tts_model_name": "sonic-2"},
            "speed runs from -1 (slowest) over 0 (usual) to 1 (fastest)",
        ),
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
        ("be_more_grounded", "documents=..."),
        ("sound_more_expressive", "default_replica_id=..."),
        ("sound_calmer", "voice_id=..."),
        ("cost_less", "max_call_duration"),
        ("respect_privacy", "policy='eu'"),
        ("see_the_user", "audio_only"),
        ("re_engage_when_silent", "participant_absent_timeout"),
        ("be_smarter", "documents=..."),
        ("be_harder_to_interrupt", "add ignore_background_noise to the goals"),
    ],
)
async def test_advice_beyond_changes_names_the_call_to_make(
    tool_client: ToolClient, store: Store, goal: str, call: str
) -> None:
    store_persona(store)
    assert find_sentences(await suggest_tuning(tool_client, goal), call)
