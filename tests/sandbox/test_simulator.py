"""The simulator is deterministic, and each setting changes calls in the expected direction.

Directions are measured on the turns of some hundred calls with the same callers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any

import pytest

from tavus_mcp.catalog import load_catalog
from tavus_mcp.sandbox.persona_validation import normalize_persona
from tavus_mcp.sandbox.simulator import SimulatedCall, Turn, simulate_call
from tavus_mcp.sandbox.simulator.parameters import assumptions

SEEDS, CALLS = range(1, 7), range(1, 31)
PROGRAM = """
import json, sys
from tavus_mcp.sandbox.simulator import simulate_call
persona = json.loads(sys.argv[1])
print([simulate_call(persona, seed=5, number=number) for number in range(1, 9)])
"""


def build_persona(mode: str = "full", prompt: str = "You help.", **layers: Any) -> dict[str, Any]:
    """Return a persona as the sandbox would store it."""
    written = {"persona_name": "Ada", "pipeline_mode": mode, "layers": layers}
    return normalize_persona(written | ({"system_prompt": prompt} if mode == "full" else {}))


def build_persona_with_flow(**fields: str) -> dict[str, Any]:
    return build_persona(conversational_flow={"turn_taking_patience": "medium", **fields})


def end_of(turn: Turn) -> float:
    return turn.seconds_from_start + turn.duration


@dataclass(frozen=True)
class ConversationMeasurements:
    """Measurements of calls: seconds, counts and words."""

    calls: list[SimulatedCall]

    @property
    def pairs(self) -> list[tuple[Turn, Turn]]:
        """Return each turn with the one that follows it."""
        return [pair for call in self.calls for pair in pairwise(call.turns)]

    def gaps(self, before: str, after: str) -> list[float]:
        """Return the silences between two roles; negative ones are overlaps."""
        return [
            second.seconds_from_start - end_of(first)
            for first, second in self.pairs
            if (first.role, second.role) == (before, after)
        ]

    @property
    def response(self) -> float:
        """Return the median seconds until the replica answers."""
        return median(self.gaps("user", "assistant"))

    @property
    def replica_over_caller(self) -> int:
        return sum(gap < 0 for gap in self.gaps("user", "assistant"))

    @property
    def caller_over_replica(self) -> list[float]:
        """Return how long both spoke, for each interruption by the caller."""
        return [
            min(end_of(first), end_of(second)) - second.seconds_from_start
            for first, second in self.pairs
            if first.role == "assistant" and second.role == "user"
            if second.seconds_from_start < end_of(first)
        ]

    @property
    def unasked(self) -> int:
        """Return how often the replica spoke twice without a turn of the caller in between."""
        return len(self.gaps("assistant", "assistant"))

    def silences(self, longer_than: float) -> int:
        every = [second.seconds_from_start - end_of(first) for first, second in self.pairs]
        return sum(gap > longer_than for gap in every)

    def turns(self, role: str) -> list[Turn]:
        return [turn for call in self.calls for turn in call.turns if turn.role == role]

    @property
    def words_per_minute(self) -> float:
        spoken = self.turns("assistant")
        return (
            60 * sum(len(it.content.split()) for it in spoken) / sum(it.duration for it in spoken)
        )


def measure_conversations(document: dict[str, Any]) -> ConversationMeasurements:
    return ConversationMeasurements(
        [simulate_call(document, seed=seed, number=n) for seed in SEEDS for n in CALLS]
    )


def test_the_simulation_is_deterministic_across_processes() -> None:
    document = build_persona_with_flow(voice_isolation="off")
    expected = repr([simulate_call(document, seed=5, number=number) for number in range(1, 9)])
    for salt in ("0", "4711"):
        root = str(Path(__file__).parents[2])
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(document)],
            env={**os.environ, "PYTHONHASHSEED": salt, "PYTHONPATH": root},
            capture_output=True,
            text=True,
            check=True,
        )
        assert (done.stdout.strip() == expected, done.stderr) == (True, "")


def test_conversations_differ_within_a_seed_and_between_seeds() -> None:
    every = {
        repr(simulate_call(build_persona_with_flow(), seed=seed, number=n))
        for seed in SEEDS
        for n in CALLS
    }
    assert len(every) == len(SEEDS) * len(CALLS)


def test_the_caller_is_the_same_before_and_after_a_persona_change() -> None:
    """Differences between two measurements must come from the settings."""
    eager = build_persona_with_flow(turn_taking_patience="low", turn_detection_model="time-based")
    patient = build_persona_with_flow(
        turn_taking_patience="high", idle_engagement="off", voice_isolation="near"
    )
    for number in CALLS:
        first, second = (simulate_call(it, seed=2, number=number) for it in (eager, patient))
        assert first.reason == second.reason
        assert first.analysis == second.analysis
        texts = [
            " ".join(turn.content for turn in call.turns if turn.role == "user")
            for call in (first, second)
        ]
        assert all(text.split()[:2] == texts[0].split()[:2] for text in texts)


def test_the_replica_introduces_itself_first_without_interruption() -> None:
    for number in CALLS:
        first, second = simulate_call(build_persona_with_flow(), seed=1, number=number).turns[:2]
        assert first.role == "assistant"
        assert "Ada" in first.content
        assert end_of(first) <= second.seconds_from_start


def test_more_patience_means_later_answers_and_fewer_interruptions() -> None:
    low, medium, high = (
        measure_conversations(build_persona_with_flow(turn_taking_patience=level))
        for level in ("low", "medium", "high")
    )
    assert low.response < medium.response < high.response
    assert low.replica_over_caller > medium.replica_over_caller > high.replica_over_caller > 0


def test_a_newer_turn_detection_model_misreads_fewer_pauses() -> None:
    sparrow_2, sparrow_1, timer = (
        measure_conversations(build_persona_with_flow(turn_detection_model=model))
        for model in ("sparrow-2", "sparrow-1", "time-based")
    )
    assert sparrow_2.response < sparrow_1.response < timer.response
    assert sparrow_2.replica_over_caller < sparrow_1.replica_over_caller < timer.replica_over_caller


def test_both_spellings_of_the_silence_timer_are_equivalent() -> None:
    first, second = (
        build_persona_with_flow(turn_detection_model=word) for word in ("time-based", "timebased")
    )
    assert simulate_call(first, seed=1, number=1) == simulate_call(second, seed=1, number=1)


def test_higher_interruptibility_stops_the_replica_sooner() -> None:
    low, medium, high = (
        measure_conversations(build_persona_with_flow(replica_interruptibility=level))
        for level in ("low", "medium", "high")
    )
    assert (
        mean(low.caller_over_replica)
        > mean(medium.caller_over_replica)
        > mean(high.caller_over_replica)
    )


def test_higher_interruptibility_means_more_stops_for_noise() -> None:
    """A replica that stops at once also stops for a noise: its turns get shorter."""
    low, high = (
        measure_conversations(
            build_persona_with_flow(replica_interruptibility=level, voice_isolation="off")
        )
        for level in ("low", "high")
    )
    assert mean(turn.duration for turn in high.turns("assistant")) < mean(
        turn.duration for turn in low.turns("assistant")
    )


def test_voice_isolation_reduces_answers_to_noise() -> None:
    near, off = (
        measure_conversations(build_persona_with_flow(voice_isolation=it)) for it in ("near", "off")
    )
    assert near.unasked < off.unasked / 2


def test_idle_engagement_fills_long_silences() -> None:
    off, patient, eager = (
        measure_conversations(build_persona_with_flow(idle_engagement=it))
        for it in ("off", "patient", "eager")
    )
    assert off.silences(15) > patient.silences(15)
    assert patient.silences(10) > eager.silences(10)
    assert off.unasked < patient.unasked < eager.unasked


def test_the_older_sensitivities_apply_without_the_flow_layer() -> None:
    quick, usual, slow = (
        measure_conversations(build_persona(stt={"participant_pause_sensitivity": level}))
        for level in ("high", "medium", "superlow")
    )
    assert quick.response < usual.response < slow.response
    assert quick.replica_over_caller > usual.replica_over_caller > slow.replica_over_caller
    stops, stays = (
        measure_conversations(build_persona(stt={"participant_interrupt_sensitivity": level}))
        for level in ("high", "low")
    )
    assert mean(stops.caller_over_replica) < mean(stays.caller_over_replica)
    timer = measure_conversations(build_persona(stt={"smart_turn_detection": False}))
    assert timer.replica_over_caller > measure_conversations(build_persona()).replica_over_caller


def test_the_flow_layer_overrides_the_older_sensitivities() -> None:
    """Tavus: persona/conversational-flow, with sparrow-1 or later."""
    layer = {"conversational_flow": {"turn_taking_patience": "low"}}
    older = build_persona(stt={"participant_pause_sensitivity": "superlow"}, **layer)
    assert simulate_call(older, seed=1, number=1) == simulate_call(
        build_persona(**layer), seed=1, number=1
    )


def test_a_faster_model_answers_sooner() -> None:
    layer = {"turn_taking_patience": "medium"}
    fast, usual, slow, custom = (
        measure_conversations(build_persona(llm=llm, conversational_flow=layer)).response
        for llm in (
            {"model": "tavus-gpt-oss"},
            {"model": "tavus-gpt-5.2"},
            {"model": "tavus-gemini-3-flash"},
            {"model": "mine", "base_url": "https://llm.example/v1", "api_key": "k"},
        )
    )
    assert fast < usual < slow
    assert custom > usual


def test_speculative_inference_reduces_latency_and_a_long_prompt_increases_it() -> None:
    usual = measure_conversations(build_persona_with_flow()).response
    waits = build_persona(
        llm={"speculative_inference": False}, conversational_flow={"idle_engagement": "off"}
    )
    assert measure_conversations(waits).response > usual
    flows = {"conversational_flow": {"idle_engagement": "off"}}
    long, longer = (
        measure_conversations(build_persona(prompt="x" * n, **flows)).response
        for n in (40_000, 120_000)
    )
    assert usual < long < longer


@pytest.mark.parametrize(
    ("engine", "slow", "fast"), [("cartesia", -0.8, 0.8), ("elevenlabs", 0.7, 1.2)]
)
def test_a_faster_voice_speaks_more_words_per_minute(engine: str, slow: float, fast: float) -> None:
    def speed(value: float | None) -> float:
        voice = {} if value is None else {"voice_settings": {"speed": value}}
        return measure_conversations(
            build_persona(tts={"tts_engine": engine, **voice})
        ).words_per_minute

    assert speed(slow) < speed(None) < speed(fast)


def test_a_higher_temperature_increases_the_variance_of_answer_length() -> None:
    def widest(temperature: float) -> int:
        calls = measure_conversations(
            build_persona(llm={"extra_body": {"temperature": temperature}})
        )
        return max(len(turn.content.split()) for turn in calls.turns("assistant"))

    assert widest(0.0) < widest(0.7) < widest(1.5)


def test_echo_mode_speaks_its_input_and_ignores_the_caller() -> None:
    calls = measure_conversations(build_persona("echo"))
    assert calls.turns("user") == []
    assert {len(call.turns) for call in calls.calls} == {1, 2, 3}
    assert not [call for call in calls.calls if call.analysis]


@pytest.mark.parametrize(("model", "sees"), [("raven-1", True), ("raven-0", True), ("off", False)])
def test_only_raven_models_produce_a_visual_analysis_and_only_for_callers_with_camera(
    model: str, sees: bool
) -> None:
    calls = measure_conversations(build_persona(perception={"perception_model": model})).calls
    share = sum(bool(call.analysis) for call in calls) / len(calls)
    assert 0.5 < share < 1 if sees else share == 0


def test_languages_do_not_affect_the_simulation() -> None:
    plain, spoken = build_persona(), build_persona() | {"languages": ["de", "en"]}
    assert simulate_call(plain, seed=1, number=1) == simulate_call(spoken, seed=1, number=1)


def test_the_model_speeds_match_the_catalog() -> None:
    """The sandbox may not import the catalog, so its copy of the docs' icons is compared here."""
    rated = {model.id: model.speed for model in load_catalog().llm_models if model.speed}
    assert assumptions().speeds == rated
