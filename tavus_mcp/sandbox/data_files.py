"""The data files of the sandbox."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def read_toml(*path: str) -> dict[str, Any]:
    """Parse a TOML file below this package, once; its path is given part by part."""
    return tomllib.loads(resources.files(__package__).joinpath(*path).read_text("utf-8"))
