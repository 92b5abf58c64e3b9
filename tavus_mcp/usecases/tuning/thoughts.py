"""Steps that no ladder can say: they look at a whole list, or at what an engine can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tavus_mcp.catalog import Step
from tavus_mcp.usecases.rules.look import is_set, text
from tavus_mcp.usecases.tuning.conditions import codes, hears
from tavus_mcp.usecases.tuning.draft import Draft

_AFTERWARDS = "/layers/perception/perception_analysis_queries"


def _add_languages(draft: Draft, step: Step) -> None:
    """List the languages that are asked for beside those that are there."""
    stored = draft.at(step.path)
    listed = stored if isinstance(stored, list) else []
    missing = [code for code in draft.languages if code not in listed]
    if missing:
        draft.put(step.path, [*listed, *missing], draft.why(step))
    else:
        draft.is_so(step.path, stored)


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


def _fewer_queries(draft: Draft, step: Step) -> None:
    """Ask each question once; with strong, only the first few again and again."""
    stored, later = draft.at(step.path), draft.at(_AFTERWARDS)
    asked = _distinct(stored)
    if draft.strength not in step.strengths or not asked or not _is_texts(later):
        return
    most = step.ladder[0] if draft.strength == "strong" else len(asked)
    kept, rest = asked[:most], asked[most:]
    if kept == stored:
        if step.path not in draft.reasons:
            draft.is_so(step.path, stored)
        return
    draft.put(step.path, kept, draft.why(step))
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
}
"""Every thought a recipe may name."""
