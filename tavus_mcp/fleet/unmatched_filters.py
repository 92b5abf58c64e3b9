"""Explain why no persona matches: names in a filter that are close to others, or unknown here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tavus_mcp.catalog import Catalog
from tavus_mcp.fleet.selection import PersonaFilter
from tavus_mcp.models.findings import RuleFinding, info
from tavus_mcp.text import count_personas, join_first, quote_foreign, suggest_similar

_RULE = "filter-unmatched"


def explain_no_match(
    persona_filter: PersonaFilter, names: Iterable[str], catalog: Catalog
) -> list[RuleFinding]:
    """Return a finding for each filter that probably keeps every persona out.

    ``names`` are those of all personas of the account that have the type. A model or an engine may
    be one that only Tavus or the customer knows, so that an unknown one is no error.
    """
    return [
        info(_RULE, message, path=f"/{argument}", hint=hint)
        for argument, message, hint in _explain(persona_filter, list(names), catalog)
    ]


def explain_references(persona_ids: Sequence[str]) -> list[RuleFinding]:
    """Return a finding about the personas that have the text to find as an id or a name.

    Only texts are searched, because only texts are replaced. The personas need not match the other
    filters.
    """
    if not persona_ids:
        return []
    message = (
        "Only texts are searched. This is the name of a function, or an id, in "
        f"{count_personas(len(persona_ids))}: {join_first(persona_ids)}."
    )
    return [info(_RULE, message, path="/text_contains")]


def _explain(
    persona_filter: PersonaFilter, names: list[str], catalog: Catalog
) -> Iterator[tuple[str, str, str | None]]:
    wanted = persona_filter.name_contains or ""
    if wanted and not any(wanted.casefold() in name.casefold() for name in names):
        yield (
            "name_contains",
            f"No persona has this in its name{suggest_similar(wanted, names)}",
            "list_personas without name_contains lists all.",
        )
    if persona_filter.finding:
        yield (
            "finding",
            f"No persona that was looked at has the finding {persona_filter.finding}.",
            "audit_personas lists the rules of all findings in the account.",
        )
    modes = [mode.name for mode in catalog.pipeline_modes]
    for argument, value, known, hint in (
        (
            "model",
            persona_filter.model,
            [model.id for model in catalog.llm_models],
            'describe_layer(layer="llm", field="model") lists the known models.',
        ),
        (
            "engine",
            persona_filter.engine,
            [engine.id for engine in catalog.tts_engines],
            'describe_layer(layer="tts", field="tts_engine") lists the known engines.',
        ),
        ("mode", persona_filter.mode, modes, f"The known modes: {join_first(modes)}."),
    ):
        if value and value.casefold() not in map(str.casefold, known):
            message = f"The {argument} {quote_foreign(value)} is not known here"
            yield argument, message + suggest_similar(value, known), hint
