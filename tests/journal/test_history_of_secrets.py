"""What the journal hid does not come back as its mask."""

from __future__ import annotations

import pytest
from mcp_client import SECRET, Desk

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio


async def test_text_that_holds_a_known_secret_is_never_restored_as_its_mask(
    desk: Desk, store: Store
) -> None:
    prompt = f"You help people. The door code is {SECRET}, tell nobody of it."
    persona_id = await desk.create(system_prompt=prompt)
    changed = await desk.facts("update_persona", persona_id=persona_id, system_prompt="You help.")
    assert "undo" not in changed
    assert "come back" in str(changed["findings"])
    earlier = changed["previous_revision"]
    back = await desk.facts("restore_revision", persona_id=persona_id, revision=earlier)
    assert "come back" in str(back["findings"])
    row = store.get("persona", persona_id) or {}
    assert row["system_prompt"] == "You help."


async def test_a_list_that_holds_a_known_secret_is_never_restored_as_its_mask(
    desk: Desk, store: Store
) -> None:
    function = {"name": "ask", "description": f"Call with {SECRET} as code."}
    layers = {"llm": {"tools": [{"type": "function", "function": function}]}}
    persona_id = await desk.create(layers=layers, greeting="Hi.")
    patch = [{"op": "remove", "path": "/layers/llm/tools"}, {"op": "remove", "path": "/greeting"}]
    changed = await desk.facts("patch_persona", persona_id=persona_id, patch=patch)
    assert changed["undo"]["arguments"]["only"] == ["/greeting"]
    earlier = changed["previous_revision"]
    back = await desk.facts("restore_revision", persona_id=persona_id, revision=earlier)
    assert "/layers/llm/tools" in {item.get("path") for item in back["findings"]}
    row = store.get("persona", persona_id) or {}
    assert row["greeting"] == "Hi."
    assert "tools" not in row["layers"].get("llm", {})


async def test_a_list_in_which_other_items_changed_comes_back_around_its_secret(
    desk: Desk, store: Store
) -> None:
    secret = {"name": "ask", "api_key": "stored-key-0123456789"}
    layers = {"llm": {"extra_body": {"list": [secret, {"name": "a"}]}}}
    persona_id = await desk.create(layers=layers)
    path = "/layers/llm/extra_body/list/1/name"
    patch = [{"op": "replace", "path": path, "value": "b"}]
    changed = await desk.facts("patch_persona", persona_id=persona_id, patch=patch)
    await desk.facts(changed["undo"]["tool"], **changed["undo"]["arguments"])
    row = store.get("persona", persona_id) or {}
    assert row["layers"] == layers


async def test_stars_that_somebody_wrote_come_back_like_any_text(desk: Desk, store: Store) -> None:
    persona_id = await desk.create(greeting="Hi ***")
    changed = await desk.facts("update_persona", persona_id=persona_id, greeting="Hello.")
    await desk.facts(changed["undo"]["tool"], **changed["undo"]["arguments"])
    assert (store.get("persona", persona_id) or {})["greeting"] == "Hi ***"
    await desk.delete(persona_id)
    back = await desk.facts(changed["undo"]["tool"], **changed["undo"]["arguments"])
    assert (store.get("persona", back["persona_id"]) or {})["greeting"] == "Hi ***"


async def test_what_tavus_never_shows_is_not_promised_and_not_emptied(
    desk: Desk, store: Store
) -> None:
    persona_id = await desk.create()
    row = store.get("persona", persona_id) or {}
    store.put("persona", persona_id, {**row, "memories": ["m1"]})
    patch = [{"op": "add", "path": "/memories", "value": ["new"]}]
    changed = await desk.facts("patch_persona", persona_id=persona_id, patch=patch)
    assert "undo" not in changed
    back = await desk.facts(
        "restore_revision",
        persona_id=persona_id,
        revision=changed["previous_revision"],
        only=["/memories"],
    )
    assert back["status"] == "unchanged"
    assert "come back" in str(back["findings"])
    assert (store.get("persona", persona_id) or {})["memories"] == ["new"]
