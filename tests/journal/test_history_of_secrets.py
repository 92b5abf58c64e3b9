"""What the journal hid does not come back as its mask."""

from __future__ import annotations

import pytest
from mcp_client import SECRET, ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = [pytest.mark.anyio, pytest.mark.every_database]


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
    assert "Not restored" in str(back["findings"])
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
    revision = changed["previous_revision"]
    back = await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=revision
    )
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


ASTERISKS = "Rate it ******** and say sk-1******** or ••••, never ..."


async def test_a_prompt_of_asterisks_is_written_deleted_restored_and_undone(
    tool_client: ToolClient, store: Store
) -> None:
    """What was masked is recorded beside the text, so that a text is never taken for a mask."""
    extra_body = {"********": "********", "note": "sk-1********", "list": ["***", "********"]}
    persona_id = await tool_client.create_persona(
        system_prompt=ASTERISKS, greeting="********", layers={"llm": {"extra_body": extra_body}}
    )
    stored = store.get("persona", persona_id) or {}
    changed = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, system_prompt="You help.", unset=["greeting"]
    )
    assert not [item for item in changed["findings"] if "restored" in item["message"]]
    await tool_client.expect_result(changed["undo"]["tool"], **changed["undo"]["arguments"])
    assert store.get("persona", persona_id) == {
        **stored,
        "updated_at": (store.get("persona", persona_id) or {})["updated_at"],
    }
    planned = await tool_client.expect_result("delete_persona", persona_id=persona_id)
    assert "/" not in planned["findings"][-1]["message"].replace("/llm", "")
    deleted = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    back = await tool_client.expect_result(deleted["undo"]["tool"], **deleted["undo"]["arguments"])
    revived = store.get("persona", back["persona_id"]) or {}
    for name in ("system_prompt", "greeting", "layers"):
        assert revived[name] == stored[name]


async def test_a_deletion_names_beforehand_what_cannot_be_restored(tool_client: ToolClient) -> None:
    layers = {
        "llm": {"headers": {"X-Auth": "canary-77f0d1b2c3"}},
        "tts": {"api_key": "canary-99a1b2c3d4", "tts_engine": "elevenlabs"},
    }
    persona_id = await tool_client.create_persona(
        system_prompt=f"Say {SECRET}.",
        greeting="Read https://ada:p4ss@example.com/a.",
        layers=layers,
    )
    planned = await tool_client.expect_result("delete_persona", persona_id=persona_id)
    text = str(planned["findings"])
    for path in (
        "/system_prompt",
        "/greeting",
        "/layers/llm/headers/X-Auth",
        "/layers/tts/api_key",
    ):
        assert path in text
    assert "p4ss" not in text


async def test_a_learned_value_of_a_refused_call_or_a_dry_run_is_forgotten(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(greeting="Say canary-77f0d1b2c3.")
    headers = {"X-Auth": "canary-77f0d1b2c3"}
    await tool_client.expect_error("configure_llm", persona_id="p0000000000", headers=headers)
    await tool_client.expect_protocol_error("no_such_tool", api_key="canary-77f0d1b2c3")
    await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, headers=headers, dry_run=True
    )
    read = await tool_client.read_persona(persona_id)
    assert read["greeting"] == "Say canary-77f0d1b2c3."
    await tool_client.expect_result("configure_llm", persona_id=persona_id, headers=headers)
    read = await tool_client.read_persona(persona_id)
    assert read["greeting"] == "Say ********."


async def test_a_foreign_mask_of_a_copied_persona_is_never_sent_as_a_key(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    row = store.get("persona", persona_id) or {}
    layers = {
        "tts": {"tts_engine": "elevenlabs", "api_key": "sk-...1234"},
        "llm": {"headers": {"X-Auth": "Bearer sk-\u20261234"}, "extra_body": {"token": "xxxxxxxx"}},
    }
    store.put("persona", persona_id, {**row, "layers": layers})
    copied = await tool_client.expect_result("create_persona", based_on=persona_id)
    stored = str(store.get("persona", copied["persona_id"]))
    assert "1234" not in stored.replace(copied["persona_id"], "")
    assert "xxxx" not in stored
    assert "/layers/tts/api_key" in str(copied["findings"])
