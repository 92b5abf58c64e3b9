"""A deleted persona is restored once, and is found under its new id."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient

pytestmark = [pytest.mark.anyio, pytest.mark.every_database]


async def list_revisions(tool_client: ToolClient, persona_id: str) -> list[dict[str, Any]]:
    page = await tool_client.expect_result("list_revisions", persona_id=persona_id, limit=100)
    return list(page["revisions"])


async def test_restoring_a_deleted_persona_twice_creates_one_persona(
    tool_client: ToolClient,
) -> None:
    """The tool is declared idempotent, and a second persona would serve customers as well."""
    gone = await tool_client.create_persona(name="Front desk")
    first = (await list_revisions(tool_client, gone))[0]["revision"]
    await tool_client.delete_persona(gone)
    back = await tool_client.expect_result("restore_revision", persona_id=gone, revision=first)
    again = await tool_client.expect_result("restore_revision", persona_id=gone, revision=first)
    assert again["status"] == "unchanged"
    assert again["persona_id"] == back["persona_id"] != gone
    uses = f"brought back as {back['persona_id']!r}, which this call uses."
    assert any(uses in item["message"] for item in again["findings"])
    found = await tool_client.expect_result("list_personas", name_contains="Front desk")
    assert found["total_count"] == 1


async def test_restoring_again_undoes_later_changes_without_creating_a_second_persona(
    tool_client: ToolClient,
) -> None:
    gone = await tool_client.create_persona()
    first = (await list_revisions(tool_client, gone))[0]["revision"]
    await tool_client.delete_persona(gone)
    back = (await tool_client.expect_result("restore_revision", persona_id=gone, revision=first))[
        "persona_id"
    ]
    await tool_client.expect_result("update_persona", persona_id=back, greeting="Since then.")
    again = await tool_client.expect_result("restore_revision", persona_id=gone, revision=first)
    assert (again["status"], again["persona_id"]) == ("applied", back)
    assert "greeting" not in await tool_client.read_persona(back)


async def test_a_persona_deleted_twice_can_be_restored_twice(tool_client: ToolClient) -> None:
    gone = await tool_client.create_persona()
    first = (await list_revisions(tool_client, gone))[0]["revision"]
    await tool_client.delete_persona(gone)
    back = (await tool_client.expect_result("restore_revision", persona_id=gone, revision=first))[
        "persona_id"
    ]
    await tool_client.delete_persona(back)
    third = await tool_client.expect_result("restore_revision", persona_id=gone, revision=first)
    assert third["status"] == "applied"
    assert third["persona_id"] not in (gone, back)
    fourth = await tool_client.expect_result("restore_revision", persona_id=gone, revision=first)
    assert (fourth["status"], fourth["persona_id"]) == ("unchanged", third["persona_id"])


@pytest.mark.parametrize("planned", [False, True])
async def test_the_histories_of_a_restored_persona_link_to_each_other(
    tool_client: ToolClient, planned: bool
) -> None:
    gone = await tool_client.create_persona()
    first = (await list_revisions(tool_client, gone))[0]["revision"]
    await tool_client.delete_persona(gone)
    back = await tool_client.expect_result(
        "restore_revision", persona_id=gone, revision=first, dry_run=planned
    )
    if planned:
        back = await tool_client.expect_result("apply_plan", plan_id=back["plan_id"])
    new = back["persona_id"]
    assert (await list_revisions(tool_client, gone))[0]["revived_as"] == new
    assert (await list_revisions(tool_client, new))[-1]["revives"] == gone
    page = await tool_client.expect_result("list_revisions", persona_id=new)
    unknown = await tool_client.expect_error("restore_revision", persona_id=new, revision=first)
    call = f'restore_revision(persona_id="{gone}", revision="{first}") restores one'
    assert (f"brought back from {gone!r}" in page["note"], call in unknown) == (True, True)


async def test_no_field_of_a_deleted_persona_is_restored_by_creating_it_again(
    tool_client: ToolClient,
) -> None:
    """The undo of one field brought the whole persona back, which nobody had asked for."""
    gone = await tool_client.create_persona(name="Front desk", greeting="One.")
    edit = await tool_client.expect_result("update_persona", persona_id=gone, greeting="Two.")
    await tool_client.delete_persona(gone)
    writes = len(tool_client.transport.writes)
    undo = edit["undo"]["arguments"]
    for arguments in (
        undo,
        {"persona_id": gone, "revision": edit["revision"], "only": ["greeting"]},
        {"persona_id": gone, "revision": edit["revision"], "if_revision": edit["revision"]},
    ):
        message = await tool_client.expect_error("restore_revision", **arguments)
        assert "was deleted" in message
        assert "Nothing was sent" in message
    assert len(tool_client.transport.writes) == writes
