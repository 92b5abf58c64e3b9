"""The behaviour of a replica, derived from a persona's settings: seconds, shares, words per minute.

Each setting acts in the direction that the Tavus docs give; the amounts are assumptions
(``parameters.toml``). Side effects follow from the model: a replica that waits longer answers
later, and one that yields at once also yields to a noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.layers import Layers
from tavus_mcp.sandbox.simulator.caller import Noise, ReplicaDraws
from tavus_mcp.sandbox.simulator.parameters import Assumptions, assumptions
from tavus_mcp.sandbox.simulator.random_stream import TriangularDistribution, quantile

_DEFAULT_ENGINE = "cartesia"  # docs: persona/tts
_VISION_MODELS = frozenset({"raven-1", "raven-0"})
_CHARACTERS_PER_TOKEN = 4
_MIN_SPEED_FACTOR, _MAX_SPEED_FACTOR = 0.5, 2.0
_MAX_TEMPERATURE = 2.0


@dataclass(frozen=True)
class TurnTaking:
    """Turn-taking: silences and yield times in seconds, the rest as shares from 0 to 1."""

    end_of_turn_silence: float
    misread_share: float
    hesitation_share: float
    yield_seconds: float
    noise_share: float
    idle_seconds: float | None


@dataclass(frozen=True)
class ReplicaBehaviour:
    """Behaviour of a replica in a call."""

    turn_taking: TurnTaking
    transcription_seconds: float
    model_latency: TriangularDistribution
    prompt_seconds: float
    is_speculative: bool
    first_sound_seconds: float
    words_per_minute: float
    length_variation: float
    has_vision: bool
    is_echo: bool

    def end_detection_seconds(self, draws: ReplicaDraws) -> float:
        """Return how long a pause inside a turn must be to count as its end."""
        misread = draws.misread < self.turn_taking.misread_share
        return self.turn_taking.end_of_turn_silence * (
            1.0 if misread else assumptions().manners.holds
        )

    def response_delay_seconds(self, draws: ReplicaDraws, *, after_pause: bool = False) -> float:
        """Return the seconds from the caller's last word to the replica's first sound."""
        waiting = self.turn_taking.end_of_turn_silence
        if after_pause:
            waiting = self.end_detection_seconds(draws)
        elif draws.hesitation < self.turn_taking.hesitation_share:
            waiting *= assumptions().manners.unsure
        thinking = quantile(self.model_latency, draws.thinking) + self.prompt_seconds
        answer = assumptions().answer
        if self.is_speculative and draws.guess < answer.guess_holds:
            thinking -= min(waiting, thinking, answer.head_start)
        return waiting + self.transcription_seconds + thinking + self.first_sound_seconds

    def answer_word_count(self, draws: ReplicaDraws) -> float:
        """Return the number of words of an answer."""
        usual = quantile(assumptions().answer.words, draws.words)
        return usual * (1 + self.length_variation * (2 * draws.variation - 1))

    def seconds_until_yielding(self, draws: ReplicaDraws) -> float:
        """Return how long the caller must talk over the replica until it stops."""
        return self.turn_taking.yield_seconds * quantile(
            assumptions().manners.yields, draws.yielding
        )

    def is_mistaken_for_speech(self, noise: Noise) -> bool:
        """Return True if a noise is taken for the caller's speech."""
        return noise.faintness < self.turn_taking.noise_share


def behaviour_of(persona: JsonObject) -> ReplicaBehaviour:
    """Return the behaviour of a persona, given its document as the sandbox stores it."""
    layers = Layers.model_validate(persona["layers"]).model_dump()
    llm, tts = layers.get("llm", {}), layers.get("tts", {})
    parameters, mode = assumptions(), persona["pipeline_mode"]
    voice = parameters.voices.get(tts.get("tts_engine", _DEFAULT_ENGINE), parameters.voices["any"])
    speed = tts.get("voice_settings", {}).get("speed", voice.normal)
    speed_factor = min(
        _MAX_SPEED_FACTOR, max(_MIN_SPEED_FACTOR, 1 + voice.effect * (speed - voice.normal))
    )
    engine = layers.get("stt", {}).get("stt_engine", "any")
    return ReplicaBehaviour(
        turn_taking=_turn_taking(layers, parameters),
        transcription_seconds=parameters.hearing.get(engine, parameters.hearing["any"]),
        model_latency=parameters.thinking[_model_latency_key(llm, mode, parameters)],
        prompt_seconds=_prompt_seconds(persona, parameters),
        is_speculative=llm.get("speculative_inference", True),
        first_sound_seconds=voice.first_sound,
        words_per_minute=voice.words_per_minute * speed_factor,
        length_variation=min(0.9, parameters.answer.varies * _temperature(llm, parameters)),
        has_vision=layers.get("perception", {}).get("perception_model", "raven-1")
        in _VISION_MODELS,
        is_echo=mode == "echo",
    )


def _turn_taking(layers: Mapping[str, Any], parameters: Assumptions) -> TurnTaking:
    """Read ``conversational_flow``, or the older fields of ``stt`` if there is no such layer."""
    flow = layers.get("conversational_flow")
    if not flow:
        return _legacy_turn_taking(layers.get("stt", {}), parameters)
    model = parameters.detection[flow["turn_detection_model"]]
    return TurnTaking(
        end_of_turn_silence=parameters.patience[flow["turn_taking_patience"]] * model.pace,
        misread_share=model.misreads,
        hesitation_share=model.hesitates,
        yield_seconds=parameters.interruptibility[flow["replica_interruptibility"]],
        noise_share=parameters.isolation[flow["voice_isolation"]],
        idle_seconds=parameters.idle.get(flow["idle_engagement"]),
    )


def _legacy_turn_taking(stt: Mapping[str, Any], parameters: Assumptions) -> TurnTaking:
    smart = stt.get("smart_turn_detection", True)
    model = parameters.detection["sparrow-0" if smart else "time-based"]
    pauses = stt.get("participant_pause_sensitivity", "medium")
    interrupts = stt.get("participant_interrupt_sensitivity", "medium")
    return TurnTaking(
        end_of_turn_silence=parameters.pause_sensitivity[pauses] * model.pace,
        misread_share=model.misreads,
        hesitation_share=model.hesitates,
        yield_seconds=parameters.interrupt_sensitivity[interrupts],
        noise_share=parameters.isolation["off"],
        idle_seconds=None,
    )


def _model_latency_key(llm: Mapping[str, Any], mode: str, parameters: Assumptions) -> str:
    if mode == "speech-to-speech":
        return "speech"
    if llm.get("base_url"):
        return "custom"
    speed = parameters.speeds.get(llm.get("model", ""))
    return f"speed_{speed}" if speed else "unrated"


def _prompt_seconds(persona: JsonObject, parameters: Assumptions) -> float:
    characters = sum(len(persona.get(name) or "") for name in ("system_prompt", "context"))
    answer = parameters.answer
    tokens = min(characters / _CHARACTERS_PER_TOKEN, answer.most_tokens)
    slow = max(0.0, tokens - answer.slow_from)
    quick = tokens - slow
    return (quick * answer.per_thousand_tokens + slow * answer.per_thousand_slow) / 1000


def _temperature(llm: Mapping[str, Any], parameters: Assumptions) -> float:
    """Return the temperature; ``extra_body`` is a free object, so it may hold anything."""
    given = llm.get("extra_body", {}).get("temperature")
    if isinstance(given, bool) or not isinstance(given, int | float):
        return parameters.answer.temperature
    return float(min(_MAX_TEMPERATURE, max(0.0, given)))
