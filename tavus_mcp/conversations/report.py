"""The figures of groups of calls, as they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tavus_mcp.app import App
from tavus_mcp.conversations.metrics import METRICS, Metric, Sample, TurnStatistics
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.conversation import Conversation

MIN_CONVERSATIONS = 10
"""Calls from which an interval or a verdict is given. Tried on made-up calls of which the truth was
known, the intervals of ten calls held it some nine times in ten, those of fewer less often."""
ALPHA = 0.05
"""Corrected p-value below which a difference counts as more than chance."""
TOO_FEW = "too few calls to tell"
SIGNIFICANT = "more than chance"
NOT_SIGNIFICANT = "could be chance"
_MAX_REASON_CHARS = 80
"""Characters shown of a reason that is not known."""
_MAX_REASONS = 10
"""Reasons that are told one by one."""

INTERVALS_NOTE = (
    "n: calls with such data. low and high: 95 % interval, resampling calls, from "
    f"{MIN_CONVERSATIONS} calls on; none where all calls say the same."
)
COMPARISON_NOTE = (
    "difference: second minus first. p: permutation test over calls, corrected for the number of "
    f"figures; below {ALPHA:g} it is more than chance. Calls were not assigned at random: callers "
    "or topics may differ as well."
)


@dataclass(frozen=True)
class Interval:
    """A figure over so many calls, and the interval that these carry, if they do."""

    conversation_count: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


def extract_samples(metric: Metric, turn_statistics: Sequence[TurnStatistics]) -> list[Sample]:
    """Return what each call gives to a figure."""
    return [metric.extract_sample(talk) for talk in turn_statistics]


def collect_turn_statistics(conversations: Sequence[Conversation]) -> list[TurnStatistics]:
    """Return the measures of the calls in which somebody said something."""
    return [TurnStatistics.from_conversation(call) for call in conversations if call.spoken_turns()]


def metric_rows(turn_statistics: Sequence[TurnStatistics]) -> list[JsonObject]:
    """Return a row for each figure that these calls carry; to be called in a worker thread."""
    from tavus_mcp.conversations import statistics  # here: it imports scipy

    told = [
        (figure, statistics.with_interval(figure, extract_samples(figure, turn_statistics)))
        for figure in METRICS
    ]
    return [
        {
            "figure": figure.name,
            **_interval_fields(found),
            "n": found.conversation_count,
            "unit": figure.unit,
        }
        for figure, found in told
        if found.conversation_count
    ]


def comparison_rows(
    first: Sequence[TurnStatistics], second: Sequence[TurnStatistics]
) -> list[JsonObject]:
    """Return a row for each figure with both groups side by side; in a worker thread too."""
    from tavus_mcp.conversations import statistics  # here: it imports scipy

    pairs = [
        (extract_samples(figure, first), extract_samples(figure, second)) for figure in METRICS
    ]
    chances = statistics.adjusted_p_values(METRICS, pairs)
    rows = []
    for figure, pair, chance in zip(METRICS, pairs, chances, strict=True):
        one, other = (statistics.with_interval(figure, side) for side in pair)
        if not one.conversation_count and not other.conversation_count:
            continue
        apart = _difference(one.value, other.value)
        row: JsonObject = {"figure": figure.name, "unit": figure.unit}
        row |= _side_fields("first", one) | _side_fields("second", other)
        if apart is not None:
            row["difference"] = apart
        if chance is not None:
            row["p"] = round(chance, 4)
        rows.append(row | {"verdict": _verdict(chance)})
    return rows


def sample_verdict(turn_statistics: Sequence[TurnStatistics]) -> str:
    """Return the verdict on a group by the number of its calls."""
    if len(turn_statistics) < MIN_CONVERSATIONS:
        return TOO_FEW
    return "enough calls for intervals"


def count_shutdown_reasons(app: App, conversations: Sequence[Conversation]) -> dict[str, int]:
    """Count how calls ended, by the known reason that each begins with."""
    told = Counter(_reason_name(app, call.shutdown_reason) for call in conversations)
    return _top_reasons(told)


def count_perception(app: App, conversations: Sequence[Conversation]) -> JsonObject:
    """Count the calls whose images were analysed, and why the others were not."""
    analysed = sum(bool(call.analysis) for call in conversations)
    why = Counter(
        _reason_text(app, call.analysis_failure) for call in conversations if not call.analysis
    )
    missing = why.pop("", 0)
    told = {"analysed": analysed, "unavailable": _top_reasons(why), "not_told": missing}
    return {name: count for name, count in told.items() if count}


def _top_reasons(counts: Counter[str]) -> dict[str, int]:
    """Return the most frequent reasons, and how often all others were told together."""
    shown = dict(counts.most_common(_MAX_REASONS))
    others = counts.total() - sum(shown.values())
    return shown | ({"others": others + shown.get("others", 0)} if others else {})


def _reason_name(app: App, text: str) -> str:
    known = app.catalog.shutdown_reason(text)
    return known.name if known else _reason_text(app, text) or "not told"


def _reason_text(app: App, text: str) -> str:
    """Return a text of Tavus on one line, secrets masked before it is cut."""
    return " ".join(app.masker.mask_text(text).split())[:_MAX_REASON_CHARS]


def _interval_fields(interval: Interval) -> dict[str, float]:
    told = {"value": interval.value, "low": interval.low, "high": interval.high}
    return {name: _round_to_millis(number) for name, number in told.items() if number is not None}


def _side_fields(name: str, interval: Interval) -> JsonObject:
    numbers = _interval_fields(interval)
    value = {name: numbers.pop("value")} if "value" in numbers else {}
    return {
        **value,
        **{f"{name}_{key}": number for key, number in numbers.items()},
        f"{name}_n": interval.conversation_count,
    }


def _difference(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else _round_to_millis(second - first)


def _verdict(p_value: float | None) -> str:
    if p_value is None:
        return TOO_FEW
    return SIGNIFICANT if p_value < ALPHA else NOT_SIGNIFICANT


def _round_to_millis(number: float) -> float:
    """Return a number to the millisecond; less is within the rounding of the stored times."""
    return round(number, 3) + 0.0
