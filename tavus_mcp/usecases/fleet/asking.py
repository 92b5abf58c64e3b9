"""From flat arguments to what is wanted: exactly one thing to do, with personas that were meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.usecases.fleet.planning import Wanted
from tavus_mcp.usecases.fleet.proposing import setting
from tavus_mcp.usecases.fleet.roll import Selection
from tavus_mcp.usecases.fleet.undoing import undoing

_NOBODY = (
    "/: say which personas: persona_ids, name_contains or finding; everything=true takes the "
    "whole account."
)
_ONE = "/: give exactly one of values (with or without unset), or undo_of."
_UNDO_IS_ALL = "/undo_of: stands alone; the plan says which personas it changed."


@dataclass(frozen=True)
class Asked:
    """A bulk change as it was asked for."""

    selection: Selection
    finding: str | None = None
    everything: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    unset: Sequence[str] = ()
    undo_of: str | None = None
    limit: int | None = None


async def wanted(app: App, asked: Asked) -> Wanted:
    """Return what is wanted; raise ``InvalidArgument`` with all that is missing or too much."""
    selection = asked.selection
    chosen = bool(selection.persona_ids or selection.name_contains or asked.finding)
    setting_values = bool(asked.values or asked.unset)
    problems = []
    if setting_values is (asked.undo_of is not None):
        problems.append(_ONE)
    if asked.undo_of is not None and (chosen or asked.everything):
        problems.append(_UNDO_IS_ALL)
    if asked.undo_of is None and not chosen and not asked.everything:
        problems.append(_NOBODY)
    if problems:
        raise InvalidArgument(problems)
    if asked.undo_of is not None:
        ids, propose = await undoing(app, asked.undo_of)
        return Wanted(Selection(persona_ids=ids), propose, limit=asked.limit)
    propose = setting(app, asked.values, asked.unset)
    return Wanted(selection, propose, asked.finding, asked.limit)
