"""Simulate a call turn by turn from a caller's actions and the replica's behaviour.

Times are seconds from the start of the call. A replica that begins before the caller has ended, or
a caller who talks on while it speaks, come out as turns that overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tavus_mcp.models.base import JsonObject
from tavus_mcp.sandbox.simulator.caller import Caller, Exchange, Noise, SpeechSegment, build_caller
from tavus_mcp.sandbox.simulator.parameters import assumptions
from tavus_mcp.sandbox.simulator.replica import ReplicaBehaviour, behaviour_of
from tavus_mcp.sandbox.simulator.sentences import (
    compose_greeting,
    compose_sentences,
    split_at_share,
    stock_sentences,
)

Role = Literal["user", "assistant"]


@dataclass(frozen=True)
class Turn:
    """One turn: its speaker and text, its start and duration in seconds."""

    role: Role
    content: str
    seconds_from_start: float
    duration: float


@dataclass(frozen=True)
class SimulatedCall:
    """A simulated call: its turns by start, its length in seconds, its end and its analysis.

    ``analysis`` is empty if perception is off or the caller has no camera.
    """

    turns: tuple[Turn, ...]
    seconds: float
    reason: str
    analysis: str


def simulate_call(persona: JsonObject, *, seed: int, number: int) -> SimulatedCall:
    """Simulate the n-th call of a seed with a persona, given its document as it is stored.

    The same arguments give the same call on every machine. The call depends on the persona's
    settings and name, but not on its id and not on the time.
    """
    behaviour, caller = behaviour_of(persona), build_caller(seed, number)
    dialogue = _Dialogue(behaviour, caller)
    if behaviour.is_echo:
        dialogue.play_echo()
    else:
        dialogue.greet(persona.get("persona_name", ""))
        exchanges = [caller.build_exchange(index) for index in range(caller.exchange_count)]
        for exchange, following in zip(exchanges, [*exchanges[1:], None], strict=True):
            dialogue.run_exchange(exchange, following)
    is_seen = behaviour.has_vision and caller.has_camera and not behaviour.is_echo
    analyses = stock_sentences().analysis
    turns = sorted(dialogue.turns, key=lambda turn: turn.seconds_from_start)
    return SimulatedCall(
        turns=tuple(turns),
        seconds=max(_turn_end(turn) for turn in turns) + caller.leave_delay_seconds,
        reason=caller.reason,
        analysis=caller.random_stream("analysis").choose(analyses) if is_seen else "",
    )


@dataclass(frozen=True)
class _Interruption:
    """Speech or noise over the replica's answer: its start and its duration in seconds."""

    start: float
    duration: float


class _Dialogue:
    """The state of a running call; times are seconds from its start."""

    def __init__(self, behaviour: ReplicaBehaviour, caller: Caller) -> None:
        self.turns: list[Turn] = []
        self._behaviour = behaviour
        self._caller = caller
        self._silent_from = assumptions().manners.greets_after
        self._interrupts_at: float | None = None

    def greet(self, name: str) -> None:
        """Speak the greeting, which cannot be interrupted (docs: changelog, April 2026)."""
        text = compose_greeting(self._caller.random_stream("greeting"), name)
        self._speak(text, self._silent_from + self._behaviour.first_sound_seconds)

    def play_echo(self) -> None:
        """Speak the texts that were sent; the replica does not listen (docs: echo-mode)."""
        stream = self._caller.random_stream("echo")
        for text in stock_sentences().echo[: stream.draw_int(1, len(stock_sentences().echo))]:
            pause = stream.draw_from(assumptions().manners.between_echoes)
            self._speak(text, self._silent_from + pause + self._behaviour.first_sound_seconds)

    def run_exchange(self, exchange: Exchange, next_exchange: Exchange | None) -> None:
        """Add a turn of the caller and the replica's answer."""
        start = self._interrupts_at
        if start is None:
            start = self._next_speech_time(exchange)
        self._interrupts_at = None
        remaining: list[SpeechSegment] = list(exchange.segments)
        while remaining:
            start, remaining = self._run_until_answered(start, remaining, next_exchange)

    def _run_until_answered(
        self, start: float, remaining: list[SpeechSegment], next_exchange: Exchange | None
    ) -> tuple[float, list[SpeechSegment]]:
        """Let the caller speak until the replica answers.

        Returns the time at which the caller goes on, and the segments that are left then.
        """
        spoken_texts, time = [], start
        for index, segment in enumerate(remaining):
            spoken_texts.append(segment.text)
            time += segment.seconds
            following = remaining[index + 1 :]
            if not following:
                break
            replica_start = self._find_premature_start(segment, time)
            if replica_start is not None:
                return self._resolve_overlap(
                    _Overlap(start, spoken_texts, time, replica_start, segment, following),
                    next_exchange,
                )
            time += segment.pause
        self._add_caller_turn(start, time, spoken_texts)
        delay = self._behaviour.response_delay_seconds(remaining[-1].draws)
        self._answer(remaining[-1], time + delay, next_exchange)
        return time, []

    def _find_premature_start(self, segment: SpeechSegment, pause_start: float) -> float | None:
        """Return when the replica starts if it takes a pause for the end of the turn, else None.

        A caller who goes on before the replica starts is noticed a moment later; only within that
        moment do both begin together.
        """
        if segment.pause <= self._behaviour.end_detection_seconds(segment.draws):
            return None
        delay = self._behaviour.response_delay_seconds(segment.draws, after_pause=True)
        replica_start = self._earliest_start(pause_start + delay)
        resume_time = pause_start + segment.pause
        is_unnoticed = replica_start - assumptions().manners.notices <= resume_time
        return replica_start if is_unnoticed else None

    def _resolve_overlap(
        self, overlap: _Overlap, next_exchange: Exchange | None
    ) -> tuple[float, list[SpeechSegment]]:
        """Let the replica or the caller give way after a premature start.

        Returns the same as ``_run_until_answered``.
        """
        spoken_texts, remaining = overlap.spoken_texts, overlap.remaining
        end, resume_time = overlap.pause_start, overlap.resume_time
        if overlap.replica_start > resume_time:  # both begin: the caller is startled and stops
            end = min(
                overlap.replica_start + overlap.segment.startle_seconds,
                resume_time + remaining[0].seconds,
            )
            last_text, rest = remaining[0].split_after(end - resume_time)
            spoken_texts = [*spoken_texts, last_text]
            remaining = [rest, *remaining[1:]] if rest else remaining[1:]
            resume_time = end + assumptions().manners.hold
        self._add_caller_turn(overlap.start, end, spoken_texts)
        if not remaining or not overlap.segment.insists:
            self._answer(overlap.segment, overlap.replica_start, next_exchange)
            return resume_time, []
        seconds_left = sum(segment.seconds + segment.pause for segment in remaining)
        interruption = _Interruption(resume_time, seconds_left)
        self._reply(overlap.segment, overlap.replica_start, interruption)
        return resume_time, remaining

    def _answer(
        self, segment: SpeechSegment, earliest_start: float, next_exchange: Exchange | None
    ) -> None:
        """Add an answer; a caller who has listened long enough interrupts it."""
        start = self._earliest_start(earliest_start)
        interruption = None
        if next_exchange is not None and segment.listening_seconds is not None:
            interruption = _Interruption(start + segment.listening_seconds, next_exchange.seconds)
        end = self._reply(segment, start, interruption)
        if interruption is not None and interruption.start < end:
            self._interrupts_at = interruption.start

    def _reply(
        self, segment: SpeechSegment, start: float, interruption: _Interruption | None
    ) -> float:
        text, noise = self._reply_text(segment), segment.noise
        noise_interruption = None
        if noise is not None and self._behaviour.is_mistaken_for_speech(noise):
            noise_start = start + noise.position * self._speaking_seconds(text)
            noise_interruption = _Interruption(noise_start, noise.seconds)
        patience = self._behaviour.seconds_until_yielding(segment.draws)
        return self._speak(text, start, interruption, noise_interruption, patience_seconds=patience)

    def _reply_text(self, segment: SpeechSegment) -> str:
        stream = self._caller.random_stream(*segment.reply_stream_name)
        word_count = self._behaviour.answer_word_count(segment.draws)
        return compose_sentences(stream, stock_sentences().assistant, word_count)

    def _next_speech_time(self, exchange: Exchange) -> float:
        """Return when the caller speaks; before that, noise or silence may make the replica do."""
        caller_start = self._silent_from + exchange.silence_seconds
        if exchange.noise is not None and self._behaviour.is_mistaken_for_speech(exchange.noise):
            caller_start = self._answer_noise(exchange, exchange.noise, caller_start)
        idle_seconds = self._behaviour.turn_taking.idle_seconds
        if idle_seconds is None:
            return caller_start
        for index, prompt in enumerate(exchange.idle_prompts):
            start = self._silent_from + idle_seconds
            if start >= caller_start:
                break
            stream = self._caller.random_stream(*exchange.prompt_stream_name, index)
            text = stream.choose(stock_sentences().idle)
            if prompt.success_draw < assumptions().manners.nudged:
                caller_start = start + self._speaking_seconds(text) + prompt.answer_seconds
            caller_start = self._speak_unprompted(exchange, text, start, caller_start)
        return caller_start

    def _answer_noise(self, exchange: Exchange, noise: Noise, caller_start: float) -> float:
        """Answer a noise unless the caller speaks first; return when the caller speaks."""
        noise_end = self._silent_from + noise.position * exchange.silence_seconds + noise.seconds
        draws = exchange.segments[0].draws
        start = noise_end + self._behaviour.response_delay_seconds(draws)
        if start >= caller_start:
            return caller_start
        stream = self._caller.random_stream(*exchange.prompt_stream_name, "unclear")
        text = stream.choose(stock_sentences().unclear)
        return self._speak_unprompted(exchange, text, start, caller_start)

    def _speak_unprompted(
        self, exchange: Exchange, text: str, start: float, caller_start: float
    ) -> float:
        """Let the replica speak on its own; return when the caller speaks: over it or after it."""
        end = start + self._speaking_seconds(text)
        if not exchange.insists and caller_start < end:
            return self._speak(text, start) + assumptions().manners.waits
        interruption = _Interruption(caller_start, exchange.seconds)
        patience = self._behaviour.seconds_until_yielding(exchange.segments[0].draws)
        self._speak(text, start, interruption, patience_seconds=patience)
        return caller_start

    def _earliest_start(self, wanted_start: float) -> float:
        """Return when the replica can start, which is not while it still speaks."""
        return max(wanted_start, self._silent_from + self._behaviour.first_sound_seconds)

    def _add_caller_turn(self, start: float, end: float, texts: list[str]) -> None:
        self.turns.append(_build_turn("user", " ".join(texts), start, end))

    def _speak(
        self,
        text: str,
        start: float,
        *interruptions: _Interruption | None,
        patience_seconds: float = 0.0,
    ) -> float:
        """Add a turn of the replica; return its end.

        Interruptions of at least ``patience_seconds`` end it that long after their start.
        """
        full_end = start + self._speaking_seconds(text)
        stops = [
            item.start + patience_seconds
            for item in interruptions
            if item is not None and item.start < full_end and item.duration >= patience_seconds
        ]
        end = min([full_end, *stops])
        spoken, _ = split_at_share(text, (end - start) / (full_end - start))
        self.turns.append(_build_turn("assistant", spoken, start, end))
        self._silent_from = end
        return end

    def _speaking_seconds(self, text: str) -> float:
        return len(text.split()) * 60 / self._behaviour.words_per_minute


@dataclass(frozen=True)
class _Overlap:
    """A premature start of the replica: the caller has more to say."""

    start: float
    spoken_texts: list[str]
    pause_start: float
    replica_start: float
    segment: SpeechSegment
    remaining: list[SpeechSegment]

    @property
    def resume_time(self) -> float:
        """When the caller would go on."""
        return self.pause_start + self.segment.pause


def _build_turn(role: Role, text: str, started_seconds: float, ended_seconds: float) -> Turn:
    start = round(started_seconds, 3)
    return Turn(role, text, start, max(0.001, round(ended_seconds - start, 3)))


def _turn_end(turn: Turn) -> float:
    return turn.seconds_from_start + turn.duration
