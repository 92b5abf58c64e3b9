"""Read-only servers and toolsets: a tool that is not served is not listed, and refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from tavus_mcp.settings import TOOLSETS

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio

WRITES = {
    "create_persona": {"system_prompt": "x"},
    "update_persona": {"persona_id": "p1", "name": "x"},
    "edit_prompt": {"persona_id": "p1", "find": "a", "replace": "b"},
    "delete_persona": {"persona_id": "p1"},
    "restore_revision": {"persona_id": "p1", "revision": "x"},
    "apply_plan": {"plan_id": "plan-1-x"},
    "configure_llm": {"persona_id": "p1", "model": "tavus-gpt-oss"},
    "set_function_tool": {"persona_id": "p1", "name": "a"},
    "patch_persona": {"persona_id": "p1", "patch": {"greeting": "x"}},
}


async def test_a_read_only_server_lists_only_read_tools(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client(read_only=True) as tool_client:
        tools = (await tool_client.client.list_tools()).tools
        assert tools
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)


@pytest.mark.parametrize("tool", list(WRITES))
async def test_a_read_only_server_refuses_a_write_naming_the_mode(
    open_tool_client: ToolClientFactory, tool: str
) -> None:
    async with open_tool_client(read_only=True) as tool_client:
        message = await tool_client.expect_error(tool, **WRITES[tool])
        assert "read-only" in message
        assert tool in message
        assert tool_client.transport.requests == []


async def test_a_read_only_server_serves_reads(open_tool_client: ToolClientFactory) -> None:
    async with open_tool_client(read_only=True) as tool_client:
        assert (await tool_client.expect_result("list_personas"))["personas"]
        assert (await tool_client.expect_result("check_persona", persona_id="p1af207b8189"))[
            "persona_id"
        ]
        assert (await tool_client.client.read_resource("tavus://personas/p1af207b8189")).contents


@pytest.mark.parametrize("toolset", TOOLSETS)
async def test_each_toolset_can_be_served_alone(
    open_tool_client: ToolClientFactory, toolset: str
) -> None:
    async with open_tool_client(toolsets=(toolset,)) as tool_client:
        alone = {tool.name for tool in (await tool_client.client.list_tools()).tools}
    async with open_tool_client() as tool_client:
        every = {tool.name for tool in (await tool_client.client.list_tools()).tools}
    assert alone
    assert alone < every


async def test_the_toolsets_partition_all_tools(open_tool_client: ToolClientFactory) -> None:
    names: list[str] = []
    for toolset in TOOLSETS:
        async with open_tool_client(toolsets=(toolset,)) as tool_client:
            names += [tool.name for tool in (await tool_client.client.list_tools()).tools]
    async with open_tool_client() as tool_client:
        every = [tool.name for tool in (await tool_client.client.list_tools()).tools]
    assert sorted(names) == sorted(every)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("tool", "toolset"),
    [
        ("list_personas", "personas"),
        ("configure_llm", "layers"),
        ("check_persona", "checks"),
        ("list_voices", "account"),
        ("patch_persona", "advanced"),
    ],
)
async def test_a_tool_of_a_disabled_toolset_is_refused_with_the_toolset_name(
    open_tool_client: ToolClientFactory, tool: str, toolset: str
) -> None:
    rest = tuple(name for name in TOOLSETS if name != toolset)
    async with open_tool_client(toolsets=rest) as tool_client:
        message = await tool_client.expect_error(tool)
        assert f"toolset {toolset} is off" in message
        assert "--toolsets" in message
        assert tool_client.transport.requests == []


async def test_an_unknown_tool_is_not_attributed_to_a_mode(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client(read_only=True) as tool_client:
        with pytest.raises(MCPError, match="There is no such tool") as caught:
            await tool_client.call("make_coffee")
        assert caught.value.error.code == INVALID_PARAMS
        assert "read-only" not in str(caught.value)
        with pytest.raises(MCPError, match="did you mean 'get_persona'"):
            await tool_client.call("get_personaa")
