"""Change one field towards a goal, as far as the strength says and earlier goals allow."""

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
    """Apply one step: set the recommended value, record that it is already met, or record that an
    earlier goal takes precedence.
    """
    scale = StepScale(step, working_copy.catalog)
    current = _effective_value(working_copy, step)
    level = scale.level_of(current)
    if step.strict and level < 0:
        return
    target = scale.target_level(working_copy.strength, level, current)
    if level >= target:
        if working_copy.strength in step.strengths:
            _record_met(working_copy, scale, current)
        # a later goal may take a value beyond the target back as far as the target
        working_copy.constrain(step.path, scale.build_level_check(target))
        return
    for reached in range(target, level, -1):
        for value in scale.values_at(reached):
            if working_copy.conflicting_goal(step.path, value) is None:
                _record_conflict(working_copy, scale, target, value)
                reason = _build_reason(working_copy, step, current, value)
                working_copy.set_value(step.path, value, reason)
                working_copy.constrain(step.path, scale.build_level_check(reached))
                return
    _record_conflict(working_copy, scale, target, current)


def _record_met(working_copy: WorkingCopy, scale: StepScale, current: Any) -> None:
    """Record that a field needs no change; an unrated model is reported instead."""
    step = scale.step
    if step.rating and model_ratings.is_unrated(current, step.rating, working_copy.catalog):
        best_models = scale.values_at(len(step.levels) - 1)
        model_ratings.report_unrated_model(working_copy, step, current, best_models)
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
    """Record the earlier goal, if any, that refuses the best value of the target level."""
    for best in scale.values_at(target_level)[:1]:
        winning_goal = working_copy.conflicting_goal(scale.step.path, best)
        if winning_goal is not None:
            working_copy.resolve_conflict(scale.step.path, winning_goal, chosen_value, best)


@dataclass(frozen=True)
class StepScale:
    """The levels of a step: which one a value reaches, and which values reach one."""

    step: Step
    catalog: Catalog

    def level_of(self, value: Any) -> int:
        """Return the index of the highest level that a value reaches; -1 if it reaches none."""
        levels = self.step.levels
        if self.step.rating:
            return self._rating_level(value)
        if isinstance(levels[0], list):
            return 0 if isinstance(value, list) and is_set(value) else -1
        if number(levels[0]) is not None:
            return _highest_level(levels, number(value))
        comparable = _parse_boolean(value) if isinstance(levels[0], bool) else value
        equal = (index for index, level in enumerate(levels) if _is_same(level, comparable))
        return next(equal, -1)

    def build_level_check(self, level: int) -> Callable[[Any], bool]:
        """Return a function that tells whether a value reaches a level."""
        return lambda value: self.level_of(value) >= level

    def target_level(self, strength: str, current_level: int, current: Any) -> int:
        """Return the level to reach; the current one if the step is not for this strength.

        From an unknown text gentle goes to the second level: the first is the far end of the scale.
        """
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
        """Return the values that reach a level, the best first; only models that are available."""
        value = self.step.levels[level]
        if self.step.rating:
            return [model.id for model in self._rated_models() if self.level_of(model.id) >= level]
        if self.step.path == _LLM_MODEL:
            facts = self.catalog.llm_models.find(value)
            return [value] if facts and facts.status in _AVAILABLE_STATUSES else []
        return [copy.deepcopy(value)]

    def _rating_level(self, model_id: Any) -> int:
        """Return the level of a model by its rating.

        An unrated model is one level short of the last, so that only strength strong replaces it.
        A discouraged one is below every level, so that it is always replaced.
        """
        if model_ratings.is_discouraged(model_id, self.catalog):
            return -1
        facts = model_ratings.find_effective_model(model_id, self.catalog)
        rating = model_ratings.rating_of(facts, self.step.rating)
        if rating is None:
            return len(self.step.levels) - 2
        return _highest_level(self.step.levels, rating)

    def _replacement_level(self, current: Any) -> int:
        """Return the level of a discouraged model, which its replacement should reach; else -1."""
        if not self.step.rating or not model_ratings.is_discouraged(current, self.catalog):
            return -1
        facts = model_ratings.find_effective_model(current, self.catalog)
        return _highest_level(self.step.levels, model_ratings.rating_of(facts, self.step.rating))

    def _rated_models(self) -> list[ModelFacts]:
        """Return the available rated models, those with the highest sum of ratings first."""
        rated = [
            model
            for model in self.catalog.llm_models
            if model.status in _AVAILABLE_STATUSES
            and model_ratings.rating_of(model, self.step.rating) is not None
        ]
        return sorted(rated, key=model_ratings.rating_sum, reverse=True)


def _effective_value(working_copy: WorkingCopy, step: Step) -> Any:
    """Return the value in effect: the stored one, else the assumed or documented default."""
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
    """Return the index of the last level that a number reaches; levels may run up or down."""
    if value is None:
        return -1
    ascending = levels[-1] >= levels[0]
    return sum(1 for level in levels if (value >= level if ascending else value <= level)) - 1


def _is_same(level_value: Any, value: Any) -> bool:
    return type(level_value) is type(value) and bool(level_value == value)


def _parse_boolean(value: Any) -> Any:
    """Read "true" and "false", which older examples have for booleans (docs: patch-persona)."""
    return {"true": True, "false": False}.get(text(value).lower(), value)
