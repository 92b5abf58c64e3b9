"""The number of examples of property tests: few in the default suite, many in the extended one."""

from __future__ import annotations

from hypothesis import settings

DEFAULT_PERCENT = 50
EXTENDED_PERCENT = 500
_MIN_EXAMPLES = 5

settings.register_profile("default", max_examples=DEFAULT_PERCENT, deadline=None)
settings.register_profile("extended", max_examples=EXTENDED_PERCENT, deadline=None)


def examples(count: int) -> int:
    """Return the number of examples for ``max_examples``, from the number that is usual.

    The profile, which ``conftest`` loads, says what percentage of it is run.
    """
    return max(_MIN_EXAMPLES, count * settings.default.max_examples // 100)
