"""The served tools are within the limits of hosts, except where the data says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from host_page import PAGE, load_hosts, render_page
from host_rules import RULES, Limit, ServedTool, Surface
from mcp_client import ToolClient

from tavus_mcp.settings import DEFAULT_TOOLSETS

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio

LIMITS = [(host.name, limit) for host in load_hosts() for limit in host.limits]


async def read_tools(tool_client: ToolClient) -> list[ServedTool]:
    tools = (await tool_client.client.list_tools()).tools
    return [
        ServedTool(
            tool.name,
            tool.description or "",
            {"input": tool.input_schema, "output": tool.output_schema or {}},
        )
        for tool in tools
    ]


async def read_surface(open_tool_client: ToolClientFactory) -> Surface:
    async with (
        open_tool_client() as complete,
        open_tool_client(toolsets=DEFAULT_TOOLSETS) as default,
    ):
        names = [tool.name for tool in await read_tools(default)]
        return Surface(complete.client.instructions or "", await read_tools(complete), names)


async def test_served_tools_are_within_the_limits_of_hosts(
    open_tool_client: ToolClientFactory,
) -> None:
    surface = await read_surface(open_tool_client)
    violations = {
        f"{name}, {limit.rule}": list(RULES[limit.rule](surface, limit))
        for name, limit in LIMITS
        if not limit.not_fulfilled
    }
    assert {where: lines for where, lines in violations.items() if lines} == {}


async def test_limits_that_are_named_as_exceeded_are_exceeded(
    open_tool_client: ToolClientFactory,
) -> None:
    surface = await read_surface(open_tool_client)
    assert [
        f"{name}, {limit.rule}"
        for name, limit in LIMITS
        if limit.not_fulfilled and not list(RULES[limit.rule](surface, limit))
    ] == []


def test_every_limit_names_a_page() -> None:
    assert [limit.rule for _, limit in LIMITS if not limit.source.startswith("https://")] == []


def test_the_page_shows_the_limits() -> None:
    """Render it with: PYTHONPATH=tests/server/host_limits python -m host_page."""
    assert PAGE.read_text(encoding="utf-8") == render_page()


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        ("https://github.com/anthropics/claude-code/issues/1", "users, at the maker"),
        ("https://github.com/anthropics/claude-code/blob/main/README.md", "maker"),
        ("https://hexdocs.pm/lang_schema", "third party"),
    ],
)
def test_the_page_says_whose_a_source_is(source: str, origin: str) -> None:
    host = next(host for host in load_hosts() if host.name == "Claude")
    assert host.describe_origin(source) == origin


WIDE = {
    "type": "object",
    "properties": {
        "a b": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/a"}], "default": "x"},
        "in": {"type": "object", "properties": {"low": {"minimum": 1, "enum": ["a", "b"]}}},
    },
    "required": ["in"],
    "$defs": {"a": {"oneOf": [{"const": 1}]}},
}
BAD = Surface(
    instructions="x" * 11,
    tools=[
        ServedTool("bad name", "y" * 11, {"input": WIDE, "output": {"anyOf": []}}),
    ],
    default_names=["bad name"],
)
CASES = {
    "tool_count": Limit("tool_count", "", 0),
    "tool_name_pattern": Limit("tool_name_pattern", "", "[a-z]+"),
    "prefixed_name_chars": Limit("prefixed_name_chars", "", 10, prefix="mcp_"),
    "description_chars": Limit("description_chars", "", 10),
    "instructions_chars": Limit("instructions_chars", "", 10),
    "root_is_object": Limit("root_is_object", ""),
    "root_keywords": Limit("root_keywords", "", ["anyOf"]),
    "forbidden_keywords": Limit("forbidden_keywords", "", ["const"]),
    "property_name_pattern": Limit("property_name_pattern", "", "[a-z]+"),
    "properties_per_tool": Limit("properties_per_tool", "", 2),
    "optional_properties": Limit("optional_properties", "", 1, schemas="input"),
    "required_properties": Limit("required_properties", "", schemas="input"),
    "enum_values_per_tool": Limit("enum_values_per_tool", "", 1),
    "schema_depth": Limit("schema_depth", "", 1, schemas="input"),
    "closed_objects": Limit("closed_objects", "", schemas="input"),
    "union_with_default": Limit("union_with_default", ""),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_finds_a_violation(rule: str) -> None:
    assert list(RULES[rule](BAD, CASES[rule]))
