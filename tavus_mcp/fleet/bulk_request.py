"""The arguments of plan_bulk_change: which personas, and exactly one change of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.fleet.plan_items import (
    ALREADY_SO,
    NO_KNOWN_CHANGE,
    TEXT_ABSENT,
    TEXT_IN_OTHER_CASE,
    TEXT_IN_OTHER_FIELDS,
    ProposeChange,
    ProposedChange,
    TextChange,
)
from tavus_mcp.fleet.selection import PersonaFilter
from tavus_mcp.models.changes import ReplaceTexts, SetFields, remove_at
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.free_texts import count_matches, find_excerpts, free_texts
from tavus_mcp.models.text_differences import MAX_UNABRIDGED_CHARS
from tavus_mcp.personas.field_selection import resolve_field_name, resolve_text_fields
from tavus_mcp.personas.patch_input import parse_field_values, split_additions
from tavus_mcp.personas.secret_references import literal_key_findings, resolve_references
from tavus_mcp.text import truncate
from tavus_mcp.tuning import build_recommendation
from tavus_mcp.tuning.goal_arguments import read_goals

_NO_SELECTION = (
    "Say which personas: persona_ids, name_contains, text_contains, model, engine or finding; "
    "everything=true takes the whole account."
)
_EXACTLY_ONE_CHANGE = (
    "Give exactly one of goals, values (with or without unset), find with replace, delete or "
    "undo_of."
)
_FIND_WITHOUT_REPLACE = "/replace: give it with find; an empty text removes what is found."
_FIELDS_WITHOUT_FIND = "/fields: only find reads them; give values or unset for other changes."
_TEXT_REASONS = {
    ALREADY_SO: "The text to find and the one in its place are the same.",
    TEXT_ABSENT: "",
    TEXT_IN_OTHER_CASE: "The text to find is there in another case only. Case must match.",
    TEXT_IN_OTHER_FIELDS: "The text to find is in it, and not in these fields.",
}
_LANGUAGES_WITHOUT_GOAL = "/languages: only goal speak_languages reads them; give it in goals."
_UNDO_WITH_SELECTION = (
    "/undo_of: give it alone, as the plan knows which personas it changed, or with persona_ids to "
    "undo it for some of them."
)
_DELETE_EVERYTHING = (
    "/everything: a deletion needs persona_ids or a filter, so that no account is deleted by "
    "mistake."
)


@dataclass(frozen=True)
class BulkChangeRequest:
    """Which personas, in how many calls, and exactly one change of them.

    ``find`` and ``replace`` concern the free texts of a persona; ``fields`` limits them to some, by
    name or JSON Pointer. ``limit`` is the number of
    personas in the plan, ``cursor`` continues a plan that did not reach the end of the account.
    """

    persona_filter: PersonaFilter
    everything: bool = False
    goals: Sequence[str] = ()
    strength: str = "normal"
    languages: Sequence[str] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    unset: Sequence[str] = ()
    find: str | None = None
    replace: str | None = None
    fields: Sequence[str] = ()
    delete: bool = False
    undo_of: str | None = None
    limit: int | None = None
    cursor: str | None = None

    def check(self) -> None:
        """Raise ``InvalidArgument`` with all that is missing or contradictory."""
        if problems := [*self._selection_problems(), *self._change_problems()]:
            raise InvalidArgument(problems)
        self.persona_filter.require_known_finding()

    @property
    def selection(self) -> PersonaFilter:
        """The filter; a text to find selects the personas that hold it."""
        if self.find and not self._has_selection and not self.everything:
            return PersonaFilter(self.persona_filter.persona_type, text_contains=self.find)
        return self.persona_filter

    @property
    def _has_selection(self) -> bool:
        return bool(self._criteria)

    @property
    def _criteria(self) -> Set[str]:
        return self.persona_filter.criteria.keys() - {"persona_type"}

    def _selection_problems(self) -> Iterator[str]:
        if self.undo_of is not None:
            if self._criteria - {"persona_ids"} or self.everything:
                yield _UNDO_WITH_SELECTION
        elif self.delete and self.everything:
            yield _DELETE_EVERYTHING
        elif not self._has_selection and not self.everything and not self.find:
            yield _NO_SELECTION

    def _change_problems(self) -> Iterator[str]:
        changes = (
            self.goals,
            self.values or self.unset,
            self.find or self.replace,  # some hosts send "" for what is not given
            self.delete,
            self.undo_of is not None,
        )
        if sum(map(bool, changes)) != 1:
            yield _EXACTLY_ONE_CHANGE
        elif self.replace is None if self.find else self.replace:
            yield _FIND_WITHOUT_REPLACE
        if self.fields and not self.find:
            yield _FIELDS_WITHOUT_FIND
        if self.languages and not self.goals:
            yield _LANGUAGES_WITHOUT_GOAL


def build_proposal(app: App, request: BulkChangeRequest) -> ProposeChange:
    """Return the function that proposes the change of each persona.

    Raises ``InvalidArgument`` with everything that is wrong with the goals or the fields.
    """
    if request.goals:
        return _propose_goals(app, request)
    if request.find and request.replace is not None:
        paths = resolve_text_fields(request.fields)
        return _propose_replacement(app, ReplaceTexts(request.find, request.replace, paths))
    return _propose_fields(app, request)


def _propose_goals(app: App, request: BulkChangeRequest) -> ProposeChange:
    """Return the proposal that tunes each persona towards goals, from its current settings."""
    goals, _ = read_goals(request.goals, request.languages, app.catalog)

    async def propose(document: PersonaDocument) -> ProposedChange:
        recommendation = build_recommendation(
            document, request.goals, request.strength, request.languages, app.catalog
        )
        unmet = {*goals} - {met.goal for met in recommendation.already_met}
        proposed = ProposedChange(
            recommendation.change,
            recommendation.findings,
            find_trade_off=lambda path: recommendation.reason(path).trade_off,
        )
        if not unmet:
            return proposed
        reasons = dict.fromkeys(item.message for item in recommendation.findings)
        return replace(
            proposed,
            kind_if_unchanged=NO_KNOWN_CHANGE,
            reason_if_unchanged=" ".join(
                [f"No change is known here for {', '.join(sorted(unmet))}.", *reasons]
            ),
        )

    return propose


def _propose_fields(app: App, request: BulkChangeRequest) -> ProposeChange:
    """Return the proposal that sets and unsets the same fields of every persona."""
    named, added = split_additions(request.values)
    removed = [resolve_field_name(name) for name in request.unset]
    fields, unset = parse_field_values({**added, **named}, removed, app.catalog)
    app.masker.mask_during_call(fields)
    for pointer in added:
        remove_at(fields, pointer)
    values = {f"/{name}": value for name, value in resolve_references(app, fields).items()}
    change = SetFields(values, unset, added=added)
    proposed = ProposedChange(change, literal_key_findings(fields))

    async def propose(_: PersonaDocument) -> ProposedChange:
        return proposed

    return propose


def _propose_replacement(app: App, change: ReplaceTexts) -> ProposeChange:
    """Return the proposal that replaces a text in the free texts of a persona that hold it.

    Texts are masked before they are quoted: an excerpt may hold a part of a secret.
    """
    before, after = (truncate(text, MAX_UNABRIDGED_CHARS) for text in (change.find, change.replace))

    async def propose(document: PersonaDocument) -> ProposedChange:
        counts, texts = change.count(document.data), free_texts(document)
        kind = ALREADY_SO if counts else _explain_absence(document, change)
        listed = [
            TextChange(
                path=path,
                before=before,
                after=after,
                places=find_excerpts(app.masker.mask_text(texts[path]), change.find),
            )
            for path in counts
        ]
        return ProposedChange(
            change,
            listed_changes=listed,
            match_count=sum(counts.values()),
            kind_if_unchanged=kind,
            reason_if_unchanged=_TEXT_REASONS[kind],
        )

    return propose


def _explain_absence(document: PersonaDocument, change: ReplaceTexts) -> str:
    """Return the kind of a persona that does not hold the text to find, in this letter case."""
    matches = count_matches(document, change.find)
    if any(map(change.includes, matches)):
        return TEXT_IN_OTHER_CASE
    return TEXT_IN_OTHER_FIELDS if matches else TEXT_ABSENT
