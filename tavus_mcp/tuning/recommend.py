"""What would move a persona towards what people want of it: the goals, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from tavus_mcp.catalog import Catalog, Step
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.tuning import modern, turns
from tavus_mcp.tuning.conditions import applies
from tavus_mcp.tuning.goal_arguments import read_goals
from tavus_mcp.tuning.modes import remark_on_mode
from tavus_mcp.tuning.prompt_paragraphs import add_paragraph
from tavus_mcp.tuning.step_functions import THOUGHTS
from tavus_mcp.tuning.steps import climb
from tavus_mcp.tuning.working_copy import Draft, Proposal

MODERNIZE = "modernize"


def propose(
    document: PersonaDocument,
    goals: Sequence[str],
    strength: str,
    languages: Sequence[str],
    catalog: Catalog,
) -> Proposal:
    """Return what would move a persona towards goals; the one named first wins a disputed place.

    ``languages`` are names or codes, for goal ``speak_languages``. Raises ``InvalidArgument``
    when goals and languages make no sense together.
    """
    named, codes = read_goals(goals, languages, catalog)
    draft = Draft(document, catalog, strength, codes)
    draft.goals = (MODERNIZE,)
    modern.attach_documents(draft)
    if MODERNIZE in named:  # first, whatever its place: it says the same, and disputes nothing
        modern.modernize(draft)
    _pursue_all(draft, named)
    _remark_on_gentle(draft, named)
    turns.bring_over(draft)
    _remark_on_stock(draft)
    return draft.proposal()


def _pursue_all(draft: Draft, named: Sequence[str]) -> None:
    """Pursue the goals until none moves anything more.

    What a later goal sets can make a step of an earlier one apply, which then has its way. With
    gentle there is one round: each would take another rung.
    """
    already, remarks = tuple(draft.already), tuple(draft.remarks)
    for _ in range(1 if draft.strength == "gentle" else len(named) + 1):
        draft.begin_round(already, remarks)
        for goal in named:
            draft.goals = (goal,)
            _pursue(draft)
        if not draft.moved:
            return


def _pursue(draft: Draft) -> None:
    goal = draft.catalog.tuning_goal(draft.goal)
    lost = [step for step in goal.step if not draft.has_effect(step.path)]
    rest = [step for step in goal.step if step not in lost]
    for step in rest:
        if _counts(draft, step):
            _take(draft, step)
    if lost:
        remark_on_mode(draft, lost, [step for step in rest if _counts(draft, step)])
    for advice in goal.advice if rest else ():
        if (
            draft.strength in advice.strengths
            and draft.has_effect(advice.path)
            and applies(draft, advice)
        ):
            draft.advise(advice)


def _counts(draft: Draft, step: Step) -> bool:
    return draft.is_open(step.path) and applies(draft, step)


def _take(draft: Draft, step: Step) -> None:
    if step.thought:
        THOUGHTS[step.thought](draft, step)
    elif step.paragraph:
        add_paragraph(draft, step)
    else:
        climb(draft, step)


def _remark_on_gentle(draft: Draft, named: Sequence[str]) -> None:
    """Say of each goal that did nothing that it begins with normal, where it does."""
    done = {goal for reason in draft.reasons.values() for goal in reason.goals}
    done |= {one.goal for one in draft.already} | {one.goals[1] for one in draft.settled}
    for name in named if draft.strength == "gentle" else ():
        steps = [one for one in draft.catalog.tuning_goal(name).step if draft.has_effect(one.path)]
        begins = any("gentle" not in one.strengths and _counts(draft, one) for one in steps)
        if name not in done and begins:
            draft.remark(
                "nothing-gentle",
                "",
                f"Goal {name} has nothing to move gently here.",
                "Ask again with strength='normal'.",
                draft.catalog.tuning_goal(name).source,
                "info",
            )


def _remark_on_stock(draft: Draft) -> None:
    if draft.before.at("/persona_type") == "system":
        draft.remark(
            "stock-persona",
            "/persona_type",
            "A stock persona of Tavus cannot be changed, so this plan cannot be applied to it.",
            "Make your own of it: create_persona(based_on=..., name=...), and ask again for that.",
            "D:get-personas, N#70219330625",
            "warning",
        )
