"""Exchanging one hosted language model for another by the ratings of the docs.

A rating is a number of icons, 1 to 3 (docs: persona/llm, pal/llm); not every model has one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tavus_mcp.catalog import Catalog, ModelFacts, Step
from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES
from tavus_mcp.models.base import text
from tavus_mcp.tuning.working_copy import Reason, WorkingCopy

_RATINGS = ("speed", "intelligence", "naturalness")
_MAX_RATING = 3


def rating_of(model: ModelFacts | None, name: str | None) -> int | None:
    """Return a rating of a model, 1 to 3; None for a retired one, which another model replaces."""
    if model is None or model.status == "retired":
        return None
    rating = getattr(model, name or "", None)
    return rating if isinstance(rating, int) else None


def rating_sum(model: ModelFacts) -> int:
    """Return the sum of a model's ratings, 0 where it has none."""
    return sum(rating_of(model, name) or 0 for name in _RATINGS)


def find_effective_model(stored_model: Any, catalog: Catalog) -> ModelFacts | None:
    """Return the facts of the model in effect: the stored one, else the default."""
    return catalog.llm_models.find(text(stored_model) or catalog.recommended_llm())


def is_discouraged(stored_model: Any, catalog: Catalog) -> bool:
    """Return whether the model in effect is legacy, deprecated, retired or unsupported."""
    facts = find_effective_model(stored_model, catalog)
    return facts is not None and facts.status in DISCOURAGED_STATUSES


def is_unrated(stored_model: Any, rating: str | None, catalog: Catalog) -> bool:
    """Return whether the model in effect is available, but not rated by the docs."""
    facts = find_effective_model(stored_model, catalog)
    return rating_of(facts, rating) is None and not is_discouraged(stored_model, catalog)


def build_exchange_reason(
    working_copy: WorkingCopy, step: Step, stored_model: Any, new_model: str
) -> Reason:
    """Return the reason for putting a rated model in the place of the present one.

    The gain over an unrated model is unknown, so the confidence is "inferred". A discouraged model
    is exchanged even if the new one is rated no higher.
    """
    reason, catalog = working_copy.reason_of_step(step), working_copy.catalog
    old, new = find_effective_model(stored_model, catalog), catalog.llm_models.find(new_model)
    if new is None:
        return reason
    rated = f"{new_model} is rated {_render_rating(new, step.rating)} for {step.rating}"
    reason = replace(reason, trade_off=f"{reason.trade_off} {new_model}: {_render_ratings(new)}.")
    if is_unrated(stored_model, step.rating, catalog):
        explanation = f"{rated}; the present model is not rated."
        return replace(reason, reason=explanation, confidence="inferred")
    if old is not None and is_discouraged(stored_model, catalog):
        gains = (rating_of(new, step.rating) or 0) > (rating_of(old, step.rating) or 0)
        effect = reason.effect if gains else "A model that Tavus still offers answers."
        return replace(reason, reason=f"{old.id} is {old.status}; {rated}.", effect=effect)
    return reason


def report_unrated_model(
    working_copy: WorkingCopy, step: Step, stored_model: Any, alternatives: list[str]
) -> None:
    """Report that an unrated model stays, and which one strength strong would choose."""
    facts = find_effective_model(stored_model, working_copy.catalog)
    name = facts.id if facts else "The model"
    offered = next(filter(None, map(working_copy.catalog.llm_models.find, alternatives)), None)
    if working_copy.strength == "strong" or offered is None:
        return
    working_copy.add_finding(
        "unrated-model",
        step.path,
        f"{name} is not rated for {step.rating}, so it was kept.",
        f"strength='strong' chooses {offered.id}: {_render_ratings(offered)}.",
        step.source,
        "info",
    )


def _render_rating(model: ModelFacts, name: str | None) -> str:
    return f"{rating_of(model, name)} of {_MAX_RATING}"


def _render_ratings(model: ModelFacts) -> str:
    return ", ".join(f"{name} {_render_rating(model, name)}" for name in _RATINGS)
