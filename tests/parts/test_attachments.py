"""Parts are attached to personas and detached, with what a persona has besides left as it is."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient
from part_requests import KINDS, POINTERS, attach_part, create_part, create_persona

from tavus_mcp.models.json_patch import get_at

pytestmark = pytest.mark.anyio


async def read_persona(client: ToolClient, persona_id: str) -> dict[str, Any]:
    result = await client.expect_result("get_persona", persona_id=persona_id)
    return dict(result["persona"])


@KINDS
async def test_a_part_is_attached_once_and_detached(tool_client: ToolClient, kind: str) -> None:
    first, second = [
        await create_part(tool_client, kind, **({"name": name} if kind == "tool" else {}))
        for name in ("one", "two")
    ]
    persona_id = await create_persona(tool_client, "Ada")
    await attach_part(tool_client, persona_id, kind, first)
    before = await read_persona(tool_client, persona_id)
    name = "tools" if kind == "tool" else "guardrails"
    await attach_part(tool_client, persona_id, kind, second)
    if kind in ("tool", "guardrail"):
        again = await tool_client.expect_result(
            "attach_parts", persona_id=persona_id, **{name: [first]}
        )
        assert again["status"] == "unchanged"
        persona = await read_persona(tool_client, persona_id)
        assert get_at(persona, POINTERS[kind]) == [first, second]
        receipt = await tool_client.expect_result(
            "detach_parts", persona_id=persona_id, **{name: [second]}
        )
        assert get_at(await read_persona(tool_client, persona_id), POINTERS[kind]) == [first]
        await tool_client.expect_result("restore_revision", **receipt["undo"]["arguments"])
        persona = await read_persona(tool_client, persona_id)
        assert get_at(persona, POINTERS[kind]) == [first, second]
    assert persona_id == before["persona_id"]


async def test_a_name_in_place_of_an_id_is_answered_with_the_id(tool_client: ToolClient) -> None:
    """Found in use: "this account has no registry tool 'book_table'", of a tool of that name."""
    tool_id = await create_part(tool_client, "tool")
    document_id = await create_part(tool_client, "document")
    persona_id = await create_persona(tool_client, "Ada")
    await tool_client.expect_result(
        "set_function_tool", persona_id=persona_id, name="save_score", description="Save it."
    )
    tool_client.transport.requests.clear()
    target = {"persona_id": persona_id}
    calls: list[tuple[str, dict[str, Any], str]] = [
        ("attach_parts", {**target, "tools": ["book-table"]}, tool_id),
        ("attach_parts", {**target, "documents": ["menu"]}, document_id),
        ("detach_parts", {**target, "tools": ["book_table"]}, tool_id),
        ("get_part", {"kind": "tool", "id": "book_table"}, tool_id),
        ("save_tool", {"tool_id": "book_table", "description": "x"}, tool_id),
        ("delete_part", {"kind": "tool", "id": "book_table"}, tool_id),
        ("attach_parts", {**target, "tools": ["save_score"]}, "inline function of this persona"),
        ("detach_parts", {**target, "tools": ["save_score"]}, "remove_function_tool removes it"),
        ("detach_parts", {**target, "tools": [tool_id]}, "Not attached to this persona: registry"),
        (
            "attach_parts",
            {**target, "tools": ["other"]},
            "This account has no registry tool 'other'",
        ),
    ]
    for tool, arguments, expected in calls:
        assert expected in await tool_client.expect_error(tool, **arguments), (tool, arguments)
    assert tool_client.transport.writes == []


async def test_the_hint_about_an_optional_argument_of_a_tool_names_no_tool_that_is_not_served(
    tool_client: ToolClient,
) -> None:
    parameters = {"type": "object", "properties": {"day": {"type": "string"}}}
    receipt = await tool_client.expect_result(
        "save_tool", name="lookup", description="Looks it up.", parameters=parameters
    )
    hints = [finding.get("hint") for finding in receipt["findings"]]
    assert any("/parameters" in str(hint) for hint in hints), hints
    assert "patch_part" not in str(receipt)


async def test_a_tool_is_attached_to_several_personas_by_one_plan_that_keeps_their_others(
    tool_client: ToolClient,
) -> None:
    """Found in use: it took a call for each persona, or the whole list replaced their own tools."""
    first, second = [await create_part(tool_client, "tool", name=name) for name in ("one", "two")]
    ids = [await create_persona(tool_client, name) for name in ("Ada", "Bob", "Cleo")]
    await attach_part(tool_client, ids[1], "tool", first)
    await attach_part(tool_client, ids[2], "tool", second)
    plan = await tool_client.expect_result(
        "plan_bulk_change", persona_ids=ids, values={"tool_ids/-": second, "/languages/-": ["en"]}
    )
    assert (plan["totals"]["planned"], plan["status"]) == (3, "planned")
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    personas = [await read_persona(tool_client, persona_id) for persona_id in ids]
    assert [item["tool_ids"] for item in personas] == [[second], [first, second], [second]]
    assert [item["languages"] for item in personas] == [["en"]] * 3
    undo = await tool_client.expect_result("plan_bulk_change", undo_of=plan["plan_id"])
    await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    personas = [await read_persona(tool_client, persona_id) for persona_id in ids]
    assert [item["tool_ids"] for item in personas] == [[], [first], [second]]


async def test_ids_that_name_nothing_are_refused_before_any_persona_is_read(
    tool_client: ToolClient,
) -> None:
    """Found in use: the plan was made without a word, and each of its writes refused."""
    ids = [await create_persona(tool_client, name) for name in ("Ada", "Bob")]
    tool_client.transport.requests.clear()
    for values, message in (
        ({"tool_ids": ["t000000000000"]}, "This account has no tool 't000000000000'"),
        ({"/default_replica_id": "r000000000000"}, "This account has no replica"),
    ):
        error = await tool_client.expect_error("plan_bulk_change", persona_ids=ids, values=values)
        assert message in error
    assert not any("/personas" in line for line in tool_client.transport.request_lines)


async def test_a_single_reference_is_replaced_and_removed(tool_client: ToolClient) -> None:
    persona_id = await create_persona(tool_client, "Ada")
    objectives = await create_part(tool_client, "objectives")
    dictionary = await create_part(tool_client, "dictionary")
    await tool_client.expect_result(
        "attach_parts", persona_id=persona_id, objectives=objectives, dictionary=dictionary
    )
    persona = await read_persona(tool_client, persona_id)
    assert get_at(persona, POINTERS["objectives"]) == objectives
    assert get_at(persona, POINTERS["dictionary"]) == dictionary
    receipt = await tool_client.expect_result(
        "detach_parts", persona_id=persona_id, objectives=objectives, dictionary=dictionary
    )
    assert receipt["status"] == "applied", receipt
    persona = await read_persona(tool_client, persona_id)
    assert not get_at(persona, POINTERS["objectives"])
    assert not get_at(persona, POINTERS["dictionary"])


async def test_attaching_detaching_and_skills_can_be_planned(tool_client: ToolClient) -> None:
    persona_id = await create_persona(tool_client, "Ada")
    part_id = await create_part(tool_client, "guardrail")
    target = {"persona_id": persona_id}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("attach_parts", {"guardrails": [part_id]}),
        ("detach_parts", {"guardrails": [part_id]}),
        ("set_skill", {"skill_id": "magic_canvas"}),
        ("detach_parts", {"skill": "magic_canvas"}),
    ]
    for tool, arguments in calls:
        tool_client.transport.requests.clear()
        plan = await tool_client.expect_result(tool, **target, **arguments, dry_run=True)
        assert plan["status"] == "planned"
        assert not tool_client.transport.writes
        applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
        assert applied["status"] == "applied"


async def test_what_is_not_there_cannot_be_attached_or_detached(tool_client: ToolClient) -> None:
    persona_id = await create_persona(tool_client, "Ada")
    tool_client.transport.requests.clear()
    message = await tool_client.expect_error(
        "attach_parts", persona_id=persona_id, guardrails=["g0123456789ab"], tools=["t0123456789ab"]
    )
    assert "no guardrail 'g0123456789ab'" in message
    assert "no registry tool 't0123456789ab'" in message
    message = await tool_client.expect_error(
        "detach_parts", persona_id=persona_id, guardrails=["g0123456789ab"]
    )
    assert "Not attached" in message
    assert "name at least one" in await tool_client.expect_error(
        "attach_parts", persona_id=persona_id
    )
    assert not tool_client.transport.writes


async def test_ids_that_name_nothing_are_refused_beside_what_the_checker_refuses(
    tool_client: ToolClient,
) -> None:
    """Found in use: update_persona planned an unknown id that attach_parts refuses."""
    persona_id = await create_persona(tool_client, "Ada")
    known = await create_part(tool_client, "tool", name="look_up")
    unknown = {"tool_ids": [known, "t0123456789ab"], "documents": ["d8-0123456789ab"]}
    tool_client.transport.requests.clear()
    for dry_run in (True, False):
        message = await tool_client.expect_error(
            "update_persona",
            persona_id=persona_id,
            **unknown,
            default_replica_id="r0123456789ab",
            pipeline_mode="echo",
            dry_run=dry_run,
        )
        for part in (
            "/tool_ids: This account has no tool 't0123456789ab'. For the ids: list_registry_tools",
            "/document_ids: This account has no document 'd8-0123456789ab'. For the ids: "
            "list_documents",
            "/default_replica_id: This account has no replica",
            "Tavus refuses system_prompt in mode echo",
        ):
            assert part in message
    for dry_run in (True, False):
        message = await tool_client.expect_error(
            "create_persona",
            based_on=persona_id,
            **unknown,
            default_replica_id="r000",
            dry_run=dry_run,
        )
        assert "has no tool" in message
        assert "/default_replica_id: This account has no replica 'r000'." in message
    assert not tool_client.transport.writes


async def test_a_replica_that_cannot_be_looked_up_is_not_called_missing(
    tool_client: ToolClient,
) -> None:
    persona_id = await create_persona(tool_client, "Ada")
    fault = {"method": "GET", "path": "/v2/replicas/r000", "kind": "status", "status": 403}
    await tool_client.control_sandbox("POST", "/faults", {**fault, "times": 1})
    planned = await tool_client.expect_result(
        "create_persona", based_on=persona_id, default_replica_id="r000", dry_run=True
    )
    assert planned["status"] == "planned"


async def test_an_id_that_a_persona_has_already_is_not_looked_up_again(
    tool_client: ToolClient,
) -> None:
    persona_id = await create_persona(tool_client, "Ada")
    first, second = [await create_part(tool_client, "tool", name=name) for name in ("one", "two")]
    await attach_part(tool_client, persona_id, "tool", first)
    tool_client.transport.requests.clear()
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, tool_ids=[first, second], dry_run=True
    )
    assert not [line for line in tool_client.transport.request_lines if first in line]


@pytest.mark.parametrize("tool", ["attach_parts", "update_persona"])
async def test_a_tool_with_the_name_of_an_inline_function_is_reported_in_the_plan(
    tool_client: ToolClient, tool: str
) -> None:
    persona_id = await create_persona(tool_client, "Ada")
    function = {"name": "look_up", "description": "Looks up.", "parameters": {"type": "object"}}
    await tool_client.expect_result("set_function_tool", persona_id=persona_id, **function)
    same, other = [
        await create_part(tool_client, "tool", name=name) for name in ("look_up", "send")
    ]
    argument = "tools" if tool == "attach_parts" else "tool_ids"
    plan = await tool_client.expect_result(
        tool, persona_id=persona_id, **{argument: [same, other]}, dry_run=True
    )
    (finding,) = [item for item in plan["findings"] if "which of both" in item["message"]]
    assert (finding["severity"], finding["path"]) == ("warning", f"tool/{same}/name")
    assert "detach_parts" in finding["hint"]
