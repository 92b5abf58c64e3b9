"""When apply_plan refuses: unknown, used, expired, changed since, or bereft of its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from change_calls import CHANGE_TOOLS, build_arguments, create_persona_with_history
from form_clients import ManualClock
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio
STOCK = "p1af207b8189"


async def create_plan(tool_client: ToolClient, tool: str = "edit_prompt") -> tuple[str, str]:
    """Make a persona and a plan for it; return the id of each."""
    persona_id, revision = await create_persona_with_history(tool_client)
    receipt = await tool_client.expect_result(
        tool, **build_arguments(tool, persona_id, revision), dry_run=True
    )
    return persona_id, str(receipt["plan_id"])


def edit_outside_server(store: Store, persona_id: str, **fields: Any) -> None:
    """Change a persona as a dashboard does, unknown to this server."""
    store.put("persona", persona_id, {**(store.get("persona", persona_id) or {}), **fields})


@pytest.mark.parametrize(
    "plan_id",
    [
        "plan-1-00000000",
        "plan-99-12345678",
        "plan--1-00000000",
        "plan-" + "9" * 40,
        "plan-²-00000000",
        "",
        "1",
        "x' OR 1=1 --",
        "../../etc",
    ],
)
async def test_an_unknown_plan_is_refused(tool_client: ToolClient, plan_id: str) -> None:
    await create_plan(tool_client)
    written = len(tool_client.transport.writes)
    error = await tool_client.expect_error("apply_plan", plan_id=plan_id)
    assert "no plan of that id" in error
    assert "dry_run" in error
    assert len(tool_client.transport.writes) == written


async def test_the_digest_in_a_plan_id_must_match(tool_client: ToolClient) -> None:
    """A plan is named, not counted: nobody applies one by guessing the next number."""
    _, plan_id = await create_plan(tool_client)
    head, number, digest = plan_id.split("-")
    wrong_id = f"{head}-{number}-{digest[::-1] if digest != digest[::-1] else '0' * 8}"
    assert "no plan" in await tool_client.expect_error("apply_plan", plan_id=wrong_id)


@pytest.mark.parametrize("tool", CHANGE_TOOLS)
async def test_a_plan_is_applied_once(tool_client: ToolClient, tool: str) -> None:
    _, plan_id = await create_plan(tool_client, tool)
    await tool_client.expect_result("apply_plan", plan_id=plan_id)
    written = len(tool_client.transport.writes)
    error = await tool_client.expect_error("apply_plan", plan_id=plan_id)
    assert len(tool_client.transport.writes) == written
    if tool != "delete_persona":
        assert "once" in error or "someone edited it" in error


async def test_a_used_plan_is_refused_as_used(tool_client: ToolClient) -> None:
    _, plan_id = await create_plan(tool_client, "create_persona")
    await tool_client.expect_result("apply_plan", plan_id=plan_id)
    assert "carried out already" in await tool_client.expect_error("apply_plan", plan_id=plan_id)


@pytest.mark.parametrize("tool", ["edit_prompt", "delete_persona"])
async def test_a_used_update_plan_is_refused_as_used(tool_client: ToolClient, tool: str) -> None:
    _, plan_id = await create_plan(tool_client, tool)
    await tool_client.expect_result("apply_plan", plan_id=plan_id)
    assert "carried out already" in await tool_client.expect_error("apply_plan", plan_id=plan_id)


@pytest.mark.parametrize("tool", CHANGE_TOOLS)
async def test_a_plan_expires_after_an_hour(open_tool_client: ToolClientFactory, tool: str) -> None:
    clock = ManualClock()
    async with open_tool_client(clock=clock) as tool_client:
        _, in_time = await create_plan(tool_client, tool)
        _, too_late = await create_plan(tool_client, tool)
        written = len(tool_client.transport.writes)
        clock.advance(minutes=60, seconds=1)
        error = await tool_client.expect_error("apply_plan", plan_id=too_late)
        assert "expired at 2026-11-22T10:00:00" in error
        assert len(tool_client.transport.writes) == written
        clock.advance(seconds=-2)
        assert (await tool_client.expect_result("apply_plan", plan_id=in_time))[
            "status"
        ] == "applied"


@pytest.mark.parametrize("tool", [it for it in CHANGE_TOOLS if it != "create_persona"])
async def test_a_persona_changed_since_the_plan_is_not_written_and_the_change_is_reported(
    tool_client: ToolClient, store: Store, tool: str
) -> None:
    persona_id, plan_id = await create_plan(tool_client, tool)
    edit_outside_server(store, persona_id, context="Monday only.")
    written = len(tool_client.transport.writes)
    error = await tool_client.expect_error("apply_plan", plan_id=plan_id)
    assert "/context" in error
    assert "Monday only." in error
    assert len(tool_client.transport.writes) == written


async def test_the_change_of_a_persona_created_elsewhere_is_reported(
    tool_client: ToolClient, store: Store
) -> None:
    """Required by us: a plan whose persona changed since shows what changed."""
    row = {**(store.get("persona", STOCK) or {}), "persona_id": "p1", "persona_type": "user"}
    store.put("persona", "p1", row)
    receipt = await tool_client.expect_result(
        "update_persona", persona_id="p1", name="Eve", dry_run=True
    )
    edit_outside_server(store, "p1", context="Monday only.")
    error = await tool_client.expect_error("apply_plan", plan_id=receipt["plan_id"])
    assert "/context" in error


async def test_a_plan_for_a_deleted_persona_reports_the_deletion(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, plan_id = await create_plan(tool_client)
    store.remove("persona", persona_id)
    error = await tool_client.expect_error("apply_plan", plan_id=plan_id)
    assert persona_id in error
    assert "list_personas" in error


async def test_a_plan_refused_for_a_change_is_usable_after_the_change_is_reverted(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, plan_id = await create_plan(tool_client)
    edit_outside_server(store, persona_id, context="Monday only.")
    await tool_client.expect_error("apply_plan", plan_id=plan_id)
    row = dict(store.get("persona", persona_id) or {})
    del row["context"]
    store.put("persona", persona_id, row)
    assert (await tool_client.expect_result("apply_plan", plan_id=plan_id))["status"] == "applied"


@pytest.mark.parametrize(
    ("tool", "bereft"),
    [("configure_llm", True), ("configure_tts", True), ("edit_prompt", False)],
)
async def test_a_plan_survives_a_restart_but_its_key_does_not(
    open_tool_client: ToolClientFactory, tool: str, bereft: bool
) -> None:
    async with open_tool_client() as tool_client:
        persona_id, plan_id = await create_plan(tool_client, tool)
    async with open_tool_client() as tool_client:
        if bereft:
            error = await tool_client.expect_error("apply_plan", plan_id=plan_id)
            assert "holds a key" in error
            assert "Make the plan again" in error
            assert tool_client.transport.writes == []
        else:
            assert (await tool_client.expect_result("apply_plan", plan_id=plan_id))[
                "status"
            ] == "applied"
            assert (await tool_client.read_persona(persona_id))[
                "system_prompt"
            ] == "You greet people."


async def test_a_planned_creation_is_refused_when_its_key_is_lost(
    open_tool_client: ToolClientFactory,
) -> None:
    layers = {"tts": {"tts_engine": "elevenlabs", "api_key_ref": "openai"}}
    body = {"system_prompt": "You help.", "layers": layers, "dry_run": True}
    async with open_tool_client() as tool_client:
        plan_id = (await tool_client.expect_result("create_persona", **body))["plan_id"]
    async with open_tool_client() as tool_client:
        assert "holds a key" in await tool_client.expect_error("apply_plan", plan_id=plan_id)
        assert tool_client.transport.writes == []


@pytest.mark.parametrize("tool", CHANGE_TOOLS)
async def test_two_servers_applying_one_plan_concurrently_apply_it_once(
    open_tool_client: ToolClientFactory, tool: str
) -> None:
    """They share the journal; a plan with a key is known whole to the one that made it only."""
    answers: list[bool] = []

    async def apply(tool_client: ToolClient, plan_id: str) -> None:
        result = await tool_client.call("apply_plan", plan_id=plan_id)
        answers.append(bool(result.is_error))

    async with open_tool_client() as first, open_tool_client() as second:
        _, plan_id = await create_plan(first, tool)
        written = len(first.transport.writes)
        async with anyio.create_task_group() as tasks:
            for tool_client in (first, second, first, second):
                tasks.start_soon(apply, tool_client, plan_id)
        assert sorted(answers) == [False, True, True, True]
        assert len(first.transport.writes) + len(second.transport.writes) == written + 1


async def test_a_plan_of_one_server_is_applied_by_another(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client() as first, open_tool_client() as second:
        persona_id, plan_id = await create_plan(first)
        assert (await second.expect_result("apply_plan", plan_id=plan_id))["status"] == "applied"
        assert (await first.read_persona(persona_id))["system_prompt"] == "You greet people."
