"""The report of a write is true where it went to a draft or cannot be read back."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

ANSWERS = pytest.mark.parametrize("patch_answer", ["persona", "empty"])


def messages_of(receipt: dict[str, Any]) -> str:
    return " ".join(item["message"] for item in receipt["findings"])


async def draft_a_name(tool_client: ToolClient) -> tuple[str, dict[str, Any]]:
    await tool_client.set_switches(patches="draft")
    persona_id = await tool_client.create_persona(name="Ada")
    receipt = await tool_client.expect_result("update_persona", persona_id=persona_id, name="Eve")
    return persona_id, receipt


async def test_a_change_that_went_to_a_draft_is_drafted_with_a_plan_to_publish_it(
    tool_client: ToolClient,
) -> None:
    persona_id, receipt = await draft_a_name(tool_client)
    assert receipt["status"] == "drafted"
    assert "not live" in messages_of(receipt)
    assert "undo" not in receipt
    assert receipt["changes"] == [{"path": "/persona_name", "before": "Ada", "after": "Eve"}]
    assert (await tool_client.read_persona(persona_id))["persona_name"] == "Ada"
    published = await tool_client.expect_result("apply_plan", plan_id=receipt["plan_id"])
    assert published["status"] == "applied"
    assert published["changes"] == [{"path": "/persona_name", "before": "Ada", "after": "Eve"}]
    assert (await tool_client.read_persona(persona_id))["persona_name"] == "Eve"
    await tool_client.set_switches(patches="live")
    undo = published["undo"]
    await tool_client.expect_result(undo["tool"], **undo["arguments"])
    assert (await tool_client.read_persona(persona_id))["persona_name"] == "Ada"


async def test_a_drafted_change_is_listed_as_drafted(tool_client: ToolClient) -> None:
    persona_id, _ = await draft_a_name(tool_client)
    page = await tool_client.expect_result("list_revisions", persona_id=persona_id)
    assert page["revisions"][0]["status"] == "drafted"


async def test_a_draft_without_a_word_of_it_is_no_success(tool_client: ToolClient) -> None:
    """Where the answer is empty, the read alone shows that the live persona did not change."""
    await tool_client.set_switches(patches="draft", patch_answer="empty")
    persona_id = await tool_client.create_persona(name="Ada")
    message = await tool_client.expect_error("update_persona", persona_id=persona_id, name="Eve")
    assert "did not take effect" in message
    assert "draft" in message


async def test_a_change_that_a_draft_holds_already_is_not_reported_as_unchanged(
    tool_client: ToolClient,
) -> None:
    persona_id, _ = await draft_a_name(tool_client)
    planned = await tool_client.expect_result("update_persona", persona_id=persona_id, name="Eve")
    assert planned["status"] == "planned"  # the draft fails the test of the live value
    assert "Tavus holds other values here than it returns" in messages_of(planned)
    assert "refused to check" not in messages_of(planned)
    again = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert again["status"] == "unverified"
    assert "reads otherwise" in messages_of(again)


@ANSWERS
async def test_a_live_change_is_applied_whatever_the_answer_holds(
    tool_client: ToolClient, patch_answer: str
) -> None:
    await tool_client.set_switches(patch_answer=patch_answer)
    persona_id = await tool_client.create_persona(name="Ada")
    receipt = await tool_client.expect_result("update_persona", persona_id=persona_id, name="Eve")
    assert receipt["status"] == "applied"
    assert "plan_id" not in receipt


async def test_a_bulk_change_of_drafts_is_not_applied_and_not_sent_twice(
    tool_client: ToolClient,
) -> None:
    ids = [await tool_client.create_persona(name=f"Bot {number}") for number in range(2)]
    await tool_client.set_switches(patches="draft")
    planned = await tool_client.expect_result(
        "plan_bulk_change", persona_ids=ids, values={"/greeting": "Hi!"}
    )
    receipt = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert receipt["status"] == "drafted"
    assert receipt["totals"] == {"drafted": 2}
    message = await tool_client.expect_error("plan_bulk_change", undo_of=planned["plan_id"])
    assert "there is nothing live to undo" in message
    for row in receipt["personas"]:
        published = await tool_client.expect_result("apply_plan", plan_id=row["plan_id"])
        assert published["status"] == "applied"
    again = await tool_client.expect_error("apply_plan", plan_id=planned["plan_id"])
    assert "carried out already" in again
    undo = await tool_client.expect_result("plan_bulk_change", undo_of=planned["plan_id"])
    assert [row["persona_id"] for row in undo["personas"]] == ids
    assert undo["changes"] == [{"path": "/greeting", "before": "Hi!", "personas": 2}]


async def test_publishing_is_a_plan_and_sends_nothing(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    writes = len(tool_client.transport.writes)
    receipt = await tool_client.expect_result("publish_persona", persona_id=persona_id)
    assert receipt["status"] == "planned"
    assert receipt["plan_id"]
    assert len(tool_client.transport.writes) == writes
    published = await tool_client.expect_result("apply_plan", plan_id=receipt["plan_id"])
    assert published["status"] == "unchanged"
    assert "no draft" in messages_of(published)
    again = await tool_client.expect_error("apply_plan", plan_id=receipt["plan_id"])
    assert "carried out already" in again


async def test_a_conflict_names_a_publication_as_what_changed_a_field(
    tool_client: ToolClient,
) -> None:
    persona_id, receipt = await draft_a_name(tool_client)
    await tool_client.edit_in_dashboard(persona_id, "/greeting", "Welcome!")
    planned = await tool_client.expect_result("publish_persona", persona_id=persona_id)
    changes = {"persona_id": persona_id, "name": "Eva", "greeting": "Hello.", "dry_run": True}
    change = await tool_client.expect_result("update_persona", **changes)
    await tool_client.expect_error("apply_plan", plan_id=receipt["plan_id"])
    await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    await tool_client.edit_in_dashboard(persona_id, "/greeting", "Ciao.")
    message = await tool_client.expect_error("apply_plan", plan_id=change["plan_id"])
    assert '"Ada" -> "Eve" (changed by publish_persona at' in message
    assert '-> "Ciao." (changed outside this journal)' in message


async def test_a_publication_is_refused_when_the_live_persona_was_edited(
    tool_client: ToolClient,
) -> None:
    persona_id, receipt = await draft_a_name(tool_client)
    await tool_client.edit_in_dashboard(persona_id, "/greeting", "Welcome!")
    message = await tool_client.expect_error("apply_plan", plan_id=receipt["plan_id"])
    assert "/greeting" in message
    assert (await tool_client.read_persona(persona_id))["persona_name"] == "Ada"


async def test_unpublished_edits_of_the_dashboard_are_named_and_discarded_on_request_only(
    tool_client: ToolClient,
) -> None:
    """Docs: 409 maker_changes; force discards another person's work."""
    persona_id = await tool_client.create_persona(name="Ada")
    await tool_client.edit_in_dashboard(persona_id, "/persona_name", "Dora", saved="draft")
    change = {"persona_id": persona_id, "name": "Eve"}
    message = await tool_client.expect_error("update_persona", **change)
    assert "409" in message
    assert "has unpublished changes in PAL Maker" in message
    assert "discard_editor_changes" in message
    planned = await tool_client.expect_result("publish_persona", persona_id=persona_id)
    refused = await tool_client.expect_error("apply_plan", plan_id=planned["plan_id"])
    assert "409" in refused
    assert "has unpublished changes in PAL Maker" in refused
    planned = await tool_client.expect_result(
        "publish_persona", persona_id=persona_id, discard_editor_changes=True
    )
    assert "discarded" in messages_of(planned)
    discarded = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert "discarded unpublished edits" in messages_of(discarded)
    receipt = await tool_client.expect_result("update_persona", **change)
    assert receipt["status"] == "applied"


async def test_no_change_is_ever_sent_with_force(tool_client: ToolClient) -> None:
    persona_id, _ = await draft_a_name(tool_client)
    planned = await tool_client.expect_result("publish_persona", persona_id=persona_id)
    await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert not any("force" in str(request.url) for request in tool_client.transport.writes)


async def test_a_deleted_persona_leaves_no_draft(tool_client: ToolClient, store: Store) -> None:
    persona_id, _ = await draft_a_name(tool_client)
    await tool_client.delete_persona(persona_id)
    assert store.get("persona_draft", persona_id) is None
