"""Read-only servers and toolsets: what is left out is not listed, and refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tavus_mcp.settings import TOOLSETS

if TYPE_CHECKING:
    from conftest import Opening

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


async def test_a_read_only_server_lists_only_tools_that_read(opening: Opening) -> None:
    async with opening(read_only=True) as desk:
        tools = (await desk.client.list_tools()).tools
        assert tools
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)


@pytest.mark.parametrize("tool", list(WRITES))
async def test_a_read_only_server_refuses_a_write_naming_the_mode(
    opening: Opening, tool: str
) -> None:
    async with opening(read_only=True) as desk:
        said = await desk.refusal(tool, **WRITES[tool])
        assert "read-only" in said
        assert tool in said
        assert desk.wire.requests == []


async def test_a_read_only_server_reads(opening: Opening) -> None:
    async with opening(read_only=True) as desk:
        assert (await desk.facts("list_personas"))["personas"]
        assert (await desk.facts("check_persona", persona_id="p1af207b8189"))["persona_id"]
        assert (await desk.client.read_resource("tavus://personas/p1af207b8189")).contents


@pytest.mark.parametrize("toolset", TOOLSETS)
async def test_each_toolset_can_be_served_alone(opening: Opening, toolset: str) -> None:
    async with opening(toolsets=(toolset,)) as desk:
        alone = {tool.name for tool in (await desk.client.list_tools()).tools}
    async with opening() as desk:
        every = {tool.name for tool in (await desk.client.list_tools()).tools}
    assert alone
    assert alone < every


async def test_the_toolsets_together_are_all_tools_each_once(opening: Opening) -> None:
    names: list[str] = []
    for toolset in TOOLSETS:
        async with opening(toolsets=(toolset,)) as desk:
            names += [tool.name for tool in (await desk.client.list_tools()).tools]
    async with opening() as desk:
        every = [tool.name for tool in (await desk.client.list_tools()).tools]
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
async def test_a_tool_whose_toolset_is_off_is_refused_naming_it(
    opening: Opening, tool: str, toolset: str
) -> None:
    rest = tuple(name for name in TOOLSETS if name != toolset)
    async with opening(toolsets=rest) as desk:
        said = await desk.refusal(tool)
        assert f"'{toolset}'" in said
        assert "--toolsets" in said
        assert desk.wire.requests == []


async def test_a_tool_that_was_never_there_is_not_blamed_on_a_mode(opening: Opening) -> None:
    async with opening(read_only=True) as desk:
        said = await desk.refusal("make_coffee")
        assert "There is no such tool" in said
        assert "read-only" not in said
