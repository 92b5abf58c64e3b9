"""The examples of property tests: a sample, and in the extended suite all of them.

Every run draws the same ones, so that a run that passed passes again. With the option
``--random-examples`` each run draws others, to search for faults.
"""

from __future__ import annotations

import secrets
import sys

from hypothesis import settings

DEFAULT_PERCENT = 40
EXTENDED_PERCENT = 200
"""Percentages of the numbers that tests name."""
RANDOM_EXAMPLES_OPTION = "--random-examples"
_SEED = 752266


def choose_examples(*, is_extended: bool, is_random: bool) -> None:
    """Set for this process how many examples are drawn, and if they differ in each run."""
    settings.register_profile(
        "chosen",
        max_examples=EXTENDED_PERCENT if is_extended else DEFAULT_PERCENT,
        deadline=None,
        derandomize=not is_random,
    )
    settings.load_profile("chosen")


def draw_seed() -> int:
    """Return a seed for generated examples; it is printed, so that a failure can be repeated."""
    seed = _SEED if settings.default.derandomize else secrets.randbelow(10**6)
    sys.stdout.write(f"seed {seed}\n")
    return seed


def examples(count: int) -> int:
    """Return the number for ``max_examples``, from the number that a test names.

    ``choose_examples``, called by ``conftest``, says what percentage of it is run.
    """
    return max(1, count * settings.default.max_examples // 100)
