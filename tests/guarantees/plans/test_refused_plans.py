"""apply_plan refuses plans that are unknown, used, expired or outdated, or that lack their key."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from change_calls import (
    ARGUMENTS_BY_TOOL,
    CHANGE_TOOLS,
    build_arguments,
    create_persona_with_history,
)
from form_clients import ManualClock
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = [pytest.mark.anyio, pytest.mark.every_database]
STOCK = "p1af207b8189"


async def create_plan(tool_client: ToolClient, tool: str = "edit_prompt") -> tuple[str, str]:
    """Make a persona and a plan for it; return the id of each."""
    persona_id, revision = await create_persona_with_history(tool_client)
    receipt = await tool_client.expect_result(
        tool, **build_arguments(tool, persona_id, revision), dry_run=True
    )
    return persona_id, str(receipt["plan_id"])


def edit_outside_server(store: Store, persona_id: str, **fields: Any) -> None:
    """Change a persona as the dashboard does, without this server."""
    store.put("persona", persona_id, {**(store.get("persona", persona_id) or {}), **fields})


def edit_at(store: Store, persona_id: str, path: str, value: Any) -> None:
    """Set or remove the first object or list on a path, as the dashboard does."""
    row = copy.deepcopy(store.get("persona", persona_id) or {})
    node, parts = row, path[1:].split("/")
    for part in parts[:-1]:
        if isinstance(node.get(part), list):
            node[part] = value
            break
        node = node.setdefault(part, {})
    else:
        if value is None:
            node.pop(parts[-1], None)
        else:
            node[parts[-1]] = value
    store.put("persona", persona_id, row)


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
    """The digest in the id prevents that a guessed number applies a plan."""
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
        assert "once" in error


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
async def test_a_field_changed_since_the_plan_is_not_written_and_the_change_is_reported(
    tool_client: ToolClient, store: Store, tool: str
) -> None:
    persona_id, revision = await create_persona_with_history(tool_client)
    planned = await tool_client.expect_result(
        tool, **build_arguments(tool, persona_id, revision), dry_run=True
    )
    path = planned["changes"][0]["path"] or "/greeting"
    edit_at(store, persona_id, path, ["Edited."])
    written = len(tool_client.transport.writes)
    error = await tool_client.expect_error("apply_plan", plan_id=planned["plan_id"])
    assert path.split("/")[1] in error
    assert "outside this journal" in error
    assert len(tool_client.transport.writes) == written


@pytest.mark.parametrize(
    "tool", [it for it in CHANGE_TOOLS if it not in ("create_persona", "delete_persona")]
)
async def test_a_plan_is_applied_when_another_field_changed_since(
    tool_client: ToolClient, store: Store, tool: str
) -> None:
    persona_id, plan_id = await create_plan(tool_client, tool)
    edit_outside_server(store, persona_id, context="Monday only.")
    receipt = await tool_client.expect_result("apply_plan", plan_id=plan_id)
    assert receipt["status"] == "applied"
    assert (store.get("persona", persona_id) or {})["context"] == "Monday only."


async def test_two_plans_for_different_fields_can_both_be_applied(tool_client: ToolClient) -> None:
    persona_id, _ = await create_persona_with_history(tool_client)
    plans = [
        await tool_client.expect_result(
            tool, persona_id=persona_id, **ARGUMENTS_BY_TOOL[tool], dry_run=True
        )
        for tool in ("edit_prompt", "configure_stt", "update_persona")
    ]
    for plan in plans:
        receipt = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
        assert receipt["status"] == "applied"


@pytest.mark.parametrize(
    ("tool", "changes", "layer"),
    [
        (
            "configure_llm",
            [{"model": "tavus-gpt-oss"}, {"temperature": 0.3}, {"speculative_inference": False}],
            {
                "model": "tavus-gpt-oss",
                "extra_body": {"temperature": 0.3},
                "speculative_inference": False,
            },
        ),
        (
            "configure_conversational_flow",
            [{"turn_taking_patience": "high"}, {"replica_interruptibility": "low"}],
            {"turn_taking_patience": "high", "replica_interruptibility": "low"},
        ),
    ],
    ids=["llm", "flow"],
)
async def test_plans_for_different_fields_of_a_layer_that_each_would_add_are_all_applied(
    tool_client: ToolClient, tool: str, changes: list[dict[str, Any]], layer: dict[str, Any]
) -> None:
    """Found in use: the second one called the layer, which the first one added, an edit.

    Tavus fills in the other fields of a flow when the first is set.
    """
    persona_id = await tool_client.create_persona()
    plans = [
        await tool_client.expect_result(tool, persona_id=persona_id, **change, dry_run=True)
        for change in [*changes, changes[0]]
    ]
    for plan in plans[: len(changes)]:
        await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    persona = await tool_client.read_persona(persona_id)
    stored = persona["layers"][tool.removeprefix("configure_")]
    assert {name: stored[name] for name in layer} == layer
    error = await tool_client.expect_error("apply_plan", plan_id=plans[-1]["plan_id"])
    assert f"/{next(iter(layer))}" in error  # of one field only the first is applied


async def test_of_two_plans_for_one_field_the_second_says_which_tool_changed_it(
    tool_client: ToolClient,
) -> None:
    persona_id, _ = await create_persona_with_history(tool_client)
    first, second = [
        await tool_client.expect_result(
            "update_persona", persona_id=persona_id, greeting=text, dry_run=True
        )
        for text in ("One.", "Two.")
    ]
    await tool_client.expect_result("apply_plan", plan_id=first["plan_id"])
    error = await tool_client.expect_error("apply_plan", plan_id=second["plan_id"])
    assert '~ /greeting: "Hello" -> "One." (changed by update_persona at ' in error
    assert "outside" not in error


async def test_a_plan_is_refused_when_its_checks_come_out_otherwise(
    tool_client: ToolClient, store: Store
) -> None:
    """The engine for which the voice setting was checked has been changed since."""
    persona_id, _ = await create_persona_with_history(tool_client)
    planned = await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, stability=0.4, dry_run=True
    )
    edit_at(store, persona_id, "/layers/tts/tts_engine", "cartesia")
    error = await tool_client.expect_error("apply_plan", plan_id=planned["plan_id"])
    assert "/layers/tts" in error
    assert "cartesia" in error


async def test_a_name_of_a_field_forges_no_line_of_a_refused_plan(tool_client: ToolClient) -> None:
    """The checks find a key in a header now, whose name somebody chose."""
    header = "/layers/llm/headers/x\nstatus: applied x-api-key"
    await tool_client.set_switches(updated_at="absent")
    persona_id = await tool_client.create_persona(layers={"llm": {"headers": {"X-A": "b"}}})
    patch = [{"op": "add", "path": header, "value": "k-0123456789"}]
    patch += [{"op": "add", "path": "/greeting", "value": "Hello."}]
    planned = await tool_client.expect_result(
        "patch_persona", persona_id=persona_id, patch=patch, dry_run=True
    )
    messages = "".join(item["message"] for item in planned["findings"])
    custom = {"model": "m", "api_key": "k-0123456789", "base_url": "https://llm.acme.com/v1"}
    await tool_client.set_switches(unknown_fields="accepted")
    for name, value in custom.items():
        await tool_client.edit_in_dashboard(persona_id, f"/layers/llm/{name}", value)
    error = await tool_client.expect_error("apply_plan", plan_id=planned["plan_id"])
    assert "x-api-key" in error
    assert "\nstatus" not in messages + error


async def test_a_plan_is_refused_when_the_object_it_writes_into_is_gone(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id, plan_id = await create_plan(tool_client, "configure_tts")
    edit_at(store, persona_id, "/layers/tts", None)
    error = await tool_client.expect_error("apply_plan", plan_id=plan_id)
    assert "/layers/tts" in error
    assert "Nothing was written" in error


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
    edit_outside_server(store, persona_id, system_prompt="You help nobody.")
    await tool_client.expect_error("apply_plan", plan_id=plan_id)
    edit_outside_server(store, persona_id, system_prompt="You help people.")
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
    """The servers share the journal. Only the server that made a plan with a key knows the key."""
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


async def test_a_plan_of_a_deletion_lists_what_cannot_be_restored(tool_client: ToolClient) -> None:
    layers = {"tts": {"tts_engine": "cartesia", "api_key": "a-key-of-a-voice"}}
    persona_id = await tool_client.create_persona(layers=layers)
    plan = await tool_client.expect_result("delete_persona", persona_id=persona_id)
    messages = " ".join(item["message"] for item in plan["findings"])
    assert "its id and /layers/tts/api_key cannot be restored" in messages


async def test_a_stock_persona_is_refused_before_anything_is_sent_or_planned(
    tool_client: ToolClient,
) -> None:
    """Found in use: a deletion was planned, and an update sent, that Tavus always refuses."""
    for tool, arguments in (
        ("update_persona", {"greeting": "Hi.", "dry_run": True}),
        ("update_persona", {"greeting": "Hi."}),
        ("delete_persona", {}),
        ("publish_persona", {}),
    ):
        message = await tool_client.expect_error(tool, persona_id=STOCK, **arguments)
        assert "is a stock persona of Tavus and cannot be changed" in message
        assert f"create_persona(based_on='{STOCK}', name=...)" in message
    assert not tool_client.transport.writes
    suggested = await tool_client.expect_result(
        "suggest_tuning", persona_id=STOCK, goals=["be_more_patient"]
    )
    (finding,) = [item for item in suggested["findings"] if item["path"] == "/persona_type"]
    assert "there is no plan" in finding["message"]
    assert "plan_id" not in suggested
