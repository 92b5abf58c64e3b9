"""Step functions named in ``goals.toml``: steps that a list of values cannot express.

They edit lists, or depend on what an engine can do.
"""

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
    """Add the requested languages to the stored ones, all by their codes."""
    stored = working_copy.at(step.path)
    codes: list[Any] = []
    for item in (*(stored if isinstance(stored, list) else ()), *working_copy.languages):
        known = working_copy.catalog.languages.find(item.strip()) if isinstance(item, str) else None
        code = known.code if known else item
        if code not in codes:
            codes.append(code)
    if codes == stored:
        working_copy.mark_met(step.path, stored)
    else:
        working_copy.set_value(step.path, codes, working_copy.reason_of_step(step))
    if not is_set(working_copy.before.at(step.path)):
        _report_first_languages(working_copy, step)


def _report_first_languages(working_copy: WorkingCopy, step: Step) -> None:
    working_copy.add_finding(
        "first-languages",
        step.path,
        "The list was empty, so only these languages are listed.",
        "If the persona should keep its present language, ask again and name it as well.",
        step.source,
        "warning",
    )


def _choose_stt_engine(working_copy: WorkingCopy, step: Step) -> None:
    """Choose an engine that recognises all languages, unless the present one does."""
    spoken, catalog = language_codes(working_copy), working_copy.catalog
    stored = text(working_copy.at(step.path))
    current = stored or next(engine.id for engine in catalog.stt_engines if engine.default)
    if supports_languages(current, spoken, catalog):
        working_copy.mark_met(step.path, current)
    else:
        able = (
            engine.id
            for engine in catalog.stt_engines
            if engine.status in ("recommended", "current")
            and supports_languages(engine.id, spoken, catalog)
        )
        if chosen := next(able, None):
            if winning_goal := working_copy.conflicting_goal(step.path, chosen):
                working_copy.resolve_conflict(step.path, winning_goal, current, chosen)
                return
            working_copy.set_value(step.path, chosen, working_copy.reason_of_step(step))
    working_copy.constrain(
        step.path, lambda engine: supports_languages(text(engine), spoken, catalog)
    )


def _remove_redundant_setting(working_copy: WorkingCopy, step: Step) -> None:
    """Remove a setting beside another one with the same effect."""
    if working_copy.strength in step.strengths:
        working_copy.remove(step.path, working_copy.reason_of_step(step))


def _remove_additions(goal_name: str, working_copy: WorkingCopy, step: Step) -> None:
    """Remove the paragraphs or queries that another goal added at the path of the step.

    Only what is unchanged since counts as added by the goal.
    """
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
    """Remove repeated queries; with a level, move all beyond that many to the end of the call.

    The moved ones become analysis queries, which are answered once after the call.
    """
    stored, analysis = working_copy.at(step.path), working_copy.at(_ANALYSIS_QUERIES)
    distinct = _distinct_queries(stored)
    if working_copy.strength not in step.strengths or not distinct or not _is_text_list(analysis):
        return
    limit = step.levels[0] if step.levels else len(distinct)
    remaining, moved = distinct[:limit], distinct[limit:]
    if remaining == stored:
        if not step.levels and step.path not in working_copy.reasons:
            working_copy.mark_met(step.path, stored)
        return
    reason = working_copy.reason_of_step(step)
    working_copy.set_value(step.path, remaining, reason, merge_reasons=True)
    extended = _distinct_queries([*(analysis or []), *moved])
    if moved and extended != analysis:
        working_copy.set_value(_ANALYSIS_QUERIES, extended, reason)


def _is_text_list(value: Any) -> bool:
    return not is_set(value) or (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    )


def _distinct_queries(queries: Any) -> list[str]:
    """Return each query once, compared without case; none if they are not a list of texts."""
    if not is_set(queries) or not _is_text_list(queries):
        return []
    by_text: dict[str, str] = {}
    for query in queries:
        by_text.setdefault(query.strip().lower(), query)
    return list(by_text.values())


STEP_FUNCTIONS: Mapping[str, Callable[[WorkingCopy, Step], None]] = {
    "add_languages": _add_languages,
    "choose_stt_engine": _choose_stt_engine,
    "reduce_queries": _reduce_queries,
    "remove_vision_additions": partial(_remove_additions, "see_the_user"),
    "remove_re_engaging_additions": partial(_remove_additions, "re_engage_when_silent"),
    "remove_redundant_setting": _remove_redundant_setting,
}
"""The values of ``function`` in a step of ``goals.toml``."""
