"""Single conflicts: the requests that are sent, the refusals, and their messages."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from mcp_client import SECRET, ToolClient
from patches import find_test_values, patch_persona, sent_patches
from scheduler import AppWithHook
from starlette.types import ASGIApp

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.ids import now
from tavus_mcp.sandbox.store import Store
from tavus_mcp.sandbox.switches import Switches

pytestmark = pytest.mark.anyio

OTHER_KEY = "el-7c2f1b9e5d"


async def refuse_next_patch(tool_client: ToolClient) -> None:
    """Let Tavus refuse the next change, whatever it is."""
    fault = {
        "kind": "status",
        "method": "PATCH",
        "status": 400,
        "body": {"message": "Invalid value"},
    }
    await tool_client.control_sandbox("POST", "/faults", fault)


async def test_a_replaced_leaf_is_guarded_by_a_test_of_the_value_read(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Hello.")
    assert find_test_values(sent_patches(tool_client)[0]) == {"/greeting": "Hi."}


async def test_test_operations_precede_the_operations_they_guard(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(
        greeting="Hi.", layers={"stt": {"hotwords": "Roma"}}
    )
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, greeting="Hello.", name="Eva"
    )
    kinds = [item["op"] for item in sent_patches(tool_client)[0]]
    assert kinds == sorted(kinds, key=lambda op: op != "test")
    assert find_test_values(sent_patches(tool_client)[0]) == {
        "/greeting": "Hi.",
        "/persona_name": "Bot",
    }


async def test_a_removed_leaf_is_guarded_by_a_test(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    await tool_client.expect_result("update_persona", persona_id=persona_id, unset=["greeting"])
    assert find_test_values(sent_patches(tool_client)[0]) == {"/greeting": "Hi."}


async def test_a_replaced_secret_is_not_tested_and_not_read_back(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(
        layers={"tts": {"tts_engine": "cartesia", "api_key": OTHER_KEY}}
    )
    receipt = await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, api_key_ref="openai"
    )
    assert receipt["status"] == "applied"
    (operations,) = sent_patches(tool_client)
    assert find_test_values(operations) == {}
    assert operations == [{"op": "add", "path": "/layers/tts/api_key", "value": SECRET}]
    messages = [item["message"] for item in receipt["findings"]]
    assert any("Tavus cannot check for edits by others" in message for message in messages)


async def test_an_added_leaf_is_guarded_by_the_time_of_the_last_change(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona()
    stamp = (store.get("persona", persona_id) or {})["updated_at"]
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Hi.")
    assert find_test_values(sent_patches(tool_client)[0]) == {"/updated_at": stamp}


async def test_an_edit_for_another_revision_is_refused_without_a_request(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    revision = (await tool_client.expect_result("get_persona", persona_id=persona_id))["revision"]
    await patch_persona(dashboard_client, persona_id, "/greeting", "Ciao.")
    error = await tool_client.expect_error(
        "update_persona", persona_id=persona_id, greeting="Hello.", if_revision=revision
    )
    assert "Nothing was written" in error
    assert '~ /greeting: "Hi." -> "Ciao." (changed outside this journal)' in error
    assert sent_patches(tool_client) == []


async def test_an_edit_for_the_revision_that_was_read_is_carried_out(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    revision = (await tool_client.expect_result("get_persona", persona_id=persona_id))["revision"]
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, greeting="Hello.", if_revision=revision
    )
    assert (receipt["status"], receipt["previous_revision"]) == ("applied", revision)
    now = (await tool_client.expect_result("get_persona", persona_id=persona_id))["revision"]
    assert receipt["revision"] == now


async def test_a_dry_run_for_another_revision_is_refused(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    revision = (await tool_client.expect_result("get_persona", persona_id=persona_id))["revision"]
    await patch_persona(dashboard_client, persona_id, "/greeting", "Ciao.")
    error = await tool_client.expect_error(
        "update_persona", persona_id=persona_id, name="Eva", if_revision=revision, dry_run=True
    )
    assert "Nothing was written" in error


async def test_a_plan_is_refused_and_shows_the_change_when_its_field_was_edited(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    plan = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="Eva", dry_run=True
    )
    await patch_persona(dashboard_client, persona_id, "/persona_name", "Ina")
    error = await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
    assert '~ /persona_name: "Bot" -> "Ina" (changed outside this journal)' in error
    assert "Nothing was written" in error
    assert (await tool_client.read_persona(persona_id))["persona_name"] == "Ina"


async def create_persona_at_dashboard(dashboard: httpx2.AsyncClient) -> str:
    body = {"persona_name": "Ada", "system_prompt": "You are Ada.", "greeting": "Hi."}
    return str((await dashboard.post("/personas", json=body)).json()["persona_id"])


async def test_a_plan_for_a_foreign_persona_is_refused_when_its_field_was_edited(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient
) -> None:
    persona_id = await create_persona_at_dashboard(dashboard_client)
    plan = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="Eva", dry_run=True
    )
    await patch_persona(dashboard_client, persona_id, "/persona_name", "Ina")
    error = await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
    assert "Nothing was written" in error
    assert '-> "Ina"' in error


async def test_a_deletion_plan_is_refused_and_shows_the_change_when_the_persona_was_edited(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient
) -> None:
    persona_id = await create_persona_at_dashboard(dashboard_client)
    plan = await tool_client.expect_result("delete_persona", persona_id=persona_id)
    await patch_persona(dashboard_client, persona_id, "/greeting", "Ciao.")
    error = await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
    assert "Nothing was written" in error
    assert (await tool_client.read_persona(persona_id))["greeting"] == "Ciao."
    assert '-> "Ciao."' in error


async def test_a_refused_plan_can_be_made_again_and_carried_out(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    plan = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="Eva", dry_run=True
    )
    await patch_persona(dashboard_client, persona_id, "/persona_name", "Ina")
    await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
    again = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="Eva", dry_run=True
    )
    receipt = await tool_client.expect_result("apply_plan", plan_id=again["plan_id"])
    assert receipt["status"] == "applied"
    now = await tool_client.read_persona(persona_id)
    assert now["persona_name"] == "Eva"


async def test_a_refusal_of_the_change_itself_is_no_plan(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    await refuse_next_patch(tool_client)
    error = await tool_client.expect_error(
        "update_persona", persona_id=persona_id, greeting="Hello."
    )
    assert "Invalid value" in error


async def test_an_object_with_a_key_is_removed_only_as_it_was_read(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await tool_client.create_persona(
        layers={"tts": {"tts_engine": "cartesia", "api_key": OTHER_KEY}}
    )
    await tool_client.expect_result("configure_tts", persona_id=persona_id, unset=["tts"])
    (operations,) = sent_patches(tool_client)
    tests = find_test_values(operations)
    assert tests.pop("/updated_at")
    assert tests == {"/layers/tts/tts_engine": "cartesia"}


async def test_an_added_field_without_the_time_of_the_last_change_is_reported_as_unchecked(
    open_tool_client: Any, store: Store
) -> None:
    tavus = build_sandbox(store, switches=Switches(updated_at="absent"))
    async with open_tool_client(tavus) as tool_client:
        persona_id = await tool_client.create_persona()
        for arguments in ({"dry_run": True}, {}):
            receipt = await tool_client.expect_result(
                "update_persona", persona_id=persona_id, greeting="Hi.", **arguments
            )
            messages = [item["message"] for item in receipt["findings"]]
            assert any(text.startswith("Tavus cannot check for edits by") for text in messages)
            assert {item["path"] for item in receipt["findings"]} == {"/greeting"}


async def test_a_new_key_is_sent_only_with_the_address_that_was_read(
    tool_client: ToolClient,
) -> None:
    address = "https://llm.example.com/v1"
    persona_id = await tool_client.create_persona(
        layers={"llm": {"model": "gpt-x", "base_url": address, "api_key_ref": "openai"}}
    )
    await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, api_key="another-key-of-a-model"
    )
    (operations,) = sent_patches(tool_client)
    assert find_test_values(operations) == {"/layers/llm/base_url": address}


async def test_unpublished_dashboard_edits_are_reported_and_never_forced(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient
) -> None:
    """Required by Tavus: 409 with ``conflict: maker_changes``."""
    persona_id = await tool_client.create_persona(greeting="Hi.")
    control = dashboard_client.base_url.join(f"/_sandbox/maker_changes/{persona_id}")
    assert (await dashboard_client.post(control)).status_code == 204
    error = await tool_client.expect_error(
        "update_persona", persona_id=persona_id, greeting="Hello."
    )
    assert "409" in error
    assert "unpublished changes in PAL Maker" in error
    assert (await tool_client.read_persona(persona_id))["greeting"] == "Hi."
    assert not any("force" in str(item.url.query) for item in tool_client.transport.requests)
    assert len(sent_patches(tool_client)) == 1
    (row,) = (await tool_client.expect_result("list_revisions", persona_id=persona_id, limit=1))[
        "revisions"
    ]
    assert row["status"] == "failed"


async def test_a_change_refused_by_itself_is_reported_as_failed(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    await refuse_next_patch(tool_client)
    await tool_client.expect_error("update_persona", persona_id=persona_id, greeting="Hello.")
    (row,) = (await tool_client.expect_result("list_revisions", persona_id=persona_id, limit=1))[
        "revisions"
    ]
    assert row["status"] == "failed"


async def test_an_edit_between_the_second_read_and_the_retry_is_not_overwritten(
    open_tool_client: Any, sandbox: ASGIApp, store: Store
) -> None:
    """Another person changes a field, reverts it, and changes it again between the requests."""
    persona_id = ""

    def greets(words: str) -> None:
        row = store.get("persona", persona_id) or {}
        changed = {"greeting": words, "updated_at": now()} if row["greeting"] != words else {}
        store.put("persona", persona_id, row | changed)

    between = AppWithHook(sandbox)
    async with open_tool_client(between) as tool_client:
        persona_id = await tool_client.create_persona(greeting="Hi.")
        words = iter(["Hi.", "Ciao.", "Hi.", "Salve."])
        between.before_request = lambda: greets(next(words, "Salve."))
        result = await tool_client.call("update_persona", persona_id=persona_id, greeting="Hello.")
        assert (store.get("persona", persona_id) or {})["greeting"] != "Hello."
        assert result.is_error


@pytest.mark.parametrize("plans", ["update_persona", "delete_persona"])
async def test_a_refused_plan_advises_to_create_the_plan_again(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient, plans: str
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    change = {"name": "Eva"} if plans == "update_persona" else {}
    plan = await tool_client.expect_result(plans, persona_id=persona_id, dry_run=True, **change)
    await patch_persona(dashboard_client, persona_id, "/persona_name", "Ina")
    error = await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
    assert "call again with if_revision" not in error, "apply_plan has no such argument"
