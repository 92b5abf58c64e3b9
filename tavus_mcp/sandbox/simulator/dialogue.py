"""A call, turn by turn: what a caller would do, met by how the replica behaves.

Times are seconds from the start of the call. A replica that begins before the caller has ended, or
a caller who talks on while it speaks, come out as turns that overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tavus_mcp.models.base import JsonObject
from tavus_mcp.sandbox.simulator.caller import Caller, Exchange, Noise, Stretch, caller_of
from tavus_mcp.sandbox.simulator.parameters import assumptions
from tavus_mcp.sandbox.simulator.replica import Manner, manner_of
from tavus_mcp.sandbox.simulator.sentences import cut, greeting, sentences, small_talk

Role = Literal["user", "assistant"]


@dataclass(frozen=True)
class Turn:
    """Who said what, from when on and for how long."""

    role: Role
    content: str
    seconds_from_start: float
    duration: float


@dataclass(frozen=True)
class Call:
    """A call that nobody held: its turns by their start, its length, why it ended, what was seen.

    ``analysis`` is empty where nothing was seen: perception off, or no camera.
    """

    turns: tuple[Turn, ...]
    seconds: float
    reason: str
    analysis: str


def talk(persona: JsonObject, *, seed: int, number: int) -> Call:
    """Make up the n-th call of a seed with a persona, given its document as it is stored.

    The same arguments give the same call, on every machine. Only settings of the persona matter,
    and its name; not its id, and nothing of the time at which this runs.
    """
    manner, caller = manner_of(persona), caller_of(seed, number)
    talking = _Talk(manner, caller)
    if manner.echoes:
        talking.echo()
    else:
        talking.greet(persona.get("persona_name", ""))
        exchanges = [caller.exchange(place) for place in range(caller.exchanges)]
        for exchange, following in zip(exchanges, [*exchanges[1:], None], strict=True):
            talking.exchange(exchange, following)
    seen = manner.sees and caller.camera and not manner.echoes
    turns = sorted(talking.turns, key=lambda turn: turn.seconds_from_start)
    return Call(
        turns=tuple(turns),
        seconds=max(_end(turn) for turn in turns) + caller.leaves_after,
        reason=caller.reason,
        analysis=caller.dice("analysis").one(small_talk().analysis) if seen else "",
    )


@dataclass(frozen=True)
class _Over:
    """The replica is talked over: from when on, and for how long."""

    at: float
    lasts: float


class _Talk:
    """A call while it goes on."""

    def __init__(self, manner: Manner, caller: Caller) -> None:
        self.turns: list[Turn] = []
        self._manner = manner
        self._caller = caller
        self._silent_from = assumptions().manners.greets_after
        self._barges_at: float | None = None

    def greet(self, name: str) -> None:
        """Say hello; a greeting cannot be interrupted (docs: changelog, April 2026)."""
        text = greeting(self._caller.dice("greeting"), name)
        self._speak(text, self._silent_from + self._manner.first_sound)

    def echo(self) -> None:
        """Say what was sent, and nothing else; nobody is listened to (docs: echo-mode)."""
        dice = self._caller.dice("echo")
        for text in small_talk().echo[: dice.count(1, len(small_talk().echo))]:
            pause = dice.of(assumptions().manners.between_echoes)
            self._speak(text, self._silent_from + pause + self._manner.first_sound)

    def exchange(self, exchange: Exchange, following: Exchange | None) -> None:
        """Let the caller take a turn, and the replica answer it."""
        begun = self._barges_at
        if begun is None:
            begun = self._after_silence(exchange)
        self._barges_at = None
        left: list[Stretch] = list(exchange.stretches)
        while left:
            begun, left = self._until_answered(begun, left, following)

    def _until_answered(
        self, begun: float, left: list[Stretch], following: Exchange | None
    ) -> tuple[float, list[Stretch]]:
        """Let the caller speak until the replica does; return when they go on, and with what."""
        said, now = [], begun
        for place, stretch in enumerate(left):
            said.append(stretch.text)
            now += stretch.seconds
            rest = left[place + 1 :]
            if not rest:
                break
            starts = self._breaks_in(stretch, now)
            if starts is not None:
                return self._clash(_Clash(begun, said, now, starts, stretch, rest), following)
            now += stretch.pause
        self._hear(begun, now, said)
        self._answer(left[-1], now + self._manner.answers_after(left[-1].luck), following)
        return now, []

    def _breaks_in(self, stretch: Stretch, paused: float) -> float | None:
        """Return when the replica starts after taking a pause for the end, or ``None``.

        Who goes on before it starts is noticed a moment later; only then the two begin together.
        """
        if stretch.pause <= self._manner.believes(stretch.luck):
            return None
        starts = self._free(paused + self._manner.answers_after(stretch.luck, pause=True))
        resumes = paused + stretch.pause
        return starts if starts - assumptions().manners.notices <= resumes else None

    def _clash(self, clash: _Clash, following: Exchange | None) -> tuple[float, list[Stretch]]:
        """The replica has taken a pause for the end: either it gives way, or the caller does."""
        said, ends, again, left = clash.said, clash.paused, clash.resumes, clash.rest
        if clash.starts > clash.resumes:  # both begin: the caller is startled, and stops
            ends = min(clash.starts + clash.stretch.startle, clash.resumes + left[0].seconds)
            last, rest = left[0].broken_off(ends - clash.resumes)
            said = [*said, last]
            left = [rest, *left[1:]] if rest else left[1:]
            again = ends + assumptions().manners.hold
        self._hear(clash.begun, ends, said)
        if not left or not clash.stretch.insists:
            self._answer(clash.stretch, clash.starts, following)
            return again, []
        talks_on = sum(stretch.seconds + stretch.pause for stretch in left)
        self._reply(clash.stretch, clash.starts, _Over(again, talks_on))
        return again, left

    def _answer(self, stretch: Stretch, starts: float, following: Exchange | None) -> None:
        """Answer, unless the caller has listened long enough, and barges in."""
        starts = self._free(starts)
        barges = None
        if following is not None and stretch.listens is not None:
            barges = _Over(starts + stretch.listens, following.seconds)
        ends = self._reply(stretch, starts, barges)
        if barges is not None and barges.at < ends:
            self._barges_at = barges.at

    def _reply(self, stretch: Stretch, starts: float, over: _Over | None) -> float:
        text, noise = self._reply_text(stretch), stretch.noise
        by_noise = None
        if noise is not None and self._manner.hears(noise):
            by_noise = _Over(starts + noise.at * self._seconds_of(text), noise.lasts)
        return self._speak(
            text, starts, over, by_noise, patience=self._manner.falls_silent_after(stretch.luck)
        )

    def _reply_text(self, stretch: Stretch) -> str:
        dice = self._caller.dice(*stretch.reply)
        return sentences(dice, small_talk().assistant, self._manner.words(stretch.luck))

    def _after_silence(self, exchange: Exchange) -> float:
        """Return when the caller speaks; meanwhile noises and idleness may make the replica."""
        due = self._silent_from + exchange.thinks
        if exchange.noise is not None and self._manner.hears(exchange.noise):
            due = self._mistake(exchange, exchange.noise, due)
        speaks_up_after = self._manner.turns.speaks_up_after
        if speaks_up_after is None:
            return due
        for place, nudge in enumerate(exchange.nudges):
            starts = self._silent_from + speaks_up_after
            if starts >= due:
                break
            text = self._caller.dice(*exchange.prompts, place).one(small_talk().idle)
            ends = starts + self._seconds_of(text)
            if nudge.works < assumptions().manners.nudged:
                due = ends + nudge.answers
            due = self._prompt(exchange, text, starts, due)
        return due

    def _mistake(self, exchange: Exchange, noise: Noise, due: float) -> float:
        """Answer a noise, unless the caller speaks first; return when the caller does."""
        luck = exchange.stretches[0].luck
        ended = self._silent_from + noise.at * exchange.thinks + noise.lasts
        starts = ended + self._manner.answers_after(luck)
        if starts >= due:
            return due
        text = self._caller.dice(*exchange.prompts, "unclear").one(small_talk().unclear)
        return self._prompt(exchange, text, starts, due)

    def _prompt(self, exchange: Exchange, text: str, starts: float, due: float) -> float:
        """Say something unasked; return when the caller speaks: at once, or when it is over."""
        ends = starts + self._seconds_of(text)
        if exchange.insists or due >= ends:
            patience = self._manner.falls_silent_after(exchange.stretches[0].luck)
            self._speak(text, starts, _Over(due, exchange.seconds), patience=patience)
            return due
        return self._speak(text, starts) + assumptions().manners.waits

    def _free(self, starts: float) -> float:
        """Return when the replica can start: not while it still speaks."""
        return max(starts, self._silent_from + self._manner.first_sound)

    def _hear(self, begun: float, ended: float, said: list[str]) -> None:
        self.turns.append(_turn("user", " ".join(said), begun, ended))

    def _speak(self, text: str, starts: float, *over: _Over | None, patience: float = 0.0) -> float:
        """Speak; whoever talks over it for longer than ``patience`` makes it stop."""
        whole = starts + self._seconds_of(text)
        stops = [
            voice.at + patience
            for voice in over
            if voice is not None and voice.at < whole and voice.lasts >= patience
        ]
        ends = min([whole, *stops])
        said, _ = cut(text, (ends - starts) / (whole - starts))
        self.turns.append(_turn("assistant", said, starts, ends))
        self._silent_from = ends
        return ends

    def _seconds_of(self, text: str) -> float:
        return len(text.split()) * 60 / self._manner.words_per_minute


@dataclass(frozen=True)
class _Clash:
    """The replica starts although the caller has more to say."""

    begun: float
    said: list[str]
    paused: float
    starts: float
    stretch: Stretch
    rest: list[Stretch]

    @property
    def resumes(self) -> float:
        """Return when the caller would go on."""
        return self.paused + self.stretch.pause


def _turn(role: Role, text: str, begun: float, ended: float) -> Turn:
    start = round(begun, 3)
    return Turn(role, text, start, max(0.001, round(ended - start, 3)))


def _end(turn: Turn) -> float:
    return turn.seconds_from_start + turn.duration
