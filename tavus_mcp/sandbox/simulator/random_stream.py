"""Random numbers that are the same on every machine and Python version."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from random import Random
from typing import TypeVar

TriangularDistribution = tuple[float, float, float]
"""The least, the most likely and the greatest value of a triangular distribution."""

StreamName = tuple[str | int, ...]
"""The seed of a stream: parts that are joined to a text."""

_T = TypeVar("_T")


def quantile(distribution: TriangularDistribution, probability: float) -> float:
    """Return the value below which this share of the distribution lies."""
    low, mode, high = distribution
    width = high - low
    if probability * width < mode - low:
        return low + sqrt(probability * width * (mode - low))
    return high - sqrt((1 - probability) * width * (high - mode))


class RandomStream:
    """A stream of random numbers, determined by its name.

    Only ``Random.random`` is guaranteed to stay the same over Python versions, and only sums,
    products and square roots round alike everywhere, so nothing else is used here.
    """

    def __init__(self, *name: str | int) -> None:
        self._next = Random("/".join(map(str, name))).random  # noqa: S311 - must be repeatable

    def draw_uniform(self) -> float:
        """Return a number from 0 up to 1."""
        return self._next()

    def draw_bool(self, probability: float) -> bool:
        """Return True with this probability."""
        return self._next() < probability

    def draw_from(self, distribution: TriangularDistribution) -> float:
        """Return a value of the distribution."""
        return quantile(distribution, self._next())

    def draw_int(self, minimum: int, maximum: int) -> int:
        """Return an integer; both limits are included."""
        return minimum + int(self._next() * (maximum - minimum + 1))

    def choose(self, items: Sequence[_T]) -> _T:
        """Return one of the items."""
        return items[int(self._next() * len(items))]

    def choose_weighted(self, items: Sequence[_T], weights: Sequence[float]) -> _T:
        """Return one of the items, with a probability in proportion to its weight."""
        remaining = self._next() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            remaining -= weight
            if remaining < 0:
                return item
        return items[-1]
