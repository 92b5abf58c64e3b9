"""The figures of groups of calls, as they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tavus_mcp.app import App
from tavus_mcp.conversations.metrics import FIGURES, Figure, Parts, Talk
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.conversation import Conversation

FEWEST = 10
"""Calls from which an interval or a verdict is given. Tried on made-up calls of which the truth was
known, the intervals of ten calls held it some nine times in ten, those of fewer less often."""
ALPHA = 0.05
"""Corrected p-value below which a difference counts as more than chance."""
TOO_FEW = "too few calls to tell"
MORE = "more than chance"
COULD_BE = "could be chance"
_REASON = 80
"""Characters shown of a reason that is not known."""
_REASONS = 10
"""Reasons that are told one by one."""

EVIDENCE = (
    "n: calls with such data. low and high: 95 % interval, resampling calls, from "
    f"{FEWEST} calls on; none where all calls say the same."
)
CHANCE = (
    "difference: second minus first. p: permutation test over calls, corrected for the number of "
    f"figures; below {ALPHA:g} it is more than chance. Calls were not assigned at random: callers "
    "or topics may differ as well."
)


@dataclass(frozen=True)
class Interval:
    """A figure over so many calls, and the interval that these carry, if they do."""

    calls: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


def samples(figure: Figure, talks: Sequence[Talk]) -> list[Parts]:
    """Return what each call gives to a figure."""
    return [figure.parts(talk) for talk in talks]


def talks_of(calls: Sequence[Conversation]) -> list[Talk]:
    """Return the measures of the calls in which somebody said something."""
    return [Talk.of(call) for call in calls if call.spoken_turns()]


def figured(talks: Sequence[Talk]) -> list[JsonObject]:
    """Return a row for each figure that these calls carry; to be called in a worker thread."""
    from tavus_mcp.conversations import statistics  # here: it imports scipy

    told = [(figure, statistics.measured(figure, samples(figure, talks))) for figure in FIGURES]
    return [
        {"figure": figure.name, **_numbers(found), "n": found.calls, "unit": figure.unit}
        for figure, found in told
        if found.calls
    ]


def compared(first: Sequence[Talk], second: Sequence[Talk]) -> list[JsonObject]:
    """Return a row for each figure with both groups side by side; in a worker thread too."""
    from tavus_mcp.conversations import statistics  # here: it imports scipy

    pairs = [(samples(figure, first), samples(figure, second)) for figure in FIGURES]
    chances = statistics.chances(FIGURES, pairs)
    rows = []
    for figure, pair, chance in zip(FIGURES, pairs, chances, strict=True):
        one, other = (statistics.measured(figure, side) for side in pair)
        if not one.calls and not other.calls:
            continue
        apart = _apart(one.value, other.value)
        row: JsonObject = {"figure": figure.name, "unit": figure.unit}
        row |= _side("first", one) | _side("second", other)
        if apart is not None:
            row["difference"] = apart
        if chance is not None:
            row["p"] = round(chance, 4)
        rows.append(row | {"verdict": _verdict(chance)})
    return rows


def enough(talks: Sequence[Talk]) -> str:
    """Return the verdict on a group by the number of its calls."""
    if len(talks) < FEWEST:
        return TOO_FEW
    return "enough calls for intervals"


def reasons(app: App, calls: Sequence[Conversation]) -> dict[str, int]:
    """Count how calls ended, by the known reason that each begins with."""
    told = Counter(_reason(app, call.shutdown_reason) for call in calls)
    return _most(told)


def perception(app: App, calls: Sequence[Conversation]) -> JsonObject:
    """Count the calls whose images were analysed, and why the others were not."""
    analysed = sum(bool(call.analysis) for call in calls)
    why = Counter(_short(app, call.analysis_failure) for call in calls if not call.analysis)
    missing = why.pop("", 0)
    told = {"analysed": analysed, "unavailable": _most(why), "not_told": missing}
    return {name: count for name, count in told.items() if count}


def _most(told: Counter[str]) -> dict[str, int]:
    """Return the most frequent reasons, and how often all others were told together."""
    shown = dict(told.most_common(_REASONS))
    others = told.total() - sum(shown.values())
    return shown | ({"others": others + shown.get("others", 0)} if others else {})


def _reason(app: App, told: str) -> str:
    known = app.catalog.shutdown_reason(told)
    return known.name if known else _short(app, told) or "not told"


def _short(app: App, told: str) -> str:
    """Return a text of Tavus on one line, secrets masked before it is cut."""
    return " ".join(app.masker.mask_text(told).split())[:_REASON]


def _numbers(found: Interval) -> dict[str, float]:
    told = {"value": found.value, "low": found.low, "high": found.high}
    return {name: _rounded(number) for name, number in told.items() if number is not None}


def _side(name: str, found: Interval) -> JsonObject:
    numbers = _numbers(found)
    value = {name: numbers.pop("value")} if "value" in numbers else {}
    return {
        **value,
        **{f"{name}_{key}": number for key, number in numbers.items()},
        f"{name}_n": found.calls,
    }


def _apart(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else _rounded(second - first)


def _verdict(chance: float | None) -> str:
    if chance is None:
        return TOO_FEW
    return MORE if chance < ALPHA else COULD_BE


def _rounded(number: float) -> float:
    """Return a number to the millisecond; less is within the rounding of the stored times."""
    return round(number, 3) + 0.0
