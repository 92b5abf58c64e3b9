"""Fields that callers send under the names of other products, and what the persona has instead."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from tavus_mcp.catalog.catalog import read_facts
from tavus_mcp.catalog.facts import Facts


class ForeignField(Facts):
    """Names of other products for one field; ``data/foreign_fields.toml`` explains the columns."""

    names: tuple[str, ...]
    where: tuple[str, ...]
    why: str
    to: str | None = None
    layer: str | None = None
    form: Literal["language-codes", "text", "list", "system-message", "functions"] | None = None
    spellings: Mapping[str, str] | None = None
    value_pattern: str | None = None


def foreign_fields() -> tuple[ForeignField, ...]:
    """Return the whole table."""
    return read_facts(ForeignField, "foreign_fields", "foreign_field")


def find_foreign_field(parents: Sequence[str], name: str, value: Any) -> ForeignField | None:
    """Return the entry of an unknown field, or None.

    ``parents`` are the tokens of the object that holds it. Names are compared without case,
    underscores and hyphens.
    """
    match parents:
        case [] | ["layers"]:
            layer = ""
        case ["layers", layer]:
            pass
        case _:
            return None
    entries = _entries_by_place().get((layer, _squeeze(name)), ())
    return next((entry for entry in entries if _takes_value(entry, value)), None)


def spell_in_snake_case(name: str) -> str:
    """Return a name in the spelling of persona fields: ``systemPrompt`` is ``system_prompt``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()


def _squeeze(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _takes_value(entry: ForeignField, value: Any) -> bool:
    if entry.value_pattern is None:
        return True
    return isinstance(value, str) and re.search(entry.value_pattern, value) is not None


@cache
def _entries_by_place() -> Mapping[tuple[str, str], list[ForeignField]]:
    """Return the entries by layer and squeezed name, in the order of the table."""
    entries: dict[tuple[str, str], list[ForeignField]] = {}
    for entry in foreign_fields():
        for layer in entry.where:
            for name in entry.names:
                entries.setdefault((layer, _squeeze(name)), []).append(entry)
    return entries
