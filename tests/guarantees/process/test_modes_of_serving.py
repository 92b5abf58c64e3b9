"""What is served is settled at the start: read-only, and by toolset."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rawclient import SERVER, Session, run, started

from tavus_mcp.settings import TOOLSETS

if TYPE_CHECKING:
    from conftest import Opening

SOME = [*((name,) for name in TOOLSETS), *combinations(TOOLSETS, 2), TOOLSETS]
START: dict[str, tuple[list[str], dict[str, str]]] = {
    "options": (["--read-only", "--toolsets", "all"], {}),
    "options, the other way round": (["--toolsets", "all", "--read-only"], {}),
    "the environment": ([], {"TAVUS_MCP_READ_ONLY": "1", "TAVUS_MCP_TOOLSETS": "all"}),
    "an option over the environment": (["--toolsets", "all"], {"TAVUS_MCP_READ_ONLY": "yes"}),
}


async def tools_of(opening: Opening, **settings: Any) -> dict[str, Any]:
    async with opening(**settings) as desk:
        return {tool.name: tool for tool in (await desk.client.list_tools()).tools}


@pytest.mark.anyio
async def test_read_only_leaves_the_reads_of_every_choice_of_toolsets(opening: Opening) -> None:
    for chosen in SOME:
        whole = await tools_of(opening, toolsets=chosen)
        reads = {name for name, tool in whole.items() if tool.annotations.read_only_hint}
        assert set(await tools_of(opening, toolsets=chosen, read_only=True)) == reads


@pytest.mark.parametrize("chosen", [("checks",), TOOLSETS], ids=["one toolset", "all"])
@pytest.mark.anyio
async def test_every_tool_that_is_no_read_is_refused_in_words_that_name_the_mode(
    opening: Opening, chosen: tuple[str, ...]
) -> None:
    every = await tools_of(opening)
    writes = [name for name, tool in every.items() if not tool.annotations.read_only_hint]
    assert {"apply_plan", "delete_persona", "restore_revision", "patch_persona"} <= set(writes)
    async with opening(toolsets=chosen, read_only=True) as desk:
        for name in writes:
            for arguments in ({}, {"persona_id": "p1", "dry_run": True}, {"plan_id": "plan-1-a"}):
                said = await desk.refusal(name, **arguments)
                assert "read-only" in said
                assert name in said
        assert desk.wire.requests == []


@pytest.mark.anyio
async def test_a_plan_of_another_server_is_not_applied_by_one_that_only_reads(
    opening: Opening,
) -> None:
    async with opening() as desk:
        persona_id = await desk.create()
        plan = await desk.facts("update_persona", persona_id=persona_id, name="x", dry_run=True)
    async with opening(read_only=True) as desk:
        assert "read-only" in await desk.refusal("apply_plan", plan_id=plan["plan_id"])
        assert (await desk.persona(persona_id))["persona_name"] == "Bot"


@pytest.mark.anyio
async def test_a_tool_of_a_toolset_that_is_off_is_refused_naming_the_toolset(
    opening: Opening,
) -> None:
    async with opening(toolsets=("checks",)) as desk:
        said = await desk.refusal("update_persona", persona_id="p1", name="x")
    assert "personas" in said
    assert "--toolsets" in said
    assert "read-only" not in said


@pytest.mark.parametrize("how", START)
def test_read_only_holds_however_it_is_said(tmp_path: Path, how: str) -> None:
    options, more = START[how]
    with started(tmp_path, *SERVER, "--sandbox", *options, **more) as wire:
        session = Session(wire).opened()
        tools = session.request("tools/list")["tools"]
        assert len(tools) > 10
        assert all(tool["annotations"]["readOnlyHint"] for tool in tools)
        assert "read-only" in session.refusal("create_persona", system_prompt="x")


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
def test_an_unknown_toolset_stops_the_start_and_names_the_valid_ones(
    tmp_path: Path, options: list[str], more: dict[str, str]
) -> None:
    done = run(tmp_path, "--sandbox", *options, env=more)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for name in (*TOOLSETS, "all"):
        assert name in done.stderr
    if "histroy" in str(options) + str(more):
        assert "did you mean 'history'" in done.stderr
