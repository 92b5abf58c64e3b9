"""The callers of simulated calls: drawn from the seed, independent of the persona's settings."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tavus_mcp.sandbox.simulator.parameters import CallerKind, assumptions
from tavus_mcp.sandbox.simulator.random_stream import RandomStream, StreamName
from tavus_mcp.sandbox.simulator.sentences import compose_sentences, split_at_share, stock_sentences

_IDLE_PROMPTS_PER_EXCHANGE = 3
_MAX_SEGMENTS_PER_TURN = 4


@dataclass(frozen=True)
class Noise:
    """A background noise: faintness from 0 to 1, position as a share of a time, duration."""

    faintness: float
    position: float
    seconds: float


@dataclass(frozen=True)
class ReplicaDraws:
    """Draws from 0 to 1 for one answer of the replica, interpreted with its settings."""

    misread: float
    hesitation: float
    guess: float
    thinking: float
    words: float
    variation: float
    yielding: float


@dataclass(frozen=True)
class SpeechSegment:
    """Speech without a pause in it, and the caller's reaction if the replica answers it.

    ``pause`` is the silence after it in seconds, 0 for the last segment of a turn. The caller
    listens to an answer for ``listening_seconds``, to all of it if None. ``insists`` says that the
    caller goes on when both speak.
    """

    text: str
    seconds: float
    pause: float
    insists: bool
    listening_seconds: float | None
    startle_seconds: float
    noise: Noise | None
    draws: ReplicaDraws
    reply_stream_name: StreamName

    def split_after(self, seconds: float) -> tuple[str, SpeechSegment | None]:
        """Return the text of the first seconds, and the segment that is left, if any."""
        spoken, rest = split_at_share(self.text, seconds / self.seconds)
        remaining = self.seconds - seconds
        if not rest or remaining <= 0:
            return spoken, None
        return spoken, replace(self, text=rest, seconds=remaining)


@dataclass(frozen=True)
class IdlePrompt:
    """Reaction to the replica speaking up in a silence: a draw from 0 to 1, and a delay."""

    success_draw: float
    answer_seconds: float


@dataclass(frozen=True)
class Exchange:
    """One turn of the caller and the silence before it."""

    silence_seconds: float
    insists: bool
    noise: Noise | None
    idle_prompts: tuple[IdlePrompt, ...]
    prompt_stream_name: StreamName
    segments: tuple[SpeechSegment, ...]

    @property
    def seconds(self) -> float:
        """Duration of the turn if the replica does not interrupt it."""
        return sum(segment.seconds + segment.pause for segment in self.segments)


@dataclass(frozen=True)
class Caller:
    """A simulated person: their kind, how often they speak, and how the call ends."""

    kind: str
    exchange_count: int
    words_per_minute: float
    has_camera: bool
    leave_delay_seconds: float
    reason: str
    stream_name: StreamName

    def random_stream(self, *suffix: str | int) -> RandomStream:
        """Return a random stream that belongs to this caller."""
        return RandomStream(*self.stream_name, *suffix)

    def build_exchange(self, number: int) -> Exchange:
        """Return the caller's actions in one exchange."""
        kind, stream = assumptions().callers[self.kind], self.random_stream(number)
        manners = assumptions().manners
        falls_silent = stream.draw_bool(kind.falls_silent)
        silence, thinking = stream.draw_from(kind.silence), stream.draw_from(kind.thinks)
        return Exchange(
            silence_seconds=silence if falls_silent else thinking,
            insists=stream.draw_bool(kind.insists),
            noise=_draw_noise(stream, kind),
            idle_prompts=tuple(
                IdlePrompt(stream.draw_uniform(), stream.draw_from(manners.answers))
                for _ in range(_IDLE_PROMPTS_PER_EXCHANGE)
            ),
            prompt_stream_name=(number, "prompts"),
            segments=tuple(self._build_segments(number, kind)),
        )

    def _build_segments(self, number: int, kind: CallerKind) -> list[SpeechSegment]:
        segments: list[SpeechSegment] = []
        while not segments or (segments[-1].pause and len(segments) < _MAX_SEGMENTS_PER_TURN):
            segments.append(self._build_segment(number, len(segments), kind))
        segments[-1] = replace(segments[-1], pause=0.0)
        return segments

    def _build_segment(self, number: int, index: int, kind: CallerKind) -> SpeechSegment:
        stream = self.random_stream(number, index)
        text = compose_sentences(stream, stock_sentences().user, stream.draw_from(kind.words))
        has_pause, pause = stream.draw_bool(kind.pauses), stream.draw_from(kind.pause)
        interrupts, listening = stream.draw_bool(kind.barges), stream.draw_from(kind.listens)
        return SpeechSegment(
            text=text,
            seconds=len(text.split()) * 60 / self.words_per_minute,
            pause=pause if has_pause else 0.0,
            insists=stream.draw_bool(kind.insists),
            listening_seconds=listening if interrupts else None,
            startle_seconds=stream.draw_from(assumptions().manners.startle),
            noise=_draw_noise(stream, kind),
            draws=ReplicaDraws(*(stream.draw_uniform() for _ in range(7))),
            reply_stream_name=(number, index, "reply"),
        )


def build_caller(seed: int, number: int) -> Caller:
    """Return the caller of the n-th call of a seed; every persona gets the same one."""
    parameters = assumptions()
    stream = RandomStream(seed, number)
    name = stream.choose_weighted(
        list(parameters.callers), [kind.weight for kind in parameters.callers.values()]
    )
    kind = parameters.callers[name]
    return Caller(
        kind=name,
        exchange_count=stream.draw_int(*kind.exchanges),
        words_per_minute=stream.draw_from(kind.words_per_minute),
        has_camera=stream.draw_bool(kind.camera),
        leave_delay_seconds=stream.draw_from(parameters.manners.leaves_after),
        reason=stream.choose_weighted(
            parameters.ending, [ending.weight for ending in parameters.ending]
        ).reason,
        stream_name=(seed, number),
    )


def _draw_noise(stream: RandomStream, kind: CallerKind) -> Noise | None:
    occurs = stream.draw_bool(kind.noise)
    noise = Noise(
        stream.draw_uniform(), stream.draw_uniform(), stream.draw_from(assumptions().manners.noise)
    )
    return noise if occurs else None
