"""From flat arguments to what is wanted: exactly one thing to do, with personas that were meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.fleet.plan import Wanted
from tavus_mcp.fleet.proposal import setting, tuning
from tavus_mcp.fleet.selection import Selection
from tavus_mcp.fleet.undo import undoing

_NOBODY = (
    "/: say which personas: persona_ids, name_contains or finding; everything=true takes the "
    "whole account."
)
_ONE = "/: give exactly one of goals, values (with or without unset), or undo_of."
_LANGUAGES = "/languages: only goal speak_languages reads them; give it in goals."
_UNDO_IS_ALL = "/undo_of: stands alone; the plan says which personas it changed."


@dataclass(frozen=True)
class Asked:
    """A bulk change as it was asked for."""

    selection: Selection
    finding: str | None = None
    everything: bool = False
    goals: Sequence[str] = ()
    strength: str = "normal"
    languages: Sequence[str] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    unset: Sequence[str] = ()
    undo_of: str | None = None
    limit: int | None = None


async def wanted(app: App, asked: Asked) -> Wanted:
    """Return what is wanted; raise ``InvalidArgument`` with all that is missing or too much."""
    problems = [*_about_personas(asked), *_about_the_change(asked)]
    if problems:
        raise InvalidArgument(problems)
    if asked.undo_of is not None:
        ids, put_back = await undoing(app, asked.undo_of)
        return Wanted(Selection(persona_ids=ids), put_back, limit=asked.limit)
    if asked.goals:
        propose = tuning(app, asked.goals, asked.strength, asked.languages)
    else:
        propose = setting(app, asked.values, asked.unset)
    return Wanted(asked.selection, propose, asked.finding, asked.limit)


def _about_personas(asked: Asked) -> Iterator[str]:
    selection = asked.selection
    chosen = bool(selection.persona_ids or selection.name_contains or asked.finding)
    if asked.undo_of is None and not chosen and not asked.everything:
        yield _NOBODY
    if asked.undo_of is not None and (chosen or asked.everything):
        yield _UNDO_IS_ALL


def _about_the_change(asked: Asked) -> Iterator[str]:
    given = (asked.goals, asked.values or asked.unset, asked.undo_of is not None)
    if sum(map(bool, given)) != 1:
        yield _ONE
    if asked.languages and not asked.goals:
        yield _LANGUAGES
