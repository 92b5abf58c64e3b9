"""The number of examples of property tests: a sample, and in the extended suite all of them."""

from __future__ import annotations

import secrets
import sys

from hypothesis import settings

DEFAULT_PERCENT = 40
EXTENDED_PERCENT = 200
"""Percentages of the numbers that tests name; each run draws other examples."""

settings.register_profile("default", max_examples=DEFAULT_PERCENT, deadline=None)
settings.register_profile("extended", max_examples=EXTENDED_PERCENT, deadline=None)


def draw_seed() -> int:
    """Return a seed for generated examples; it is printed, so that a failure can be repeated."""
    seed = secrets.randbelow(10**6)
    sys.stdout.write(f"seed {seed}\n")
    return seed


def examples(count: int) -> int:
    """Return the number for ``max_examples``, from the number that a test names.

    The profile that ``conftest`` loads says what percentage of it is run.
    """
    return max(1, count * settings.default.max_examples // 100)
