"""The persona as tuning changes it, with the reason for every changed path."""

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
from tavus_mcp.models.json_patch import diff, get_at, pointer_tokens

PROMPT = "/system_prompt"
_MISSING: Any = object()


@dataclass(frozen=True)
class Reason:
    """Why a path changes: for which goals, with what effect and cost, on whose authority."""

    goals: tuple[str, ...]
    reason: str
    effect: str
    trade_off: str
    confidence: str
    source: str


@dataclass(frozen=True)
class AlreadyMet:
    """A path whose value is what a goal wants; '' if that is true of the whole persona."""

    goal: str
    path: str
    value: Any = None


@dataclass(frozen=True)
class ResolvedConflict:
    """A path that two goals want to differ: ``goals`` are the one that won, and the other."""

    goals: tuple[str, str]
    path: str
    chosen: Any
    why: str


@dataclass(frozen=True)
class Recommendation:
    """The change that moves a persona towards its goals, with ``reasons`` by JSON Pointer.

    A path below a pointer, such as an item of a list, has the reason of the pointer.
    """

    change: Change
    reasons: Mapping[str, Reason]
    already_met: list[AlreadyMet]
    resolved_conflicts: list[ResolvedConflict]
    findings: list[RuleFinding]

    def reason(self, path: str) -> Reason:
        """Return why a path changes; raise ``KeyError`` if it does not."""
        while path not in self.reasons and path:
            path = path.rpartition("/")[0]
        return self.reasons[path]


@dataclass(frozen=True)
class _Constraint:
    """The values of a path that a goal accepts from the goals after it."""

    goal: str
    accepts: Callable[[Any], bool]


@dataclass
class WorkingCopy:
    """A persona while goals change it, with everything that a ``Recommendation`` is built from.

    ``before`` is the stored persona, ``document`` the changed one. ``goals`` are those on whose
    behalf the next changes are made.
    """

    before: PersonaDocument
    catalog: Catalog
    strength: str
    languages: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
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
        """The goal on whose behalf the next changes are made."""
        return self.goals[0]

    @cached_property
    def bypassed_names(self) -> frozenset[str]:
        """The layers and top-level fields that have no effect in the persona's pipeline mode."""
        mode = self.catalog.pipeline_modes.find(self.before.mode)
        if mode is None:
            return frozenset()
        # turn-taking needs speech recognition, so a mode that bypasses stt bypasses both
        flow = {"conversational_flow"} if "stt" in mode.ignored_layers else set()
        return frozenset({*mode.ignored_layers, *mode.forbids, *flow})

    def at(self, pointer: str) -> Any:
        """Return the present value at a pointer, or None."""
        return self.document.value(pointer)

    def is_set(self, pointer: str) -> bool:
        """Return whether a value is present; empty texts and lists do not count."""
        return is_set(self.at(pointer))

    def has_effect(self, pointer: str) -> bool:
        """Return whether a value at a pointer has an effect in the pipeline mode."""
        return _section_of(pointer) not in self.bypassed_names

    def has_set(self, pointer: str) -> bool:
        """Return whether this working copy has set the value at a pointer or below it."""
        return any(path == pointer or path.startswith(pointer + "/") for path in self._values)

    def begin_round(
        self, already_met: Iterable[AlreadyMet], findings: Iterable[RuleFinding]
    ) -> None:
        """Start a round of goals: keep the changes, and of the reports only those given here."""
        self.has_changed = False
        self._constraints.clear()
        self.resolved_conflicts.clear()
        self.already_met[:], self.findings[:] = already_met, findings

    def set_value(
        self, pointer: str, value: Any, reason: Reason, *, merge_reasons: bool = False
    ) -> None:
        """Set a value; with ``merge_reasons`` an earlier reason of the pointer is kept as well."""
        self.document = PersonaDocument(SetFields({pointer: value}).apply(self.document.data))
        self._values[pointer] = value
        self.has_changed = True
        self._unset.pop(pointer, None)
        self._record_reason(pointer, reason, merge_reasons=merge_reasons)

    def remove(self, pointer: str, reason: Reason) -> None:
        """Remove the value at a pointer."""
        self.document = PersonaDocument(SetFields({}, (pointer,)).apply(self.document.data))
        self._values.pop(pointer, None)
        self._unset[pointer] = None
        self._record_reason(pointer, reason, merge_reasons=False)

    def _record_reason(self, pointer: str, reason: Reason, *, merge_reasons: bool) -> None:
        old = self.reasons.get(pointer)
        self.reasons[pointer] = _merge_reasons(old, reason) if merge_reasons and old else reason

    def reason_of_step(self, step: Step) -> Reason:
        """Return the reason of a step, for the present goals."""
        texts = (step.reason, step.effect, step.trade_off)
        return Reason(self.goals, *texts, step.confidence, step.source)

    def reason_of_translation(self, translation: Translation, **words: str) -> Reason:
        """Return the reason of a translation; ``words`` fill the placeholders of its texts."""
        reason, effect, cost = (
            text.format(**words)
            for text in (translation.reason, translation.effect, translation.trade_off)
        )
        return Reason(self.goals, reason, effect, cost, translation.confidence, translation.source)

    def constrain(self, pointer: str, accepts: Callable[[Any], bool]) -> None:
        """Let later goals set only values that ``accepts`` returns True for."""
        self._constraints.setdefault(pointer, []).append(_Constraint(self.goal, accepts))

    def conflicting_goal(self, pointer: str, value: Any) -> str | None:
        """Return the earlier goal whose constraint refuses a value, or None."""
        constraints = self._constraints.get(pointer, ())
        refusing = (constraint.goal for constraint in constraints if not constraint.accepts(value))
        return next(refusing, None)

    def resolve_conflict(
        self, pointer: str, winning_goal: str, chosen_value: Any, wanted_value: Any
    ) -> None:
        """Record that an earlier goal takes precedence over the present one at a pointer."""
        why = (
            f"{winning_goal} was named first; {self.goal} alone would set "
            f"{json.dumps(wanted_value)}."
        )
        self.resolved_conflicts.append(
            ResolvedConflict((winning_goal, self.goal), pointer, chosen_value, why)
        )

    def mark_met(self, pointer: str, value: Any) -> None:
        """Record that the present goal wants no other value, and share the reason of a change."""
        reason = self.reasons.get(pointer)
        if reason is None:
            self.already_met.append(AlreadyMet(self.goal, pointer, value))
        elif self.goal not in reason.goals:
            self.reasons[pointer] = replace(reason, goals=(*reason.goals, self.goal))

    def add_finding(
        self, rule: str, path: str, message: str, hint: str, source: str, severity: Severity
    ) -> None:
        """Report what a person should know beside the changes."""
        finding = RuleFinding(severity=severity, path=path, message=message, hint=hint)
        origin = {"rule": f"tuning-{rule}", "source": source}
        self.findings.append(finding.model_copy(update=origin))

    def advise(self, advice: Advice) -> None:
        """Report what helps the goal but is no change of the persona."""
        self.add_finding("advice", advice.path, advice.message, advice.hint, advice.source, "info")

    def build_recommendation(self) -> Recommendation:
        """Return the result; a path that ends with its stored value is left out."""
        values = {path: value for path, value in self._values.items() if self._differs(path, value)}
        unset = [path for path in self._unset if get_at(self.before.data, path, self) is not self]
        reasons = {path: self.reasons[path] for path in (*values, *unset)}
        change = SetFields(values, tuple(unset))
        return Recommendation(
            change, reasons, self.already_met, self.resolved_conflicts, self.findings
        )

    def _differs(self, path: str, value: Any) -> bool:
        stored = get_at(self.before.data, path, _MISSING)
        return stored is _MISSING or bool(diff(stored, value))


def _section_of(pointer: str) -> str:
    """Return the layer of a pointer, or its top-level field."""
    first, *inside = pointer_tokens(pointer) or ("",)
    return inside[0] if first == "layers" and inside else first


def _merge_reasons(first: Reason, second: Reason) -> Reason:
    """Return two reasons as one, with the weaker confidence."""
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
