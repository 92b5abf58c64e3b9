"""What the settings of a persona come to: seconds, shares and words per minute.

Each setting pulls in the direction that the Tavus docs give it; by how much is assumed
(``parameters.toml``). Costs come along by themselves: who waits longer answers later, and who falls
silent at once does so for a slamming door as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.layers import Layers
from tavus_mcp.sandbox.simulator.caller import Luck, Noise
from tavus_mcp.sandbox.simulator.parameters import Assumptions, assumptions
from tavus_mcp.sandbox.simulator.random_stream import Spread, quantile

_DEFAULT_ENGINE = "cartesia"  # docs: persona/tts
_SEES = frozenset({"raven-1", "raven-0"})
_CHARACTERS_PER_TOKEN = 4
_SLOWEST, _FASTEST = 0.5, 2.0
_HOTTEST = 2.0


@dataclass(frozen=True)
class Turns:
    """Turn-taking: silences and times of falling silent in seconds, the rest shares."""

    waits: float
    misreads: float
    hesitates: float
    falls_silent_after: float
    hears_noise: float
    speaks_up_after: float | None


@dataclass(frozen=True)
class Manner:
    """How a replica behaves in a call."""

    turns: Turns
    hearing: float
    thinking: Spread
    prompt: float
    speculates: bool
    first_sound: float
    words_per_minute: float
    varies: float
    sees: bool
    echoes: bool

    def believes(self, luck: Luck) -> float:
        """Return for how long a pause inside of a turn must last to be taken for its end."""
        misread = luck.misread < self.turns.misreads
        return self.turns.waits * (1.0 if misread else assumptions().manners.holds)

    def answers_after(self, luck: Luck, *, pause: bool = False) -> float:
        """Return the seconds from the caller's last word to the replica's first sound."""
        waits = self.turns.waits
        if pause:
            waits = self.believes(luck)
        elif luck.hesitates < self.turns.hesitates:
            waits *= assumptions().manners.unsure
        thinks = quantile(self.thinking, luck.thinking) + self.prompt
        answer = assumptions().answer
        if self.speculates and luck.guess < answer.guess_holds:
            thinks -= min(waits, thinks, answer.head_start)
        return waits + self.hearing + thinks + self.first_sound

    def words(self, luck: Luck) -> float:
        """Return how many words an answer has."""
        usual = quantile(assumptions().answer.words, luck.words)
        return usual * (1 + self.varies * (2 * luck.varies - 1))

    def falls_silent_after(self, luck: Luck) -> float:
        """Return for how long it is talked over until it stops."""
        return self.turns.falls_silent_after * quantile(assumptions().manners.yields, luck.yields)

    def hears(self, noise: Noise) -> bool:
        """Tell whether a noise is taken for the caller."""
        return noise.faint < self.turns.hears_noise


def manner_of(persona: JsonObject) -> Manner:
    """Return how a persona behaves, given its document as the sandbox stores it."""
    layers = Layers.model_validate(persona["layers"]).model_dump()
    llm, tts = layers.get("llm", {}), layers.get("tts", {})
    known, mode = assumptions(), persona["pipeline_mode"]
    voice = known.voices.get(tts.get("tts_engine", _DEFAULT_ENGINE), known.voices["any"])
    speed = tts.get("voice_settings", {}).get("speed", voice.normal)
    faster = min(_FASTEST, max(_SLOWEST, 1 + voice.effect * (speed - voice.normal)))
    engine = layers.get("stt", {}).get("stt_engine", "any")
    return Manner(
        turns=_turns(layers, known),
        hearing=known.hearing.get(engine, known.hearing["any"]),
        thinking=known.thinking[_thinking(llm, mode, known)],
        prompt=_prompt_seconds(persona, known),
        speculates=llm.get("speculative_inference", True),
        first_sound=voice.first_sound,
        words_per_minute=voice.words_per_minute * faster,
        varies=min(0.9, known.answer.varies * _temperature(llm, known)),
        sees=layers.get("perception", {}).get("perception_model", "raven-1") in _SEES,
        echoes=mode == "echo",
    )


def _turns(layers: Mapping[str, Any], known: Assumptions) -> Turns:
    """The layer rules where there is one; without it the older fields of ``stt`` do."""
    flow = layers.get("conversational_flow")
    if not flow:
        return _older_turns(layers.get("stt", {}), known)
    model = known.detection[flow["turn_detection_model"]]
    return Turns(
        waits=known.patience[flow["turn_taking_patience"]] * model.pace,
        misreads=model.misreads,
        hesitates=model.hesitates,
        falls_silent_after=known.interruptibility[flow["replica_interruptibility"]],
        hears_noise=known.isolation[flow["voice_isolation"]],
        speaks_up_after=known.idle.get(flow["idle_engagement"]),
    )


def _older_turns(stt: Mapping[str, Any], known: Assumptions) -> Turns:
    smart = stt.get("smart_turn_detection", True)
    model = known.detection["sparrow-0" if smart else "time-based"]
    pauses = stt.get("participant_pause_sensitivity", "medium")
    interrupts = stt.get("participant_interrupt_sensitivity", "medium")
    return Turns(
        waits=known.pause_sensitivity[pauses] * model.pace,
        misreads=model.misreads,
        hesitates=model.hesitates,
        falls_silent_after=known.interrupt_sensitivity[interrupts],
        hears_noise=known.isolation["off"],
        speaks_up_after=None,
    )


def _thinking(llm: Mapping[str, Any], mode: str, known: Assumptions) -> str:
    if mode == "speech-to-speech":
        return "speech"
    if llm.get("base_url"):
        return "custom"
    speed = known.speeds.get(llm.get("model", ""))
    return f"speed_{speed}" if speed else "unrated"


def _prompt_seconds(persona: JsonObject, known: Assumptions) -> float:
    characters = sum(len(persona.get(name) or "") for name in ("system_prompt", "context"))
    answer = known.answer
    tokens = min(characters / _CHARACTERS_PER_TOKEN, answer.most_tokens)
    slow = max(0.0, tokens - answer.slow_from)
    quick = tokens - slow
    return (quick * answer.per_thousand_tokens + slow * answer.per_thousand_slow) / 1000


def _temperature(llm: Mapping[str, Any], known: Assumptions) -> float:
    """Return the temperature; ``extra_body`` is a free object, so it may hold anything."""
    given = llm.get("extra_body", {}).get("temperature")
    if isinstance(given, bool) or not isinstance(given, int | float):
        return known.answer.temperature
    return float(min(_HOTTEST, max(0.0, given)))
