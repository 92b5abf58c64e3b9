"""The metrics of turn-taking (docs: webhooks, the transcript entry; times are in seconds).

Stored records hold no interruption flags and no exact onsets of speech, so interruptions are
inferred from overlaps. A gap is measured between two consecutive turns, and only after a turn that
ended last: after a word of assent during the other's speech, nobody waits for an answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tavus_mcp.models.conversation import AGENT, USER, Conversation, Turn

LONG_SILENCE_SECONDS = 4.0
"""Shortest silence that counts as long."""
MIN_OVERLAP_SECONDS = 0.2
"""Shortest overlap of two turns that counts as an interruption; less is within the rounding of the
stored times."""
MIN_CONVERSATIONS = 10
"""Fewest conversations for an interval or a verdict. On simulated conversations with known metrics,
the intervals of ten held the true value about nine times in ten, those of fewer less often."""

# Scripts without spaces between words: their words cannot be counted.
_UNSPACED_SCRIPTS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"
)


@dataclass
class TurnStatistics:
    """The measurements of one conversation: seconds and counts, by role."""

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
        """Measure a conversation; what its turns hold no times for stays empty."""
        turns = conversation.spoken_turns()
        measured = cls(turn_count=len(turns), untimed_count=sum(turn.end is None for turn in turns))
        for turn in turns:
            measured._add_speech(turn)
        if turns and all(turn.start is not None for turn in turns):
            measured._add_transitions(turns)
        measured.is_fully_timed = bool(turns) and measured.untimed_count == 0
        if measured.is_fully_timed:
            measured.total_seconds = max(_end(turn) for turn in turns) - _start(turns[0])
        return measured

    def _add_speech(self, turn: Turn) -> None:
        if turn.duration is None:
            return
        self.turn_durations[turn.role].append(turn.duration)
        if turn.duration > 0 and not _UNSPACED_SCRIPTS.search(turn.content):
            self.word_counts[turn.role] += len(turn.content.split())
            self.counted_seconds[turn.role] += turn.duration

    def _add_transitions(self, turns: Sequence[Turn]) -> None:
        """Measure gaps, silences and overlaps of consecutive turns, ordered by their starts."""
        last_ends: dict[str, float] = {}
        for previous, turn in zip([None, *turns], turns, strict=False):
            start = _start(turn)
            if previous is not None and previous.end is not None:
                last_end = max(last_ends.values())
                if previous.role != turn.role and previous.end >= last_end:
                    self.gaps[turn.role].append(start - previous.end)
                self.long_silence_count += start - last_end >= LONG_SILENCE_SECONDS
            interrupted_end = last_ends.get(USER if turn.role == AGENT else AGENT)
            if interrupted_end is not None and interrupted_end - start >= MIN_OVERLAP_SECONDS:
                self.overlap_counts[turn.role] += 1
            if turn.end is not None:
                last_ends[turn.role] = max(turn.end, last_ends.get(turn.role, turn.end))


Sample = Sequence[float]
"""The contribution of one conversation to a metric: its values, or numerator and denominator."""


@dataclass(frozen=True)
class Estimate:
    """A metric over some conversations, with its interval where one can be given."""

    conversation_count: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Metric:
    """A metric over conversations: a quantile of the values of all, or a ratio of two sums.

    A ratio is ``scale`` times the sum of the numerators by the sum of the denominators.
    ``extract_sample`` returns an empty sample for a conversation without such data.
    """

    name: str
    unit: str
    extract_sample: Callable[[TurnStatistics], Sample]
    quantile: float | None = None
    scale: float = 1.0

    def samples(self, turn_statistics: Iterable[TurnStatistics]) -> list[Sample]:
        """Return the samples of the conversations that have such data."""
        return [sample for sample in map(self.extract_sample, turn_statistics) if sample]

    def estimate(self, samples: Sequence[Sample]) -> Estimate:
        """Return the value of the metric over some samples, without an interval."""
        if not samples:
            return Estimate(0)
        if self.quantile is None:
            numerator, denominator = (sum(column) for column in zip(*samples, strict=True))
            return Estimate(len(samples), self.scale * numerator / denominator)
        values = sorted(value for sample in samples for value in sample)
        position = self.quantile * (len(values) - 1)
        below, above = values[math.floor(position)], values[math.ceil(position)]
        return Estimate(len(samples), below + (above - below) * (position % 1))


def _gaps(role: str) -> Callable[[TurnStatistics], Sample]:
    return lambda measured: measured.gaps[role]


def _agent_share(measured: TurnStatistics) -> Sample:
    agent, user = (sum(measured.turn_durations[role]) for role in (AGENT, USER))
    return (agent, agent + user) if agent + user > 0 else ()


def _mean_turn(role: str) -> Callable[[TurnStatistics], Sample]:
    def extract_sample(measured: TurnStatistics) -> Sample:
        durations = measured.turn_durations[role]
        return (sum(durations), len(durations)) if durations else ()

    return extract_sample


def _longest_turn(role: str) -> Callable[[TurnStatistics], Sample]:
    def extract_sample(measured: TurnStatistics) -> Sample:
        durations = measured.turn_durations[role]
        return (max(durations),) if durations else ()

    return extract_sample


def _words_per_minute(role: str) -> Callable[[TurnStatistics], Sample]:
    def extract_sample(measured: TurnStatistics) -> Sample:
        minutes = measured.counted_seconds[role] / 60
        return (measured.word_counts[role], minutes) if minutes else ()

    return extract_sample


def _overlaps(role: str) -> Callable[[TurnStatistics], Sample]:
    def extract_sample(measured: TurnStatistics) -> Sample:
        counts = (measured.overlap_counts[role], measured.turn_count)
        return counts if measured.is_fully_timed else ()

    return extract_sample


def _silences(measured: TurnStatistics) -> Sample:
    return (measured.long_silence_count, 1) if measured.is_fully_timed else ()


def _total_seconds(measured: TurnStatistics) -> Sample:
    return (measured.total_seconds,) if measured.total_seconds is not None else ()


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
"""Every metric, in the order of reports. Longest turns and call length are medians over calls."""

METRICS_NOTE = (
    "Gaps: response = user's end to agent's start, user = the other way; negative: began before "
    f"the other ended. Long silence: {LONG_SILENCE_SECONDS:g} s or more. Interruptions are "
    f"inferred from overlaps of {MIN_OVERLAP_SECONDS:g} s or more. call_length: first turn to last."
)
"""How to read the metrics; part of every result that has some."""


def _start(turn: Turn) -> float:
    return turn.start if turn.start is not None else 0.0


def _end(turn: Turn) -> float:
    return turn.end if turn.end is not None else 0.0
