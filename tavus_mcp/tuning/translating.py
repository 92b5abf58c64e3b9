"""Saying something old in today's words, with its reason, and with what had to be assumed."""

from __future__ import annotations

from typing import Any

from tavus_mcp.tuning.working_copy import WorkingCopy


def translate(working_copy: WorkingCopy, name: str, path: str, value: Any, **words: str) -> None:
    """Set a value for the reason of a translation; what was assumed is said."""
    working_copy.set_value(
        path,
        value,
        working_copy.reason_of_translation(working_copy.catalog.translations[name], **words),
    )
    _report_assumptions(working_copy, name, path, **words)


def remove_with_reason(working_copy: WorkingCopy, name: str, path: str, **words: str) -> None:
    """Remove what stands at a place for the reason of a translation."""
    working_copy.remove(
        path, working_copy.reason_of_translation(working_copy.catalog.translations[name], **words)
    )
    _report_assumptions(working_copy, name, path, **words)


def flag_for_manual_change(working_copy: WorkingCopy, name: str, path: str, **words: str) -> None:
    """Flag what no change of the persona can carry over."""
    _report_assumptions(working_copy, name, path, **words)


def _report_assumptions(working_copy: WorkingCopy, name: str, path: str, **words: str) -> None:
    told = working_copy.catalog.translations[name]
    hint = (told.hint or "").format(**words)
    if told.assumed:
        message = told.assumed.format(**words)
        working_copy.add_finding("assumed", path, message, hint, told.source, "warning")
    if told.by_hand:
        message = told.by_hand.format(**words)
        working_copy.add_finding("by-hand", path, message, hint, told.source, "warning")
