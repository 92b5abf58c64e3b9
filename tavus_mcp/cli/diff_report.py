"""What ``diff`` prints: an account and the files, or two accounts, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.cli.conflict_report import diff_lines, short_value
from tavus_mcp.cli.project_reports import deletion_side
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.json_patch import ABSENT, is_changed, pointer_tokens
from tavus_mcp.project.adapters import ADAPTERS
from tavus_mcp.project.compare import ComparedObject, Status
from tavus_mcp.project.merge import MergedField, Side
from tavus_mcp.text import quote_path

DIFF_SCHEMA = "tavus-mcp/diff/1"


def diff_data(app: App, environment: str, items: Sequence[ComparedObject]) -> JsonObject:
    """Return the fields that differ, with the values of both sides."""
    return {
        "schema": DIFF_SCHEMA,
        "environment": environment,
        "objects": [
            {
                "object": str(item.name),
                "status": item.status.value,
                "deleted": deletion_side(item),
                "fields": [
                    {
                        "path": merged.pointer,
                        "side": merged.side.value,
                        "file": _visible(app, merged.pointer, merged.file),
                        "account": _visible(app, merged.pointer, merged.account),
                    }
                    for merged in item.fields
                    if not merged.is_settled
                ],
            }
            for item in items
        ],
    }


@dataclass(frozen=True)
class DiffWords:
    """How the two sides of a comparison are called: an account and the files, or two accounts.

    Lines of ``left`` begin with ``-``, those of ``right`` with ``+``.
    """

    left: str
    right: str
    is_of_accounts: bool = False

    def status(self, item: ComparedObject) -> str:
        """Return the status of an object in these words."""
        if not self.is_of_accounts:
            return item.status.value
        sides = {Status.ONLY_LOCAL: self.right, Status.ONLY_REMOTE: self.left}
        return f"only in {sides[item.status]}" if item.status in sides else "different"

    def side(self, merged: MergedField) -> str:
        """Return the side on which a field was changed; of two accounts that is not known."""
        if self.is_of_accounts:
            return f"- {self.left}, + {self.right}"
        sides = {Side.LOCAL: self.right, Side.REMOTE: self.left, Side.CONFLICT: "both sides"}
        return f"changed: {sides[merged.side]}"


def diff_text(app: App, items: Sequence[ComparedObject], words: DiffWords) -> str:
    """Return the differences as people read them: texts line by line, other values cut."""
    lines: list[str] = []
    for item in items:
        lines.append(f"{item.name}: {words.status(item)}")
        if deletion := deletion_side(item):
            lines.append(f"  deleted {deletion}")
        for merged in item.fields:
            if not merged.is_settled:
                lines += _diff_field(app, item, merged, words)
    return "\n".join(lines) if lines else "no difference"


def _diff_field(app: App, item: ComparedObject, merged: MergedField, words: DiffWords) -> list[str]:
    left, right = words.left, words.right
    account, file = (
        _visible(app, merged.pointer, value) for value in (merged.account, merged.file)
    )
    head = f"  {quote_path(merged.pointer)} ({words.side(merged)})"
    if isinstance(account, str) and isinstance(file, str) and "\n" in account + file:
        return [head, *(f"    {line}" for line in diff_lines(account, file, left, right))]
    files = item.rendered.fields if item.rendered else {}
    defaults = ADAPTERS[item.name.folder].defaults_of_change(app, item.account, files)
    sides = ((account, defaults.before), (file, defaults.after))
    before, after = (_value_in_effect(value, find(merged.pointer)) for value, find in sides)
    return [head, f"    - {before}", f"    + {after}"]


def _value_in_effect(value: Any, default: Any) -> str:
    """Return a value on one line; without one the default, which is marked as such."""
    effective = default if value is None else value
    mark = "" if default is None or is_changed(effective, default) else " (default)"
    return short_value(effective) + mark


def _visible(app: App, pointer: str, value: Any) -> Any:
    return None if value is ABSENT else app.masker.mask_at(pointer_tokens(pointer), value)
