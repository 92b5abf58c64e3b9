"""The persona as it is to be, with the reason of every place that differs."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from tavus_mcp.catalog import Advice, Catalog, Step, Translation
from tavus_mcp.checker.lookups import is_set, value_at
from tavus_mcp.models.changes import Change, SetFields
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, Severity
from tavus_mcp.models.json_patch import diff, get_at, pointer_of, pointer_tokens

PROMPT = "/system_prompt"
_NOTHING: Any = object()


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
class Already:
    """A place that stands as a goal wants it; without a path the whole persona does."""

    goal: str
    path: str
    value: Any = None


@dataclass(frozen=True)
class Settled:
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
    already: list[Already]
    settled: list[Settled]
    remarks: list[RuleFinding]

    def reason(self, path: str) -> Reason:
        """Return why a place changes; ``KeyError`` when it does not."""
        while path not in self.reasons and path:
            path = path.rpartition("/")[0]
        return self.reasons[path]


@dataclass(frozen=True)
class _Claim:
    goal: str
    accepts: Callable[[Any], bool]


@dataclass
class Draft:
    """A document under work: what is set and removed so far, by whom, and what is to be said."""

    before: PersonaDocument
    catalog: Catalog
    strength: str
    languages: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()  # those in whose name something is done at the moment
    document: PersonaDocument = field(init=False)
    moved: bool = False
    reasons: dict[str, Reason] = field(default_factory=dict)
    already: list[Already] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    remarks: list[RuleFinding] = field(default_factory=list)
    _values: dict[str, Any] = field(default_factory=dict)
    _unset: dict[str, None] = field(default_factory=dict)
    _claims: dict[str, list[_Claim]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.document = PersonaDocument(copy.deepcopy(self.before.data))

    @property
    def goal(self) -> str:
        """The goal that is pursued at the moment."""
        return self.goals[0]

    @cached_property
    def bypassed(self) -> frozenset[str]:
        """The layers and fields that have no effect in this mode."""
        mode = self.catalog.pipeline_mode(self.before.mode)
        if mode is None:
            return frozenset()
        # who does not listen has no turns to take
        deaf = {"conversational_flow"} if "stt" in mode.ignored_layers else set()
        return frozenset({*mode.ignored_layers, *mode.forbids, *deaf})

    def at(self, pointer: str) -> Any:
        """Return what stands at a pointer by now, or None."""
        return value_at(self.document, pointer)

    def is_set(self, pointer: str) -> bool:
        """Tell whether something stands there by now, empty texts and lists not counted."""
        return is_set(self.at(pointer))

    def has_effect(self, pointer: str) -> bool:
        """Tell whether what stands there counts in this mode."""
        return _room(pointer) not in self.bypassed

    def is_open(self, pointer: str) -> bool:
        """Tell whether something can be set there without breaking what stands above it."""
        above = pointer_tokens(pointer)[:-1]
        nodes = (self.at(pointer_of(above[:depth])) for depth in range(1, len(above) + 1))
        return all(node is None or isinstance(node, dict) for node in nodes)

    def decided(self, pointer: str) -> bool:
        """Tell whether a value was set there, or below, by this draft."""
        return any(one == pointer or one.startswith(pointer + "/") for one in self._values)

    def begin_round(self, already: Iterable[Already], remarks: Iterable[RuleFinding]) -> None:
        """Forget what a round of goals held and said; what it set stays."""
        self.moved = False
        self._claims.clear()
        self.settled.clear()
        self.already[:], self.remarks[:] = already, remarks

    def put(self, pointer: str, value: Any, reason: Reason, *, adds: bool = False) -> None:
        """Set a value; ``adds`` keeps the reasons that the place has by now."""
        self.document = PersonaDocument(SetFields({pointer: value}).apply(self.document.data))
        self._values[pointer] = value
        self.moved = True
        self._unset.pop(pointer, None)
        self._because(pointer, reason, adds=adds)

    def drop(self, pointer: str, reason: Reason) -> None:
        """Remove what stands at a pointer."""
        self.document = PersonaDocument(SetFields({}, (pointer,)).apply(self.document.data))
        self._values.pop(pointer, None)
        self._unset[pointer] = None
        self._because(pointer, reason, adds=False)

    def _because(self, pointer: str, reason: Reason, *, adds: bool) -> None:
        old = self.reasons.get(pointer)
        self.reasons[pointer] = _together(old, reason) if adds and old else reason

    def why(self, step: Step) -> Reason:
        """Return the reason of a step for the goal at hand."""
        told = (step.reason, step.effect, step.trade_off, step.confidence, step.source)
        return Reason(self.goals, *told)

    def because(self, told: Translation, **words: str) -> Reason:
        """Return the reason of a translation, with the names it is about."""
        reason, effect, cost = (
            text.format(**words) for text in (told.reason, told.effect, told.trade_off)
        )
        return Reason(self.goals, reason, effect, cost, told.confidence, told.source)

    def claim(self, pointer: str, accepts: Callable[[Any], bool]) -> None:
        """Hold a place for the goal at hand: others may set what it accepts."""
        self._claims.setdefault(pointer, []).append(_Claim(self.goal, accepts))

    def rival(self, pointer: str, value: Any) -> str | None:
        """Return the goal that was named before and does not accept a value at a place."""
        claims = self._claims.get(pointer, ())
        return next((one.goal for one in claims if not one.accepts(value)), None)

    def settle(self, pointer: str, rival: str, chosen: Any, wanted: Any) -> None:
        """Note that a goal named before has its way at a place."""
        why = f"{rival} was named first; {self.goal} alone would set {json.dumps(wanted)}."
        self.settled.append(Settled((rival, self.goal), pointer, chosen, why))

    def is_so(self, pointer: str, value: Any) -> None:
        """Note that a place is as the goal at hand wants it, by itself or by this draft."""
        reason = self.reasons.get(pointer)
        if reason is None:
            self.already.append(Already(self.goal, pointer, value))
        elif self.goal not in reason.goals:
            self.reasons[pointer] = replace(reason, goals=(*reason.goals, self.goal))

    def remark(
        self, rule: str, path: str, message: str, hint: str, source: str, severity: Severity
    ) -> None:
        """Say something that no change can say."""
        said = RuleFinding(severity=severity, path=path, message=message, hint=hint)
        told = {"rule": f"tuning-{rule}", "source": source}
        self.remarks.append(said.model_copy(update=told))

    def advise(self, advice: Advice) -> None:
        """Say what helps the goal but is no change of the persona."""
        told = (advice.path, advice.message, advice.hint, advice.source)
        self.remark("advice", *told, "info")

    def proposal(self) -> Proposal:
        """Return what this draft comes to; what ended where it began is left out."""
        values = {path: value for path, value in self._values.items() if self._differs(path, value)}
        unset = [path for path in self._unset if get_at(self.before.data, path, self) is not self]
        reasons = {path: self.reasons[path] for path in (*values, *unset)}
        change = SetFields(values, tuple(unset))
        return Proposal(change, reasons, self.already, self.settled, self.remarks)

    def _differs(self, path: str, value: Any) -> bool:
        stored = get_at(self.before.data, path, _NOTHING)
        return stored is _NOTHING or bool(diff(stored, value))


def _room(pointer: str) -> str:
    """Return the layer that a place is in, or the field at the top."""
    first, *inside = pointer_tokens(pointer) or ("",)
    return inside[0] if first == "layers" and inside else first


def _together(one: Reason, other: Reason) -> Reason:
    """Return two reasons as one; the weaker confidence holds."""
    weakest = max(one.confidence, other.confidence, key=_CONFIDENCE.index)
    return Reason(
        tuple(dict.fromkeys((*one.goals, *other.goals))),
        _joined(one.reason, other.reason),
        _joined(one.effect, other.effect),
        _joined(one.trade_off, other.trade_off),
        weakest,
        ", ".join(dict.fromkeys([*one.source.split(", "), *other.source.split(", ")])),
    )


_CONFIDENCE = ("documented", "reported", "inferred")


def _joined(*texts: str) -> str:
    return " ".join(dict.fromkeys(filter(None, texts)))
