"""A call, turn by turn: what a caller would do, met by how the replica behaves.

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
    """Who said what, from when on and for how long."""

    role: Role
    content: str
    seconds_from_start: float
    duration: float


@dataclass(frozen=True)
class SimulatedCall:
    """A call that nobody held: its turns by their start, its length, why it ended, what was seen.

    ``analysis`` is empty where nothing was seen: perception off, or no camera.
    """

    turns: tuple[Turn, ...]
    seconds: float
    reason: str
    analysis: str


def simulate_call(persona: JsonObject, *, seed: int, number: int) -> SimulatedCall:
    """Make up the n-th call of a seed with a persona, given its document as it is stored.

    The same arguments give the same call, on every machine. Only settings of the persona matter,
    and its name; not its id, and nothing of the time at which this runs.
    """
    manner, caller = behaviour_of(persona), build_caller(seed, number)
    talking = _Dialogue(manner, caller)
    if manner.is_echo:
        talking.play_echo()
    else:
        talking.greet(persona.get("persona_name", ""))
        exchanges = [caller.build_exchange(place) for place in range(caller.exchange_count)]
        for exchange, following in zip(exchanges, [*exchanges[1:], None], strict=True):
            talking.run_exchange(exchange, following)
    seen = manner.has_vision and caller.has_camera and not manner.is_echo
    turns = sorted(talking.turns, key=lambda turn: turn.seconds_from_start)
    return SimulatedCall(
        turns=tuple(turns),
        seconds=max(_turn_end(turn) for turn in turns) + caller.leave_delay_seconds,
        reason=caller.reason,
        analysis=caller.random_stream("analysis").choose(stock_sentences().analysis)
        if seen
        else "",
    )


@dataclass(frozen=True)
class _Interruption:
    """The replica is talked over: from when on, and for how long."""

    start: float
    duration: float


class _Dialogue:
    """A call while it goes on."""

    def __init__(self, behaviour: ReplicaBehaviour, caller: Caller) -> None:
        self.turns: list[Turn] = []
        self._behaviour = behaviour
        self._caller = caller
        self._silent_from = assumptions().manners.greets_after
        self._interrupts_at: float | None = None

    def greet(self, name: str) -> None:
        """Say hello; a greeting cannot be interrupted (docs: changelog, April 2026)."""
        text = compose_greeting(self._caller.random_stream("greeting"), name)
        self._speak(text, self._silent_from + self._behaviour.first_sound_seconds)

    def play_echo(self) -> None:
        """Say what was sent, and nothing else; nobody is listened to (docs: echo-mode)."""
        dice = self._caller.random_stream("echo")
        for text in stock_sentences().echo[: dice.draw_int(1, len(stock_sentences().echo))]:
            pause = dice.draw_from(assumptions().manners.between_echoes)
            self._speak(text, self._silent_from + pause + self._behaviour.first_sound_seconds)

    def run_exchange(self, exchange: Exchange, next_exchange: Exchange | None) -> None:
        """Let the caller take a turn, and the replica answer it."""
        begun = self._interrupts_at
        if begun is None:
            begun = self._next_speech_time(exchange)
        self._interrupts_at = None
        left: list[SpeechSegment] = list(exchange.segments)
        while left:
            begun, left = self._run_until_answered(begun, left, next_exchange)

    def _run_until_answered(
        self, start: float, remaining: list[SpeechSegment], next_exchange: Exchange | None
    ) -> tuple[float, list[SpeechSegment]]:
        """Let the caller speak until the replica does; return when they go on, and with what."""
        said, now = [], start
        for place, stretch in enumerate(remaining):
            said.append(stretch.text)
            now += stretch.seconds
            rest = remaining[place + 1 :]
            if not rest:
                break
            starts = self._find_premature_start(stretch, now)
            if starts is not None:
                return self._resolve_overlap(
                    _Overlap(start, said, now, starts, stretch, rest), next_exchange
                )
            now += stretch.pause
        self._add_caller_turn(start, now, said)
        self._answer(
            remaining[-1],
            now + self._behaviour.response_delay_seconds(remaining[-1].draws),
            next_exchange,
        )
        return now, []

    def _find_premature_start(self, segment: SpeechSegment, pause_start: float) -> float | None:
        """Return when the replica starts after taking a pause for the end, or ``None``.

        Who goes on before it starts is noticed a moment later; only then the two begin together.
        """
        if segment.pause <= self._behaviour.end_detection_seconds(segment.draws):
            return None
        starts = self._earliest_start(
            pause_start + self._behaviour.response_delay_seconds(segment.draws, after_pause=True)
        )
        resumes = pause_start + segment.pause
        return starts if starts - assumptions().manners.notices <= resumes else None

    def _resolve_overlap(
        self, overlap: _Overlap, next_exchange: Exchange | None
    ) -> tuple[float, list[SpeechSegment]]:
        """The replica has taken a pause for the end: either it gives way, or the caller does."""
        said, ends, again, left = (
            overlap.spoken_texts,
            overlap.pause_start,
            overlap.resume_time,
            overlap.remaining,
        )
        if (
            overlap.replica_start > overlap.resume_time
        ):  # both begin: the caller is startled, and stops
            ends = min(
                overlap.replica_start + overlap.segment.startle_seconds,
                overlap.resume_time + left[0].seconds,
            )
            last, rest = left[0].split_after(ends - overlap.resume_time)
            said = [*said, last]
            left = [rest, *left[1:]] if rest else left[1:]
            again = ends + assumptions().manners.hold
        self._add_caller_turn(overlap.start, ends, said)
        if not left or not overlap.segment.insists:
            self._answer(overlap.segment, overlap.replica_start, next_exchange)
            return again, []
        talks_on = sum(stretch.seconds + stretch.pause for stretch in left)
        self._reply(overlap.segment, overlap.replica_start, _Interruption(again, talks_on))
        return again, left

    def _answer(
        self, segment: SpeechSegment, earliest_start: float, next_exchange: Exchange | None
    ) -> None:
        """Answer, unless the caller has listened long enough, and barges in."""
        earliest_start = self._earliest_start(earliest_start)
        barges = None
        if next_exchange is not None and segment.listening_seconds is not None:
            barges = _Interruption(
                earliest_start + segment.listening_seconds, next_exchange.seconds
            )
        ends = self._reply(segment, earliest_start, barges)
        if barges is not None and barges.start < ends:
            self._interrupts_at = barges.start

    def _reply(
        self, segment: SpeechSegment, start: float, interruption: _Interruption | None
    ) -> float:
        text, noise = self._reply_text(segment), segment.noise
        by_noise = None
        if noise is not None and self._behaviour.is_mistaken_for_speech(noise):
            by_noise = _Interruption(
                start + noise.position * self._speaking_seconds(text), noise.seconds
            )
        return self._speak(
            text,
            start,
            interruption,
            by_noise,
            patience_seconds=self._behaviour.seconds_until_yielding(segment.draws),
        )

    def _reply_text(self, segment: SpeechSegment) -> str:
        dice = self._caller.random_stream(*segment.reply_stream_name)
        return compose_sentences(
            dice, stock_sentences().assistant, self._behaviour.answer_word_count(segment.draws)
        )

    def _next_speech_time(self, exchange: Exchange) -> float:
        """Return when the caller speaks; meanwhile noises and idleness may make the replica."""
        due = self._silent_from + exchange.silence_seconds
        if exchange.noise is not None and self._behaviour.is_mistaken_for_speech(exchange.noise):
            due = self._answer_noise(exchange, exchange.noise, due)
        speaks_up_after = self._behaviour.turn_taking.idle_seconds
        if speaks_up_after is None:
            return due
        for place, nudge in enumerate(exchange.idle_prompts):
            starts = self._silent_from + speaks_up_after
            if starts >= due:
                break
            text = self._caller.random_stream(*exchange.prompt_stream_name, place).choose(
                stock_sentences().idle
            )
            ends = starts + self._speaking_seconds(text)
            if nudge.success_draw < assumptions().manners.nudged:
                due = ends + nudge.answer_seconds
            due = self._speak_unprompted(exchange, text, starts, due)
        return due

    def _answer_noise(self, exchange: Exchange, noise: Noise, caller_start: float) -> float:
        """Answer a noise, unless the caller speaks first; return when the caller does."""
        luck = exchange.segments[0].draws
        ended = self._silent_from + noise.position * exchange.silence_seconds + noise.seconds
        starts = ended + self._behaviour.response_delay_seconds(luck)
        if starts >= caller_start:
            return caller_start
        text = self._caller.random_stream(*exchange.prompt_stream_name, "unclear").choose(
            stock_sentences().unclear
        )
        return self._speak_unprompted(exchange, text, starts, caller_start)

    def _speak_unprompted(
        self, exchange: Exchange, text: str, start: float, caller_start: float
    ) -> float:
        """Say something unasked; return when the caller speaks: at once, or when it is over."""
        ends = start + self._speaking_seconds(text)
        if exchange.insists or caller_start >= ends:
            patience = self._behaviour.seconds_until_yielding(exchange.segments[0].draws)
            self._speak(
                text,
                start,
                _Interruption(caller_start, exchange.seconds),
                patience_seconds=patience,
            )
            return caller_start
        return self._speak(text, start) + assumptions().manners.waits

    def _earliest_start(self, wanted_start: float) -> float:
        """Return when the replica can start: not while it still speaks."""
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
        """Speak; whoever talks over it for longer than ``patience`` makes it stop."""
        whole = start + self._speaking_seconds(text)
        stops = [
            voice.start + patience_seconds
            for voice in interruptions
            if voice is not None and voice.start < whole and voice.duration >= patience_seconds
        ]
        ends = min([whole, *stops])
        said, _ = split_at_share(text, (ends - start) / (whole - start))
        self.turns.append(_build_turn("assistant", said, start, ends))
        self._silent_from = ends
        return ends

    def _speaking_seconds(self, text: str) -> float:
        return len(text.split()) * 60 / self._behaviour.words_per_minute


@dataclass(frozen=True)
class _Overlap:
    """The replica starts although the caller has more to say."""

    start: float
    spoken_texts: list[str]
    pause_start: float
    replica_start: float
    segment: SpeechSegment
    remaining: list[SpeechSegment]

    @property
    def resume_time(self) -> float:
        """Return when the caller would go on."""
        return self.pause_start + self.segment.pause


def _build_turn(role: Role, text: str, started_seconds: float, ended_seconds: float) -> Turn:
    start = round(started_seconds, 3)
    return Turn(role, text, start, max(0.001, round(ended_seconds - start, 3)))


def _turn_end(turn: Turn) -> float:
    return turn.seconds_from_start + turn.duration
