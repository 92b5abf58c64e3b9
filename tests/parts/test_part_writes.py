"""Parts are written by the write path of personas: plans, receipts with undo, conflicts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from mcp_client import ToolClient
from part_requests import (
    CHANGES,
    ID_ARGUMENTS,
    KINDS,
    NEW_PARTS,
    SAVE_TOOLS,
    create_part,
    create_persona,
    read_fields,
)

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio


@KINDS
async def test_a_saved_part_reads_back_as_it_was_given(tool_client: ToolClient, kind: str) -> None:
    part_id = await create_part(tool_client, kind)
    fields = await read_fields(tool_client, kind, part_id)
    for name, value in NEW_PARTS[kind].items():
        if isinstance(value, list) and isinstance(value[0], dict):
            for expected, found in zip(value, fields[name], strict=True):
                assert expected.items() <= found.items()
        else:
            assert fields[name] == value


@KINDS
async def test_a_created_part_comes_with_the_call_that_attaches_it(
    tool_client: ToolClient, kind: str
) -> None:
    receipt = await tool_client.expect_result(SAVE_TOOLS[kind], **NEW_PARTS[kind])
    part_id = receipt["part"]["id"]
    call = re.search(r"attach_parts\(persona_id, (\w+)=(.*)\)\.", receipt["next"])
    assert call is not None
    name, value = call.groups()
    persona_id = await create_persona(tool_client, "A")
    attached = await tool_client.expect_result(
        "attach_parts", persona_id=persona_id, **{name: json.loads(value)}
    )
    assert attached["status"] == "applied"
    assert part_id in str(attached["changes"])
    changed = await tool_client.expect_result(
        SAVE_TOOLS[kind], **{ID_ARGUMENTS[kind]: part_id}, **CHANGES[kind]
    )
    assert "next" not in changed


@KINDS
async def test_the_undo_of_a_change_restores_the_part(tool_client: ToolClient, kind: str) -> None:
    part_id = await create_part(tool_client, kind)
    before = await read_fields(tool_client, kind, part_id)
    changed = await tool_client.expect_result(
        SAVE_TOOLS[kind], **{ID_ARGUMENTS[kind]: part_id}, **CHANGES[kind]
    )
    assert changed["status"] == "applied"
    assert await read_fields(tool_client, kind, part_id) != before
    undone = await tool_client.expect_result(
        changed["undo"]["tool"], **changed["undo"]["arguments"]
    )
    assert (undone["status"], undone["revision"]) == ("applied", changed["previous_revision"])
    assert await read_fields(tool_client, kind, part_id) == before


@KINDS
async def test_a_change_can_be_planned_and_is_carried_out_once(
    tool_client: ToolClient, kind: str
) -> None:
    part_id = await create_part(tool_client, kind)
    arguments = {ID_ARGUMENTS[kind]: part_id, **CHANGES[kind]}
    tool_client.transport.requests.clear()
    plan = await tool_client.expect_result(SAVE_TOOLS[kind], **arguments, dry_run=True)
    assert plan["status"] == "planned"
    assert not tool_client.transport.writes
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert (applied["status"], applied["part"]["id"]) == ("applied", part_id)
    assert "once" in await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
    again = await tool_client.expect_result(SAVE_TOOLS[kind], **arguments)
    assert again["status"] == "unchanged"


@KINDS
async def test_a_creation_can_be_planned_and_undone(tool_client: ToolClient, kind: str) -> None:
    plan = await tool_client.expect_result(SAVE_TOOLS[kind], **NEW_PARTS[kind], dry_run=True)
    created = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    undo = await tool_client.expect_result(created["undo"]["tool"], **created["undo"]["arguments"])
    deleted = await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert deleted["status"] == "applied"
    await tool_client.expect_error("get_part", kind=kind, id=created["part"]["id"])


@KINDS
async def test_a_change_of_another_revision_is_a_conflict(
    tool_client: ToolClient, kind: str
) -> None:
    part_id = await create_part(tool_client, kind)
    arguments = {ID_ARGUMENTS[kind]: part_id, **CHANGES[kind]}
    first = await tool_client.expect_result(SAVE_TOOLS[kind], **arguments)
    message = await tool_client.expect_error(
        SAVE_TOOLS[kind], **arguments, if_revision=first["previous_revision"]
    )
    assert "has changed since" in message
    assert f"by {SAVE_TOOLS[kind]}" in message


@KINDS
async def test_the_revisions_of_a_part_are_listed(tool_client: ToolClient, kind: str) -> None:
    part_id = await create_part(tool_client, kind)
    await tool_client.expect_result(
        SAVE_TOOLS[kind], **{ID_ARGUMENTS[kind]: part_id}, **CHANGES[kind]
    )
    page = await tool_client.expect_result("list_revisions", persona_id=f"{kind}/{part_id}")
    tools = [row["tool"] for row in page["revisions"]]
    assert tools[0] == SAVE_TOOLS[kind]
    assert page["revisions"][0]["changes"]


@KINDS
async def test_a_protected_server_only_plans(
    open_tool_client: ToolClientFactory, kind: str
) -> None:
    async with open_tool_client(protected=True) as client:
        plan = await client.expect_result(SAVE_TOOLS[kind], **NEW_PARTS[kind])
        assert plan["status"] == "planned"
        assert not client.transport.writes


async def test_a_persona_keeps_a_skill_until_it_is_detached(tool_client: ToolClient) -> None:
    persona_id = await create_persona(tool_client, "Ada")
    config = {"usage_guidance": "Draw."}
    arguments = {"persona_id": persona_id, "skill_id": "magic_canvas"}
    first = await tool_client.expect_result("set_skill", **arguments, config=config)
    assert first["status"] == "applied"
    second = await tool_client.expect_result("set_skill", **arguments)
    undone = await tool_client.expect_result("restore_revision", **second["undo"]["arguments"])
    assert undone["revision"] == first["revision"]
    skill = await tool_client.expect_result(
        "get_part", kind="skill", id=f"{persona_id}:magic_canvas"
    )
    assert skill["part"]["config"] == config
    off = await tool_client.expect_result(
        "detach_parts", persona_id=persona_id, skill="magic_canvas"
    )
    await tool_client.expect_error("get_part", kind="skill", id=f"{persona_id}:magic_canvas")
    await tool_client.expect_result("restore_revision", **off["undo"]["arguments"])
    again = await tool_client.expect_result(
        "get_part", kind="skill", id=f"{persona_id}:magic_canvas"
    )
    assert again["part"]["config"] == config


async def test_a_set_of_one_objective_is_saved_and_read_whole(tool_client: ToolClient) -> None:
    data: list[dict[str, Any]] = [{"objective_name": "ask", "objective_prompt": "Ask."}]
    part_id = await create_part(tool_client, "objectives", data=data)
    fields = await read_fields(tool_client, "objectives", part_id)
    assert fields["data"][0]["objective_name"] == "ask"
    same = await tool_client.expect_result("save_objectives", objectives_id=part_id, data=data)
    assert same["status"] == "unchanged"


async def test_two_edits_of_one_guardrail_do_not_lose_each_other(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client() as first, open_tool_client() as second:
        part_id = await create_part(first, "guardrail")
        plan = await first.expect_result(
            "save_guardrail", guardrail_id=part_id, guardrail_prompt="Mine.", dry_run=True
        )
        await second.expect_result("save_guardrail", guardrail_id=part_id, app_message=False)
        await first.expect_result("apply_plan", plan_id=plan["plan_id"])
        fields = await read_fields(first, "guardrail", part_id)
        assert (fields["guardrail_prompt"], fields["app_message"]) == ("Mine.", False)
        plan = await first.expect_result(
            "save_guardrail", guardrail_id=part_id, guardrail_prompt="Mine too.", dry_run=True
        )
        await second.expect_result(
            "save_guardrail", guardrail_id=part_id, guardrail_prompt="Theirs."
        )
        message = await first.expect_error("apply_plan", plan_id=plan["plan_id"])
        assert "changed since" in message
        fields = await read_fields(first, "guardrail", part_id)
        assert fields["guardrail_prompt"] == "Theirs."


async def test_what_cannot_be_changed_is_refused_before_it_is_sent(tool_client: ToolClient) -> None:
    part_id = await create_part(tool_client, "document")
    tool_client.transport.requests.clear()
    message = await tool_client.expect_error(
        "save_document", document_id=part_id, document_url="https://example.com/other.pdf"
    )
    assert "/document_url" in message
    assert not tool_client.transport.writes
