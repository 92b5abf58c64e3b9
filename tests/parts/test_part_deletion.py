"""Deleting a part lists the personas that use it and the losses; undo repairs the references."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient
from part_requests import (
    KINDS,
    POINTERS,
    attach_part,
    create_part,
    create_persona,
    read_fields,
)

from tavus_mcp.models.json_patch import get_at
from tavus_mcp.parts.kinds import GUARDRAIL

pytestmark = pytest.mark.anyio


async def read_reference(client: ToolClient, kind: str, persona_id: str) -> Any:
    persona = await client.expect_result("get_persona", persona_id=persona_id)
    return get_at(persona["persona"], POINTERS[kind])


@KINDS
async def test_deleting_a_part_of_three_personas_and_undoing_it_restores_all_three(
    tool_client: ToolClient, kind: str
) -> None:
    """The undo of a deletion repairs every reference."""
    part_id = await create_part(tool_client, kind)
    fields = await read_fields(tool_client, kind, part_id)
    personas = [await create_persona(tool_client, f"User {number}") for number in range(3)]
    other = await create_persona(tool_client, "Other")
    for persona_id in personas:
        await attach_part(tool_client, persona_id, kind, part_id)
    before = [await read_reference(tool_client, kind, persona_id) for persona_id in personas]

    plan = await tool_client.expect_result("delete_part", kind=kind, id=part_id)
    messages = " ".join(finding["message"] for finding in plan["findings"])
    assert plan["status"] == "planned"
    assert all(persona_id in messages for persona_id in personas)
    assert other not in messages
    assert "its id" in messages
    deleted = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    await tool_client.expect_error("get_part", kind=kind, id=part_id)

    undo = await tool_client.expect_result(deleted["undo"]["tool"], **deleted["undo"]["arguments"])
    assert undo["status"] == "planned"
    undone = await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert undone["status"] == "applied"
    assert [row["persona_id"] for row in undone["personas"]] == sorted(personas)
    assert {row["status"] for row in undone["personas"]} == {"applied"}
    new_id = undone["part"]["id"]
    assert await read_fields(tool_client, kind, new_id) == fields
    after = [await read_reference(tool_client, kind, persona_id) for persona_id in personas]
    assert after == [[new_id] if isinstance(reference, list) else new_id for reference in before]


async def test_an_id_comes_back_at_its_place_in_a_list(tool_client: ToolClient) -> None:
    ids = [
        await create_part(tool_client, "guardrail", guardrail_name=f"rule_{number}")
        for number in range(3)
    ]
    persona_id = await create_persona(tool_client, "Ada")
    await tool_client.expect_result("attach_parts", persona_id=persona_id, guardrails=ids)
    plan = await tool_client.expect_result("delete_part", kind="guardrail", id=ids[1])
    deleted = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    undo = await tool_client.expect_result("restore_revision", **deleted["undo"]["arguments"])
    undone = await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    reference = await read_reference(tool_client, "guardrail", persona_id)
    assert reference == [ids[0], undone["part"]["id"], ids[2]]


async def test_a_field_that_names_another_part_by_now_is_left_alone(
    tool_client: ToolClient,
) -> None:
    first = await create_part(tool_client, "objectives")
    second = await create_part(tool_client, "objectives", name="Other")
    persona_id = await create_persona(tool_client, "Ada")
    await attach_part(tool_client, persona_id, "objectives", first)
    plan = await tool_client.expect_result("delete_part", kind="objectives", id=first)
    deleted = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    await attach_part(tool_client, persona_id, "objectives", second)
    undo = await tool_client.expect_result("restore_revision", **deleted["undo"]["arguments"])
    undone = await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert undone["personas"][0]["status"] == "unchanged"
    assert await read_reference(tool_client, "objectives", persona_id) == second


async def test_an_undo_is_carried_out_once(tool_client: ToolClient) -> None:
    part_id = await create_part(tool_client, "dictionary")
    plan = await tool_client.expect_result("delete_part", kind="dictionary", id=part_id)
    deleted = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    arguments = deleted["undo"]["arguments"]
    plans = [await tool_client.expect_result("restore_revision", **arguments) for _ in range(2)]
    undone = await tool_client.expect_result("apply_plan", plan_id=plans[0]["plan_id"])
    message = await tool_client.expect_error("apply_plan", plan_id=plans[1]["plan_id"])
    assert "already" in message
    page = await tool_client.expect_result("list_dictionaries")
    ids = [row["pronunciation_dictionary_id"] for row in page["dictionaries"]]
    assert ids == [undone["part"]["id"]]
    again = await tool_client.expect_result("restore_revision", **arguments)
    assert again["status"] == "unchanged"


async def test_a_document_of_a_presentation_is_repaired_there(tool_client: ToolClient) -> None:
    part_id = await create_part(tool_client, "document")
    persona_id = await create_persona(tool_client, "Ada")
    config = {"document_ids": [part_id], "slides_trigger": "on_demand"}
    await tool_client.expect_result(
        "set_skill", persona_id=persona_id, skill_id="presentation", config=config
    )
    plan = await tool_client.expect_result("delete_part", kind="document", id=part_id)
    deleted = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    undo = await tool_client.expect_result("restore_revision", **deleted["undo"]["arguments"])
    undone = await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    skill = await tool_client.expect_result(
        "get_part", kind="skill", id=f"{persona_id}:presentation"
    )
    assert undone["personas"][0]["status"] == "applied", undone
    assert skill["part"]["config"] == {**config, "document_ids": [undone["part"]["id"]]}


async def test_a_part_edited_after_the_plan_is_not_deleted(tool_client: ToolClient) -> None:
    part_id = await create_part(tool_client, "guardrail")
    plan = await tool_client.expect_result("delete_part", kind="guardrail", id=part_id)
    await tool_client.expect_result("save_guardrail", guardrail_id=part_id, app_message=False)
    message = await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
    assert "has changed since" in message
    await tool_client.expect_result("get_part", kind="guardrail", id=part_id)


async def test_an_undo_that_was_interrupted_repairs_the_rest(tool_client: ToolClient) -> None:
    part_id = await create_part(tool_client, "guardrail")
    personas = [await create_persona(tool_client, f"User {number}") for number in range(2)]
    for persona_id in personas:
        await attach_part(tool_client, persona_id, "guardrail", part_id)
    plan = await tool_client.expect_result("delete_part", kind="guardrail", id=part_id)
    deleted = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    arguments = deleted["undo"]["arguments"]
    undo = await tool_client.expect_result("restore_revision", **arguments)
    undone = await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    new_id = undone["part"]["id"]
    await tool_client.expect_result("detach_parts", persona_id=personas[1], guardrails=[new_id])
    rest = await tool_client.expect_result("restore_revision", **arguments)
    done = await tool_client.expect_result("apply_plan", plan_id=rest["plan_id"])
    assert [row["persona_id"] for row in done["personas"]] == [personas[1]]
    assert await read_reference(tool_client, "guardrail", personas[1]) == [new_id]


@pytest.mark.extended
async def test_a_legacy_set_of_guardrails_comes_back_with_its_members(
    tool_client: ToolClient,
) -> None:
    """P:legacy-guardrail-sets: deleting a set deletes its members, whose ids are lost."""
    api = tool_client.server.app.api
    items = [{"guardrail_name": name, "guardrail_prompt": "No."} for name in ("one", "two")]
    set_id = await api.create_object(GUARDRAIL.endpoint, {"name": "Legacy", "data": items})
    persona_id = await create_persona(tool_client, "Ada")
    await tool_client.expect_result("update_persona", persona_id=persona_id, guardrails_id=set_id)
    plan = await tool_client.expect_result("delete_part", kind="guardrail", id=set_id)
    messages = " ".join(finding["message"] for finding in plan["findings"])
    assert "those of its members" in messages
    assert persona_id in messages
    deleted = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    undo = await tool_client.expect_result("restore_revision", **deleted["undo"]["arguments"])
    undone = await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    new_id = undone["part"]["id"]
    persona = await tool_client.expect_result("get_persona", persona_id=persona_id)
    assert persona["persona"]["guardrails_id"] == new_id != set_id
    again = await tool_client.expect_result("get_part", kind="guardrail", id=new_id)
    assert [item["guardrail_name"] for item in again["part"]["data"]] == ["one", "two"]
