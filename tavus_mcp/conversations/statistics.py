"""Confidence intervals of metrics, and tests of the difference between two groups.

The unit is the conversation: the turns of one conversation are not independent, so conversations
are resampled (cluster bootstrap) and exchanged between groups (permutation test), and each metric
is computed anew from whole conversations. Seeds are fixed, so equal input gives equal results.

Needs the extra ``statistics``. Import it only in a worker thread, by a call that measures: scipy
takes about two seconds to import.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats

from tavus_mcp.conversations.metrics import MIN_CONVERSATIONS, Estimate, Metric, Sample

Array = np.ndarray[Any, np.dtype[Any]]
CONFIDENCE_LEVEL = 0.95
RESAMPLES = 1_999
PERMUTATIONS = 4_999
"""Enough that the smallest p-value stays significant after the correction for all metrics."""
_SEED = 20_261_122
_MAX_BATCH_RESAMPLES, _MAX_BATCH_VALUES = 256, 4_000_000
"""Most resamples in memory at a time, and most values of all of them together."""


class _Resampler:
    """Computes a metric over any selection of its samples, given by their indices."""

    def __init__(self, metric: Metric, samples: Sequence[Sample]) -> None:
        self._metric = metric
        self._sample_count = len(samples)
        flat = np.array([value for sample in samples for value in sample], dtype=float)
        owners = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
        order = np.argsort(flat, kind="stable")
        self._pairs = flat.reshape(-1, 2) if metric.quantile is None else flat
        self._values, self._owners = flat[order], owners[order]
        self.batch_size = max(1, min(_MAX_BATCH_RESAMPLES, _MAX_BATCH_VALUES // flat.size))

    def compute(self, indices: Array, axis: int = -1) -> Array:
        """Return the metric over the samples of these indices, along the last axis."""
        indices = np.asarray(indices).astype(int)
        if self._metric.quantile is not None:
            rows = self._quantiles(indices.reshape(-1, indices.shape[-1]), self._metric.quantile)
            return rows.reshape(indices.shape[:-1])
        sums = self._pairs[indices].sum(axis=-2)
        return np.asarray(self._metric.scale * sums[..., 0] / sums[..., 1])

    def _quantiles(self, indices: Array, quantile: float) -> Array:
        """Return a quantile for each row of indices; a value counts as often as its sample."""
        rows = np.arange(len(indices))[:, None]
        sample_counts = np.bincount(
            (rows * self._sample_count + indices).ravel(),
            minlength=rows.size * self._sample_count,
        )
        value_counts = (
            sample_counts.astype(np.int32)
            .reshape(rows.size, self._sample_count)
            .take(self._owners, axis=1)
        )
        cumulative = value_counts.cumsum(axis=1, dtype=np.int32)
        position = quantile * (cumulative[:, -1:] - 1)
        below, above = (
            self._values[(cumulative > side(position).astype(np.int32)).argmax(axis=1)]
            for side in (np.floor, np.ceil)
        )
        return np.asarray(below + (above - below) * (position - np.floor(position))[:, 0])


def with_interval(metric: Metric, samples: Sequence[Sample]) -> Estimate:
    """Return the estimate of a metric with its 95 % interval.

    There is none for fewer than ``MIN_CONVERSATIONS`` samples, nor for equal ones.
    """
    estimate = metric.estimate(samples)
    if len(samples) < MIN_CONVERSATIONS:
        return estimate
    interval = _bootstrap_interval(_Resampler(metric, samples), np.arange(len(samples)))
    return replace(estimate, low=interval[0], high=interval[1]) if interval else estimate


def adjusted_p_values(
    metrics: Sequence[Metric], sample_pairs: Sequence[tuple[list[Sample], list[Sample]]]
) -> list[float | None]:
    """Return adjusted p-values, one per metric; None if a group has too few conversations.

    A permutation test over conversations, then the Benjamini-Yekutieli correction over the metrics,
    which holds under any dependence between them.
    """
    p_values = [_p_value(metric, *pair) for metric, pair in zip(metrics, sample_pairs, strict=True)]
    tested = [p_value for p_value in p_values if p_value is not None]
    adjusted = iter(stats.false_discovery_control(tested, method="by") if tested else ())
    return [None if p_value is None else float(next(adjusted)) for p_value in p_values]


def _p_value(metric: Metric, first: list[Sample], second: list[Sample]) -> float | None:
    if min(len(first), len(second)) < MIN_CONVERSATIONS:
        return None
    resampler, indices = _Resampler(metric, [*first, *second]), np.arange(len(first) + len(second))

    def difference(first_indices: Array, second_indices: Array, axis: int) -> Array:
        return resampler.compute(first_indices) - resampler.compute(second_indices)

    result = stats.permutation_test(
        (indices[: len(first)], indices[len(first) :]),
        difference,
        vectorized=True,
        n_resamples=PERMUTATIONS,
        batch=resampler.batch_size,
        rng=np.random.default_rng(_SEED),
    )
    return float(result.pvalue)


def _bootstrap_interval(resampler: _Resampler, indices: Array) -> tuple[float, float] | None:
    """Return the expanded percentile interval of the bootstrap over conversations.

    Percentile intervals of few samples are too narrow; they are widened like Student's t
    (Hesterberg 2015). Equal samples give no interval: they do not show how far others may lie.
    """
    count = len(indices)
    expanded = stats.t.ppf((1 + CONFIDENCE_LEVEL) / 2, count - 1) * math.sqrt(count / (count - 1))
    interval = stats.bootstrap(
        (indices,),
        resampler.compute,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=resampler.batch_size,
        method="percentile",
        confidence_level=1 - 2 * stats.norm.sf(expanded),
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    low, high = float(interval.low), float(interval.high)
    return (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else None
