"""Steps that no ladder can say: they look at a whole list, or at what an engine can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tavus_mcp.catalog import Step
from tavus_mcp.models.base import is_set, text
from tavus_mcp.tuning.conditions import language_codes, supports_languages
from tavus_mcp.tuning.prompt_paragraphs import remove_paragraphs
from tavus_mcp.tuning.working_copy import WorkingCopy

_ANALYSIS_QUERIES = "/layers/perception/perception_analysis_queries"


def _add_languages(working_copy: WorkingCopy, step: Step) -> None:
    """List the languages that are asked for beside those that are there, all by their codes."""
    stored = working_copy.at(step.path)
    listed: list[Any] = []
    for one in (*(stored if isinstance(stored, list) else ()), *working_copy.languages):
        known = working_copy.catalog.languages.find(one.strip()) if isinstance(one, str) else None
        code = known.code if known else one
        if code not in listed:
            listed.append(code)
    if listed == stored:
        working_copy.mark_met(step.path, stored)
    else:
        working_copy.set_value(step.path, listed, working_copy.reason_of_step(step))
    if not is_set(working_copy.before.at(step.path)):
        _report_first_languages(working_copy, step)


def _report_first_languages(working_copy: WorkingCopy, step: Step) -> None:
    working_copy.add_finding(
        "first-languages",
        step.path,
        "The list was empty, so only these languages are listed.",
        "If the persona is to speak its present language too, ask again and name it as well.",
        step.source,
        "warning",
    )


def _choose_stt_engine(working_copy: WorkingCopy, step: Step) -> None:
    """Choose an engine that hears all of the languages, where the present one does not."""
    spoken = language_codes(working_copy)
    stored = text(working_copy.at(step.path))
    engines = working_copy.catalog.stt_engines
    now = stored or next(engine.id for engine in engines if engine.default)
    if not supports_languages(now, spoken, working_copy.catalog):
        able = [
            engine.id
            for engine in engines
            if engine.status in ("recommended", "current")
            and supports_languages(engine.id, spoken, working_copy.catalog)
        ]
        for engine in able[:1]:
            if rival := working_copy.conflicting_goal(step.path, engine):
                working_copy.resolve_conflict(step.path, rival, now, engine)
                return
            working_copy.set_value(step.path, engine, working_copy.reason_of_step(step))
    else:
        working_copy.mark_met(step.path, now)
    working_copy.constrain(
        step.path, lambda engine: supports_languages(text(engine), spoken, working_copy.catalog)
    )


def _remove_redundant_setting(working_copy: WorkingCopy, step: Step) -> None:
    """Give up a setting beside another one that does the same."""
    if working_copy.strength in step.strengths:
        working_copy.remove(step.path, working_copy.reason_of_step(step))


def _remove_additions(goal_name: str, working_copy: WorkingCopy, step: Step) -> None:
    """Remove what another goal added at the path of the step, where it stands word for word."""
    stored = working_copy.at(step.path)
    goal = working_copy.catalog.tuning_goals[goal_name]
    added = [added_step for added_step in goal.step if added_step.path == step.path]
    if isinstance(stored, str):
        names = [added_step.paragraph for added_step in added if added_step.paragraph]
        rest = remove_paragraphs(stored, [working_copy.catalog.paragraphs[name] for name in names])
        if rest != stored and text(rest):
            working_copy.set_value(
                step.path, rest, working_copy.reason_of_step(step), merge_reasons=True
            )
    elif isinstance(stored, list):
        ours = [query for added_step in added for level in added_step.levels for query in level]
        remaining = [query for query in stored if query not in ours]
        if not remaining and stored:
            working_copy.remove(step.path, working_copy.reason_of_step(step))
        elif remaining != stored:
            working_copy.set_value(
                step.path, remaining, working_copy.reason_of_step(step), merge_reasons=True
            )


def _reduce_queries(working_copy: WorkingCopy, step: Step) -> None:
    """Ask each question once; with a ladder, only so many again and again."""
    stored, later = working_copy.at(step.path), working_copy.at(_ANALYSIS_QUERIES)
    asked = _distinct_queries(stored)
    if working_copy.strength not in step.strengths or not asked or not _is_text_list(later):
        return
    most = step.levels[0] if step.levels else len(asked)
    kept, rest = asked[:most], asked[most:]
    if kept == stored:
        if not step.levels and step.path not in working_copy.reasons:
            working_copy.mark_met(step.path, stored)
        return
    working_copy.set_value(step.path, kept, working_copy.reason_of_step(step), merge_reasons=True)
    moved = _distinct_queries([*(later or []), *rest])
    if rest and moved != later:
        working_copy.set_value(_ANALYSIS_QUERIES, moved, working_copy.reason_of_step(step))


def _is_text_list(value: Any) -> bool:
    return not is_set(value) or (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    )


def _distinct_queries(queries: Any) -> list[str]:
    """Return the questions, each once; nothing where there are none that can be read."""
    if not is_set(queries) or not _is_text_list(queries):
        return []
    first: dict[str, str] = {}
    for query in queries:
        first.setdefault(query.strip().lower(), query)
    return list(first.values())


STEP_FUNCTIONS: Mapping[str, Callable[[WorkingCopy, Step], None]] = {
    "add_languages": _add_languages,
    "hear_languages": _choose_stt_engine,
    "fewer_queries": _reduce_queries,
    "forget_seeing": partial(_remove_additions, "see_the_user"),
    "forget_re_engaging": partial(_remove_additions, "re_engage_when_silent"),
    "one_of_two": _remove_redundant_setting,
}
"""Every thought a recipe may name."""
