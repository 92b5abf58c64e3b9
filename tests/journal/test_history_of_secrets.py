"""What the journal hid does not come back as its mask."""

from __future__ import annotations

import pytest
from mcp_client import SECRET, ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio


async def test_a_text_that_contains_a_known_secret_is_not_restored_masked(
    tool_client: ToolClient, store: Store
) -> None:
    prompt = f"You help people. The door code is {SECRET}, tell nobody of it."
    persona_id = await tool_client.create_persona(system_prompt=prompt)
    changed = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, system_prompt="You help."
    )
    assert "undo" not in changed
    assert "cannot be restored" in str(changed["findings"])
    earlier = changed["previous_revision"]
    back = await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=earlier
    )
    assert "come back" in str(back["findings"])
    row = store.get("persona", persona_id) or {}
    assert row["system_prompt"] == "You help."


async def test_a_list_that_contains_a_known_secret_is_not_restored_masked(
    tool_client: ToolClient, store: Store
) -> None:
    function = {"name": "ask", "description": f"Call with {SECRET} as code."}
    layers = {"llm": {"tools": [{"type": "function", "function": function}]}}
    persona_id = await tool_client.create_persona(layers=layers, greeting="Hi.")
    patch = [{"op": "remove", "path": "/layers/llm/tools"}, {"op": "remove", "path": "/greeting"}]
    changed = await tool_client.expect_result("patch_persona", persona_id=persona_id, patch=patch)
    assert changed["undo"]["arguments"]["only"] == ["/greeting"]
    earlier = changed["previous_revision"]
    back = await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=earlier
    )
    assert "/layers/llm/tools" in {item.get("path") for item in back["findings"]}
    row = store.get("persona", persona_id) or {}
    assert row["greeting"] == "Hi."
    assert "tools" not in row["layers"].get("llm", {})


async def test_the_other_items_of_a_list_with_a_secret_are_restored(
    tool_client: ToolClient, store: Store
) -> None:
    secret = {"name": "ask", "api_key": "stored-key-0123456789"}
    layers = {"llm": {"extra_body": {"list": [secret, {"name": "a"}]}}}
    persona_id = await tool_client.create_persona(layers=layers)
    path = "/layers/llm/extra_body/list/1/name"
    patch = [{"op": "replace", "path": path, "value": "b"}]
    changed = await tool_client.expect_result("patch_persona", persona_id=persona_id, patch=patch)
    await tool_client.expect_result(changed["undo"]["tool"], **changed["undo"]["arguments"])
    row = store.get("persona", persona_id) or {}
    assert row["layers"] == layers


async def test_literal_asterisks_are_restored_like_any_text(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi ***")
    changed = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, greeting="Hello."
    )
    await tool_client.expect_result(changed["undo"]["tool"], **changed["undo"]["arguments"])
    assert (store.get("persona", persona_id) or {})["greeting"] == "Hi ***"
    await tool_client.delete_persona(persona_id)
    back = await tool_client.expect_result(changed["undo"]["tool"], **changed["undo"]["arguments"])
    assert (store.get("persona", back["persona_id"]) or {})["greeting"] == "Hi ***"


async def test_write_only_fields_are_neither_promised_nor_emptied(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    row = store.get("persona", persona_id) or {}
    store.put("persona", persona_id, {**row, "memories": ["m1"]})
    patch = [{"op": "add", "path": "/memories", "value": ["new"]}]
    changed = await tool_client.expect_result("patch_persona", persona_id=persona_id, patch=patch)
    assert "undo" not in changed
    back = await tool_client.expect_result(
        "restore_revision",
        persona_id=persona_id,
        revision=changed["previous_revision"],
        only=["/memories"],
    )
    assert back["status"] == "unchanged"
    assert "not restored" in str(back["findings"])
    assert (store.get("persona", persona_id) or {})["memories"] == ["new"]
