"""``check_persona`` with ``deep``: findings inside the parts of a persona; missing parts."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient, build_test_app
from starlette.types import ASGIApp

from tavus_mcp.deadlines import CallLimits, limit_call
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.parts.deep_check import (
    INCOMPLETE,
    MAX_PARTS_READ,
    TAG_UNUSED,
    check_parts,
)
from tavus_mcp.parts.tool_names import NAME_OF_FUNCTION
from tavus_mcp.personas.reference_lookup import REFERENCE_MISSING
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio
PARTS: list[tuple[str, str, dict[str, Any], str]] = [
    (
        "tool",
        "t00000000000a",
        {"name": "read", "description": "x", "origin": "vision", "on_call": "silent"},
        "/on_call",
    ),
    (
        "objectives",
        "o00000000000a",
        {
            "name": "Intake",
            "data": [{"objective_name": name, "objective_prompt": "Ask."} for name in "ab"],
        },
        "/data/1",
    ),
    (
        "guardrail",
        "g00000000000a",
        {"guardrail_name": "no_law", "guardrail_prompt": "No.", "modality": "audio"},
        "/modality",
    ),
    (
        "document",
        "d8-00000000000a",
        {"document_url": "https://example.com/a.pdf", "status": "error", "tags": []},
        "/status",
    ),
    (
        "dictionary",
        "pd_0000000000000a",
        {"name": "N", "rules": [{"text": "a", "pronunciation": "AH", "type": "ipa"}]},
        "/rules/0/pronunciation",
    ),
]
ID_FIELDS = {
    "tool": "tool_id",
    "objectives": "objectives_id",
    "guardrail": "uuid",
    "document": "document_id",
    "dictionary": "pronunciation_dictionary_id",
}
REFERENCES: dict[str, Any] = {
    "tool_ids": ["t00000000000a"],
    "objectives_id": "o00000000000a",
    "guardrail_ids": ["g00000000000a"],
    "document_ids": ["d8-00000000000a"],
    "layers": {"tts": {"pronunciation_dictionary_id": "pd_0000000000000a"}},
}
MISSING = [
    "/document_ids/0",
    "/guardrail_ids/0",
    "/layers/tts/pronunciation_dictionary_id",
    "/objectives_id",
    "/tool_ids/0",
]


async def refer_to_parts(tool_client: ToolClient, store: Store, fields: dict[str, Any]) -> str:
    """Create a persona with references as another client may have stored them."""
    persona_id = await tool_client.create_persona()
    row = store.get("persona", persona_id) or {}
    store.put("persona", persona_id, {**row, **fields})
    return persona_id


async def check_deeply(tool_client: ToolClient, persona_id: str) -> list[dict[str, Any]]:
    report = await tool_client.expect_result("check_persona", persona_id=persona_id, deep=True)
    findings: list[dict[str, Any]] = report["findings"]
    return findings


async def test_findings_inside_each_kind_of_part_name_its_kind_and_id(
    tool_client: ToolClient, store: Store
) -> None:
    for kind, key, row, _ in PARTS:
        store.put(kind, key, {ID_FIELDS[kind]: key, **row})
    persona_id = await refer_to_parts(tool_client, store, REFERENCES)
    skill = {"config": {"components": {"scheduling_embed": {}, "chart": False}}}
    store.put("persona_skills", persona_id, {"magic_canvas": skill})
    findings = await check_deeply(tool_client, persona_id)
    paths = {item["path"] for item in findings}
    expected = {f"{kind}/{key}{pointer}" for kind, key, _, pointer in PARTS}
    assert {*expected, "skill/magic_canvas/config/components/chart"} <= paths
    deep_rules = {REFERENCE_MISSING, TAG_UNUSED, INCOMPLETE, NAME_OF_FUNCTION}
    assert not {item["rule"] for item in findings} & deep_rules


async def test_references_to_nothing_are_errors_and_their_fixes_take_them_out(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await refer_to_parts(tool_client, store, REFERENCES)
    findings = await check_deeply(tool_client, persona_id)
    missing = [item for item in findings if item["rule"] == "reference-missing"]
    assert sorted(item["path"] for item in missing) == MISSING
    assert {item["severity"] for item in missing} == {"error"}
    for item in missing:
        for call in item["fix"]:
            await tool_client.expect_result(call["tool"], **call["arguments"])
    remaining = await check_deeply(tool_client, persona_id)
    assert [item for item in remaining if item["rule"] == "reference-missing"] == []


async def test_what_still_exists_stays_when_a_fix_takes_out_the_rest(
    tool_client: ToolClient, store: Store
) -> None:
    kind, key, row, _ = PARTS[3]
    store.put(kind, key, {ID_FIELDS[kind]: key, **row})
    references = {"document_ids": ["d8-000000000001", key, "d8-000000000002"]}
    persona_id = await refer_to_parts(tool_client, store, references)
    findings = await check_deeply(tool_client, persona_id)
    calls = [item["fix"] for item in findings if item["rule"] == "reference-missing"]
    arguments = {"persona_id": persona_id, "documents": [key]}
    assert calls == [[{"tool": "update_persona", "arguments": arguments}]] * 2


async def test_a_draft_is_checked_with_the_parts_that_it_names(
    tool_client: ToolClient, store: Store
) -> None:
    kind, key, row, pointer = PARTS[1]
    store.put(kind, key, {ID_FIELDS[kind]: key, **row})
    draft = {"persona_name": "Draft", "system_prompt": "You help.", "objectives_id": key}
    report = await tool_client.expect_result("check_persona", document=draft, deep=True)
    assert f"{kind}/{key}{pointer}" in {item["path"] for item in report["findings"]}


async def test_parts_that_a_tag_binds_are_checked_and_a_tag_of_nothing_is_reported(
    tool_client: ToolClient, store: Store
) -> None:
    guardrail = {"guardrail_name": "a", "guardrail_prompt": "A.", "modality": "audio"}
    store.put("guardrail", "g1", {"uuid": "g1", **guardrail, "tags": ["sales"]})
    store.put("guardrail", "g2", {"uuid": "g2", **guardrail, "tags": ["faq"]})
    fields = {"guardrail_tags": ["sales", "faq", "none"], "document_tags": ["faq"]}
    persona_id = await refer_to_parts(tool_client, store, fields)
    findings = await check_deeply(tool_client, persona_id)
    assert "guardrail/g1/modality" in {item["path"] for item in findings}
    unused = [item for item in findings if item["rule"] == "tag-binds-nothing"]
    assert [item["path"] for item in unused] == ["/document_tags/0", "/guardrail_tags/2"]
    for item in unused:
        for call in item["fix"]:
            await tool_client.expect_result(call["tool"], **call["arguments"])
    remaining = await tool_client.read_persona(persona_id)
    assert (remaining["guardrail_tags"], remaining.get("document_tags")) == (["sales", "faq"], None)


async def test_a_tool_with_the_name_of_an_inline_function_is_reported(
    tool_client: ToolClient, store: Store
) -> None:
    store.put("tool", "t1", {"tool_id": "t1", "name": "look", "description": "Looks."})
    function = {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}
    layers = {"llm": {"tools": [{"type": "function", "function": function}]}}
    persona_id = await refer_to_parts(tool_client, store, {"tool_ids": ["t1"], "layers": layers})
    findings = await check_deeply(tool_client, persona_id)
    assert "tool/t1/name" in {item["path"] for item in findings}


async def test_a_part_that_cannot_be_read_is_reported_and_does_not_stop_the_rest(
    tool_client: ToolClient, store: Store
) -> None:
    for kind, key, row, _ in PARTS:
        store.put(kind, key, {ID_FIELDS[kind]: key, **row})
    persona_id = await refer_to_parts(tool_client, store, REFERENCES)
    fault = {"kind": "status", "status": 418, "path": "/v2/tools/*", "times": 0}
    await tool_client.control_sandbox("POST", "/faults", fault)
    findings = await check_deeply(tool_client, persona_id)
    messages = [item["message"] for item in findings if item["rule"] == "deep-check-incomplete"]
    assert len(messages) == 1
    assert "4 of the 5 parts" in messages[0]
    assert "t00000000000a" in messages[0]
    assert "objectives/o00000000000a/data/1" in {item["path"] for item in findings}


async def test_requests_are_bounded_and_the_rest_is_reported(
    tool_client: ToolClient, store: Store
) -> None:
    references = {
        "tool_ids": [f"t{number:012x}" for number in range(50)],
        "guardrail_ids": [f"g{number:012x}" for number in range(50)],
        "document_ids": [f"d8-{number:012x}" for number in range(50)],
    }
    persona_id = await refer_to_parts(tool_client, store, references)
    before = len(tool_client.transport.requests)
    findings = await check_deeply(tool_client, persona_id)
    assert len(tool_client.transport.requests) - before == MAX_PARTS_READ + 1
    (incomplete,) = [item for item in findings if item["rule"] == "deep-check-incomplete"]
    assert "Only 100 of the 150 parts" in incomplete["message"]


async def test_without_time_nothing_is_read_and_that_is_reported(sandbox: ASGIApp) -> None:
    app, transport = build_test_app(sandbox)
    with limit_call(CallLimits(seconds=0)):
        findings = await check_parts(app, PersonaDocument(REFERENCES))
    assert [item.rule for item in findings] == ["deep-check-incomplete"]
    assert "Only 0 of the 5 parts" in findings[0].message
    assert transport.requests == []


async def test_skills_that_tavus_does_not_show_are_reported_as_unchecked(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    assert (
        await check_deeply(tool_client, persona_id)
        == (await tool_client.expect_result("check_persona", persona_id=persona_id))["findings"]
    )
    await tool_client.set_switches(include_settings="ignored")
    findings = await check_deeply(tool_client, persona_id)
    assert "skills" in next(
        item["message"] for item in findings if item["rule"] == "deep-check-incomplete"
    )


async def test_a_new_function_with_the_name_of_an_attached_tool_is_a_warning(
    tool_client: ToolClient, store: Store
) -> None:
    """Found in use: the clash was in a deep check only, after the change."""
    for name, tool_id in (("look_up", "t00000000000a"), ("send", "t00000000000b")):
        store.put("tool", tool_id, {"tool_id": tool_id, "name": name, "description": "x"})
    persona_id = await refer_to_parts(
        tool_client, store, {"tool_ids": ["t00000000000a", "t00000000000b", "t00000000000c"]}
    )
    function = {"persona_id": persona_id, "description": "Look.", "parameters": {"type": "object"}}
    messages = {}
    for name in ("look_up", "other"):
        planned = await tool_client.expect_result(
            "set_function_tool", **function, name=name, dry_run=True
        )
        found = [item for item in planned["findings"] if "has the same name" in item["message"]]
        messages[name] = [(item["severity"], item["message"][:34]) for item in found]
    assert messages == {
        "look_up": [("warning", "The attached tool 't00000000000a' h"[:34])],
        "other": [],
    }
