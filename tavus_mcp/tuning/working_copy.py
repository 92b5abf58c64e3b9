"""The persona as it is to be, with the reason of every place that differs."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from tavus_mcp.catalog import Advice, Catalog, Step, Translation
from tavus_mcp.models.base import is_set
from tavus_mcp.models.changes import Change, SetFields
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, Severity
from tavus_mcp.models.json_patch import diff, get_at, pointer_of, pointer_tokens

PROMPT = "/system_prompt"
_MISSING: Any = object()


@dataclass(frozen=True)
class Reason:
    """Why a place is to change: for which goals, to what end, at what cost, and who says so."""

    goals: tuple[str, ...]
    reason: str
    effect: str
    trade_off: str
    confidence: str
    source: str


@dataclass(frozen=True)
class AlreadyMet:
    """A place that stands as a goal wants it; without a path the whole persona does."""

    goal: str
    path: str
    value: Any = None


@dataclass(frozen=True)
class ResolvedConflict:
    """A place that goals pull in two directions: the first named won, the second did not."""

    goals: tuple[str, str]
    path: str
    chosen: Any
    why: str


@dataclass(frozen=True)
class Proposal:
    """What would move a persona towards its goals; ``reasons`` are by JSON Pointer.

    A place below a pointer, such as an item of a list, has the reason of the pointer.
    """

    change: Change
    reasons: Mapping[str, Reason]
    already_met: list[AlreadyMet]
    resolved_conflicts: list[ResolvedConflict]
    findings: list[RuleFinding]

    def reason(self, path: str) -> Reason:
        """Return why a place changes; ``KeyError`` when it does not."""
        while path not in self.reasons and path:
            path = path.rpartition("/")[0]
        return self.reasons[path]


@dataclass(frozen=True)
class _Constraint:
    goal: str
    accepts: Callable[[Any], bool]


@dataclass
class WorkingCopy:
    """A document under work: what is set and removed so far, by whom, and what is to be said."""

    before: PersonaDocument
    catalog: Catalog
    strength: str
    languages: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()  # those in whose name something is done at the moment
    document: PersonaDocument = field(init=False)
    has_changed: bool = False
    reasons: dict[str, Reason] = field(default_factory=dict)
    already_met: list[AlreadyMet] = field(default_factory=list)
    resolved_conflicts: list[ResolvedConflict] = field(default_factory=list)
    findings: list[RuleFinding] = field(default_factory=list)
    _values: dict[str, Any] = field(default_factory=dict)
    _unset: dict[str, None] = field(default_factory=dict)
    _constraints: dict[str, list[_Constraint]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.document = PersonaDocument(copy.deepcopy(self.before.data))

    @property
    def goal(self) -> str:
        """The goal that is pursued at the moment."""
        return self.goals[0]

    @cached_property
    def bypassed_names(self) -> frozenset[str]:
        """The layers and fields that have no effect in this mode."""
        mode = self.catalog.pipeline_modes.find(self.before.mode)
        if mode is None:
            return frozenset()
        # who does not listen has no turns to take
        deaf = {"conversational_flow"} if "stt" in mode.ignored_layers else set()
        return frozenset({*mode.ignored_layers, *mode.forbids, *deaf})

    def at(self, pointer: str) -> Any:
        """Return what stands at a pointer by now, or None."""
        return self.document.value(pointer)

    def is_set(self, pointer: str) -> bool:
        """Tell whether something stands there by now, empty texts and lists not counted."""
        return is_set(self.at(pointer))

    def has_effect(self, pointer: str) -> bool:
        """Tell whether what stands there counts in this mode."""
        return _section_of(pointer) not in self.bypassed_names

    def is_settable(self, pointer: str) -> bool:
        """Tell whether something can be set there without breaking what stands above it."""
        above = pointer_tokens(pointer)[:-1]
        nodes = (self.at(pointer_of(above[:depth])) for depth in range(1, len(above) + 1))
        return all(node is None or isinstance(node, dict) for node in nodes)

    def has_set(self, pointer: str) -> bool:
        """Tell whether a value was set there, or below, by this draft."""
        return any(one == pointer or one.startswith(pointer + "/") for one in self._values)

    def begin_round(self, already: Iterable[AlreadyMet], remarks: Iterable[RuleFinding]) -> None:
        """Forget what a round of goals held and said; what it set stays."""
        self.has_changed = False
        self._constraints.clear()
        self.resolved_conflicts.clear()
        self.already_met[:], self.findings[:] = already, remarks

    def set_value(
        self, pointer: str, value: Any, reason: Reason, *, merge_reasons: bool = False
    ) -> None:
        """Set a value; ``adds`` keeps the reasons that the place has by now."""
        self.document = PersonaDocument(SetFields({pointer: value}).apply(self.document.data))
        self._values[pointer] = value
        self.has_changed = True
        self._unset.pop(pointer, None)
        self._record_reason(pointer, reason, merge_reasons=merge_reasons)

    def remove(self, pointer: str, reason: Reason) -> None:
        """Remove what stands at a pointer."""
        self.document = PersonaDocument(SetFields({}, (pointer,)).apply(self.document.data))
        self._values.pop(pointer, None)
        self._unset[pointer] = None
        self._record_reason(pointer, reason, merge_reasons=False)

    def _record_reason(self, pointer: str, reason: Reason, *, merge_reasons: bool) -> None:
        old = self.reasons.get(pointer)
        self.reasons[pointer] = _merge_reasons(old, reason) if merge_reasons and old else reason

    def reason_of_step(self, step: Step) -> Reason:
        """Return the reason of a step for the goal at hand."""
        told = (step.reason, step.effect, step.trade_off, step.confidence, step.source)
        return Reason(self.goals, *told)

    def reason_of_translation(self, translation: Translation, **words: str) -> Reason:
        """Return the reason of a translation, with the names it is about."""
        reason, effect, cost = (
            text.format(**words)
            for text in (translation.reason, translation.effect, translation.trade_off)
        )
        return Reason(self.goals, reason, effect, cost, translation.confidence, translation.source)

    def constrain(self, pointer: str, accepts: Callable[[Any], bool]) -> None:
        """Hold a place for the goal at hand: others may set what it accepts."""
        self._constraints.setdefault(pointer, []).append(_Constraint(self.goal, accepts))

    def conflicting_goal(self, pointer: str, value: Any) -> str | None:
        """Return the goal that was named before and does not accept a value at a place."""
        claims = self._constraints.get(pointer, ())
        return next((one.goal for one in claims if not one.accepts(value)), None)

    def resolve_conflict(
        self, pointer: str, winning_goal: str, chosen_value: Any, wanted_value: Any
    ) -> None:
        """Note that a goal named before has its way at a place."""
        why = (
            f"{winning_goal} was named first; {self.goal} alone would set "
            f"{json.dumps(wanted_value)}."
        )
        self.resolved_conflicts.append(
            ResolvedConflict((winning_goal, self.goal), pointer, chosen_value, why)
        )

    def mark_met(self, pointer: str, value: Any) -> None:
        """Note that a place is as the goal at hand wants it, by itself or by this draft."""
        reason = self.reasons.get(pointer)
        if reason is None:
            self.already_met.append(AlreadyMet(self.goal, pointer, value))
        elif self.goal not in reason.goals:
            self.reasons[pointer] = replace(reason, goals=(*reason.goals, self.goal))

    def add_finding(
        self, rule: str, path: str, message: str, hint: str, source: str, severity: Severity
    ) -> None:
        """Say something that no change can say."""
        said = RuleFinding(severity=severity, path=path, message=message, hint=hint)
        told = {"rule": f"tuning-{rule}", "source": source}
        self.findings.append(said.model_copy(update=told))

    def advise(self, advice: Advice) -> None:
        """Say what helps the goal but is no change of the persona."""
        told = (advice.path, advice.message, advice.hint, advice.source)
        self.add_finding("advice", *told, "info")

    def build_proposal(self) -> Proposal:
        """Return what this draft comes to; what ended where it began is left out."""
        values = {path: value for path, value in self._values.items() if self._differs(path, value)}
        unset = [path for path in self._unset if get_at(self.before.data, path, self) is not self]
        reasons = {path: self.reasons[path] for path in (*values, *unset)}
        change = SetFields(values, tuple(unset))
        return Proposal(change, reasons, self.already_met, self.resolved_conflicts, self.findings)

    def _differs(self, path: str, value: Any) -> bool:
        stored = get_at(self.before.data, path, _MISSING)
        return stored is _MISSING or bool(diff(stored, value))


def _section_of(pointer: str) -> str:
    """Return the layer that a place is in, or the field at the top."""
    first, *inside = pointer_tokens(pointer) or ("",)
    return inside[0] if first == "layers" and inside else first


def _merge_reasons(first: Reason, second: Reason) -> Reason:
    """Return two reasons as one; the weaker confidence holds."""
    weakest = max(first.confidence, second.confidence, key=_CONFIDENCE_ORDER.index)
    return Reason(
        tuple(dict.fromkeys((*first.goals, *second.goals))),
        _join_distinct(first.reason, second.reason),
        _join_distinct(first.effect, second.effect),
        _join_distinct(first.trade_off, second.trade_off),
        weakest,
        ", ".join(dict.fromkeys([*first.source.split(", "), *second.source.split(", ")])),
    )


_CONFIDENCE_ORDER = ("documented", "reported", "inferred")


def _join_distinct(*texts: str) -> str:
    return " ".join(dict.fromkeys(filter(None, texts)))
