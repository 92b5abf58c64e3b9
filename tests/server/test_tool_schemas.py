"""The served tools: slim schemas, four hints, byte budgets, the same in both protocol modes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from mcp_client import ToolClient
from mcp_types import Tool

from tavus_mcp.settings import DEFAULT_TOOLSETS

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio

MODES = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
READS = {
    *("list", "get", "describe", "check", "compare", "suggest"),
    *("measure", "audit", "plan", "export"),
}


async def list_tools(tool_client: ToolClient) -> list[Tool]:
    return list((await tool_client.client.list_tools()).tools)


def count_bytes(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def count_visible_bytes(tool: Tool) -> int:
    """Return the bytes of a tool that a model reads."""
    return count_bytes(
        {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
    )


def iterate_schemas(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema inside a schema; the names of properties are no keywords."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            for name, inner in value.items():
                yield from iterate_schemas(inner, f"{path}/{name}")
        elif isinstance(value, dict):
            yield from iterate_schemas(value, f"{path}/{key}")
        elif isinstance(value, list) and key in ("anyOf", "oneOf", "allOf"):
            for inner in value:
                yield from iterate_schemas(inner, f"{path}/{key}")


async def test_every_input_schema_is_an_object_without_a_union_at_its_root(
    tool_client: ToolClient,
) -> None:
    """Several hosts refuse anything else."""
    for tool in await list_tools(tool_client):
        schema = tool.input_schema
        assert schema["type"] == "object", tool.name
        assert not {"anyOf", "oneOf", "allOf", "$ref"} & schema.keys(), tool.name
        Draft202012Validator.check_schema(schema)


async def test_no_served_input_schema_has_a_boolean_additional_properties(
    tool_client: ToolClient,
) -> None:
    """Gemini's schema converter fails on one; unknown arguments are refused by the server."""
    for tool in await list_tools(tool_client):
        for path, node in iterate_schemas(tool.input_schema):
            found = node.get("additionalProperties")
            assert not isinstance(found, bool), f"{tool.name}{path}"


async def test_schemas_have_no_titles_null_defaults_or_unused_definitions(
    tool_client: ToolClient,
) -> None:
    """Generated titles and defaults cost bytes without information."""
    for tool in await list_tools(tool_client):
        for schema in (tool.input_schema, tool.output_schema):
            for path, node in iterate_schemas(schema):
                where = f"{tool.name}{path}"
                assert "title" not in node, where
                assert "$ref" not in node, where
                assert "default" not in node or node["default"] is not None, where
                assert {"type": "null"} not in node.get("anyOf", []), where


async def test_every_parameter_is_described(tool_client: ToolClient) -> None:
    for tool in await list_tools(tool_client):
        for name, parameter in tool.input_schema["properties"].items():
            assert parameter.get("description"), f"{tool.name}.{name}"


async def test_every_tool_has_a_title_a_description_and_all_four_hints(
    tool_client: ToolClient,
) -> None:
    """MCP: hosts decide by these hints whether to ask the person."""
    for tool in await list_tools(tool_client):
        assert tool.title, tool.name
        assert tool.description, tool.name
        hints = tool.annotations
        assert hints is not None, tool.name
        for hint in ("read_only", "destructive", "idempotent", "open_world"):
            assert getattr(hints, f"{hint}_hint") is not None, f"{tool.name} {hint}"


async def test_the_hints_match_the_behaviour_of_the_tools(tool_client: ToolClient) -> None:
    for tool in await list_tools(tool_client):
        assert tool.annotations is not None
        verb = tool.name.partition("_")[0]
        assert tool.annotations.read_only_hint is (verb in READS), tool.name
        assert tool.annotations.destructive_hint is (verb in ("delete", "apply")), tool.name
        assert tool.annotations.idempotent_hint is (verb != "create"), tool.name


async def test_names_are_verb_and_object_and_short(tool_client: ToolClient) -> None:
    for tool in await list_tools(tool_client):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", tool.name), tool.name
        assert len(tool.name) <= 32, tool.name


async def test_every_output_schema_is_an_object(tool_client: ToolClient) -> None:
    """MCP: structured content is an object."""
    for tool in await list_tools(tool_client):
        assert tool.output_schema is not None, tool.name
        assert tool.output_schema["type"] == "object", tool.name
        Draft202012Validator.check_schema(tool.output_schema)


async def test_every_change_tool_takes_dry_run_and_all_but_create_if_revision(
    tool_client: ToolClient,
) -> None:
    """The size is limited, because a model reads every byte of it."""
    for tool in await list_tools(tool_client):
        assert tool.annotations is not None
        properties = tool.input_schema["properties"]
        if not tool.annotations.read_only_hint:
            a_plan = tool.name in ("apply_plan", "publish_persona")
            assert a_plan or "dry_run" in properties, tool.name
            new = tool.name == "create_persona"
            assert a_plan or new or "if_revision" in properties, tool.name
            assert "status" in (tool.output_schema or {})["properties"], tool.name


async def test_no_tool_exceeds_its_byte_budget(tool_client: ToolClient) -> None:
    """The size is limited, because a model reads every byte of it."""
    for tool in await list_tools(tool_client):
        most = 5_000 if tool.name == "create_persona" else 2_000
        assert count_visible_bytes(tool) <= most, f"{tool.name}: {count_visible_bytes(tool)}"


async def test_the_default_toolsets_have_22_tools(open_tool_client: ToolClientFactory) -> None:
    """Tools for many personas are served by default, tools for parts on request."""
    async with open_tool_client(toolsets=DEFAULT_TOOLSETS) as tool_client:
        names = [tool.name for tool in await list_tools(tool_client)]
    assert len(names) == 22
    assert {"audit_personas", "plan_bulk_change"} <= set(names)


async def test_the_default_toolsets_use_at_most_23_500_bytes(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client(toolsets=DEFAULT_TOOLSETS) as tool_client:
        tools = await list_tools(tool_client)
    assert sum(map(count_visible_bytes, tools)) <= 23_500
    assert sum(count_bytes(tool.output_schema) for tool in tools) <= 13_500


async def test_all_toolsets_use_at_most_40_000_bytes(tool_client: ToolClient) -> None:
    assert sum(map(count_visible_bytes, await list_tools(tool_client))) <= 40_000


async def test_both_protocol_modes_list_the_same_tools(open_tool_client: ToolClientFactory) -> None:
    async with open_tool_client(mode="legacy") as old, open_tool_client(mode="2026-07-28") as new:
        before, after = await list_tools(old), await list_tools(new)
    assert [tool.model_dump() for tool in before] == [tool.model_dump() for tool in after]


@MODES
async def test_a_complete_workflow_runs_in_either_protocol_mode(
    open_tool_client: ToolClientFactory, mode: str
) -> None:
    async with open_tool_client(mode=mode) as tool_client:
        persona_id = await tool_client.create_persona(name="Clerk")
        changed = await tool_client.expect_result(
            "configure_tts", persona_id=persona_id, tts_engine="cartesia", if_revision=None
        )
        undo = changed["undo"]
        await tool_client.expect_result(undo["tool"], **undo["arguments"])
        assert "tts" not in (await tool_client.read_persona(persona_id)).get("layers", {})
        assert "/modle" in await tool_client.expect_error(
            "configure_llm", persona_id=persona_id, modle="x"
        )
        assert (await tool_client.expect_result("check_persona", persona_id=persona_id))[
            "findings"
        ] is not None
        read = await tool_client.client.read_resource(f"tavus://personas/{persona_id}")
        assert read.contents
        await tool_client.delete_persona(persona_id)


async def test_the_server_provides_instructions(tool_client: ToolClient) -> None:
    instructions = tool_client.client.instructions
    assert instructions is not None
    assert "list_personas" in instructions
    assert "dry_run" in instructions


async def test_the_tool_list_does_not_change_after_calls(tool_client: ToolClient) -> None:
    """The list never changes within a run."""
    before = await list_tools(tool_client)
    await tool_client.create_persona()
    await tool_client.expect_protocol_error("list_persona")
    assert await list_tools(tool_client) == before
