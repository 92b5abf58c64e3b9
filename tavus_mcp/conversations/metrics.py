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

LONG_SILENCE_SECONDS = 4.0
"""Seconds without a word from which a silence counts as long."""
MIN_OVERLAP_SECONDS = 0.2
"""Seconds by which a turn must begin before the other's end to count as talking over it; less is
within the rounding of the stored times."""

# Scripts that do not put blanks between words: words cannot be counted by them.
_UNSPACED_SCRIPTS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"
)


@dataclass
class TurnStatistics:
    """What one call gives to the figures."""

    gaps: dict[str, list[float]] = field(default_factory=lambda: {USER: [], AGENT: []})
    turn_durations: dict[str, list[float]] = field(default_factory=lambda: {USER: [], AGENT: []})
    word_counts: dict[str, int] = field(default_factory=lambda: {USER: 0, AGENT: 0})
    counted_seconds: dict[str, float] = field(default_factory=lambda: {USER: 0.0, AGENT: 0.0})
    overlap_counts: dict[str, int] = field(default_factory=lambda: {USER: 0, AGENT: 0})
    long_silence_count: int = 0
    turn_count: int = 0
    untimed_count: int = 0
    total_seconds: float | None = None
    is_fully_timed: bool = False

    @classmethod
    def from_conversation(cls, conversation: Conversation) -> TurnStatistics:
        """Take the measures of a call; what its times do not carry stays empty."""
        spoken = conversation.spoken_turns()
        talk = cls(turn_count=len(spoken), untimed_count=sum(turn.end is None for turn in spoken))
        for turn in spoken:
            talk._add_speech(turn)
        if spoken and all(turn.start is not None for turn in spoken):
            talk._add_transitions(spoken)
        talk.is_fully_timed = bool(spoken) and talk.untimed_count == 0
        if talk.is_fully_timed:
            talk.total_seconds = max(_end(turn) for turn in spoken) - _start(spoken[0])
        return talk

    def _add_speech(self, turn: Turn) -> None:
        if turn.duration is None:
            return
        self.turn_durations[turn.role].append(turn.duration)
        if turn.duration > 0 and not _UNSPACED_SCRIPTS.search(turn.content):
            self.word_counts[turn.role] += len(turn.content.split())
            self.counted_seconds[turn.role] += turn.duration

    def _add_transitions(self, turns: Sequence[Turn]) -> None:
        """Look at each turn and the one before it, in the order of their starts."""
        ends: dict[str, float] = {}
        for before, turn in zip([None, *turns], turns, strict=False):
            start = _start(turn)
            if before is not None and before.end is not None:
                latest = max(ends.values())
                if before.role != turn.role and before.end >= latest:
                    self.gaps[turn.role].append(start - before.end)
                self.long_silence_count += start - latest >= LONG_SILENCE_SECONDS
            other = ends.get(USER if turn.role == AGENT else AGENT)
            if other is not None and other - start >= MIN_OVERLAP_SECONDS:
                self.overlap_counts[turn.role] += 1
            if turn.end is not None:
                ends[turn.role] = max(turn.end, ends.get(turn.role, turn.end))


Sample = Sequence[float]
"""What a call gives to a figure: its values, or numerator and denominator; empty for nothing."""


@dataclass(frozen=True)
class Metric:
    """One figure over calls: a quantile of the values of all, or a ratio of two sums.

    A ratio is ``scale`` times the sum of the numerators by the sum of the denominators.
    """

    name: str
    unit: str
    extract_sample: Callable[[TurnStatistics], Sample]
    quantile: float | None = None
    scale: float = 1.0


def _gaps(role: str) -> Callable[[TurnStatistics], Sample]:
    return lambda talk: talk.gaps[role]


def _agent_share(turn_statistics: TurnStatistics) -> Sample:
    agent, user = (
        sum(turn_statistics.turn_durations[AGENT]),
        sum(turn_statistics.turn_durations[USER]),
    )
    return (agent, agent + user) if agent + user > 0 else ()


def _mean_turn(role: str) -> Callable[[TurnStatistics], Sample]:
    return lambda talk: (
        (sum(talk.turn_durations[role]), len(talk.turn_durations[role]))
        if talk.turn_durations[role]
        else ()
    )


def _longest_turn(role: str) -> Callable[[TurnStatistics], Sample]:
    return lambda talk: (max(talk.turn_durations[role]),) if talk.turn_durations[role] else ()


def _words_per_minute(role: str) -> Callable[[TurnStatistics], Sample]:
    return lambda talk: (
        (talk.word_counts[role], talk.counted_seconds[role] / 60)
        if talk.counted_seconds[role]
        else ()
    )


def _overlaps(role: str) -> Callable[[TurnStatistics], Sample]:
    return lambda talk: (talk.overlap_counts[role], talk.turn_count) if talk.is_fully_timed else ()


def _silences(turn_statistics: TurnStatistics) -> Sample:
    return (turn_statistics.long_silence_count, 1) if turn_statistics.is_fully_timed else ()


def _total_seconds(turn_statistics: TurnStatistics) -> Sample:
    return (turn_statistics.total_seconds,) if turn_statistics.total_seconds is not None else ()


METRICS = (
    Metric("response_gap_median", "s", _gaps(AGENT), 0.5),
    Metric("response_gap_p90", "s", _gaps(AGENT), 0.9),
    Metric("user_gap_median", "s", _gaps(USER), 0.5),
    Metric("talk_ratio", "agent's share", _agent_share),
    Metric("agent_turn_mean", "s", _mean_turn(AGENT)),
    Metric("agent_turn_longest", "s", _longest_turn(AGENT), 0.5),
    Metric("user_turn_mean", "s", _mean_turn(USER)),
    Metric("user_turn_longest", "s", _longest_turn(USER), 0.5),
    Metric("agent_words_per_minute", "words/min", _words_per_minute(AGENT)),
    Metric("user_words_per_minute", "words/min", _words_per_minute(USER)),
    Metric("long_silences", "per call", _silences),
    Metric("agent_over_user", "per 100 turns", _overlaps(AGENT), scale=100),
    Metric("user_over_agent", "per 100 turns", _overlaps(USER), scale=100),
    Metric("call_length", "s", _total_seconds, 0.5),
)
"""Every figure, in the order shown. A longest turn and a length are those of the middle call."""

METRICS_NOTE = (
    "Gaps: response = user's end to agent's start, user = the other way; negative: began before "
    f"the other ended. Long silence: {LONG_SILENCE_SECONDS:g} s or more. Interruptions are "
    f"inferred from "
    f"overlaps of {MIN_OVERLAP_SECONDS:g} s or more. call_length: first turn to last."
)
"""How the figures are to be read; goes with every answer that shows some."""


def _start(turn: Turn) -> float:
    return turn.start if turn.start is not None else 0.0


def _end(turn: Turn) -> float:
    return turn.end if turn.end is not None else 0.0
