"""The number of examples of property tests, of which the extended suite runs many more."""

from __future__ import annotations

from hypothesis import settings

DEFAULT_PERCENT = 100
EXTENDED_PERCENT = 500

settings.register_profile("default", max_examples=DEFAULT_PERCENT, deadline=None)
settings.register_profile("extended", max_examples=EXTENDED_PERCENT, deadline=None)


def examples(count: int) -> int:
    """Return the number for ``max_examples``, from the number in the default suite.

    The profile that ``conftest`` loads says what percentage of it is run.
    """
    return count * settings.default.max_examples // 100
