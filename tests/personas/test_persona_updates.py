"""``update_persona`` and ``delete_persona``: only given fields change."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient, patch_operations

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

VALUES: dict[str, Any] = {
    "name": "Other",
    "system_prompt": "You sell.",
    "pipeline_mode": "full",
    "default_replica_id": "r90bbd427f71",
    "greeting": "Welcome!",
    "context": "At the desk.",
    "documents": ["d8-1"],
    "document_tags": ["prices"],
    "objectives": "o1",
    "guardrails": ["g1"],
    "guardrail_tags": ["house"],
    "guardrails_id": "gs1",
    "languages": ["en"],
    "disclosure_type": "auto",
    "verbal_disclosure": "I am an AI.",
    "visual_disclosure": "AI",
}
FIELDS = {
    "name": "persona_name",
    "documents": "document_ids",
    "objectives": "objectives_id",
    "guardrails": "guardrail_ids",
}


def list_patches(tool_client: ToolClient) -> list[list[dict[str, Any]]]:
    return [
        patch_operations(item) for item in tool_client.transport.writes if item.method == "PATCH"
    ]


@pytest.fixture(autouse=True)
def _stored_attachments(store: Store) -> None:
    store.put("document", "d8-1", {"document_id": "d8-1", "document_name": "Prices"})
    store.put("objectives", "o1", {"objectives_id": "o1", "name": "Qualify"})
    store.put("guardrail", "g1", {"uuid": "g1", "guardrail_name": "polite"})
    store.put("guardrails", "gs1", {"uuid": "gs1", "name": "old set"})
    store.put("tool", "t1", {"tool_id": "t1", "name": "lookup"})


@pytest.mark.parametrize("argument", [name for name in VALUES if name != "pipeline_mode"])
async def test_one_argument_changes_one_field_with_one_operation(
    tool_client: ToolClient, argument: str
) -> None:
    persona_id = await tool_client.create_persona()
    before = await tool_client.read_persona(persona_id)
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, **{argument: VALUES[argument]}
    )
    field = FIELDS.get(argument, argument)
    assert receipt["status"] == "applied"
    assert list_patches(tool_client) == [
        [{"op": "add", "path": f"/{field}", "value": VALUES[argument]}]
    ]
    assert [item["path"] for item in receipt["changes"]] == [f"/{field}"]
    after = await tool_client.read_persona(persona_id)
    assert after.pop(field) == VALUES[argument]
    before.pop(field, None)
    del before["updated_at"], after["updated_at"]
    assert after == before


@pytest.mark.parametrize(
    ("argument", "value"), [("tool_ids", ["t1"]), ("memories", ["Likes tea."])]
)
async def test_a_field_that_reads_leave_out_is_written_and_not_verified(
    tool_client: ToolClient, store: Store, argument: str, value: list[str]
) -> None:
    """Vendor: tool_ids and memories are taken, but docs show them in no read."""
    await tool_client.set_switches(include_settings="ignored")
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, **{argument: value}
    )
    assert receipt["status"] == "unverified"
    assert "cannot be read back" in str(receipt["findings"])
    row = store.get("persona", persona_id)
    assert row is not None
    assert row[argument] == value


@pytest.mark.parametrize(
    ("argument", "value"), [("tool_ids", ["t1"]), ("memories", ["Likes tea."])]
)
async def test_a_field_that_reads_leave_out_can_be_removed(
    tool_client: ToolClient, store: Store, argument: str, value: list[str]
) -> None:
    await tool_client.set_switches(include_settings="ignored")
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, **{argument: value}
    )
    assert "undo" not in receipt  # nobody knows what stood there
    await tool_client.expect_result("update_persona", persona_id=persona_id, unset=[argument])
    row = store.get("persona", persona_id)
    assert row is not None
    assert not row.get(argument)


async def test_several_arguments_are_one_request(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="B", greeting="Hi!"
    )
    assert len(list_patches(tool_client)) == 1
    assert {item["path"] for item in list_patches(tool_client)[0]} == {"/persona_name", "/greeting"}


async def test_a_call_without_arguments_sends_no_request(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    tool_client.transport.requests.clear()
    receipt = await tool_client.expect_result("update_persona", persona_id=persona_id)
    assert receipt["status"] == "unchanged"
    assert tool_client.transport.request_lines == [f"GET /v2/personas/{persona_id}"]


async def test_an_identical_value_gives_unchanged_and_sends_no_patch(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(name="Same", documents=["d8-1"])
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="Same", documents=["d8-1"]
    )
    assert receipt["status"] == "unchanged"
    assert receipt["changes"] == []
    assert "undo" not in receipt
    assert list_patches(tool_client) == []


async def test_unset_removes_a_field_by_its_argument_or_its_own_name(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(
        greeting="Hi!", documents=["d8-1"], objectives="o1"
    )
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, unset=["greeting", "documents", "objectives_id"]
    )
    assert {item["path"] for item in receipt["changes"]} == {
        "/greeting",
        "/document_ids",
        "/objectives_id",
    }
    assert all("after" not in item for item in receipt["changes"])
    saved = await tool_client.read_persona(persona_id)
    assert not {"greeting", "document_ids", "objectives_id"} & saved.keys()


async def test_unset_of_a_field_that_is_not_there_is_unchanged(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, unset=["greeting"]
    )
    assert receipt["status"] == "unchanged"
    assert list_patches(tool_client) == []


async def test_unset_of_an_unknown_field_is_refused_with_the_closest_name(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    error = await tool_client.expect_error(
        "update_persona", persona_id=persona_id, unset=["greting", "zzz"]
    )
    assert "did you mean 'greeting'?" in error
    assert error.count("/unset") == 2
    assert list_patches(tool_client) == []


async def test_the_prompt_of_a_persona_in_full_mode_cannot_be_removed(
    tool_client: ToolClient,
) -> None:
    """Tavus: system_prompt is required in full mode."""
    persona_id = await tool_client.create_persona()
    error = await tool_client.expect_error(
        "update_persona", persona_id=persona_id, unset=["system_prompt"]
    )
    assert "/system_prompt" in error
    assert list_patches(tool_client) == []


@pytest.mark.parametrize("argument", ["name", "greeting", "documents", "pipeline_mode"])
async def test_null_changes_nothing(tool_client: ToolClient, argument: str) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi!")
    before = await tool_client.read_persona(persona_id)
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, **{argument: None}
    )
    assert receipt["status"] == "unchanged"
    assert await tool_client.read_persona(persona_id) == before


async def test_changing_to_echo_mode_removes_the_prompt_and_can_be_undone(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(context="Here.")
    before = await tool_client.read_persona(persona_id)
    receipt = await tool_client.expect_result(
        "update_persona",
        persona_id=persona_id,
        pipeline_mode="echo",
        unset=["system_prompt", "context"],
    )
    assert (await tool_client.read_persona(persona_id))["pipeline_mode"] == "echo"
    await tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    after = await tool_client.read_persona(persona_id)
    del before["updated_at"], after["updated_at"]
    assert after == before


async def test_an_old_revision_is_a_conflict_and_nothing_is_written(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    old = (await tool_client.expect_result("get_persona", persona_id=persona_id))["revision"]
    new = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="B", if_revision=old
    )
    count = len(list_patches(tool_client))
    error = await tool_client.expect_error(
        "update_persona", persona_id=persona_id, name="C", if_revision=old
    )
    assert new["revision"] in error
    assert "get_persona" in error
    assert len(list_patches(tool_client)) == count
    assert new["previous_revision"] == old


async def test_a_304_answer_gives_the_status_unchanged(tool_client: ToolClient) -> None:
    """Tavus: reads omit default values, and setting one answers 304 with an empty body."""
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, model="tavus-gpt-oss"
    )
    tool_client.transport.requests.clear()
    again = await tool_client.expect_result(
        "patch_persona",
        persona_id=persona_id,
        patch=[{"op": "add", "path": "/layers/llm/speculative_inference", "value": True}],
    )
    assert len(list_patches(tool_client)) == 1
    assert again["status"] == "unchanged"
    assert again["changes"] == []
    assert again["revision"] == receipt["revision"]
    assert "undo" not in again


async def test_a_dry_run_shows_the_change_and_sends_nothing(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(name="A")
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="B", dry_run=True
    )
    assert receipt["status"] == "planned"
    assert receipt["changes"] == [{"path": "/persona_name", "before": "A", "after": "B"}]
    assert list_patches(tool_client) == []


async def test_audio_only_is_accepted_with_a_finding_and_not_sent(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "update_persona", persona_id=persona_id, audio_only=True
    )
    assert receipt["status"] == "unchanged"
    assert "conversation" in receipt["findings"][0]["hint"]
    assert list_patches(tool_client) == []


async def test_unpublished_dashboard_edits_are_reported_and_never_forced(
    tool_client: ToolClient, store: Store
) -> None:
    """Tavus: 409 maker_changes; force=true would discard another person's work."""
    persona_id = await tool_client.create_persona()
    store.put("maker_changes", persona_id, {})
    error = await tool_client.expect_error("update_persona", persona_id=persona_id, name="B")
    assert "PAL Maker" in error
    assert "dashboard" in error
    assert all("force" not in str(item.url) for item in tool_client.transport.requests)


async def test_deleting_creates_a_plan_that_deletes_once(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(name="Desk")
    planned = await tool_client.expect_result("delete_persona", persona_id=persona_id)
    assert planned["status"] == "planned"
    assert all(item.method != "DELETE" for item in tool_client.transport.writes)
    receipt = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert receipt["status"] == "applied"
    assert tool_client.transport.request_lines[-2] == f"DELETE /v2/personas/{persona_id}"
    assert (
        tool_client.transport.request_lines[-1] == f"GET /v2/personas/{persona_id}"
    )  # to see that it is gone
    assert "Invalid persona_id" in await tool_client.expect_error(
        "get_persona", persona_id=persona_id
    )


async def test_a_dry_run_of_a_deletion_lists_what_would_be_deleted(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(name="Desk")
    receipt = await tool_client.expect_result("delete_persona", persona_id=persona_id, dry_run=True)
    assert receipt["status"] == "planned"
    assert "Desk" in receipt["changes"][0]["before"]
    await tool_client.read_persona(persona_id)


async def test_a_persona_changed_since_the_plan_is_not_deleted(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(name="Desk")
    old = (await tool_client.expect_result("get_persona", persona_id=persona_id))["revision"]
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Hi!")
    error = await tool_client.expect_error("delete_persona", persona_id=persona_id, if_revision=old)
    assert "revision" in error
    await tool_client.read_persona(persona_id)
