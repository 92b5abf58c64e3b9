"""Restoring a persona that refers to objects which no longer exist."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

OBJECTS: dict[str, tuple[str, dict[str, Any]]] = {
    "tool_ids": ("tool", {"name": "look_up"}),
    "document_ids": ("document", {"document_name": "Prices"}),
    "guardrail_ids": ("guardrail", {"guardrail_name": "polite"}),
}
IDS = ["x-1", "x-2", "x-3"]


def put_objects(store: Store, field: str) -> None:
    kind, row = OBJECTS[field]
    id_name = "uuid" if kind == "guardrail" else f"{kind}_id"
    for object_id in IDS:
        store.put(kind, object_id, {**row, id_name: object_id})


@pytest.mark.parametrize("field", OBJECTS)
@pytest.mark.parametrize("gone", [["x-2"], IDS], ids=["one", "all"])
@pytest.mark.parametrize("is_deleted", [False, True], ids=["undo", "revival"])
async def test_references_to_objects_that_exist_are_restored(
    tool_client: ToolClient, store: Store, field: str, gone: list[str], is_deleted: bool
) -> None:
    put_objects(store, field)
    persona_id = await tool_client.create_persona(**{field: IDS})
    if is_deleted:
        receipt = await tool_client.delete_persona(persona_id)
    else:
        receipt = await tool_client.expect_result(
            "update_persona", persona_id=persona_id, unset=[field]
        )
    for object_id in gone:
        store.remove(OBJECTS[field][0], object_id)
    undo = receipt["undo"]
    undone = await tool_client.expect_result(undo["tool"], **undo["arguments"])
    (finding,) = [item for item in undone["findings"] if item["path"] == f"/{field}"]
    names = ", ".join(f"'{object_id}'" for object_id in gone)
    assert finding["message"].startswith("Not restored: no object")
    assert f"({names})" in finding["message"]
    row = store.get("persona", undone["persona_id"]) or {}
    assert (row.get(field) or []) == [item for item in IDS if item not in gone]
