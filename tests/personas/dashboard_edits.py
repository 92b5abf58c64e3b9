"""Edits of a stored persona as another person makes them."""

from __future__ import annotations

import copy
from typing import Any

from tavus_mcp.models.json_patch import get_at
from tavus_mcp.sandbox.store import Store


def edit_in_dashboard(store: Store, persona_id: str, path: str, value: Any) -> None:
    """Set a field as another person does, or remove it when the value is None."""
    row = copy.deepcopy(store.get("persona", persona_id) or {})
    parent = row
    *above, name = path[1:].split("/")
    for part in above:
        parent = parent.setdefault(part, {})
    if value is None:
        parent.pop(name, None)
    else:
        parent[name] = value
    store.put("persona", persona_id, row)


def read_stored_value(store: Store, persona_id: str, path: str) -> Any:
    return get_at(store.get("persona", persona_id), path)
