"""Ten example personas with their parts, for a sandbox that is to be tried out like an account."""

from __future__ import annotations

from dataclasses import dataclass

import httpx2

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.data_files import read_toml
from tavus_mcp.sandbox.store import Row, Store


@dataclass(frozen=True)
class _Kind:
    """How objects of a kind are created: the path, the field of the name, the field of the id."""

    path: str
    name_field: str
    id_field: str


_KINDS = {
    "tool": _Kind("/v2/tools", "name", "tool_id"),
    "objectives": _Kind("/v2/objectives", "name", "objectives_id"),
    "guardrail": _Kind("/v2/guardrails", "guardrail_name", "uuid"),
    "persona": _Kind("/v2/personas", "persona_name", "persona_id"),
}
"""In the order of their creation: personas refer to the others."""
_KIND_BY_REFERENCE = {
    "tool_ids": "tool",
    "objectives_id": "objectives",
    "guardrail_ids": "guardrail",
}


async def create_example_agents(store: Store) -> dict[str, int]:
    """Create the example objects whose names do not exist yet, by the routes of the sandbox.

    Returns how many were created, by kind.
    """
    ids: dict[tuple[str, str], str] = {}
    counts = dict.fromkeys(_KINDS, 0)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=build_sandbox(store)),
        base_url="http://127.0.0.1",
        headers={"x-api-key": "sandbox"},
    ) as client:
        for kind_name, rows in _load_examples().items():
            kind = _KINDS[kind_name]
            for row in store.all(kind_name):
                if row.get("persona_type") == "system" or row.get("is_system_tool"):
                    continue
                ids[kind_name, str(row.get(kind.name_field))] = str(row[kind.id_field])
            for row in rows:
                key = (kind_name, str(row[kind.name_field]))
                if key not in ids:
                    answer = await client.post(kind.path, json=_with_ids(row, ids))
                    answer.raise_for_status()
                    ids[key] = str(answer.json()[kind.id_field])
                    counts[kind_name] += 1
    return counts


def _load_examples() -> dict[str, list[Row]]:
    data = read_toml("example_agents.toml")
    return {kind_name: data[kind_name] for kind_name in _KINDS}


def _with_ids(row: Row, ids: dict[tuple[str, str], str]) -> Row:
    """Return a persona with ids in place of the names of its parts."""
    result = dict(row)
    for field, kind_name in _KIND_BY_REFERENCE.items():
        value = row.get(field)
        if isinstance(value, str):
            result[field] = ids[kind_name, value]
        elif value is not None:
            result[field] = [ids[kind_name, name] for name in value]
    return result
