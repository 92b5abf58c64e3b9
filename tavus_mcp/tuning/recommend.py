"""Carry out the goals of tuning, one after the other, and report what has no effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tavus_mcp.catalog import Catalog, Step
from tavus_mcp.deprecations.conversion import is_settable
from tavus_mcp.deprecations.table import DOCUMENTS
from tavus_mcp.deprecations.turn_taking import FLOW
from tavus_mcp.models.document import PersonaDocument, is_stock_persona
from tavus_mcp.tuning.conditions import applies
from tavus_mcp.tuning.goal_arguments import read_goals
from tavus_mcp.tuning.modernize import convert, modernize
from tavus_mcp.tuning.prompt_paragraphs import add_paragraph
from tavus_mcp.tuning.step_functions import STEP_FUNCTIONS
from tavus_mcp.tuning.steps import apply_step
from tavus_mcp.tuning.turn_taking import carry_over_turn_taking
from tavus_mcp.tuning.working_copy import PROMPT, AlreadyMet, Recommendation, WorkingCopy

MODERNIZE = "modernize"
_FULL_MODE_HINT = 'To use it: update_persona(persona_id, pipeline_mode="full", system_prompt=...).'


def build_recommendation(
    document: PersonaDocument,
    goals: Sequence[str],
    strength: str,
    languages: Sequence[str],
    catalog: Catalog,
) -> Recommendation:
    """Return the changes that move a persona towards goals.

    ``goals`` are names or aliases; where two want different values the first one wins. ``strength``
    is gentle, normal or strong. ``languages`` are names or codes, for the goal ``speak_languages``
    only. Raises ``InvalidArgument`` for unknown goals or languages.
    """
    goal_names, language_codes = read_goals(goals, languages, catalog)
    working_copy = WorkingCopy(document, catalog, strength, language_codes)
    working_copy.goals = (MODERNIZE,)
    convert(working_copy, DOCUMENTS)  # every write does the same
    if MODERNIZE in goal_names:  # always first: it changes no behaviour, so it conflicts with none
        modernize(working_copy)
    _apply_goals(working_copy, goal_names)
    if strength == "gentle":
        _report_goals_without_gentle_step(working_copy, goal_names)
    carry_over_turn_taking(working_copy)
    _report_stock_persona(working_copy)
    return working_copy.build_recommendation()


def _apply_goals(working_copy: WorkingCopy, goals: Sequence[str]) -> None:
    """Apply the goals in rounds until a round changes nothing.

    A change for a later goal can make a step of an earlier one apply, which then takes precedence.
    Strength gentle has one round, because each further round would take another level.
    """
    already_met, findings = tuple(working_copy.already_met), tuple(working_copy.findings)
    for _ in range(1 if working_copy.strength == "gentle" else len(goals) + 1):
        working_copy.begin_round(already_met, findings)
        for goal in goals:
            working_copy.goals = (goal,)
            _apply_goal(working_copy)
        if not working_copy.has_changed:
            return


def _apply_goal(working_copy: WorkingCopy) -> None:
    goal = working_copy.catalog.tuning_goals[working_copy.goal]
    effective = [step for step in goal.step if working_copy.has_effect(step.path)]
    bypassed = [step for step in goal.step if step not in effective]
    for step in effective:
        if _is_applicable(working_copy, step):
            _carry_out(working_copy, step)
    if bypassed:
        _report_bypassed_steps(working_copy, bypassed, effective)
    for advice in goal.advice if effective else ():
        if (
            working_copy.strength in advice.strengths
            and working_copy.has_effect(advice.path)
            and applies(working_copy, advice)
        ):
            working_copy.advise(advice)


def _is_applicable(working_copy: WorkingCopy, step: Step) -> bool:
    return is_settable(working_copy.document, step.path) and applies(working_copy, step)


def _carry_out(working_copy: WorkingCopy, step: Step) -> None:
    if step.function:
        STEP_FUNCTIONS[step.function](working_copy, step)
    elif step.paragraph:
        add_paragraph(working_copy, step)
    else:
        apply_step(working_copy, step)


def _report_bypassed_steps(
    working_copy: WorkingCopy, bypassed: Sequence[Step], effective: Sequence[Step]
) -> None:
    """Report the steps of a goal that have no effect in the pipeline mode.

    A step with ``met_when_bypassed`` counts as met: in a mode without perception nobody is watched,
    so the goal ``respect_privacy`` needs no other mode.
    """
    mode = working_copy.before.mode
    met = dict.fromkeys(step.path for step in bypassed if step.met_when_bypassed and step.levels)
    for path in met:
        working_copy.already_met.append(
            AlreadyMet(working_copy.goal, path, f"bypassed in mode {mode}")
        )
    unmet = [step.path for step in bypassed if not step.met_when_bypassed]
    if not unmet:
        return
    without_effect = not met and not any(_is_applicable(working_copy, step) for step in effective)
    effect = "no effect" if without_effect else "less effect"
    working_copy.add_finding(
        "no-effect",
        "/pipeline_mode",
        f"Goal {working_copy.goal} has {effect} here: mode {mode} {_describe_paths(unmet)}.",
        "" if met else _FULL_MODE_HINT,
        "D:create-persona, P:echo-mode",
        "warning" if without_effect else "info",
    )


def _describe_paths(paths: Iterable[str]) -> str:
    return "; it ".join(_path_clauses(list(dict.fromkeys(paths))))


def _path_clauses(paths: Sequence[str]) -> Iterator[str]:
    """Yield what the docs say of bypassed layers and of the prompt, and our conclusion on turns."""
    flow = [path for path in paths if path.startswith(FLOW)]
    if layers := [path for path in paths if path not in flow and path != PROMPT]:
        yield f"bypasses {', '.join(layers)}"
    if PROMPT in paths:
        yield f"takes no {PROMPT}"
    if flow:
        yield f"bypasses /layers/stt, so {', '.join(flow)} probably has no effect"


def _report_goals_without_gentle_step(working_copy: WorkingCopy, goals: Sequence[str]) -> None:
    """Report each goal that did nothing because its applicable steps begin with strength normal."""
    active = {goal for reason in working_copy.reasons.values() for goal in reason.goals}
    active |= {met.goal for met in working_copy.already_met}
    active |= {conflict.goals[1] for conflict in working_copy.resolved_conflicts}
    for goal in (working_copy.catalog.tuning_goals[name] for name in goals if name not in active):
        if any(
            "gentle" not in step.strengths
            and working_copy.has_effect(step.path)
            and _is_applicable(working_copy, step)
            for step in goal.step
        ):
            working_copy.add_finding(
                "nothing-gentle",
                "",
                f"Goal {goal.name} has no gentle change here.",
                "Ask again with strength='normal'.",
                goal.source,
                "info",
            )


def _report_stock_persona(working_copy: WorkingCopy) -> None:
    if is_stock_persona(working_copy.before):
        working_copy.add_finding(
            "stock-persona",
            "/persona_type",
            "A stock persona of Tavus cannot be changed, so there is no plan to apply.",
            "Make a copy: create_persona(based_on=..., name=...), and ask again for the copy.",
            "D:get-personas, N#70219330625",
            "warning",
        )
