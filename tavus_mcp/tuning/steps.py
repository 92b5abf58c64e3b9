"""Moving one place towards a goal, as far as the strength says and other goals let it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tavus_mcp.catalog import Catalog, ModelFacts, Step
from tavus_mcp.deprecations.turn_taking import FLOW
from tavus_mcp.models.base import is_set, number, text
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.tuning import model_ratings
from tavus_mcp.tuning.turn_taking import effective_value
from tavus_mcp.tuning.working_copy import Reason, WorkingCopy

_LLM_MODEL = "/layers/llm/model"
_AVAILABLE_STATUSES = ("recommended", "current")


def apply_step(working_copy: WorkingCopy, step: Step) -> None:
    """Take a step: set what the goal wants, hold what is so already, or settle with a rival."""
    scale = StepScale(step, working_copy.catalog)
    now = _effective_value(working_copy, step)
    here = scale.level_of(now)
    if step.strict and here < 0:
        return
    aim = scale.target_level(working_copy.strength, here, now)
    if here >= aim:
        if working_copy.strength in step.strengths:
            _record_met(working_copy, scale, now)
        # what stands beyond the aim may be taken back as far as the aim
        working_copy.constrain(step.path, scale.build_level_check(aim))
        return
    for rung in range(aim, here, -1):
        for offered in scale.values_at(rung):
            if working_copy.conflicting_goal(step.path, offered) is None:
                _record_conflict(working_copy, scale, aim, offered)
                working_copy.set_value(
                    step.path, offered, _build_reason(working_copy, step, now, offered)
                )
                working_copy.constrain(step.path, scale.build_level_check(rung))
                return
    _record_conflict(working_copy, scale, aim, now)


def _record_met(working_copy: WorkingCopy, scale: StepScale, current: Any) -> None:
    """Note that a place is as it should be; of a model without a rating nobody can say so."""
    step = scale.step
    if step.rating and model_ratings.is_unrated(current, step.rating, working_copy.catalog):
        model_ratings.report_unrated_model(
            working_copy, step, current, scale.values_at(len(step.levels) - 1)
        )
    else:
        working_copy.mark_met(step.path, current)


def _build_reason(working_copy: WorkingCopy, step: Step, current: Any, new_value: Any) -> Reason:
    return (
        model_ratings.build_exchange_reason(working_copy, step, current, new_value)
        if step.rating
        else working_copy.reason_of_step(step)
    )


def _record_conflict(
    working_copy: WorkingCopy, scale: StepScale, target_level: int, chosen_value: Any
) -> None:
    """Note who stands in the way of what the goal would have liked best."""
    for best in scale.values_at(target_level)[:1]:
        rival = working_copy.conflicting_goal(scale.step.path, best)
        if rival is not None:
            working_copy.resolve_conflict(scale.step.path, rival, chosen_value, best)


@dataclass(frozen=True)
class StepScale:
    """The ladder of a step: where a value stands on it, and what each rung offers."""

    step: Step
    catalog: Catalog

    def level_of(self, value: Any) -> int:
        """Return the highest rung that a value reaches; -1 below the first and off the ladder."""
        ladder = self.step.levels
        if self.step.rating:
            return self._rating_level(value)
        if isinstance(ladder[0], list):
            return 0 if isinstance(value, list) and is_set(value) else -1
        if number(ladder[0]) is not None:
            return _highest_level(ladder, number(value))
        worded = _parse_boolean(value) if isinstance(ladder[0], bool) else value
        same = [rung for rung in range(len(ladder)) if _is_same(ladder[rung], worded)]
        return same[0] if same else -1

    def build_level_check(self, level: int) -> Callable[[Any], bool]:
        """Return what tells whether a value reaches a rung."""
        return lambda value: self.level_of(value) >= level

    def target_level(self, strength: str, current_level: int, current: Any) -> int:
        """Return the rung to reach; where the strength does not count it is where one stands."""
        last = len(self.step.levels) - 1
        if strength not in self.step.strengths:
            return current_level
        if strength == "strong" or (strength == "normal" and self.step.normal is None):
            return last
        if strength == "normal":
            return max(self.step.levels.index(self.step.normal), self._replacement_level(current))
        unknown = current_level < 0 and isinstance(self.step.levels[0], str)
        return min(1 if unknown else current_level + 1, last)

    def values_at(self, level: int) -> list[Any]:
        """Return the values that reach a rung, the best first."""
        wanted = self.step.levels[level]
        if self.step.rating:
            return [model.id for model in self._rated_models() if self.level_of(model.id) >= level]
        if self.step.path == _LLM_MODEL:
            facts = self.catalog.llm_models.find(wanted)
            return [wanted] if facts and facts.status in _AVAILABLE_STATUSES else []
        return [copy.deepcopy(wanted)]

    def _rating_level(self, model_id: Any) -> int:
        """Return the rung of a model; one without a rating is short of the last only.

        One that is on its way out stands below every rung, so that it is exchanged.
        """
        if model_ratings.is_discouraged(model_id, self.catalog):
            return -1
        rating = model_ratings.rating_of(
            model_ratings.find_effective_model(model_id, self.catalog), self.step.rating
        )
        return (
            len(self.step.levels) - 2
            if rating is None
            else _highest_level(self.step.levels, rating)
        )

    def _replacement_level(self, current: Any) -> int:
        """Return the rung that the successor of a model on its way out should not be below."""
        if not self.step.rating or not model_ratings.is_discouraged(current, self.catalog):
            return -1
        facts = model_ratings.find_effective_model(current, self.catalog)
        return _highest_level(self.step.levels, model_ratings.rating_of(facts, self.step.rating))

    def _rated_models(self) -> list[ModelFacts]:
        """Return the rated models on offer, those first that give up least otherwise."""
        offered = [
            model
            for model in self.catalog.llm_models
            if model.status in _AVAILABLE_STATUSES
            and model_ratings.rating_of(model, self.step.rating) is not None
        ]
        return sorted(offered, key=lambda one: -model_ratings.rating_sum(one))


def _effective_value(working_copy: WorkingCopy, step: Step) -> Any:
    """Return what is in effect at a place: what is stored, else what holds without it."""
    if step.path.startswith(FLOW):
        return effective_value(working_copy, step.path)
    stored = working_copy.at(step.path)
    if is_set(stored):
        return stored
    if step.assume is not None:
        return step.assume
    match pointer_tokens(step.path):
        case ["layers", layer, *names]:
            facts = working_copy.catalog.field(layer, ".".join(names))
            return facts.default if facts else None
    return None


def _highest_level(levels: tuple[Any, ...], value: float | None) -> int:
    if value is None:
        return -1
    up = levels[-1] >= levels[0]
    return sum(1 for rung in levels if (value >= rung if up else value <= rung)) - 1


def _is_same(level_value: Any, value: Any) -> bool:
    return type(level_value) is type(value) and bool(level_value == value)


def _parse_boolean(value: Any) -> Any:
    """Older examples show truth as a word (docs: patch-persona)."""
    return {"true": True, "false": False}.get(text(value).lower(), value)
