"""Which values of a field mean the same: absent and empty ones, and the default of the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tavus_mcp.models.json_patch import ABSENT, is_changed, pointer_tokens
from tavus_mcp.models.masking import is_secret_path
from tavus_mcp.project.merge import IsSame

FindDefault = Callable[[str], Any]
"""Returns the value that Tavus uses for the field at a pointer if it is not set, or None."""


def build_equivalence(find_default: FindDefault) -> IsSame:
    """Return the comparison of the values of a field; the field may have a default.

    Reads give null, "", [] and {} for what is not set, so all of these mean the same. A null at the
    place of a secret is not the same as nothing there: it removes the secret.
    """

    def is_same(pointer: str, left: Any, right: Any) -> bool:
        if (left is None or right is None) and is_secret_path(pointer_tokens(pointer)):
            return left is right or "" in (left, right)
        left, right = normalize(left), normalize(right)
        if not is_changed(left, right):
            return True
        if left is None or right is None:
            default = normalize(find_default(pointer))
            return default is not None and not is_changed(left if right is None else right, default)
        return False

    return is_same


def normalize(value: Any) -> Any:
    """Return a value in which nothing is left of members that are empty, or None if all are."""
    if isinstance(value, dict):
        members = {key: normalize(item) for key, item in value.items()}
        return {key: item for key, item in members.items() if item is not None} or None
    if isinstance(value, list):
        return [normalize(item) for item in value] or None
    return None if value is ABSENT or value == "" else value
