"""A call can be simulated of every valid persona, with plausible times."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.sandbox.http import HttpError
from tavus_mcp.sandbox.persona_validation import normalize_persona, validate_persona
from tavus_mcp.sandbox.simulator import simulate_call
from tavus_mcp.sandbox.simulator.parameters import assumptions
from tavus_mcp.sandbox.switches import Switches

LEVELS = ["low", "medium", "high"]
SENSITIVITIES = ["superlow", "verylow", *LEVELS]
YES = st.sampled_from([True, False, "true", "false", 0, 1])
NUMBER = st.floats(-1, 2) | st.integers(-1, 2) | st.sampled_from(["0.5", "1"])


def draw_optional_fields(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with some of the fields; a list stands for a choice."""
    drawn = {
        name: st.sampled_from(field) if isinstance(field, list) else field
        for name, field in fields.items()
    }
    return st.fixed_dictionaries({}, optional=drawn)


LLM = draw_optional_fields(
    model=[*assumptions().speeds, "tavus-gemma-4", "tavus-new"],
    speculative_inference=YES,
    extra_body=draw_optional_fields(
        temperature=st.none() | NUMBER | st.just([]) | st.just(10**400), top_p=NUMBER
    ),
) | st.fixed_dictionaries(
    {"model": st.just("mine"), "base_url": st.just("https://x.org"), "api_key": st.just("k")}
)
WRITTEN = st.fixed_dictionaries(
    {
        "pipeline_mode": st.sampled_from(["full", "full", "echo", "speech-to-speech"]),
        "layers": draw_optional_fields(
            llm=LLM,
            tts=draw_optional_fields(
                tts_engine=["cartesia", "elevenlabs", "azure", "playht", "tavus-auto"],
                voice_settings=draw_optional_fields(speed=NUMBER, volume=NUMBER),
            ),
            stt=draw_optional_fields(
                stt_engine=["tavus-auto", "tavus-parakeet", "tavus-whisper", "tavus-turbo"],
                participant_pause_sensitivity=SENSITIVITIES,
                participant_interrupt_sensitivity=SENSITIVITIES,
                smart_turn_detection=YES,
                hotwords=st.just(["a", "b"]),
            ),
            perception=draw_optional_fields(
                perception_model=["raven-1", "raven-0", "basic", "off"]
            ),
            conversational_flow=draw_optional_fields(
                turn_detection_model=[*assumptions().detection, "timebased"],
                turn_taking_patience=LEVELS,
                replica_interruptibility=LEVELS,
                voice_isolation=["near", "off"],
                idle_engagement=["off", "patient", "eager"],
                wake_phrase=st.just("Hey"),
            ),
            transport=st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
        ),
    },
    optional={
        "persona_name": st.text(max_size=200),
        "system_prompt": st.text(max_size=50) | st.just("x" * 200_000),
        "context": st.text(max_size=20),
        "languages": st.just(["de"]),
    },
)


@given(
    written=WRITTEN,
    seed=st.integers(),
    number=st.integers(1, 200),
)
@settings(max_examples=examples(200), suppress_health_check=[HealthCheck.filter_too_much])
def test_any_valid_persona_can_have_a_simulated_conversation(
    written: dict[str, Any], seed: int, number: int
) -> None:
    document = normalize_persona(written)
    try:
        validate_persona(document, Switches(), key="error")
    except HttpError:
        assume(False)
    call = simulate_call(document, seed=seed, number=number)
    assert call.turns
    starts = [turn.seconds_from_start for turn in call.turns]
    assert starts == sorted(starts)
    for turn in call.turns:
        assert turn.content.strip()
        assert math.isfinite(turn.duration)
        assert 0 <= turn.seconds_from_start < 3600
        assert turn.duration > 0
    assert call.seconds > max(turn.seconds_from_start + turn.duration for turn in call.turns)
    for role in ("user", "assistant"):
        own = [turn for turn in call.turns if turn.role == role]
        assert all(
            first.seconds_from_start + first.duration <= second.seconds_from_start
            for first, second in pairwise(own)
        )
