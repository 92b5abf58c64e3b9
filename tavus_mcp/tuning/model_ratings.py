"""What the docs' ratings of hosted models say about exchanging one for another.

A rating is a number of icons, 1 to 3 (docs: persona/llm, pal/llm); not every model has one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tavus_mcp.catalog import Catalog, ModelFacts, Step
from tavus_mcp.catalog.facts import DISCOURAGED
from tavus_mcp.checker.lookups import recommended_llm, text
from tavus_mcp.tuning.working_copy import Draft, Reason

_RATINGS = ("speed", "intelligence", "naturalness")
_HIGHEST = 3


def rating_of(model: ModelFacts | None, name: str | None) -> int | None:
    """Return a rating of a model, 1 to 3; a retired one has none, because another answers."""
    if model is None or model.status == "retired":
        return None
    rating = getattr(model, name or "", None)
    return rating if isinstance(rating, int) else None


def all_ratings(model: ModelFacts) -> int:
    """Return the sum of a model's ratings, 0 where it has none."""
    return sum(rating_of(model, name) or 0 for name in _RATINGS)


def in_effect(stored: Any, catalog: Catalog) -> ModelFacts | None:
    """Return the facts of the model that answers: the stored one, else the default."""
    return catalog.llm_model(text(stored) or recommended_llm(catalog))


def is_discouraged(stored: Any, catalog: Catalog) -> bool:
    """Tell whether the model that answers is on its way out."""
    facts = in_effect(stored, catalog)
    return facts is not None and facts.status in DISCOURAGED


def is_unrated(stored: Any, rating: str | None, catalog: Catalog) -> bool:
    """Tell whether nothing is known of how good a model is that is on offer."""
    facts = in_effect(stored, catalog)
    return rating_of(facts, rating) is None and not is_discouraged(stored, catalog)


def why_exchanged(draft: Draft, step: Step, stored: Any, offered: str) -> Reason:
    """Return the reason for a rated model in place of another one, rated or not."""
    why, catalog = draft.why(step), draft.catalog
    old, new = in_effect(stored, catalog), catalog.llm_model(offered)
    if new is None:
        return why
    rated = f"{offered} is rated {_stars(new, step.rating)} for {step.rating}"
    why = replace(why, trade_off=f"{why.trade_off} {offered}: {_told(new)}.")
    if is_unrated(stored, step.rating, catalog):
        unsure = f"{rated}; the present model is not rated."
        return replace(why, reason=unsure, confidence="inferred")
    if old is not None and is_discouraged(stored, catalog):
        gains = (rating_of(new, step.rating) or 0) > (rating_of(old, step.rating) or 0)
        effect = why.effect if gains else "A model that is still on offer answers."
        return replace(why, reason=f"{old.id} is {old.status}; {rated}.", effect=effect)
    return why


def remark_on_unrated(draft: Draft, step: Step, stored: Any, best: list[str]) -> None:
    """Say that a model was kept because it is not rated, and what strong would take."""
    facts = in_effect(stored, draft.catalog)
    named = facts.id if facts else "The model"
    offered = next(filter(None, map(draft.catalog.llm_model, best)), None)
    if draft.strength == "strong" or offered is None:
        return
    draft.remark(
        "unrated-model",
        step.path,
        f"{named} is not rated for {step.rating}, so it was kept.",
        f"strength='strong' takes {offered.id}: {_told(offered)}.",
        step.source,
        "info",
    )


def _stars(model: ModelFacts, name: str | None) -> str:
    return f"{rating_of(model, name)} of {_HIGHEST}"


def _told(model: ModelFacts) -> str:
    return ", ".join(f"{name} {_stars(model, name)}" for name in _RATINGS)
