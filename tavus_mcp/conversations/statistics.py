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

from tavus_mcp.conversations.metrics import Metric, Sample
from tavus_mcp.conversations.report import MIN_CONVERSATIONS, Interval

Array = np.ndarray[Any, np.dtype[Any]]
CONFIDENCE_LEVEL = 0.95
RESAMPLES = 1_999
PERMUTATIONS = 4_999
"""Enough for the smallest p-value to outlast the correction for all figures."""
_SEED = 20_261_122
_MAX_BATCH_RESAMPLES, _MAX_BATCH_VALUES = 256, 4_000_000
"""Resamples held in memory at a time, and values of all of them together."""


class _Resampler:
    """The calls that give something to a figure, to be drawn from by their numbers."""

    def __init__(self, metric: Metric, samples: Sequence[Sample]) -> None:
        self._metric = metric
        self._conversation_count = len(samples)
        flat = np.array([value for parts in samples for value in parts], dtype=float)
        owners = np.repeat(np.arange(len(samples)), [len(parts) for parts in samples])
        order = np.argsort(flat, kind="stable")
        self._pairs = flat.reshape(-1, 2) if metric.quantile is None else flat
        self._values, self._owners = flat[order], owners[order]
        self.batch_size = max(1, min(_MAX_BATCH_RESAMPLES, _MAX_BATCH_VALUES // flat.size))

    def compute(self, indices: Array, axis: int = -1) -> Array:
        """Return the figure over the calls of these numbers, along the last axis."""
        indices = np.asarray(indices).astype(int)
        if self._metric.quantile is not None:
            rows = self._quantiles(indices.reshape(-1, indices.shape[-1]), self._metric.quantile)
            return rows.reshape(indices.shape[:-1])
        sums = self._pairs[indices].sum(axis=-2)
        return np.asarray(self._metric.scale * sums[..., 0] / sums[..., 1])

    def _quantiles(self, indices: Array, quantile: float) -> Array:
        """Return a quantile for each row of calls, each value counted as often as its call."""
        rows = np.arange(len(indices))[:, None]
        drawn = np.bincount(
            (rows * self._conversation_count + indices).ravel(),
            minlength=rows.size * self._conversation_count,
        )
        times = (
            drawn.astype(np.int32)
            .reshape(rows.size, self._conversation_count)
            .take(self._owners, axis=1)
        )
        passed = times.cumsum(axis=1, dtype=np.int32)
        place = quantile * (passed[:, -1:] - 1)
        below, above = (
            self._values[(passed > side(place).astype(np.int32)).argmax(axis=1)]
            for side in (np.floor, np.ceil)
        )
        return np.asarray(below + (above - below) * (place - np.floor(place))[:, 0])


def with_interval(metric: Metric, samples: Sequence[Sample]) -> Interval:
    """Return a figure over calls with its interval; none where the calls do not carry one."""
    given = [parts for parts in samples if parts]
    if not given:
        return Interval(0)
    pool, calls = _Resampler(metric, given), np.arange(len(given))
    value = float(pool.compute(calls))
    low, high = (
        _bootstrap_interval(pool, calls) if len(given) >= MIN_CONVERSATIONS else (None, None)
    )
    return Interval(len(given), value, low, high)


def adjusted_p_values(
    metrics: Sequence[Metric], sample_pairs: Sequence[tuple[list[Sample], list[Sample]]]
) -> list[float | None]:
    """Return, for each figure, how likely chance alone sets two groups as far apart as they are.

    A permutation test over calls, then Benjamini and Yekutieli's correction over the figures, which
    holds however they depend on one another. None where a group has too few calls.
    """
    raw = [_p_value(figure, *pair) for figure, pair in zip(metrics, sample_pairs, strict=True)]
    tested = [p for p in raw if p is not None]
    fitted = iter(stats.false_discovery_control(tested, method="by") if tested else ())
    return [None if p is None else float(next(fitted)) for p in raw]


def _p_value(metric: Metric, first: list[Sample], second: list[Sample]) -> float | None:
    one, other = ([parts for parts in side if parts] for side in (first, second))
    if min(len(one), len(other)) < MIN_CONVERSATIONS:
        return None
    pool, calls = _Resampler(metric, [*one, *other]), np.arange(len(one) + len(other))

    def apart(here: Array, there: Array, axis: int) -> Array:
        return pool.compute(here) - pool.compute(there)

    found = stats.permutation_test(
        (calls[: len(one)], calls[len(one) :]),
        apart,
        vectorized=True,
        n_resamples=PERMUTATIONS,
        batch=pool.batch_size,
        rng=np.random.default_rng(_SEED),
    )
    return float(found.pvalue)


def _bootstrap_interval(resampler: _Resampler, indices: Array) -> tuple[float | None, float | None]:
    """Return the expanded percentile interval of the bootstrap over calls.

    Percentiles of few calls are too narrow; they are widened as Student's t is (Hesterberg 2015).
    Calls that all say the same carry no interval: none of them shows how far others may lie.
    """
    count = len(indices)
    wide = stats.t.ppf((1 + CONFIDENCE_LEVEL) / 2, count - 1) * math.sqrt(count / (count - 1))
    found = stats.bootstrap(
        (indices,),
        resampler.compute,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=resampler.batch_size,
        method="percentile",
        confidence_level=1 - 2 * stats.norm.sf(wide),
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    low, high = float(found.low), float(found.high)
    return (
        (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else (None, None)
    )
