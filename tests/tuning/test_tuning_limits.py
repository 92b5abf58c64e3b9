"""Goals without effect, settings that no goal changes, and arguments that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient
from persona_fixtures import (
    CUSTOM_LLM,
    PERSONA_ID,
    find_sentences,
    read_stored_persona,
    store_persona,
    suggest_tuning,
    values_by_path,
)

from tavus_mcp.catalog import load_catalog
from tavus_mcp.sandbox.store import Store
from tavus_mcp.tuning.goal_arguments import read_goals

pytestmark = pytest.mark.anyio

FLOW = "/layers/conversational_flow"
ECHO: dict[str, Any] = {"pipeline_mode": "echo", "system_prompt": None}


@pytest.mark.parametrize(
    "goal", ["respond_faster", "be_more_patient", "be_smarter", "see_the_user", "interrupt_less"]
)
async def test_settings_without_effect_in_echo_mode_are_reported(
    tool_client: ToolClient, store: Store, goal: str
) -> None:
    """Tavus: echo bypasses stt, llm and perception, so that there are no turns to take."""
    store_persona(store, **ECHO)
    answer = await suggest_tuning(tool_client, goal, strength="strong")
    assert answer["status"] == "unchanged"
    assert find_sentences(answer, "mode echo bypasses")


async def test_echo_mode_is_tuned_for_speech_settings(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store, **ECHO, layers={"tts": {"tts_emotion_control": False}})
    answer = await suggest_tuning(tool_client, "sound_more_expressive", strength="strong")
    assert values_by_path(answer) == {"/layers/tts/tts_emotion_control": True}
    assert find_sentences(answer, "less effect")


@pytest.mark.parametrize("goal", ["respond_faster", "be_smarter", "be_more_grounded", "modernize"])
async def test_a_custom_model_is_never_replaced(
    tool_client: ToolClient, store: Store, goal: str
) -> None:
    store_persona(store, layers={"llm": CUSTOM_LLM})
    answer = await suggest_tuning(tool_client, goal, strength="strong")
    assert not [path for path in values_by_path(answer) if path.startswith("/layers/llm")]


async def test_the_goal_be_smarter_advises_on_a_custom_model(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store, layers={"llm": CUSTOM_LLM})
    answer = await suggest_tuning(tool_client, "be_smarter")
    assert find_sentences(answer, "configure_llm(persona_id, model=...)")


async def test_the_temperature_of_a_custom_model_is_lowered(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store, layers={"llm": {**CUSTOM_LLM, "extra_body": {"temperature": 1}}})
    answer = await suggest_tuning(tool_client, "be_more_grounded", strength="gentle")
    assert values_by_path(answer) == {"/layers/llm/extra_body/temperature": 0.5}


async def test_existing_values_of_a_layer_are_preserved(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store, layers={"conversational_flow": {"replica_interruptibility": "low"}})
    answer = await suggest_tuning(tool_client, "be_more_patient")
    assert values_by_path(answer) == {f"{FLOW}/turn_taking_patience": "high"}


@pytest.mark.parametrize(
    ("pause", "strength", "patience"),
    [("high", "gentle", "medium"), ("high", "normal", "high"), ("low", "gentle", None)],
)
async def test_steps_start_from_the_converted_legacy_turn_taking(
    tool_client: ToolClient, store: Store, pause: str, strength: str, patience: str | None
) -> None:
    """Tavus: the new layer overrides the older fields; pause sensitivity runs the other way."""
    stt = {"participant_pause_sensitivity": pause, "participant_interrupt_sensitivity": "verylow"}
    store_persona(store, layers={"stt": stt})
    answer = await suggest_tuning(tool_client, "be_more_patient", strength=strength)
    if patience is None:
        assert answer["status"] == "unchanged"
        return
    assert values_by_path(answer) == {
        f"{FLOW}/turn_detection_model": "sparrow-2",
        f"{FLOW}/turn_taking_patience": patience,
        f"{FLOW}/replica_interruptibility": "low",
        f"{FLOW}/voice_isolation": "off",
        "/layers/stt/participant_pause_sensitivity": None,
        "/layers/stt/participant_interrupt_sensitivity": None,
    }
    assert find_sentences(answer, "Converted by meaning")
    await tool_client.expect_result("apply_plan", plan_id=answer["plan_id"])
    assert (
        read_stored_persona(store)["layers"]["conversational_flow"]["replica_interruptibility"]
        == "low"
    )


async def test_a_wake_phrase_prevents_idle_engagement(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store, layers={"conversational_flow": {"wake_phrase": "hey Ada"}})
    answer = await suggest_tuning(tool_client, "re_engage_when_silent", strength="strong")
    assert answer["status"] == "unchanged"
    assert find_sentences(answer, "waits for its wake phrase")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"goals": []}, ["/goals: name at least one goal", "respond_faster"]),
        ({"goals": ["respond_fastr"]}, ["/goals/0", "did you mean 'respond_faster'?"]),
        ({"goals": ["speak_languages"]}, ["/languages", "needs names or codes"]),
        (
            {"goals": ["modernize"], "languages": ["de"]},
            ["/languages: only goal speak_languages reads them"],
        ),
        (
            {"goals": ["speak_languages"], "languages": ["de", "Germn", "pt-BR"]},
            ["/languages/1", "did you mean 'German'?", "/languages/2", "did you mean 'pt'?"],
        ),
        ({"goals": ["modernize"], "strength": "strongest"}, ["/strength", "'strong'"]),
    ],
)
async def test_invalid_arguments_are_refused_before_any_request(
    tool_client: ToolClient, arguments: dict[str, Any], words: list[str]
) -> None:
    message = await tool_client.expect_error("suggest_tuning", persona_id=PERSONA_ID, **arguments)
    assert [word for word in words if word not in message] == []
    assert "Germn" not in message
    assert tool_client.transport.requests == []


def test_goals_are_read_by_name_or_alias_and_languages_by_name_or_code() -> None:
    goals, languages = read_goals(
        ["Latency", "be_more_patient", "slow", "multilingual"], ["German", "en"], load_catalog()
    )
    assert goals == ("respond_faster", "be_more_patient", "speak_languages")
    assert languages == ("de", "en")


async def test_a_repeated_goal_counts_once(tool_client: ToolClient, store: Store) -> None:
    store_persona(store)
    once = await suggest_tuning(tool_client, "be_more_patient")
    twice = await suggest_tuning(tool_client, "be_more_patient", "be_more_patient")
    assert twice["changes"] == once["changes"]
    assert twice["settled"] == []


async def test_a_stock_persona_gets_suggestions_but_no_plan(
    tool_client: ToolClient,
) -> None:
    answer = await tool_client.expect_result(
        "suggest_tuning", persona_id="p1af207b8189", goals=["be_more_patient"]
    )
    assert find_sentences(answer, "create_persona(based_on=...")


async def test_a_suggestion_reads_the_persona_once_and_writes_nothing(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store)
    await suggest_tuning(tool_client, "respond_faster")
    assert tool_client.transport.request_lines == [f"GET /v2/personas/{PERSONA_ID}"]
