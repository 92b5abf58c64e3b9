"""What would move a persona towards what people want of it: the goals, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from tavus_mcp.catalog import Catalog, Step
from tavus_mcp.deprecations.table import DOCUMENTS
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.tuning.conditions import applies
from tavus_mcp.tuning.goal_arguments import read_goals
from tavus_mcp.tuning.modernize import convert, modernize
from tavus_mcp.tuning.modes import report_bypassed_steps
from tavus_mcp.tuning.prompt_paragraphs import add_paragraph
from tavus_mcp.tuning.step_functions import STEP_FUNCTIONS
from tavus_mcp.tuning.steps import apply_step
from tavus_mcp.tuning.turn_taking import carry_over_turn_taking
from tavus_mcp.tuning.working_copy import Proposal, WorkingCopy

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
    draft = WorkingCopy(document, catalog, strength, codes)
    draft.goals = (MODERNIZE,)
    convert(draft, DOCUMENTS)  # every write does the same
    if MODERNIZE in named:  # first, whatever its place: it says the same, and disputes nothing
        modernize(draft)
    _apply_goals(draft, named)
    _report_goals_without_gentle_step(draft, named)
    carry_over_turn_taking(draft)
    _report_stock_persona(draft)
    return draft.build_proposal()


def _apply_goals(working_copy: WorkingCopy, goals: Sequence[str]) -> None:
    """Pursue the goals until none moves anything more.

    What a later goal sets can make a step of an earlier one apply, which then has its way. With
    gentle there is one round: each would take another rung.
    """
    already, remarks = tuple(working_copy.already_met), tuple(working_copy.findings)
    for _ in range(1 if working_copy.strength == "gentle" else len(goals) + 1):
        working_copy.begin_round(already, remarks)
        for goal in goals:
            working_copy.goals = (goal,)
            _apply_goal(working_copy)
        if not working_copy.has_changed:
            return


def _apply_goal(working_copy: WorkingCopy) -> None:
    goal = working_copy.catalog.tuning_goals[working_copy.goal]
    lost = [step for step in goal.step if not working_copy.has_effect(step.path)]
    rest = [step for step in goal.step if step not in lost]
    for step in rest:
        if _is_applicable(working_copy, step):
            _dispatch_step(working_copy, step)
    if lost:
        report_bypassed_steps(
            working_copy, lost, [step for step in rest if _is_applicable(working_copy, step)]
        )
    for advice in goal.advice if rest else ():
        if (
            working_copy.strength in advice.strengths
            and working_copy.has_effect(advice.path)
            and applies(working_copy, advice)
        ):
            working_copy.advise(advice)


def _is_applicable(working_copy: WorkingCopy, step: Step) -> bool:
    return working_copy.is_settable(step.path) and applies(working_copy, step)


def _dispatch_step(working_copy: WorkingCopy, step: Step) -> None:
    if step.function:
        STEP_FUNCTIONS[step.function](working_copy, step)
    elif step.paragraph:
        add_paragraph(working_copy, step)
    else:
        apply_step(working_copy, step)


def _report_goals_without_gentle_step(working_copy: WorkingCopy, goals: Sequence[str]) -> None:
    """Say of each goal that did nothing that it begins with normal, where it does."""
    done = {goal for reason in working_copy.reasons.values() for goal in reason.goals}
    done |= {one.goal for one in working_copy.already_met} | {
        one.goals[1] for one in working_copy.resolved_conflicts
    }
    for name in goals if working_copy.strength == "gentle" else ():
        steps = [
            one
            for one in working_copy.catalog.tuning_goals[name].step
            if working_copy.has_effect(one.path)
        ]
        begins = any(
            "gentle" not in one.strengths and _is_applicable(working_copy, one) for one in steps
        )
        if name not in done and begins:
            working_copy.add_finding(
                "nothing-gentle",
                "",
                f"Goal {name} has nothing to move gently here.",
                "Ask again with strength='normal'.",
                working_copy.catalog.tuning_goals[name].source,
                "info",
            )


def _report_stock_persona(working_copy: WorkingCopy) -> None:
    if working_copy.before.at("/persona_type") == "system":
        working_copy.add_finding(
            "stock-persona",
            "/persona_type",
            "A stock persona of Tavus cannot be changed, so this plan cannot be applied to it.",
            "Make your own of it: create_persona(based_on=..., name=...), and ask again for that.",
            "D:get-personas, N#70219330625",
            "warning",
        )
