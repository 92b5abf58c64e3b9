"""Steps that no ladder can say: they look at a whole list, or at what an engine can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tavus_mcp.catalog import Step
from tavus_mcp.checker.lookups import is_set, text
from tavus_mcp.tuning.conditions import codes, hears
from tavus_mcp.tuning.prompt_paragraphs import without_paragraphs
from tavus_mcp.tuning.working_copy import Draft

_SEEING = "see_the_user"
_AFTERWARDS = "/layers/perception/perception_analysis_queries"


def _add_languages(draft: Draft, step: Step) -> None:
    """List the languages that are asked for beside those that are there, all by their codes."""
    stored = draft.at(step.path)
    listed: list[Any] = []
    for one in (*(stored if isinstance(stored, list) else ()), *draft.languages):
        known = draft.catalog.language(one.strip()) if isinstance(one, str) else None
        code = known.code if known else one
        if code not in listed:
            listed.append(code)
    if listed == stored:
        draft.is_so(step.path, stored)
    else:
        draft.put(step.path, listed, draft.why(step))
    if not is_set(draft.before.at(step.path)):
        _remark_on_first_languages(draft, step)


def _remark_on_first_languages(draft: Draft, step: Step) -> None:
    draft.remark(
        "first-languages",
        step.path,
        "The list was empty, so only these languages are listed.",
        "If the persona is to speak its present language too, ask again and name it as well.",
        step.source,
        "warning",
    )


def _hear_languages(draft: Draft, step: Step) -> None:
    """Choose an engine that hears all of the languages, where the present one does not."""
    spoken = codes(draft)
    stored = text(draft.at(step.path))
    engines = draft.catalog.stt_engines()
    now = stored or next(engine.id for engine in engines if engine.default)
    if not hears(now, spoken, draft.catalog):
        able = [
            engine.id
            for engine in engines
            if engine.status in ("recommended", "current")
            and hears(engine.id, spoken, draft.catalog)
        ]
        for engine in able[:1]:
            if rival := draft.rival(step.path, engine):
                draft.settle(step.path, rival, now, engine)
                return
            draft.put(step.path, engine, draft.why(step))
    else:
        draft.is_so(step.path, now)
    draft.claim(step.path, lambda engine: hears(text(engine), spoken, draft.catalog))


def _one_of_two(draft: Draft, step: Step) -> None:
    """Give up a setting beside another one that does the same."""
    if draft.strength in step.strengths:
        draft.drop(step.path, draft.why(step))


def _forget_seeing(draft: Draft, step: Step) -> None:
    """Take back what the goal that makes a persona see has added at this place, word for word."""
    stored = draft.at(step.path)
    added = [one for one in draft.catalog.tuning_goal(_SEEING).step if one.path == step.path]
    if isinstance(stored, str):
        texts = [draft.catalog.paragraph(one.paragraph or "") for one in added]
        rest = without_paragraphs(stored, texts)
        if rest != stored and text(rest):
            draft.put(step.path, rest, draft.why(step), adds=True)
    elif isinstance(stored, list):
        ours = [query for one in added for rung in one.ladder for query in rung]
        kept = [query for query in stored if query not in ours]
        if not kept and stored:
            draft.drop(step.path, draft.why(step))
        elif kept != stored:
            draft.put(step.path, kept, draft.why(step), adds=True)


def _fewer_queries(draft: Draft, step: Step) -> None:
    """Ask each question once; with a ladder, only so many again and again."""
    stored, later = draft.at(step.path), draft.at(_AFTERWARDS)
    asked = _distinct(stored)
    if draft.strength not in step.strengths or not asked or not _is_texts(later):
        return
    most = step.ladder[0] if step.ladder else len(asked)
    kept, rest = asked[:most], asked[most:]
    if kept == stored:
        if not step.ladder and step.path not in draft.reasons:
            draft.is_so(step.path, stored)
        return
    draft.put(step.path, kept, draft.why(step), adds=True)
    moved = _distinct([*(later or []), *rest])
    if rest and moved != later:
        draft.put(_AFTERWARDS, moved, draft.why(step))


def _is_texts(value: Any) -> bool:
    return not is_set(value) or (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    )


def _distinct(queries: Any) -> list[str]:
    """Return the questions, each once; nothing where there are none that can be read."""
    if not is_set(queries) or not _is_texts(queries):
        return []
    first: dict[str, str] = {}
    for query in queries:
        first.setdefault(query.strip().lower(), query)
    return list(first.values())


THOUGHTS: Mapping[str, Callable[[Draft, Step], None]] = {
    "add_languages": _add_languages,
    "hear_languages": _hear_languages,
    "fewer_queries": _fewer_queries,
    "forget_seeing": _forget_seeing,
    "one_of_two": _one_of_two,
}
"""Every thought a recipe may name."""
