"""Where a goal has no effect, must not reach, or makes no sense; and what is kept as it was."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import Desk
from planting import OWN_LLM, PERSONA, outcome, planted, said, stored, suggested

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

FLOW = "/layers/conversational_flow"
ECHO: dict[str, Any] = {"pipeline_mode": "echo", "system_prompt": None}


@pytest.mark.parametrize(
    "goal", ["respond_faster", "be_more_patient", "be_smarter", "see_the_user", "interrupt_less"]
)
async def test_echo_mode_is_told_what_has_no_effect_there(
    desk: Desk, store: Store, goal: str
) -> None:
    """Tavus: echo bypasses stt, llm and perception, so that there are no turns to take."""
    planted(store, **ECHO)
    answer = await suggested(desk, goal, strength="strong")
    assert answer["status"] == "unchanged"
    assert said(answer, "mode echo bypasses")


async def test_echo_mode_is_still_tuned_where_it_speaks(desk: Desk, store: Store) -> None:
    planted(store, **ECHO, layers={"tts": {"tts_emotion_control": False}})
    answer = await suggested(desk, "sound_more_expressive", strength="strong")
    assert outcome(answer) == {"/layers/tts/tts_emotion_control": True}
    assert said(answer, "less effect")


async def test_a_model_of_ones_own_is_never_exchanged(desk: Desk, store: Store) -> None:
    planted(store, layers={"llm": OWN_LLM})
    for goal in ("respond_faster", "be_smarter", "be_more_grounded", "modernize"):
        answer = await suggested(desk, goal, strength="strong")
        assert not [path for path in outcome(answer) if path.startswith("/layers/llm")]
    assert said(await suggested(desk, "be_smarter"), "configure_llm(persona_id, model=...)")


async def test_a_temperature_that_ones_own_model_takes_is_lowered(desk: Desk, store: Store) -> None:
    planted(store, layers={"llm": {**OWN_LLM, "extra_body": {"temperature": 1}}})
    answer = await suggested(desk, "be_more_grounded", strength="gentle")
    assert outcome(answer) == {"/layers/llm/extra_body/temperature": 0.5}


async def test_a_layer_in_use_keeps_what_it_has(desk: Desk, store: Store) -> None:
    planted(store, layers={"conversational_flow": {"replica_interruptibility": "low"}})
    answer = await suggested(desk, "be_more_patient")
    assert outcome(answer) == {f"{FLOW}/turn_taking_patience": "high"}


@pytest.mark.parametrize(
    ("pause", "strength", "patience"),
    [("high", "gentle", "medium"), ("high", "normal", "high"), ("low", "gentle", None)],
)
async def test_legacy_turn_taking_is_where_the_ladder_begins_and_is_carried_over(
    desk: Desk, store: Store, pause: str, strength: str, patience: str | None
) -> None:
    """Tavus: the new layer overrides the older fields; pause sensitivity runs the other way."""
    stt = {"participant_pause_sensitivity": pause, "participant_interrupt_sensitivity": "verylow"}
    planted(store, layers={"stt": stt})
    answer = await suggested(desk, "be_more_patient", strength=strength)
    if patience is None:
        assert answer["status"] == "unchanged"
        return
    assert outcome(answer) == {
        f"{FLOW}/turn_detection_model": "sparrow-2",
        f"{FLOW}/turn_taking_patience": patience,
        f"{FLOW}/replica_interruptibility": "low",
        f"{FLOW}/voice_isolation": "off",
        "/layers/stt/participant_pause_sensitivity": None,
        "/layers/stt/participant_interrupt_sensitivity": None,
    }
    assert said(answer, "Converted by meaning")
    await desk.facts("apply_plan", plan_id=answer["plan_id"])
    assert stored(store)["layers"]["conversational_flow"]["replica_interruptibility"] == "low"


async def test_a_wake_phrase_keeps_the_replica_from_speaking_up(desk: Desk, store: Store) -> None:
    planted(store, layers={"conversational_flow": {"wake_phrase": "hey Ada"}})
    answer = await suggested(desk, "re_engage_when_silent", strength="strong")
    assert answer["status"] == "unchanged"
    assert said(answer, "waits for its wake phrase")


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
async def test_what_makes_no_sense_is_refused_before_anything_is_asked(
    desk: Desk, arguments: dict[str, Any], words: list[str]
) -> None:
    said_of_it = await desk.refusal("suggest_tuning", persona_id=PERSONA, **arguments)
    assert [word for word in words if word not in said_of_it] == []
    assert "Germn" not in said_of_it
    assert desk.wire.requests == []


async def test_a_goal_named_twice_is_one_goal(desk: Desk, store: Store) -> None:
    planted(store)
    once = await suggested(desk, "be_more_patient")
    twice = await suggested(desk, "be_more_patient", "be_more_patient")
    assert twice["changes"] == once["changes"]
    assert twice["settled"] == []


async def test_a_stock_persona_is_suggested_for_but_cannot_be_changed(desk: Desk) -> None:
    answer = await desk.facts(
        "suggest_tuning", persona_id="p1af207b8189", goals=["be_more_patient"]
    )
    assert said(answer, "create_persona(based_on=...")


async def test_a_suggestion_reads_the_persona_once_and_writes_nothing(
    desk: Desk, store: Store
) -> None:
    planted(store)
    await suggested(desk, "respond_faster")
    assert desk.wire.lines == [f"GET /v2/personas/{PERSONA}"]
