"""Results about many personas stay small, whatever the personas contain."""

from __future__ import annotations

import pytest
from account import (
    build_persona_row,
    count_bytes,
    create_bulk_plan,
    read_stored_personas,
    store_personas,
)
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

LONG = "n" * 20_000


async def test_long_names_and_reasons_are_truncated(tool_client: ToolClient, store: Store) -> None:
    ids = store_personas(store, *(build_persona_row(n, persona_name=LONG) for n in range(30)))
    plan = await create_bulk_plan(tool_client, everything=True, values={"/greeting": "Hello."})
    assert count_bytes(plan) < 20_000
    for row in read_stored_personas(store, *ids):
        edited = dict.fromkeys(("context", "system_prompt", "greeting"), "e" * 5000)
        store.put("persona", row["persona_id"], {**row, **edited, "layers": {"llm": {}}})
    store.put("persona", ids[0], build_persona_row(0, persona_name=LONG))
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert applied["totals"] == {"applied": 1, "failed": 29}
    assert "/greeting" in str(applied["personas"])
    assert count_bytes(applied) < 25_000


async def test_a_receipt_summarises_long_lists_and_many_changes(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    tags = [f"tag {number}" for number in range(300)]
    path = "/document_tags"
    patch = [{"op": "add", "path": path, "value": tags}]
    receipt = await tool_client.expect_result("patch_persona", persona_id=persona_id, patch=patch)
    assert "(300 items)" in str(receipt["changes"])
    assert count_bytes(receipt) < 5_000
    patch = [{"op": "add", "path": path, "value": tags[:1]}]
    receipt = await tool_client.expect_result("patch_persona", persona_id=persona_id, patch=patch)
    assert "100 of 299 changes are listed" in str(receipt["findings"])
    assert count_bytes(receipt) < 20_000
    assert (store.get("persona", persona_id) or {})["document_tags"] == tags[:1]
