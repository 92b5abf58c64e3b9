"""Result rows with the metrics of groups of conversations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

from tavus_mcp.app import App
from tavus_mcp.conversations.metrics import (
    METRICS,
    MIN_CONVERSATIONS,
    Estimate,
    Metric,
    Sample,
    TurnStatistics,
)
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.conversation import Conversation

ALPHA = 0.05
"""Adjusted p-value below which a difference is significant."""
TOO_FEW = "too few calls to tell"
SIGNIFICANT = "more than chance"
NOT_SIGNIFICANT = "could be chance"
NOT_TESTED = "not tested"
_MAX_REASON_CHARS = 80
"""Length at which an unknown reason is cut."""
_MAX_REASONS = 10
"""Most reasons that are counted separately."""

INTERVALS_NOTE = (
    "n: calls with such data. low and high: 95 % interval, resampling calls, from "
    f"{MIN_CONVERSATIONS} calls on; none where all calls have the same value."
)
COMPARISON_NOTE = (
    "difference: second minus first. p: permutation test over calls, corrected for the number of "
    f"figures; below {ALPHA:g} it is more than chance. Calls were not assigned at random: callers "
    "or topics may differ as well."
)
NO_STATISTICS_NOTE = (
    "No intervals and no test of significance, because scipy is not installed: install this server "
    "with its extra 'statistics' (with uvx: --with scipy) and restart it."
)


@cache
def has_statistics() -> bool:
    """Return True if the extra ``statistics`` is installed.

    Imports it the first time, which takes seconds: call it in a worker thread.
    """
    try:
        from tavus_mcp.conversations import statistics  # noqa: F401 - whether it works is asked
    except ImportError:
        return False
    return True


def intervals_note() -> str:
    """Return how to read the intervals, or how to get some."""
    return INTERVALS_NOTE if has_statistics() else NO_STATISTICS_NOTE


def comparison_note() -> str:
    """Return how to read a comparison, or how to get tests of significance."""
    return f"{INTERVALS_NOTE} {COMPARISON_NOTE}" if has_statistics() else NO_STATISTICS_NOTE


def collect_turn_statistics(conversations: Sequence[Conversation]) -> list[TurnStatistics]:
    """Return the measurements of the conversations that have spoken turns."""
    return [
        TurnStatistics.from_conversation(conversation)
        for conversation in conversations
        if conversation.spoken_turns()
    ]


def metric_rows(turn_statistics: Sequence[TurnStatistics]) -> list[JsonObject]:
    """Return a row for each metric with data; call it in a worker thread."""
    estimates = [(metric, _estimate(metric, metric.samples(turn_statistics))) for metric in METRICS]
    return [
        {
            "figure": metric.name,
            **_estimate_fields(estimate),
            "n": estimate.conversation_count,
            "unit": metric.unit,
        }
        for metric, estimate in estimates
        if estimate.conversation_count
    ]


def comparison_rows(
    first: Sequence[TurnStatistics], second: Sequence[TurnStatistics]
) -> list[JsonObject]:
    """Return a row for each metric with both groups side by side; call it in a worker thread."""
    pairs = [(metric.samples(first), metric.samples(second)) for metric in METRICS]
    rows = []
    for metric, pair, p_value in zip(METRICS, pairs, _p_values(pairs), strict=True):
        left, right = (_estimate(metric, samples) for samples in pair)
        if not left.conversation_count and not right.conversation_count:
            continue
        row: JsonObject = {"figure": metric.name, "unit": metric.unit}
        row |= _side_fields("first", left) | _side_fields("second", right)
        if left.value is not None and right.value is not None:
            row["difference"] = _round_to_millis(right.value - left.value)
        if p_value is not None:
            row["p"] = round(p_value, 4)
        smaller_count = min(left.conversation_count, right.conversation_count)
        rows.append(row | {"verdict": _verdict(smaller_count, p_value)})
    return rows


def sample_verdict(turn_statistics: Sequence[TurnStatistics]) -> str:
    """Return the verdict on a group by the number of its conversations."""
    if len(turn_statistics) < MIN_CONVERSATIONS:
        return TOO_FEW
    return "enough calls for intervals"


def count_shutdown_reasons(app: App, conversations: Sequence[Conversation]) -> dict[str, int]:
    """Count how conversations ended, by the known reason with which each stored one begins."""
    return _top_reasons(
        Counter(_reason_name(app, conversation.shutdown_reason) for conversation in conversations)
    )


def count_perception(app: App, conversations: Sequence[Conversation]) -> JsonObject:
    """Count the conversations whose images were analysed, and why the others were not."""
    analysed = sum(bool(conversation.analysis) for conversation in conversations)
    reasons = Counter(
        _reason_text(app, conversation.analysis_failure)
        for conversation in conversations
        if not conversation.analysis
    )
    unexplained = reasons.pop("", 0)
    counts = {
        "analysed": analysed,
        "unavailable": _top_reasons(reasons),
        "not_told": unexplained,
    }
    return {name: count for name, count in counts.items() if count}


def _estimate(metric: Metric, samples: Sequence[Sample]) -> Estimate:
    if not has_statistics():
        return metric.estimate(samples)
    from tavus_mcp.conversations import statistics  # here: it imports scipy

    return statistics.with_interval(metric, samples)


def _p_values(sample_pairs: Sequence[tuple[list[Sample], list[Sample]]]) -> list[float | None]:
    if not has_statistics():
        return [None] * len(sample_pairs)
    from tavus_mcp.conversations import statistics  # here: it imports scipy

    return statistics.adjusted_p_values(METRICS, sample_pairs)


def _verdict(smaller_count: int, p_value: float | None) -> str:
    """Return the verdict on a difference; ``smaller_count`` is the size of the smaller group."""
    if smaller_count < MIN_CONVERSATIONS:
        return TOO_FEW
    if p_value is None:
        return NOT_TESTED
    return SIGNIFICANT if p_value < ALPHA else NOT_SIGNIFICANT


def _top_reasons(counts: Counter[str]) -> dict[str, int]:
    """Return the most frequent reasons, and the sum of all others."""
    top = dict(counts.most_common(_MAX_REASONS))
    others = counts.total() - sum(top.values())
    return top | ({"others": others + top.get("others", 0)} if others else {})


def _reason_name(app: App, text: str) -> str:
    reason = app.catalog.shutdown_reason(text)
    return reason.name if reason else _reason_text(app, text) or "not known"


def _reason_text(app: App, text: str) -> str:
    """Return a text of Tavus on one line, with secrets masked before it is cut."""
    return " ".join(app.masker.mask_text(text).split())[:_MAX_REASON_CHARS]


def _estimate_fields(estimate: Estimate) -> dict[str, float]:
    numbers = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {
        name: _round_to_millis(number) for name, number in numbers.items() if number is not None
    }


def _side_fields(side: str, estimate: Estimate) -> JsonObject:
    numbers = _estimate_fields(estimate)
    value = {side: numbers.pop("value")} if "value" in numbers else {}
    return {
        **value,
        **{f"{side}_{name}": number for name, number in numbers.items()},
        f"{side}_n": estimate.conversation_count,
    }


def _round_to_millis(number: float) -> float:
    """Return a number to the millisecond; less is within the rounding of the stored times."""
    return round(number, 3) + 0.0
