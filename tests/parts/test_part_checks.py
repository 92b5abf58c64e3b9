"""Parts are checked before they are written, and findings about stored ones can be carried out."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio
TWO_ROOTS = [{"objective_name": name, "objective_prompt": "Ask."} for name in ("name", "age")]
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("save_objectives", {"name": "Intake", "data": TWO_ROOTS}, "exactly one"),
    (
        "save_tool",
        {"name": "t", "description": "D.", "delivery": {"api": {"url": "https://10.0.0.1/x"}}},
        "public hosts only",
    ),
    (
        "save_dictionary",
        {"name": "N", "rules": [{"text": "a", "pronunciation": "b", "type": "alias"}] * 2},
        "same text",
    ),
    ("save_document", {"document_url": "menu.pdf"}, "no address"),
]
STORED: list[tuple[str, str, dict[str, Any], str]] = [
    (
        "tool",
        "t00000000000a",
        {"tool_id": "t00000000000a", "name": "t", "description": "D.", "origin": "vision"}
        | {"on_resolve": "fire_and_forget", "static_filler": "Wait.", "trigger_type": "in_call"},
        "tool_ids",
    ),
    (
        "guardrail",
        "g00000000000a",
        {"uuid": "g00000000000a", "guardrail_name": "a", "guardrail_prompt": "A."}
        | {"modality": "audio"},
        "guardrail_ids",
    ),
]


@pytest.mark.parametrize(("tool", "arguments", "message"), REFUSED, ids=[r[0] for r in REFUSED])
async def test_what_tavus_would_refuse_is_refused_before_anything_is_sent(
    tool_client: ToolClient, tool: str, arguments: dict[str, Any], message: str
) -> None:
    error = await tool_client.expect_error(tool, **arguments)
    assert "Refused before anything was sent" in error
    assert message in error
    assert tool_client.transport.writes == []


async def test_a_receipt_has_the_findings_that_a_change_causes(tool_client: ToolClient) -> None:
    receipt = await tool_client.expect_result(
        "save_objectives",
        data=[{"objective_name": "a", "objective_prompt": "A.", "confirmation_mode": "manual"}],
    )
    assert [item["path"] for item in receipt["findings"]] == ["/data/0/confirmation_mode"]


async def test_a_deleted_part_that_tavus_had_taken_comes_back_whatever_a_rule_says(
    tool_client: ToolClient, store: Store
) -> None:
    api = {"url": "https://example.com/%SHOP%/x"}
    tool = {"name": "t", "description": "D.", "delivery": {"api": api}}
    assert "blank" in await tool_client.expect_error("save_tool", **tool)
    store.put("tool", "t00000000000a", {"tool_id": "t00000000000a", **tool})
    plan = await tool_client.expect_result("delete_part", kind="tool", id="t00000000000a")
    deleted = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    undo = await tool_client.expect_result(deleted["undo"]["tool"], **deleted["undo"]["arguments"])
    undone = await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert undone["status"] == "applied"
    revived = store.get("tool", undone["part"]["id"]) or {}
    assert revived["delivery"]["api"]["url"] == api["url"]


@pytest.mark.parametrize(("kind", "key", "row", "field"), STORED, ids=[s[0] for s in STORED])
async def test_the_fix_of_a_deep_finding_can_be_carried_out(
    tool_client: ToolClient, store: Store, kind: str, key: str, row: dict[str, Any], field: str
) -> None:
    store.put(kind, key, row)
    persona_id = await tool_client.create_persona()
    store.put("persona", persona_id, {**(store.get("persona", persona_id) or {}), field: [key]})
    report = await tool_client.expect_result("check_persona", persona_id=persona_id, deep=True)
    (finding,) = [item for item in report["findings"] if item["path"].startswith(f"{kind}/{key}")]
    for call in finding["fix"]:
        await tool_client.expect_result(call["tool"], **call["arguments"])
    report = await tool_client.expect_result("check_persona", persona_id=persona_id, deep=True)
    assert not [item for item in report["findings"] if item["path"].startswith(f"{kind}/")]
