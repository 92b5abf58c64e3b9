"""What hosts see of the tools: slim schemas, four hints, budgets, alike in both protocol modes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from mcp_client import Desk
from mcp_types import Tool

from tavus_mcp.settings import DEFAULT_TOOLSETS

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio

MODES = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
READS = {
    *("list", "get", "describe", "check", "compare", "suggest"),
    *("measure", "audit", "plan", "export"),
}


async def tools_of(desk: Desk) -> list[Tool]:
    return list((await desk.client.list_tools()).tools)


def size(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def visible(tool: Tool) -> int:
    """Return the bytes of a tool that a model reads."""
    return size(
        {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
    )


def nodes(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema inside a schema; the names of properties are no keywords."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            for name, inner in value.items():
                yield from nodes(inner, f"{path}/{name}")
        elif isinstance(value, dict):
            yield from nodes(value, f"{path}/{key}")
        elif isinstance(value, list) and key in ("anyOf", "oneOf", "allOf"):
            for inner in value:
                yield from nodes(inner, f"{path}/{key}")


async def test_every_input_schema_is_an_object_without_a_union_at_its_root(desk: Desk) -> None:
    """Ours: several hosts refuse anything else."""
    for tool in await tools_of(desk):
        schema = tool.input_schema
        assert schema["type"] == "object", tool.name
        assert not {"anyOf", "oneOf", "allOf", "$ref"} & schema.keys(), tool.name
        assert schema["additionalProperties"] is False, tool.name
        Draft202012Validator.check_schema(schema)


async def test_schemas_hold_no_titles_no_null_defaults_and_no_loose_ends(desk: Desk) -> None:
    """Ours: generated noise costs the model's attention."""
    for tool in await tools_of(desk):
        for schema in (tool.input_schema, tool.output_schema):
            for path, node in nodes(schema):
                where = f"{tool.name}{path}"
                assert "title" not in node, where
                assert "$ref" not in node, where
                assert "default" not in node or node["default"] is not None, where
                assert {"type": "null"} not in node.get("anyOf", []), where


async def test_every_parameter_is_described(desk: Desk) -> None:
    for tool in await tools_of(desk):
        for name, parameter in tool.input_schema["properties"].items():
            assert parameter.get("description"), f"{tool.name}.{name}"


async def test_every_tool_has_a_title_a_description_and_all_four_hints(desk: Desk) -> None:
    """MCP: what hosts decide by whether to ask the person."""
    for tool in await tools_of(desk):
        assert tool.title, tool.name
        assert tool.description, tool.name
        hints = tool.annotations
        assert hints is not None, tool.name
        for hint in ("read_only", "destructive", "idempotent", "open_world"):
            assert getattr(hints, f"{hint}_hint") is not None, f"{tool.name} {hint}"


async def test_the_hints_say_what_the_tools_do(desk: Desk) -> None:
    for tool in await tools_of(desk):
        assert tool.annotations is not None
        verb = tool.name.partition("_")[0]
        assert tool.annotations.read_only_hint is (verb in READS), tool.name
        assert tool.annotations.destructive_hint is (verb in ("delete", "apply")), tool.name
        assert tool.annotations.idempotent_hint is (verb != "create"), tool.name


async def test_names_are_verb_and_object_and_short(desk: Desk) -> None:
    for tool in await tools_of(desk):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", tool.name), tool.name
        assert len(tool.name) <= 32, tool.name


async def test_every_output_schema_is_an_object(desk: Desk) -> None:
    """MCP: structured content is an object."""
    for tool in await tools_of(desk):
        assert tool.output_schema is not None, tool.name
        assert tool.output_schema["type"] == "object", tool.name
        Draft202012Validator.check_schema(tool.output_schema)


async def test_every_change_tool_takes_dry_run_and_all_but_create_if_revision(desk: Desk) -> None:
    """Ours (design section 4)."""
    for tool in await tools_of(desk):
        assert tool.annotations is not None
        properties = tool.input_schema["properties"]
        if not tool.annotations.read_only_hint:
            a_plan = tool.name == "apply_plan"
            assert a_plan or "dry_run" in properties, tool.name
            new = tool.name == "create_persona"
            assert a_plan or new or "if_revision" in properties, tool.name
            assert "status" in (tool.output_schema or {})["properties"], tool.name


async def test_no_tool_is_over_its_budget(desk: Desk) -> None:
    """Ours (design section 9)."""
    for tool in await tools_of(desk):
        most = 5_000 if tool.name == "create_persona" else 2_000
        assert visible(tool) <= most, f"{tool.name}: {visible(tool)}"


async def test_the_default_toolsets_stay_within_20_000_bytes(opening: Opening) -> None:
    async with opening(toolsets=DEFAULT_TOOLSETS) as desk:
        tools = await tools_of(desk)
    assert sum(map(visible, tools)) <= 20_000
    assert sum(size(tool.output_schema) for tool in tools) <= 12_000


async def test_all_toolsets_stay_within_34_000_bytes(desk: Desk) -> None:
    assert sum(map(visible, await tools_of(desk))) <= 34_000


async def test_both_protocol_modes_list_the_same_tools(opening: Opening) -> None:
    async with opening(mode="legacy") as old, opening(mode="2026-07-28") as new:
        before, after = await tools_of(old), await tools_of(new)
    assert [tool.model_dump() for tool in before] == [tool.model_dump() for tool in after]


@MODES
async def test_a_whole_job_can_be_done_in_either_protocol_mode(opening: Opening, mode: str) -> None:
    async with opening(mode=mode) as desk:
        persona_id = await desk.create(name="Clerk")
        changed = await desk.facts(
            "configure_tts", persona_id=persona_id, tts_engine="cartesia", if_revision=None
        )
        undo = changed["undo"]
        await desk.facts(undo["tool"], **undo["arguments"])
        assert "tts" not in (await desk.persona(persona_id)).get("layers", {})
        assert "/modle" in await desk.refusal("configure_llm", persona_id=persona_id, modle="x")
        assert (await desk.facts("check_persona", persona_id=persona_id))["findings"] is not None
        read = await desk.client.read_resource(f"tavus://personas/{persona_id}")
        assert read.contents
        await desk.delete(persona_id)


async def test_the_server_tells_how_to_use_it(desk: Desk) -> None:
    told = desk.client.instructions
    assert told is not None
    assert "list_personas" in told
    assert "dry_run" in told


async def test_the_list_of_tools_is_the_same_after_calls(desk: Desk) -> None:
    """Ours: the list never changes within a run."""
    before = await tools_of(desk)
    await desk.create()
    await desk.refusal("list_persona")
    assert await tools_of(desk) == before
