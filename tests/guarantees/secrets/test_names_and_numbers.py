"""What is secret though it is no text in a field: names of fields, and numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp_client import SECRET, ToolClient, text_of

from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.masking import MASK, Masker
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio
PIN, HEADER = 987654321, 77665544
BODY = {"password": PIN, "headers": {"X-Pin": HEADER}, "max_tokens": 512}


def store_persona(store: Store, **fields: Any) -> None:
    row = store.get("persona", "p1af207b8189") or {}
    mine = {"persona_id": "p1", "persona_type": "user", "system_prompt": "You help.", "layers": {}}
    store.put("persona", "p1", row | mine | fields)


def read_extra_body(store: Store) -> Any:
    return (store.get("persona", "p1") or {})["layers"]["llm"]["extra_body"]


def read_data_folder(tool_client: ToolClient) -> bytes:
    folder: Path = tool_client.server.app.journal.location.parent
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def collect_outputs(tool_client: ToolClient) -> str:
    """Return what reads, plans and receipts tell of the persona."""
    calls: list[tuple[str, dict[str, Any]]] = [
        ("get_persona", {}),
        ("check_persona", {}),
        ("update_persona", {"greeting": "Hello."}),
        ("configure_llm", {"unset": ["extra_body"], "dry_run": True}),
        ("list_revisions", {}),
        ("export_persona", {}),
    ]
    answers = [await tool_client.call(tool, persona_id="p1", **more) for tool, more in calls]
    assert not [text_of(answer) for answer in answers if answer.is_error]
    return "".join(text_of(one) + json.dumps(one.structured_content) for one in answers)


async def test_names_of_fields_and_ids_are_never_masked(
    tool_client: ToolClient, store: Store
) -> None:
    """A masked name was restored as another field, which removed what had that name."""
    store_persona(store, greeting="Hello.")
    headers = {"X-Feature": "greeting", "X-Persona": "p1", "X-Api-Key": "persona_name"}
    changed = await tool_client.expect_result("configure_llm", persona_id="p1", headers=headers)
    assert changed["undo"]["arguments"]["only"] == ["/layers/llm"]
    read = await tool_client.read_persona("p1")
    assert read["persona_id"] == "p1"
    assert read["persona_name"]
    assert read["greeting"] == "Hello."
    changed = await tool_client.expect_result("update_persona", persona_id="p1", greeting="Hi.")
    assert changed["changes"][0]["path"] == "/greeting"
    assert changed["undo"]["arguments"]["only"] == ["/greeting"]
    await tool_client.expect_result(changed["undo"]["tool"], **changed["undo"]["arguments"])
    assert (store.get("persona", "p1") or {})["greeting"] == "Hello."


async def test_a_secret_that_is_the_name_of_a_field_masks_no_message(
    tool_client: ToolClient, store: Store
) -> None:
    """The paths and calls of a conflict could not be used when the name in them was masked."""
    store_persona(store, greeting="Hello.")
    headers = {"X-Api-Key": "greeting", "Authorization": "Bearer system_prompt"}
    await tool_client.expect_result("configure_llm", persona_id="p1", headers=headers)
    changed = await tool_client.expect_result("update_persona", persona_id="p1", greeting="Hi.")
    await tool_client.edit_in_dashboard("p1", "/greeting", "Welcome.")
    undo = changed["undo"]
    message = await tool_client.expect_error(undo["tool"], **undo["arguments"])
    assert MASK not in message
    assert 'overwrite=["/greeting"]' in message


async def test_a_secret_that_begins_with_a_word_masks_no_text_with_that_word(
    tool_client: ToolClient, store: Store
) -> None:
    """An edit of a prompt with the word could not be undone, and its field not be named."""
    prompt = "You are the receptionist of a clinic"
    store_persona(store, greeting="Hello.", system_prompt=prompt)
    headers = {"X-Api-Key": "receptionist24", "Authorization": "Bearer greeting12"}
    await tool_client.expect_result("configure_llm", persona_id="p1", headers=headers)
    assert (await tool_client.read_persona("p1"))["system_prompt"] == prompt
    edit = {"find": "clinic", "replace": "practice"}
    edited = await tool_client.expect_result("edit_prompt", persona_id="p1", **edit)
    await tool_client.expect_result(edited["undo"]["tool"], **edited["undo"]["arguments"])
    assert (store.get("persona", "p1") or {})["system_prompt"] == prompt
    message = await tool_client.expect_error("update_persona", persona_id="p1", greeting="")
    assert 'unset=["greeting"]' in message


async def test_a_plan_with_a_key_as_field_name_is_applied_correctly(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store)
    patch = [
        {"op": "add", "path": "/layers/llm", "value": {"extra_body": {"a": {SECRET: [1]}}}},
        {"op": "add", "path": f"/layers/llm/extra_body/{SECRET}", "value": 2},
    ]
    planned = await tool_client.expect_result(
        "patch_persona", persona_id="p1", patch=patch, dry_run=True
    )
    await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert read_extra_body(store) == {"a": {SECRET: [1]}, SECRET: 2}


async def test_a_name_of_asterisks_is_a_name(tool_client: ToolClient, store: Store) -> None:
    store_persona(store)
    made = await tool_client.expect_result("configure_llm", persona_id="p1", extra_body={MASK: 3})
    assert read_extra_body(store) == {MASK: 3}
    await tool_client.expect_result(made["undo"]["tool"], **made["undo"]["arguments"])
    assert "llm" not in (store.get("persona", "p1") or {})["layers"]


async def test_numbers_in_secret_fields_are_masked_and_sent(
    tool_client: ToolClient, store: Store
) -> None:
    """Found by an attack: a PIN is a number."""
    store_persona(store)
    planned = await tool_client.expect_result(
        "configure_llm", persona_id="p1", extra_body=BODY, dry_run=True
    )
    await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert read_extra_body(store) == BODY
    text = json.dumps(planned) + await collect_outputs(tool_client)
    for number in (PIN, HEADER):
        assert str(number) not in text
        assert str(number).encode() not in read_data_folder(tool_client)
    assert "512" in text


async def test_masked_numbers_are_preserved_when_the_rest_is_restored(
    tool_client: ToolClient, store: Store
) -> None:
    store_persona(store, layers={"llm": {"extra_body": BODY | {"seed": 1}}})
    first = (await tool_client.expect_result("get_persona", persona_id="p1"))["revision"]
    await tool_client.expect_result("configure_llm", persona_id="p1", extra_body=BODY | {"seed": 2})
    await tool_client.expect_result("restore_revision", persona_id="p1", revision=first)
    assert read_extra_body(store) == BODY | {"seed": 1}


def test_a_key_with_a_slash_is_masked_in_pointer_notation() -> None:
    masker = Masker(["sk/live~key/1"])
    assert masker.mask_text("/layers/sk~1live~0key~11/x") == f"/layers/{MASK}/x"


@pytest.mark.parametrize("value", [True, False, None, ""])
def test_empty_values_and_booleans_are_not_secrets(value: object) -> None:
    assert Masker().mask({"password": value}) == {"password": value}


def test_token_counts_are_not_secrets() -> None:
    counts = {"max_tokens": 5, "max_completion_tokens": 5, "min-token": 1, "tokens": 7.5}
    assert Masker().mask(counts) == counts


def test_the_revision_of_a_document_without_secrets_is_stable() -> None:
    """A journal names its states by it."""
    data = {"persona_id": "p1", "layers": {"llm": {"extra_body": {"max_tokens": 5, "n": [1]}}}}
    assert PersonaDocument(data).revision == "e6cdbf59c68a"
