"""The read-only mode and the toolsets decide at the start which tools are served."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from forked_processes import ForkServer
from rawclient import Session

from tavus_mcp.settings import TOOLSETS

if TYPE_CHECKING:
    from conftest import ToolClientFactory

TOOLSET_CHOICES = [*((name,) for name in TOOLSETS), *combinations(TOOLSETS, 2), TOOLSETS]
READ_ONLY_STARTS: dict[str, tuple[list[str], dict[str, str]]] = {
    "options": (["--read-only", "--toolsets", "all"], {}),
    "options, the other way round": (["--toolsets", "all", "--read-only"], {}),
    "the environment": ([], {"TAVUS_MCP_READ_ONLY": "1", "TAVUS_MCP_TOOLSETS": "all"}),
    "an option over the environment": (["--toolsets", "all"], {"TAVUS_MCP_READ_ONLY": "yes"}),
}


async def list_tools_by_name(
    open_tool_client: ToolClientFactory, **settings: Any
) -> dict[str, Any]:
    async with open_tool_client(**settings) as tool_client:
        return {tool.name: tool for tool in (await tool_client.client.list_tools()).tools}


@pytest.mark.parametrize("toolsets", TOOLSET_CHOICES, ids=",".join)
@pytest.mark.anyio
async def test_read_only_mode_serves_only_the_read_tools_of_any_toolsets(
    open_tool_client: ToolClientFactory, toolsets: tuple[str, ...]
) -> None:
    tools = await list_tools_by_name(open_tool_client, toolsets=toolsets)
    read_tools = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
    served = await list_tools_by_name(open_tool_client, toolsets=toolsets, read_only=True)
    assert set(served) == read_tools


@pytest.mark.parametrize("toolsets", [("checks",), TOOLSETS], ids=["one toolset", "all"])
@pytest.mark.anyio
async def test_every_write_tool_is_refused_with_a_message_that_names_the_mode(
    open_tool_client: ToolClientFactory, toolsets: tuple[str, ...]
) -> None:
    tools = await list_tools_by_name(open_tool_client)
    writes = [name for name, tool in tools.items() if not tool.annotations.read_only_hint]
    assert {"apply_plan", "delete_persona", "restore_revision", "patch_persona"} <= set(writes)
    async with open_tool_client(toolsets=toolsets, read_only=True) as tool_client:
        for name in writes:
            for arguments in ({}, {"persona_id": "p1", "dry_run": True}, {"plan_id": "plan-1-a"}):
                message = await tool_client.expect_error(name, **arguments)
                assert "read-only" in message
                assert name in message
        assert tool_client.transport.requests == []


@pytest.mark.anyio
async def test_a_read_only_server_does_not_apply_the_plan_of_another_server(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client() as tool_client:
        persona_id = await tool_client.create_persona()
        plan = await tool_client.expect_result(
            "update_persona", persona_id=persona_id, name="x", dry_run=True
        )
    async with open_tool_client(read_only=True) as tool_client:
        assert "read-only" in await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
        assert (await tool_client.read_persona(persona_id))["persona_name"] == "Bot"


@pytest.mark.anyio
async def test_a_tool_of_a_disabled_toolset_is_refused_with_the_toolset_name(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client(toolsets=("checks",)) as tool_client:
        message = await tool_client.expect_error("update_persona", persona_id="p1", name="x")
    assert "personas" in message
    assert "--toolsets" in message
    assert "read-only" not in message


@pytest.mark.parametrize("form", READ_ONLY_STARTS)
def test_every_form_of_the_read_only_setting_is_respected(
    tmp_path: Path, fork_server: ForkServer, form: str
) -> None:
    options, environment = READ_ONLY_STARTS[form]
    with fork_server.start(tmp_path, "--sandbox", *options, **environment) as server:
        session = Session(server).initialize()
        tools = session.request("tools/list")["tools"]
        assert len(tools) > 10
        assert all(tool["annotations"]["readOnlyHint"] for tool in tools)
        assert "read-only" in session.expect_error("create_persona", system_prompt="x")


@pytest.mark.parametrize(
    "options",
    [
        ["--toolsets", "personas,histroy"],
        ["--toolsets", "personas,histroy", "--read-only"],
        ["--toolsets", "all,histroy"],
        ["--toolsets", ","],
    ],
    ids=str,
)
def test_an_unknown_toolset_prevents_the_start_and_lists_the_valid_ones(
    tmp_path: Path, fork_server: ForkServer, options: list[str]
) -> None:
    done = fork_server.run(tmp_path, "--sandbox", *options)
    assert done.returncode == 64
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for name in (*TOOLSETS, "all"):
        assert name in done.stderr
    if "histroy" in str(options):
        assert "did you mean 'history'" in done.stderr
