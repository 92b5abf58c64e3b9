"""Who calls, and what they would do: drawn from the seed, whatever the persona's settings are."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tavus_mcp.sandbox.simulator.parameters import CallerKind, assumptions
from tavus_mcp.sandbox.simulator.random_stream import RandomStream, StreamName
from tavus_mcp.sandbox.simulator.sentences import compose_sentences, split_at_share, stock_sentences

_IDLE_PROMPTS_PER_EXCHANGE = 3
_MAX_SEGMENTS_PER_TURN = 4


@dataclass(frozen=True)
class Noise:
    """A sound that is nobody's turn: how faint (0 to 1), when (a share), for how many seconds."""

    faintness: float
    position: float
    seconds: float


@dataclass(frozen=True)
class ReplicaDraws:
    """How it falls once the replica answers: shares from 0 to 1, read with its settings."""

    misread: float
    hesitation: float
    guess: float
    thinking: float
    words: float
    variation: float
    yielding: float


@dataclass(frozen=True)
class SpeechSegment:
    """Speech without a pause in it, and what happens if the replica answers it.

    After the last stretch of a turn ``pause`` is 0. ``listens`` is for how many seconds the caller
    hears an answer out, ``None`` for all of it; ``insists`` says who gives way in a clash.
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
        """Return what is said in the first seconds, and the stretch that is left."""
        said, rest = split_at_share(self.text, seconds / self.seconds)
        left = self.seconds - seconds
        return said, replace(self, text=rest, seconds=left) if rest and left > 0 else None


@dataclass(frozen=True)
class IdlePrompt:
    """What a prompting does: whether it works (a share), and how soon it is answered."""

    success_draw: float
    answer_seconds: float


@dataclass(frozen=True)
class Exchange:
    """One turn of the caller, and the silence before it."""

    silence_seconds: float
    insists: bool
    noise: Noise | None
    idle_prompts: tuple[IdlePrompt, ...]
    prompt_stream_name: StreamName
    segments: tuple[SpeechSegment, ...]

    @property
    def seconds(self) -> float:
        """Return how long the turn takes if nobody breaks in."""
        return sum(stretch.seconds + stretch.pause for stretch in self.segments)


@dataclass(frozen=True)
class Caller:
    """Somebody made up: of which kind, how often they speak, and how the call ends."""

    kind: str
    exchange_count: int
    words_per_minute: float
    has_camera: bool
    leave_delay_seconds: float
    reason: str
    stream_name: StreamName

    def random_stream(self, *suffix: str | int) -> RandomStream:
        """Return a stream of chance of this caller's own."""
        return RandomStream(*self.stream_name, *suffix)

    def build_exchange(self, number: int) -> Exchange:
        """Return what the caller would do in one exchange."""
        kind, dice = assumptions().callers[self.kind], self.random_stream(number)
        manners = assumptions().manners
        silent = dice.draw_bool(kind.falls_silent)
        silence, thinks = dice.draw_from(kind.silence), dice.draw_from(kind.thinks)
        return Exchange(
            silence_seconds=silence if silent else thinks,
            insists=dice.draw_bool(kind.insists),
            noise=_draw_noise(dice, kind),
            idle_prompts=tuple(
                IdlePrompt(dice.draw_uniform(), dice.draw_from(manners.answers))
                for _ in range(_IDLE_PROMPTS_PER_EXCHANGE)
            ),
            prompt_stream_name=(number, "prompts"),
            segments=tuple(self._build_segments(number, kind)),
        )

    def _build_segments(self, number: int, kind: CallerKind) -> list[SpeechSegment]:
        stretches: list[SpeechSegment] = []
        while not stretches or (stretches[-1].pause and len(stretches) < _MAX_SEGMENTS_PER_TURN):
            stretches.append(self._build_segment(number, len(stretches), kind))
        stretches[-1] = replace(stretches[-1], pause=0.0)
        return stretches

    def _build_segment(self, number: int, index: int, kind: CallerKind) -> SpeechSegment:
        dice = self.random_stream(number, index)
        text = compose_sentences(dice, stock_sentences().user, dice.draw_from(kind.words))
        goes_on, pause = dice.draw_bool(kind.pauses), dice.draw_from(kind.pause)
        barges, listens = dice.draw_bool(kind.barges), dice.draw_from(kind.listens)
        return SpeechSegment(
            text=text,
            seconds=len(text.split()) * 60 / self.words_per_minute,
            pause=pause if goes_on else 0.0,
            insists=dice.draw_bool(kind.insists),
            listening_seconds=listens if barges else None,
            startle_seconds=dice.draw_from(assumptions().manners.startle),
            noise=_draw_noise(dice, kind),
            draws=ReplicaDraws(*(dice.draw_uniform() for _ in range(7))),
            reply_stream_name=(number, index, "reply"),
        )


def build_caller(seed: int, number: int) -> Caller:
    """Return the caller of the n-th call of a seed, the same for every persona."""
    known = assumptions()
    dice = RandomStream(seed, number)
    name = dice.choose_weighted(
        list(known.callers), [kind.weight for kind in known.callers.values()]
    )
    kind = known.callers[name]
    return Caller(
        kind=name,
        exchange_count=dice.draw_int(*kind.exchanges),
        words_per_minute=dice.draw_from(kind.words_per_minute),
        has_camera=dice.draw_bool(kind.camera),
        leave_delay_seconds=dice.draw_from(known.manners.leaves_after),
        reason=dice.choose_weighted(
            known.ending, [ending.weight for ending in known.ending]
        ).reason,
        stream_name=(seed, number),
    )


def _draw_noise(stream: RandomStream, kind: CallerKind) -> Noise | None:
    sounds = stream.draw_bool(kind.noise)
    noise = Noise(
        stream.draw_uniform(), stream.draw_uniform(), stream.draw_from(assumptions().manners.noise)
    )
    return noise if sounds else None
