"""What every account sees from the start: stock personas, replicas, voices and skills."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Any

_ABOUT_THE_ENTRY = frozenset({"source", "checked_on"})


def stock() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield ``(kind, id, document)`` of each stock entry (docs: stock-personas, stock-replicas)."""
    text = resources.files("tavus_mcp.sandbox").joinpath("seeds.toml").read_text("utf-8")
    for kind, entries in tomllib.loads(text).items():
        for entry in entries:
            row = {key: value for key, value in entry.items() if key not in _ABOUT_THE_ENTRY}
            yield kind, str(row[f"{kind}_id"]), row
