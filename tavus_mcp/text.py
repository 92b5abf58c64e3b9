"""Text for people: the closest match, and characters made visible."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed name closest to ``name``, or None when nothing is close."""
    choices = list(allowed)
    folded = {choice.lower().replace("-", "_"): choice for choice in reversed(choices)}
    found = get_close_matches(name.lower().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest allowed name, or an empty string."""
    close = nearest(name, allowed)
    return f"; did you mean {close!r}?" if close else ""


def closing(name: str, allowed: Iterable[str]) -> str:
    """Return what closes a sentence about a wrong name: the closest match, or a full stop."""
    return did_you_mean(name, allowed) or "."
