"""Saying something old in today's words, with its reason, and with what had to be assumed."""

from __future__ import annotations

from typing import Any

from tavus_mcp.tuning.working_copy import Draft


def translate(draft: Draft, name: str, path: str, value: Any, **words: str) -> None:
    """Set a value for the reason of a translation; what was assumed is said."""
    draft.put(path, value, draft.because(draft.catalog.translation(name), **words))
    _say(draft, name, path, **words)


def give_up(draft: Draft, name: str, path: str, **words: str) -> None:
    """Remove what stands at a place for the reason of a translation."""
    draft.drop(path, draft.because(draft.catalog.translation(name), **words))
    _say(draft, name, path, **words)


def by_hand(draft: Draft, name: str, path: str, **words: str) -> None:
    """Flag what no change of the persona can carry over."""
    _say(draft, name, path, **words)


def _say(draft: Draft, name: str, path: str, **words: str) -> None:
    told = draft.catalog.translation(name)
    hint = (told.hint or "").format(**words)
    if told.assumed:
        message = told.assumed.format(**words)
        draft.remark("assumed", path, message, hint, told.source, "warning")
    if told.by_hand:
        message = told.by_hand.format(**words)
        draft.remark("by-hand", path, message, hint, told.source, "warning")
