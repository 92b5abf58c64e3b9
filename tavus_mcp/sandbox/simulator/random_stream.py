"""Chance that falls the same way on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from random import Random
from typing import TypeVar

TriangularDistribution = tuple[float, float, float]
"""The least, the most likely and the greatest value of a triangular distribution."""

StreamName = tuple[str | int, ...]
"""What tells one stream of chance from another."""

_T = TypeVar("_T")


def quantile(distribution: TriangularDistribution, probability: float) -> float:
    """Return the value that this share of the distribution lies below."""
    low, mode, high = distribution
    width = high - low
    if probability * width < mode - low:
        return low + sqrt(probability * width * (mode - low))
    return high - sqrt((1 - probability) * width * (high - mode))


class RandomStream:
    """A stream of chance with a name.

    Only ``Random.random`` is promised to stay the same over Python versions, and only sums,
    products and square roots round alike everywhere; so nothing else is used here.
    """

    def __init__(self, *name: str | int) -> None:
        self._next = Random("/".join(map(str, name))).random  # noqa: S311 - must be repeatable

    def draw_uniform(self) -> float:
        """Return a number from 0 up to 1."""
        return self._next()

    def draw_bool(self, probability: float) -> bool:
        """Tell whether something happens that happens in this share of cases."""
        return self._next() < probability

    def draw_from(self, distribution: TriangularDistribution) -> float:
        """Return a value of the distribution."""
        return quantile(distribution, self._next())

    def draw_int(self, minimum: int, maximum: int) -> int:
        """Return a whole number, both ends included."""
        return minimum + int(self._next() * (maximum - minimum + 1))

    def choose(self, items: Sequence[_T]) -> _T:
        """Return one of the items."""
        return items[int(self._next() * len(items))]

    def choose_weighted(self, items: Sequence[_T], weights: Sequence[float]) -> _T:
        """Return one of the items, the heavier ones more often."""
        left = self._next() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            left -= weight
            if left < 0:
                return item
        return items[-1]
