"""Moving one place towards a goal, as far as the strength says and other goals let it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tavus_mcp.catalog import Catalog, ModelFacts, Step
from tavus_mcp.checker.lookups import is_set, number, text
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.tuning import model_ratings, turns
from tavus_mcp.tuning.working_copy import Draft, Reason

_MODEL = "/layers/llm/model"
_OFFERED = ("recommended", "current")


def climb(draft: Draft, step: Step) -> None:
    """Take a step: set what the goal wants, hold what is so already, or settle with a rival."""
    scale = Scale(step, draft.catalog)
    now = _present(draft, step)
    here = scale.place(now)
    if step.strict and here < 0:
        return
    aim = scale.aim(draft.strength, here, now)
    if here >= aim:
        if draft.strength in step.strengths:
            _keep(draft, scale, now)
        # what stands beyond the aim may be taken back as far as the aim
        draft.claim(step.path, scale.from_rung(aim))
        return
    for rung in range(aim, here, -1):
        for offered in scale.offers(rung):
            if draft.rival(step.path, offered) is None:
                _settled(draft, scale, aim, offered)
                draft.put(step.path, offered, _why(draft, step, now, offered))
                draft.claim(step.path, scale.from_rung(rung))
                return
    _settled(draft, scale, aim, now)


def _keep(draft: Draft, scale: Scale, now: Any) -> None:
    """Note that a place is as it should be; of a model without a rating nobody can say so."""
    step = scale.step
    if step.rating and model_ratings.is_unrated(now, step.rating, draft.catalog):
        model_ratings.remark_on_unrated(draft, step, now, scale.offers(len(step.ladder) - 1))
    else:
        draft.is_so(step.path, now)


def _why(draft: Draft, step: Step, now: Any, offered: Any) -> Reason:
    return (
        model_ratings.why_exchanged(draft, step, now, offered) if step.rating else draft.why(step)
    )


def _settled(draft: Draft, scale: Scale, aim: int, chosen: Any) -> None:
    """Note who stands in the way of what the goal would have liked best."""
    for best in scale.offers(aim)[:1]:
        rival = draft.rival(scale.step.path, best)
        if rival is not None:
            draft.settle(scale.step.path, rival, chosen, best)


@dataclass(frozen=True)
class Scale:
    """The ladder of a step: where a value stands on it, and what each rung offers."""

    step: Step
    catalog: Catalog

    def place(self, value: Any) -> int:
        """Return the highest rung that a value reaches; -1 below the first and off the ladder."""
        ladder = self.step.ladder
        if self.step.rating:
            return self._rated(value)
        if isinstance(ladder[0], list):
            return 0 if isinstance(value, list) and is_set(value) else -1
        if number(ladder[0]) is not None:
            return _reached(ladder, number(value))
        worded = _as_truth(value) if isinstance(ladder[0], bool) else value
        same = [rung for rung in range(len(ladder)) if _is_same(ladder[rung], worded)]
        return same[0] if same else -1

    def from_rung(self, rung: int) -> Callable[[Any], bool]:
        """Return what tells whether a value reaches a rung."""
        return lambda value: self.place(value) >= rung

    def aim(self, strength: str, here: int, now: Any) -> int:
        """Return the rung to reach; where the strength does not count it is where one stands."""
        last = len(self.step.ladder) - 1
        if strength not in self.step.strengths:
            return here
        if strength == "strong" or (strength == "normal" and self.step.normal is None):
            return last
        if strength == "normal":
            return max(self.step.ladder.index(self.step.normal), self._worth(now))
        unknown = here < 0 and isinstance(self.step.ladder[0], str)
        return min(1 if unknown else here + 1, last)

    def offers(self, rung: int) -> list[Any]:
        """Return the values that reach a rung, the best first."""
        wanted = self.step.ladder[rung]
        if self.step.rating:
            return [model.id for model in self._models() if self.place(model.id) >= rung]
        if self.step.path == _MODEL:
            facts = self.catalog.llm_model(wanted)
            return [wanted] if facts and facts.status in _OFFERED else []
        return [copy.deepcopy(wanted)]

    def _rated(self, name: Any) -> int:
        """Return the rung of a model; one without a rating is short of the last only.

        One that is on its way out stands below every rung, so that it is exchanged.
        """
        if model_ratings.is_discouraged(name, self.catalog):
            return -1
        rating = model_ratings.rating_of(
            model_ratings.in_effect(name, self.catalog), self.step.rating
        )
        return len(self.step.ladder) - 2 if rating is None else _reached(self.step.ladder, rating)

    def _worth(self, now: Any) -> int:
        """Return the rung that the successor of a model on its way out should not be below."""
        if not self.step.rating or not model_ratings.is_discouraged(now, self.catalog):
            return -1
        facts = model_ratings.in_effect(now, self.catalog)
        return _reached(self.step.ladder, model_ratings.rating_of(facts, self.step.rating))

    def _models(self) -> list[ModelFacts]:
        """Return the rated models on offer, those first that give up least otherwise."""
        offered = [
            model
            for model in self.catalog.llm_models()
            if model.status in _OFFERED
            and model_ratings.rating_of(model, self.step.rating) is not None
        ]
        return sorted(offered, key=lambda one: -model_ratings.all_ratings(one))


def _present(draft: Draft, step: Step) -> Any:
    """Return what is in effect at a place: what is stored, else what holds without it."""
    if step.path.startswith(turns.FLOW):
        return turns.present(draft, step.path)
    stored = draft.at(step.path)
    if is_set(stored):
        return stored
    if step.assume is not None:
        return step.assume
    match pointer_tokens(step.path):
        case ["layers", layer, *names]:
            facts = draft.catalog.field(layer, ".".join(names))
            return facts.default if facts else None
    return None


def _reached(ladder: tuple[Any, ...], value: float | None) -> int:
    if value is None:
        return -1
    up = ladder[-1] >= ladder[0]
    return sum(1 for rung in ladder if (value >= rung if up else value <= rung)) - 1


def _is_same(rung: Any, value: Any) -> bool:
    return type(rung) is type(value) and bool(rung == value)


def _as_truth(value: Any) -> Any:
    """Older examples show truth as a word (docs: patch-persona)."""
    return {"true": True, "false": False}.get(text(value).lower(), value)
