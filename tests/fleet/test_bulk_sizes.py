"""Answers about many personas stay small, whatever the personas hold."""

from __future__ import annotations

import pytest
from account import fill, kept, persona_of, planned, weight
from mcp_client import Desk

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

LONG = "n" * 20_000


async def test_long_names_and_long_reasons_of_many_are_cut(desk: Desk, store: Store) -> None:
    ids = fill(store, *(persona_of(n, persona_name=LONG) for n in range(30)))
    plan = await planned(desk, everything=True, values={"/greeting": "Hello."})
    assert weight(plan) < 20_000
    for row in kept(store, *ids):
        edited = dict.fromkeys(("context", "system_prompt", "greeting"), "e" * 5000)
        store.put("persona", row["persona_id"], {**row, **edited, "layers": {"llm": {}}})
    store.put("persona", ids[0], persona_of(0, persona_name=LONG))
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert applied["totals"] == {"applied": 1, "failed": 29}
    assert "/system_prompt" in str(applied["personas"])
    assert weight(applied) < 25_000


async def test_a_long_list_and_many_changes_are_counted_in_a_receipt(
    desk: Desk, store: Store
) -> None:
    persona_id = await desk.create()
    tags = [f"tag {number}" for number in range(300)]
    path = "/document_tags"
    patch = [{"op": "add", "path": path, "value": tags}]
    receipt = await desk.facts("patch_persona", persona_id=persona_id, patch=patch)
    assert "(300 items)" in str(receipt["changes"])
    assert weight(receipt) < 5_000
    patch = [{"op": "add", "path": path, "value": tags[:1]}]
    receipt = await desk.facts("patch_persona", persona_id=persona_id, patch=patch)
    assert "100 of 299 changes are told" in str(receipt["findings"])
    assert weight(receipt) < 20_000
    assert (store.get("persona", persona_id) or {})["document_tags"] == tags[:1]
