"""Half characters, NaN and JSON text inside arguments: refused or read before anything is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp.server.mcpserver.exceptions import ToolError
from mcp_client import ToolClient

pytestmark = pytest.mark.anyio

HALF = "Hi \ud83d"
CALLS: dict[str, tuple[str, dict[str, Any], str]] = {
    "text": ("update_persona", {"greeting": HALF}, "/greeting: holds half of a character"),
    "list": ("update_persona", {"languages": ["en", HALF]}, "/languages/1: holds half"),
    "JSON text": ("update_persona", {"languages": '["\\ud83d"]'}, "/languages/0: holds half"),
    "patch": (
        "patch_persona",
        {"patch": {"greeting": HALF}},
        "/patch/greeting: holds half of a character",
    ),
    "key": ("configure_llm", {"headers": {HALF: "x"}}, "/headers: a key of it holds half"),
    "unknown name": ("configure_llm", {HALF: "x"}, "/: a key of it holds half"),
    "NaN": ("configure_llm", {"extra_body": {"seed": float("nan")}}, "/extra_body/seed: must be a"),
    "infinity": (
        "patch_persona",
        {"patch": [{"op": "add", "path": "/layers/x", "value": float("inf")}]},
        "/patch/0/value: must be a finite number",
    ),
    "NaN as a number": ("configure_tts", {"speed": float("nan")}, "/speed: must be a finite"),
    "NaN as text": ("configure_tts", {"speed": "NaN"}, "/speed: must be a number"),
    "NaN in JSON text": ("configure_llm", {"extra_body": '{"seed": NaN}'}, "/extra_body/seed"),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dry_run", [True, False], ids=["planned", "applied"])
async def test_a_value_that_cannot_be_sent_is_refused(
    tool_client: ToolClient, name: str, dry_run: bool
) -> None:
    tool, arguments, message = CALLS[name]
    persona_id = await tool_client.create_persona()
    requests = len(tool_client.transport.requests)
    call = {"persona_id": persona_id, "dry_run": dry_run, **arguments}
    with pytest.raises(ToolError) as error:  # the client of the SDK would send null for NaN
        await tool_client.server.call_tool(tool, call)
    assert message in str(error.value)
    assert "Hi" not in str(error.value)
    assert len(tool_client.transport.requests) == requests
    rows = (await tool_client.expect_result("list_revisions", persona_id=persona_id))["revisions"]
    assert [row["tool"] for row in rows] == ["create_persona"]


async def test_schema_keywords_of_a_function_may_come_as_json_text(tool_client: ToolClient) -> None:
    plain = {
        "type": "object",
        "properties": {"order": {"type": "object", "properties": {"id": {"type": "string"}}}},
        "required": ["order"],
    }
    order = {"type": "object", "properties": json.dumps({"id": {"type": "string"}})}
    encoded = {
        "type": "object",
        "properties": json.dumps({"order": order}),
        "required": '["order"]',
    }
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "set_function_tool", persona_id=persona_id, name="f", description="d", parameters=encoded
    )
    saved = await tool_client.read_persona(persona_id)
    assert saved["layers"]["llm"]["tools"][0]["function"]["parameters"] == plain


@pytest.mark.parametrize(
    "hotwords", [["Tavus", "Ana"], '["Tavus", "Ana"]', "Tavus, Ana"], ids=["list", "JSON", "text"]
)
async def test_hotwords_are_stored_as_one_text(tool_client: ToolClient, hotwords: Any) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result("configure_stt", persona_id=persona_id, hotwords=hotwords)
    saved = await tool_client.read_persona(persona_id)
    assert saved["layers"]["stt"]["hotwords"] == "Tavus, Ana"


@pytest.mark.parametrize("levels", [101, 600])
@pytest.mark.parametrize("tool", ["create_persona", "check_persona", "patch_persona"])
async def test_deep_nesting_is_refused_with_its_place(
    tool_client: ToolClient, tool: str, levels: int
) -> None:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    name = {"create_persona": "layers", "check_persona": "document", "patch_persona": "patch"}[tool]
    with pytest.raises(ToolError, match=f"/{name}/.*nests deeper than 100 levels"):
        await tool_client.server.call_tool(tool, {name: {"llm": value}, "persona_id": "p1"})
