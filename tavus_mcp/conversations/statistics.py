"""What figures over calls can be trusted for: intervals, and tests between two groups.

The unit of evidence is the call: the turns of one call are not independent, so calls are what is
resampled (a cluster bootstrap) and what is exchanged between groups (a permutation test), and each
figure is worked out anew from whole calls. Seeds are fixed, so the same calls give the same answer.

Imported only in a worker thread, by a call that measures: scipy takes some two seconds to import.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from tavus_mcp.conversations.metrics import Figure, Parts
from tavus_mcp.conversations.report import FEWEST, Interval

Array = np.ndarray[Any, np.dtype[Any]]
LEVEL = 0.95
RESAMPLES = 1_999
EXCHANGES = 4_999
"""Enough for the smallest p-value to outlast the correction for all figures."""
_SEED = 20_261_122
_BATCH, _CELLS = 256, 4_000_000
"""Resamples held in memory at a time, and values of all of them together."""


class Pool:
    """The calls that give something to a figure, to be drawn from by their numbers."""

    def __init__(self, figure: Figure, samples: Sequence[Parts]) -> None:
        self._figure = figure
        self._calls = len(samples)
        flat = np.array([value for parts in samples for value in parts], dtype=float)
        owners = np.repeat(np.arange(len(samples)), [len(parts) for parts in samples])
        order = np.argsort(flat, kind="stable")
        self._pairs = flat.reshape(-1, 2) if figure.quantile is None else flat
        self._values, self._owners = flat[order], owners[order]
        self.batch = max(1, min(_BATCH, _CELLS // flat.size))

    def at(self, chosen: Array, axis: int = -1) -> Array:
        """Return the figure over the calls of these numbers, along the last axis."""
        chosen = np.asarray(chosen).astype(int)
        if self._figure.quantile is not None:
            rows = self._quantiles(chosen.reshape(-1, chosen.shape[-1]), self._figure.quantile)
            return rows.reshape(chosen.shape[:-1])
        sums = self._pairs[chosen].sum(axis=-2)
        return np.asarray(self._figure.scale * sums[..., 0] / sums[..., 1])

    def _quantiles(self, chosen: Array, quantile: float) -> Array:
        """Return a quantile for each row of calls, each value counted as often as its call."""
        rows = np.arange(len(chosen))[:, None]
        drawn = np.bincount(
            (rows * self._calls + chosen).ravel(), minlength=rows.size * self._calls
        )
        times = drawn.astype(np.int32).reshape(rows.size, self._calls).take(self._owners, axis=1)
        passed = times.cumsum(axis=1, dtype=np.int32)
        place = quantile * (passed[:, -1:] - 1)
        below, above = (
            self._values[(passed > side(place).astype(np.int32)).argmax(axis=1)]
            for side in (np.floor, np.ceil)
        )
        return np.asarray(below + (above - below) * (place - np.floor(place))[:, 0])


def measured(figure: Figure, samples: Sequence[Parts]) -> Interval:
    """Return a figure over calls with its interval; none where the calls do not carry one."""
    given = [parts for parts in samples if parts]
    if not given:
        return Interval(0)
    pool, calls = Pool(figure, given), np.arange(len(given))
    value = float(pool.at(calls))
    low, high = _interval(pool, calls) if len(given) >= FEWEST else (None, None)
    return Interval(len(given), value, low, high)


def chances(
    figures: Sequence[Figure], pairs: Sequence[tuple[list[Parts], list[Parts]]]
) -> list[float | None]:
    """Return, for each figure, how likely chance alone sets two groups as far apart as they are.

    A permutation test over calls, then Benjamini and Yekutieli's correction over the figures, which
    holds however they depend on one another. None where a group has too few calls.
    """
    raw = [_chance(figure, *pair) for figure, pair in zip(figures, pairs, strict=True)]
    tested = [p for p in raw if p is not None]
    fitted = iter(stats.false_discovery_control(tested, method="by") if tested else ())
    return [None if p is None else float(next(fitted)) for p in raw]


def _chance(figure: Figure, first: list[Parts], second: list[Parts]) -> float | None:
    one, other = ([parts for parts in side if parts] for side in (first, second))
    if min(len(one), len(other)) < FEWEST:
        return None
    pool, calls = Pool(figure, [*one, *other]), np.arange(len(one) + len(other))

    def apart(here: Array, there: Array, axis: int) -> Array:
        return pool.at(here) - pool.at(there)

    found = stats.permutation_test(
        (calls[: len(one)], calls[len(one) :]),
        apart,
        vectorized=True,
        n_resamples=EXCHANGES,
        batch=pool.batch,
        rng=np.random.default_rng(_SEED),
    )
    return float(found.pvalue)


def _interval(pool: Pool, calls: Array) -> tuple[float | None, float | None]:
    """Return the expanded percentile interval of the bootstrap over calls.

    Percentiles of few calls are too narrow; they are widened as Student's t is (Hesterberg 2015).
    Calls that all say the same carry no interval: none of them shows how far others may lie.
    """
    count = len(calls)
    wide = stats.t.ppf((1 + LEVEL) / 2, count - 1) * math.sqrt(count / (count - 1))
    found = stats.bootstrap(
        (calls,),
        pool.at,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=pool.batch,
        method="percentile",
        confidence_level=1 - 2 * stats.norm.sf(wide),
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    low, high = float(found.low), float(found.high)
    return (
        (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else (None, None)
    )
