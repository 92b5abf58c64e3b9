"""Test documents of the checker: a case per rule, and documents of real users."""

from __future__ import annotations

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def read_data_file(name: str) -> dict[str, Any]:
    """Return a data file of this folder."""
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


RULE_CASES = read_data_file("rules.toml")


def expand_placeholders(value: Any) -> Any:
    """Return a value of a data file with "long:N" and "many:N" expanded."""
    if isinstance(value, dict):
        return {key: expand_placeholders(item) for key, item in value.items()}
    if isinstance(value, list):
        many = (
            re.fullmatch(r"many:(\d+)", value[0]) if value and isinstance(value[0], str) else None
        )
        return (
            [f"item {i}" for i in range(int(many[1]))]
            if many
            else [expand_placeholders(i) for i in value]
        )
    long = re.fullmatch(r"long:(\d+)", value) if isinstance(value, str) else None
    return ("bicycle " * int(long[1]))[: int(long[1])] if long else value


def build_case_document(case: dict[str, Any]) -> dict[str, Any]:
    """Return the base document with the fields of a case."""
    data = copy.deepcopy(RULE_CASES["base"]) | expand_placeholders(case.get("with", {}))
    return {key: item for key, item in data.items() if key not in case.get("without", [])}
