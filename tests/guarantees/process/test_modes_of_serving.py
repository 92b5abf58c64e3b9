"""What is served is settled at the start: read-only, and by toolset."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rawclient import SERVER_ARGUMENTS, Session, run_server_command, start_process

from tavus_mcp.settings import TOOLSETS

if TYPE_CHECKING:
    from conftest import ToolClientFactory

SOME = [*((name,) for name in TOOLSETS), *combinations(TOOLSETS, 2), TOOLSETS]
START: dict[str, tuple[list[str], dict[str, str]]] = {
    "options": (["--read-only", "--toolsets", "all"], {}),
    "options, the other way round": (["--toolsets", "all", "--read-only"], {}),
    "the environment": ([], {"TAVUS_MCP_READ_ONLY": "1", "TAVUS_MCP_TOOLSETS": "all"}),
    "an option over the environment": (["--toolsets", "all"], {"TAVUS_MCP_READ_ONLY": "yes"}),
}


async def list_tools_by_name(
    open_tool_client: ToolClientFactory, **settings: Any
) -> dict[str, Any]:
    async with open_tool_client(**settings) as desk:
        return {tool.name: tool for tool in (await desk.client.list_tools()).tools}


@pytest.mark.anyio
async def test_read_only_mode_serves_only_the_read_tools_of_any_toolsets(
    open_tool_client: ToolClientFactory,
) -> None:
    for chosen in SOME:
        whole = await list_tools_by_name(open_tool_client, toolsets=chosen)
        reads = {name for name, tool in whole.items() if tool.annotations.read_only_hint}
        assert (
            set(await list_tools_by_name(open_tool_client, toolsets=chosen, read_only=True))
            == reads
        )


@pytest.mark.parametrize("chosen", [("checks",), TOOLSETS], ids=["one toolset", "all"])
@pytest.mark.anyio
async def test_every_write_tool_is_refused_with_a_message_that_names_the_mode(
    open_tool_client: ToolClientFactory, chosen: tuple[str, ...]
) -> None:
    every = await list_tools_by_name(open_tool_client)
    writes = [name for name, tool in every.items() if not tool.annotations.read_only_hint]
    assert {"apply_plan", "delete_persona", "restore_revision", "patch_persona"} <= set(writes)
    async with open_tool_client(toolsets=chosen, read_only=True) as desk:
        for name in writes:
            for arguments in ({}, {"persona_id": "p1", "dry_run": True}, {"plan_id": "plan-1-a"}):
                said = await desk.expect_error(name, **arguments)
                assert "read-only" in said
                assert name in said
        assert desk.transport.requests == []


@pytest.mark.anyio
async def test_a_read_only_server_does_not_apply_the_plan_of_another_server(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client() as desk:
        persona_id = await desk.create_persona()
        plan = await desk.expect_result(
            "update_persona", persona_id=persona_id, name="x", dry_run=True
        )
    async with open_tool_client(read_only=True) as desk:
        assert "read-only" in await desk.expect_error("apply_plan", plan_id=plan["plan_id"])
        assert (await desk.read_persona(persona_id))["persona_name"] == "Bot"


@pytest.mark.anyio
async def test_a_tool_of_a_disabled_toolset_is_refused_with_the_toolset_name(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client(toolsets=("checks",)) as desk:
        said = await desk.expect_error("update_persona", persona_id="p1", name="x")
    assert "personas" in said
    assert "--toolsets" in said
    assert "read-only" not in said


@pytest.mark.parametrize("how", START)
def test_every_form_of_the_read_only_setting_is_respected(tmp_path: Path, how: str) -> None:
    options, more = START[how]
    with start_process(tmp_path, *SERVER_ARGUMENTS, "--sandbox", *options, **more) as wire:
        session = Session(wire).initialize()
        tools = session.request("tools/list")["tools"]
        assert len(tools) > 10
        assert all(tool["annotations"]["readOnlyHint"] for tool in tools)
        assert "read-only" in session.expect_error("create_persona", system_prompt="x")


@pytest.mark.parametrize(
    ("options", "more"),
    [
        (["--toolsets", "personas,histroy"], {}),
        (["--toolsets", "personas,histroy", "--read-only"], {}),
        ([], {"TAVUS_MCP_TOOLSETS": "histroy"}),
        (["--toolsets", "all,histroy"], {}),
        (["--toolsets", "HISTORY"], {}),
        (["--toolsets", ","], {}),
    ],
)
def test_an_unknown_toolset_prevents_the_start_and_lists_the_valid_ones(
    tmp_path: Path, options: list[str], more: dict[str, str]
) -> None:
    done = run_server_command(tmp_path, "--sandbox", *options, env=more)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for name in (*TOOLSETS, "all"):
        assert name in done.stderr
    if "histroy" in str(options) + str(more):
        assert "did you mean 'history'" in done.stderr
