"""When apply_plan refuses: unknown, used, expired, changed since, or bereft of its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from asking import Clock
from changing import CHANGES, call_of, prepared
from mcp_client import Desk

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio
STOCK = "p1af207b8189"


async def planned(desk: Desk, tool: str = "edit_prompt") -> tuple[str, str]:
    """Make a persona and a plan for it; return the id of each."""
    persona_id, revision = await prepared(desk)
    receipt = await desk.facts(tool, **call_of(tool, persona_id, revision), dry_run=True)
    return persona_id, str(receipt["plan_id"])


def elsewhere(store: Store, persona_id: str, **fields: Any) -> None:
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
async def test_a_plan_nobody_made_is_refused(desk: Desk, plan_id: str) -> None:
    await planned(desk)
    written = len(desk.wire.writes)
    said = await desk.refusal("apply_plan", plan_id=plan_id)
    assert "no plan of that id" in said
    assert "dry_run" in said
    assert len(desk.wire.writes) == written


async def test_the_digest_in_a_plans_id_must_fit(desk: Desk) -> None:
    """A plan is named, not counted: nobody applies one by guessing the next number."""
    _, plan_id = await planned(desk)
    head, number, digest = plan_id.split("-")
    other = f"{head}-{number}-{digest[::-1] if digest != digest[::-1] else '0' * 8}"
    assert "no plan" in await desk.refusal("apply_plan", plan_id=other)


@pytest.mark.parametrize("tool", CHANGES)
async def test_a_plan_is_carried_out_once(desk: Desk, tool: str) -> None:
    _, plan_id = await planned(desk, tool)
    await desk.facts("apply_plan", plan_id=plan_id)
    written = len(desk.wire.writes)
    said = await desk.refusal("apply_plan", plan_id=plan_id)
    assert len(desk.wire.writes) == written
    if tool != "delete_persona":
        assert "once" in said or "someone edited it" in said


async def test_a_used_plan_says_that_it_was_used(desk: Desk) -> None:
    _, plan_id = await planned(desk, "create_persona")
    await desk.facts("apply_plan", plan_id=plan_id)
    assert "carried out already" in await desk.refusal("apply_plan", plan_id=plan_id)


@pytest.mark.parametrize("tool", ["edit_prompt", "delete_persona"])
async def test_a_used_plan_of_a_change_says_that_it_was_used(desk: Desk, tool: str) -> None:
    _, plan_id = await planned(desk, tool)
    await desk.facts("apply_plan", plan_id=plan_id)
    assert "carried out already" in await desk.refusal("apply_plan", plan_id=plan_id)


@pytest.mark.parametrize("tool", CHANGES)
async def test_a_plan_lasts_for_an_hour(opening: Opening, tool: str) -> None:
    clock = Clock()
    async with opening(clock=clock) as desk:
        _, in_time = await planned(desk, tool)
        _, too_late = await planned(desk, tool)
        written = len(desk.wire.writes)
        clock.turn(minutes=60, seconds=1)
        said = await desk.refusal("apply_plan", plan_id=too_late)
        assert "expired at 2026-11-22T10:00:00" in said
        assert len(desk.wire.writes) == written
        clock.turn(seconds=-2)
        assert (await desk.facts("apply_plan", plan_id=in_time))["status"] == "applied"


@pytest.mark.parametrize("tool", [it for it in CHANGES if it != "create_persona"])
async def test_a_persona_that_changed_since_is_left_alone_and_the_change_is_shown(
    desk: Desk, store: Store, tool: str
) -> None:
    persona_id, plan_id = await planned(desk, tool)
    elsewhere(store, persona_id, context="Monday only.")
    written = len(desk.wire.writes)
    said = await desk.refusal("apply_plan", plan_id=plan_id)
    assert "/context" in said
    assert "Monday only." in said
    assert len(desk.wire.writes) == written


async def test_what_changed_is_shown_also_of_a_persona_that_was_made_elsewhere(
    desk: Desk, store: Store
) -> None:
    """Required by us: a plan whose persona changed since shows what changed."""
    row = {**(store.get("persona", STOCK) or {}), "persona_id": "p1", "persona_type": "user"}
    store.put("persona", "p1", row)
    receipt = await desk.facts("update_persona", persona_id="p1", name="Eve", dry_run=True)
    elsewhere(store, "p1", context="Monday only.")
    said = await desk.refusal("apply_plan", plan_id=receipt["plan_id"])
    assert "/context" in said


async def test_a_plan_for_a_persona_that_is_gone_says_so(desk: Desk, store: Store) -> None:
    persona_id, plan_id = await planned(desk)
    store.remove("persona", persona_id)
    said = await desk.refusal("apply_plan", plan_id=plan_id)
    assert persona_id in said
    assert "list_personas" in said


async def test_a_plan_that_was_refused_for_a_change_can_be_used_when_that_is_taken_back(
    desk: Desk, store: Store
) -> None:
    persona_id, plan_id = await planned(desk)
    elsewhere(store, persona_id, context="Monday only.")
    await desk.refusal("apply_plan", plan_id=plan_id)
    row = dict(store.get("persona", persona_id) or {})
    del row["context"]
    store.put("persona", persona_id, row)
    assert (await desk.facts("apply_plan", plan_id=plan_id))["status"] == "applied"


@pytest.mark.parametrize(
    ("tool", "bereft"),
    [("configure_llm", True), ("configure_tts", True), ("edit_prompt", False)],
)
async def test_a_plan_outlives_the_server_that_made_it_but_its_key_does_not(
    opening: Opening, tool: str, bereft: bool
) -> None:
    async with opening() as desk:
        persona_id, plan_id = await planned(desk, tool)
    async with opening() as desk:
        if bereft:
            said = await desk.refusal("apply_plan", plan_id=plan_id)
            assert "holds a key" in said
            assert "Make the plan again" in said
            assert desk.wire.writes == []
        else:
            assert (await desk.facts("apply_plan", plan_id=plan_id))["status"] == "applied"
            assert (await desk.persona(persona_id))["system_prompt"] == "You greet people."


async def test_a_new_persona_with_a_key_that_is_gone_is_not_made_without_it(
    opening: Opening,
) -> None:
    layers = {"tts": {"tts_engine": "elevenlabs", "api_key_ref": "openai"}}
    body = {"system_prompt": "You help.", "layers": layers, "dry_run": True}
    async with opening() as desk:
        plan_id = (await desk.facts("create_persona", **body))["plan_id"]
    async with opening() as desk:
        assert "holds a key" in await desk.refusal("apply_plan", plan_id=plan_id)
        assert desk.wire.writes == []


@pytest.mark.parametrize("tool", CHANGES)
async def test_two_servers_that_apply_one_plan_at_once_carry_it_out_once(
    opening: Opening, tool: str
) -> None:
    """They share the journal; a plan with a key is known whole to the one that made it only."""
    answers: list[bool] = []

    async def apply(desk: Desk, plan_id: str) -> None:
        result = await desk.call("apply_plan", plan_id=plan_id)
        answers.append(bool(result.is_error))

    async with opening() as one, opening() as other:
        _, plan_id = await planned(one, tool)
        written = len(one.wire.writes)
        async with anyio.create_task_group() as tasks:
            for desk in (one, other, one, other):
                tasks.start_soon(apply, desk, plan_id)
        assert sorted(answers) == [False, True, True, True]
        assert len(one.wire.writes) + len(other.wire.writes) == written + 1


async def test_a_plan_of_one_server_is_applied_by_another(opening: Opening) -> None:
    async with opening() as one, opening() as other:
        persona_id, plan_id = await planned(one)
        assert (await other.facts("apply_plan", plan_id=plan_id))["status"] == "applied"
        assert (await one.persona(persona_id))["system_prompt"] == "You greet people."
