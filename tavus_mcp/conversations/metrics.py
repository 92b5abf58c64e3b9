"""What is measured of a call (docs: webhooks, the transcript entry; times are in seconds).

Stored records hold no interruption flags and no exact onsets of speech, so interruptions are
inferred from overlaps. A gap is measured between two turns that follow each other, and only behind
a turn that ended last: after a word of assent amid the other's speech nobody waits for an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tavus_mcp.models.conversation import AGENT, USER, Conversation, Turn

LONG_SILENCE = 4.0
"""Seconds without a word from which a silence counts as long."""
OVERLAP = 0.2
"""Seconds by which a turn must begin before the other's end to count as talking over it; less is
within the rounding of the stored times."""

# Scripts that do not put blanks between words: words cannot be counted by them.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@dataclass
class Talk:
    """What one call gives to the figures."""

    gaps: dict[str, list[float]] = field(default_factory=lambda: {USER: [], AGENT: []})
    lasted: dict[str, list[float]] = field(default_factory=lambda: {USER: [], AGENT: []})
    words: dict[str, int] = field(default_factory=lambda: {USER: 0, AGENT: 0})
    worded: dict[str, float] = field(default_factory=lambda: {USER: 0.0, AGENT: 0.0})
    over: dict[str, int] = field(default_factory=lambda: {USER: 0, AGENT: 0})
    silences: int = 0
    turns: int = 0
    untimed: int = 0
    length: float | None = None
    whole: bool = False

    @classmethod
    def of(cls, call: Conversation) -> Talk:
        """Take the measures of a call; what its times do not carry stays empty."""
        spoken = call.spoken_turns()
        talk = cls(turns=len(spoken), untimed=sum(turn.end is None for turn in spoken))
        for turn in spoken:
            talk._add_speech(turn)
        if spoken and all(turn.start is not None for turn in spoken):
            talk._add_order(spoken)
        talk.whole = bool(spoken) and talk.untimed == 0
        if talk.whole:
            talk.length = max(_end(turn) for turn in spoken) - _start(spoken[0])
        return talk

    def _add_speech(self, turn: Turn) -> None:
        if turn.duration is None:
            return
        self.lasted[turn.role].append(turn.duration)
        if turn.duration > 0 and not _UNSPACED.search(turn.content):
            self.words[turn.role] += len(turn.content.split())
            self.worded[turn.role] += turn.duration

    def _add_order(self, spoken: Sequence[Turn]) -> None:
        """Look at each turn and the one before it, in the order of their starts."""
        ends: dict[str, float] = {}
        for before, turn in zip([None, *spoken], spoken, strict=False):
            start = _start(turn)
            if before is not None and before.end is not None:
                latest = max(ends.values())
                if before.role != turn.role and before.end >= latest:
                    self.gaps[turn.role].append(start - before.end)
                self.silences += start - latest >= LONG_SILENCE
            other = ends.get(USER if turn.role == AGENT else AGENT)
            if other is not None and other - start >= OVERLAP:
                self.over[turn.role] += 1
            if turn.end is not None:
                ends[turn.role] = max(turn.end, ends.get(turn.role, turn.end))


Parts = Sequence[float]
"""What a call gives to a figure: its values, or numerator and denominator; empty for nothing."""


@dataclass(frozen=True)
class Figure:
    """One figure over calls: a quantile of the values of all, or a ratio of two sums.

    A ratio is ``scale`` times the sum of the numerators by the sum of the denominators.
    """

    name: str
    unit: str
    parts: Callable[[Talk], Parts]
    quantile: float | None = None
    scale: float = 1.0


def _gaps(role: str) -> Callable[[Talk], Parts]:
    return lambda talk: talk.gaps[role]


def _share(talk: Talk) -> Parts:
    agent, user = sum(talk.lasted[AGENT]), sum(talk.lasted[USER])
    return (agent, agent + user) if agent + user > 0 else ()


def _mean_turn(role: str) -> Callable[[Talk], Parts]:
    return lambda talk: (
        (sum(talk.lasted[role]), len(talk.lasted[role])) if talk.lasted[role] else ()
    )


def _longest_turn(role: str) -> Callable[[Talk], Parts]:
    return lambda talk: (max(talk.lasted[role]),) if talk.lasted[role] else ()


def _pace(role: str) -> Callable[[Talk], Parts]:
    return lambda talk: (talk.words[role], talk.worded[role] / 60) if talk.worded[role] else ()


def _over(role: str) -> Callable[[Talk], Parts]:
    return lambda talk: (talk.over[role], talk.turns) if talk.whole else ()


def _silences(talk: Talk) -> Parts:
    return (talk.silences, 1) if talk.whole else ()


def _length(talk: Talk) -> Parts:
    return (talk.length,) if talk.length is not None else ()


FIGURES = (
    Figure("response_gap_median", "s", _gaps(AGENT), 0.5),
    Figure("response_gap_p90", "s", _gaps(AGENT), 0.9),
    Figure("user_gap_median", "s", _gaps(USER), 0.5),
    Figure("talk_ratio", "agent's share", _share),
    Figure("agent_turn_mean", "s", _mean_turn(AGENT)),
    Figure("agent_turn_longest", "s", _longest_turn(AGENT), 0.5),
    Figure("user_turn_mean", "s", _mean_turn(USER)),
    Figure("user_turn_longest", "s", _longest_turn(USER), 0.5),
    Figure("agent_words_per_minute", "words/min", _pace(AGENT)),
    Figure("user_words_per_minute", "words/min", _pace(USER)),
    Figure("long_silences", "per call", _silences),
    Figure("agent_over_user", "per 100 turns", _over(AGENT), scale=100),
    Figure("user_over_agent", "per 100 turns", _over(USER), scale=100),
    Figure("call_length", "s", _length, 0.5),
)
"""Every figure, in the order shown. A longest turn and a length are those of the middle call."""

READING = (
    "Gaps: response = user's end to agent's start, user = the other way; negative: began before "
    f"the other ended. Long silence: {LONG_SILENCE:g} s or more. Interruptions are inferred from "
    f"overlaps of {OVERLAP:g} s or more. call_length: first turn to last."
)
"""How the figures are to be read; goes with every answer that shows some."""


def _start(turn: Turn) -> float:
    return turn.start if turn.start is not None else 0.0


def _end(turn: Turn) -> float:
    return turn.end if turn.end is not None else 0.0
