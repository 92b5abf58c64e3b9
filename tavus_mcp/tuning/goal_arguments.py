"""Reading the arguments of tuning: goals by name or alias, and languages by name or code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.goals import GOALS
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.text import suggestion_or_period

LANGUAGES_GOAL = "speak_languages"
"""The only goal that takes languages."""


def read_goals(
    goals: Sequence[str], languages: Sequence[str], catalog: Catalog
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the goals, each once in the given order, and the codes of the languages.

    A goal may be given by an alias of ``goals.toml``, a language by its name or another name of it.
    Raises ``InvalidArgument`` with everything that is wrong.
    """
    goals = [resolve_goal(goal, catalog) for goal in goals]
    problems = [*_find_goal_problems(goals), *_find_language_problems(goals, languages, catalog)]
    if problems:
        raise InvalidArgument(problems)
    known = (catalog.languages.find(name.strip()) for name in languages)
    codes = (language.code for language in known if language)
    return tuple(dict.fromkeys(goals)), tuple(dict.fromkeys(codes))


def resolve_goal(name_or_alias: str, catalog: Catalog) -> str:
    """Return the name of the goal with this name or alias; an unknown one comes back unchanged."""
    goal = catalog.tuning_goals.find(name_or_alias.strip())
    return goal.name if goal else name_or_alias


def _find_goal_problems(goals: Sequence[str]) -> Iterator[str]:
    if not goals:
        yield f"/goals: name at least one goal: {', '.join(GOALS)}."
    for index, goal in enumerate(goals):
        if goal not in GOALS:
            yield (
                f"/goals/{index}: no such goal{suggestion_or_period(goal, GOALS)} Goals: "
                f"{', '.join(GOALS)}."
            )


def _find_language_problems(
    goals: Sequence[str], languages: Sequence[str], catalog: Catalog
) -> Iterator[str]:
    if LANGUAGES_GOAL in goals and not languages:
        yield f"/languages: goal {LANGUAGES_GOAL} needs names or codes, like ['German', 'en']."
    if languages and goals and LANGUAGES_GOAL not in goals:
        yield (
            f"/languages: only goal {LANGUAGES_GOAL} reads them; add it to goals or leave them out."
        )
    unknown = [
        (index, name)
        for index, name in enumerate(languages)
        if not catalog.languages.find(name.strip())
    ]
    for index, name in unknown:
        yield (
            f"/languages/{index}: not a language that Tavus "
            f"speaks{_suggest_language(name, catalog)}"
        )
    if unknown:
        yield f"It speaks {', '.join(language.name for language in catalog.languages)}."


def _suggest_language(name: str, catalog: Catalog) -> str:
    """Close the sentence with the closest language; for "pt-BR" that is the code "pt"."""
    regional = catalog.languages.find(name.strip().replace("_", "-").partition("-")[0])
    names = [
        spelling
        for language in catalog.languages
        for spelling in (language.name, *language.also_called, language.code)
    ]
    return f"; did you mean {regional.code!r}?" if regional else suggestion_or_period(name, names)
