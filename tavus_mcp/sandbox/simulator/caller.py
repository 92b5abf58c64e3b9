"""Who calls, and what they would do: drawn from the seed, whatever the persona's settings are."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tavus_mcp.sandbox.simulator.parameters import Kind, assumptions
from tavus_mcp.sandbox.simulator.random_stream import Dice, DiceName
from tavus_mcp.sandbox.simulator.sentences import cut, sentences, small_talk

_NUDGES = 3
_MOST_STRETCHES = 4


@dataclass(frozen=True)
class Noise:
    """A sound that is nobody's turn: how faint (0 to 1), when (a share), for how many seconds."""

    faint: float
    at: float
    lasts: float


@dataclass(frozen=True)
class Luck:
    """How it falls once the replica answers: shares from 0 to 1, read with its settings."""

    misread: float
    hesitates: float
    guess: float
    thinking: float
    words: float
    varies: float
    yields: float


@dataclass(frozen=True)
class Stretch:
    """Speech without a pause in it, and what happens if the replica answers it.

    After the last stretch of a turn ``pause`` is 0. ``listens`` is for how many seconds the caller
    hears an answer out, ``None`` for all of it; ``insists`` says who gives way in a clash.
    """

    text: str
    seconds: float
    pause: float
    insists: bool
    listens: float | None
    startle: float
    noise: Noise | None
    luck: Luck
    reply: DiceName

    def broken_off(self, after: float) -> tuple[str, Stretch | None]:
        """Return what is said in the first seconds, and the stretch that is left."""
        said, rest = cut(self.text, after / self.seconds)
        left = self.seconds - after
        return said, replace(self, text=rest, seconds=left) if rest and left > 0 else None


@dataclass(frozen=True)
class Nudge:
    """What a prompting does: whether it works (a share), and how soon it is answered."""

    works: float
    answers: float


@dataclass(frozen=True)
class Exchange:
    """One turn of the caller, and the silence before it."""

    thinks: float
    insists: bool
    noise: Noise | None
    nudges: tuple[Nudge, ...]
    prompts: DiceName
    stretches: tuple[Stretch, ...]

    @property
    def seconds(self) -> float:
        """Return how long the turn takes if nobody breaks in."""
        return sum(stretch.seconds + stretch.pause for stretch in self.stretches)


@dataclass(frozen=True)
class Caller:
    """Somebody made up: of which kind, how often they speak, and how the call ends."""

    kind: str
    exchanges: int
    words_per_minute: float
    camera: bool
    leaves_after: float
    reason: str
    name: DiceName

    def dice(self, *more: str | int) -> Dice:
        """Return a stream of chance of this caller's own."""
        return Dice(*self.name, *more)

    def exchange(self, number: int) -> Exchange:
        """Return what the caller would do in one exchange."""
        kind, dice = assumptions().callers[self.kind], self.dice(number)
        manners = assumptions().manners
        silent = dice.falls(kind.falls_silent)
        silence, thinks = dice.of(kind.silence), dice.of(kind.thinks)
        return Exchange(
            thinks=silence if silent else thinks,
            insists=dice.falls(kind.insists),
            noise=_noise(dice, kind),
            nudges=tuple(Nudge(dice.share(), dice.of(manners.answers)) for _ in range(_NUDGES)),
            prompts=(number, "prompts"),
            stretches=tuple(self._stretches(number, kind)),
        )

    def _stretches(self, number: int, kind: Kind) -> list[Stretch]:
        stretches: list[Stretch] = []
        while not stretches or (stretches[-1].pause and len(stretches) < _MOST_STRETCHES):
            stretches.append(self._stretch(number, len(stretches), kind))
        stretches[-1] = replace(stretches[-1], pause=0.0)
        return stretches

    def _stretch(self, number: int, place: int, kind: Kind) -> Stretch:
        dice = self.dice(number, place)
        text = sentences(dice, small_talk().user, dice.of(kind.words))
        goes_on, pause = dice.falls(kind.pauses), dice.of(kind.pause)
        barges, listens = dice.falls(kind.barges), dice.of(kind.listens)
        return Stretch(
            text=text,
            seconds=len(text.split()) * 60 / self.words_per_minute,
            pause=pause if goes_on else 0.0,
            insists=dice.falls(kind.insists),
            listens=listens if barges else None,
            startle=dice.of(assumptions().manners.startle),
            noise=_noise(dice, kind),
            luck=Luck(*(dice.share() for _ in range(7))),
            reply=(number, place, "reply"),
        )


def caller_of(seed: int, number: int) -> Caller:
    """Return the caller of the n-th call of a seed, the same for every persona."""
    known = assumptions()
    dice = Dice(seed, number)
    name = dice.weighed(list(known.callers), [kind.weight for kind in known.callers.values()])
    kind = known.callers[name]
    return Caller(
        kind=name,
        exchanges=dice.count(*kind.exchanges),
        words_per_minute=dice.of(kind.words_per_minute),
        camera=dice.falls(kind.camera),
        leaves_after=dice.of(known.manners.leaves_after),
        reason=dice.weighed(known.ending, [ending.weight for ending in known.ending]).reason,
        name=(seed, number),
    )


def _noise(dice: Dice, kind: Kind) -> Noise | None:
    sounds = dice.falls(kind.noise)
    noise = Noise(dice.share(), dice.share(), dice.of(assumptions().manners.noise))
    return noise if sounds else None
