"""For any persona made of legacy settings, the fixes of rules and modernize end alike."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from legacy_fixes import (
    BASE,
    CATALOG,
    Body,
    apply_legacy_fixes,
    list_changes,
    list_legacy_findings,
    modernize,
)

from tavus_mcp.deprecations import CONVERSIONS, apply_operations
from tavus_mcp.models.document import PersonaDocument

CARTESIA_VOICE = "a0e99841-438c-4a64-b679-ae501e7d6091"
TAVUS_VOICE = "v0a1b2c3d4e5f"
OFTEN = settings(
    max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def optional_fields(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def build_function(name: str, description: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {}}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


SENSITIVITIES = st.sampled_from(["superlow", "verylow", "low", "medium", "high", "High", "auto"])
FUNCTIONS = st.lists(
    st.sampled_from([build_function("note", "Notes."), build_function("look", "Looks.")]),
    min_size=1,
    max_size=2,
    unique_by=lambda tool: tool["function"]["name"],
)
QUERIES = st.lists(
    st.sampled_from(["Is it red?", "is it red? ", "Who?", "Where?"]), min_size=1, max_size=3
)
BOOLEANS = st.sampled_from([True, False, "true", "false"])
VOICES = st.sampled_from([TAVUS_VOICE, CARTESIA_VOICE, "larry", ""])
LLM = optional_fields(
    model=st.sampled_from([it.id for it in CATALOG.llm_models if it.successor]),
    speculative_inference=st.sampled_from(["true", "False", "yes"]),
)
TTS = optional_fields(
    tts_engine=st.sampled_from(["playht", "cartesia", ""]),
    voice_id=VOICES,
    external_voice_id=VOICES,
    tts_model_name=st.sampled_from(["sonic-1", "sonic-2", "sonic-3", "PlayHT2.0"]),
    tts_emotion_control=BOOLEANS,
    playht_user_id=st.just("u1"),
    voice_settings=optional_fields(
        speed=st.sampled_from([-1, -0.5, 0, 0.5, 1, "slow", "normal", "fastest"]),
        emotion=st.sampled_from([["anger:low"], ["positivity"]]),
    ),
)
STT = optional_fields(
    stt_engine=st.sampled_from([it.id for it in CATALOG.stt_engines if it.successor]),
    hotwords=st.lists(st.sampled_from(["Brompton", "Kettler"]), min_size=1),
    participant_pause_sensitivity=SENSITIVITIES,
    participant_interrupt_sensitivity=SENSITIVITIES,
    smart_turn_detection=BOOLEANS,
)
PERCEPTION = optional_fields(
    perception_model=st.sampled_from(["raven-0", "basic", "raven-1", "off"]),
    ambient_awareness=BOOLEANS,
    ambient_awareness_queries=QUERIES,
    visual_awareness_queries=QUERIES,
    perception_tools=FUNCTIONS,
    visual_tools=FUNCTIONS,
    perception_tool_prompt=st.just("Call note."),
    visual_tool_prompt=st.just("Call look when red."),
    tool_prompt=st.just("Call it."),
)
FLOW = optional_fields(
    turn_detection_model=st.sampled_from(["sparrow-0", "time-based", "timebased", "sparrow-2", ""]),
    turn_taking_patience=st.sampled_from(["low", "high"]),
    replica_interruptibility=st.sampled_from(["verylow", "superlow", "high"]),
    wake_phrase=st.sampled_from(["", "hey Ada"]),
)
LAYERS = optional_fields(
    llm=LLM,
    tts=TTS,
    stt=STT,
    perception=PERCEPTION,
    conversational_flow=FLOW,
    vqa=st.just({"enable_vision": True}),
    document_ids=st.just(["d8-b"]),
    document_tags=st.just(["bikes"]),
)
PERSONAS = optional_fields(
    context=st.sampled_from(["", "Prices are in euros.", "choose a bicycle"]),
    document_ids=st.just(["d8-a"]),
    audio_only=st.booleans(),
    guardrails_id=st.just("g1"),
    layers=LAYERS,
).map(lambda fields: {**BASE, **fields})
"""Personas made of legacy settings."""


def without_unreported(body: Body) -> Body:
    """Return the document after the conversions that no rule reports.

    A speed below zero beside a newer model is converted by modernize only: no documented range
    lets a rule call it wrong.
    """
    document = PersonaDocument(body)
    for conversion in CONVERSIONS:
        if conversion.rule is None:
            document = apply_operations(document, conversion.operations(document, CATALOG))
    return dict(document.data)


@given(PERSONAS, st.randoms(use_true_random=False))
@OFTEN
def test_fixes_in_any_order_and_modernize_end_at_the_same_document(
    body: Body, random: Random
) -> None:
    fixed = without_unreported(apply_legacy_fixes(body, random.randrange))
    assert list_changes(modernize(body), fixed) == {}


@given(PERSONAS)
@OFTEN
def test_modernizing_a_legacy_persona_twice_changes_nothing_more(body: Body) -> None:
    once = modernize(body)
    assert list_changes(once, modernize(once)) == {}


@given(PERSONAS)
@OFTEN
def test_no_fix_is_left_after_modernizing(body: Body) -> None:
    assert list_legacy_findings(modernize(body)) == []
