"""Reading what is asked for: which goals, how strongly, in which languages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.goals import GOALS
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.text import suggestion_or_period

LANGUAGES = "speak_languages"
"""The goal that languages belong to."""


def read_goals(
    goals: Sequence[str], languages: Sequence[str], catalog: Catalog
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the goals, each once in the order they were named, and the codes of the languages.

    Raises ``InvalidArgument`` with everything that is wrong.
    """
    problems = [*_about_goals(goals), *_about_languages(goals, languages, catalog)]
    if problems:
        raise InvalidArgument(problems)
    known = (catalog.language(name.strip()) for name in languages)
    codes = (language.code for language in known if language)
    return tuple(dict.fromkeys(goals)), tuple(dict.fromkeys(codes))


def _about_goals(goals: Sequence[str]) -> Iterator[str]:
    if not goals:
        yield f"/goals: name at least one goal: {', '.join(GOALS)}."
    for index, goal in enumerate(goals):
        if goal not in GOALS:
            yield (
                f"/goals/{index}: no such goal{suggestion_or_period(goal, GOALS)} Goals: "
                f"{', '.join(GOALS)}."
            )


def _about_languages(
    goals: Sequence[str], languages: Sequence[str], catalog: Catalog
) -> Iterator[str]:
    if LANGUAGES in goals and not languages:
        yield f"/languages: goal {LANGUAGES} needs names or codes, like ['German', 'en']."
    if languages and goals and LANGUAGES not in goals:
        yield f"/languages: only goal {LANGUAGES} reads them; add it to goals or leave them out."
    unknown = [(i, name) for i, name in enumerate(languages) if not catalog.language(name.strip())]
    for index, name in unknown:
        yield f"/languages/{index}: not a language that Tavus speaks{_close(name, catalog)}"
    if unknown:
        yield f"It speaks {', '.join(language.name for language in catalog.languages())}."


def _close(name: str, catalog: Catalog) -> str:
    """Close the sentence with the closest language: of "pt-BR" the one before the region."""
    regional = catalog.language(name.strip().replace("_", "-").partition("-")[0])
    names = [
        spelling
        for language in catalog.languages()
        for spelling in (language.name, *language.also_called, language.code)
    ]
    return f"; did you mean {regional.code!r}?" if regional else suggestion_or_period(name, names)
