"""From flat arguments to what is wanted: exactly one thing to do, with personas that were meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.fleet.plan import BulkChange
from tavus_mcp.fleet.proposal import build_field_proposer, build_tuning_proposer
from tavus_mcp.fleet.selection import PersonaFilter
from tavus_mcp.fleet.undo import prepare_undo

_NO_SELECTION = (
    "/: say which personas: persona_ids, name_contains or finding; everything=true takes the "
    "whole account."
)
_EXACTLY_ONE_CHANGE = "/: give exactly one of goals, values (with or without unset), or undo_of."
_LANGUAGES_WITHOUT_GOAL = "/languages: only goal speak_languages reads them; give it in goals."
_UNDO_WITH_SELECTION = "/undo_of: stands alone; the plan says which personas it changed."


@dataclass(frozen=True)
class BulkChangeRequest:
    """A bulk change as it was asked for."""

    persona_filter: PersonaFilter
    finding: str | None = None
    everything: bool = False
    goals: Sequence[str] = ()
    strength: str = "normal"
    languages: Sequence[str] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    unset: Sequence[str] = ()
    undo_of: str | None = None
    limit: int | None = None


async def resolve_request(app: App, request: BulkChangeRequest) -> BulkChange:
    """Return what is wanted; raise ``InvalidArgument`` with all that is missing or too much."""
    problems = [*_find_selection_problems(request), *_find_change_problems(request)]
    if problems:
        raise InvalidArgument(problems)
    if request.undo_of is not None:
        ids, put_back = await prepare_undo(app, request.undo_of)
        return BulkChange(PersonaFilter(persona_ids=ids), put_back, limit=request.limit)
    if request.goals:
        propose = build_tuning_proposer(app, request.goals, request.strength, request.languages)
    else:
        propose = build_field_proposer(app, request.values, request.unset)
    return BulkChange(request.persona_filter, propose, request.finding, request.limit)


def _find_selection_problems(request: BulkChangeRequest) -> Iterator[str]:
    selection = request.persona_filter
    chosen = bool(selection.persona_ids or selection.name_contains or request.finding)
    if request.undo_of is None and not chosen and not request.everything:
        yield _NO_SELECTION
    if request.undo_of is not None and (chosen or request.everything):
        yield _UNDO_WITH_SELECTION


def _find_change_problems(request: BulkChangeRequest) -> Iterator[str]:
    given = (request.goals, request.values or request.unset, request.undo_of is not None)
    if sum(map(bool, given)) != 1:
        yield _EXACTLY_ONE_CHANGE
    if request.languages and not request.goals:
        yield _LANGUAGES_WITHOUT_GOAL
