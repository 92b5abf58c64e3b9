"""dry_run makes a plan and sends nothing; apply_plan sends exactly what the change would have.

Required by us: a preview that is not what happens is worse than none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from asking import Clock
from changing import CHANGES, call_of, prepared, sent
from mcp_client import SECRET, Desk

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio


async def test_every_tool_that_can_be_tried_dry_is_tried_here(desk: Desk) -> None:
    tools = (await desk.client.list_tools()).tools
    dry = {tool.name for tool in tools if "dry_run" in tool.input_schema["properties"]}
    writing = {tool.name for tool in tools if not (tool.annotations or tool).read_only_hint}
    assert dry == set(CHANGES)
    assert writing - dry == {"apply_plan"}


@pytest.mark.parametrize("tool", CHANGES)
async def test_a_dry_run_makes_a_plan_and_sends_no_write(
    opening: Opening, store: Store, tool: str
) -> None:
    async with opening(clock=Clock()) as desk:
        persona_id, revision = await prepared(desk)
        before, written = store.get("persona", persona_id), len(desk.wire.writes)
        planned = await desk.facts(tool, **call_of(tool, persona_id, revision), dry_run=True)
        assert planned["status"] == "planned"
        assert planned["plan_id"].startswith("plan-")
        assert planned["expires_at"] == "2026-11-22T10:00:00+00:00"
        assert planned["changes"]
        assert "undo" not in planned
        assert len(desk.wire.writes) == written
        assert store.get("persona", persona_id) == before


@pytest.mark.parametrize("tool", CHANGES)
async def test_a_plan_is_carried_out_as_the_change_itself_would_have_been(
    desk: Desk, tool: str
) -> None:
    """Two personas alike: one is changed at once, the other by way of a plan."""
    at_once, its_revision = await prepared(desk)
    by_plan, other_revision = await prepared(desk)
    planned = await desk.facts(tool, **call_of(tool, by_plan, other_revision), dry_run=True)
    applied = await desk.facts("apply_plan", plan_id=planned["plan_id"])
    through_the_plan = sent(desk.wire.writes[-1], by_plan)
    if tool == "delete_persona":  # never in one call, so there is nothing to compare with
        assert through_the_plan == ("DELETE", "/v2/personas/ID", None)
        return
    receipt = await desk.facts(tool, **call_of(tool, at_once, its_revision))
    assert through_the_plan == sent(desk.wire.writes[-1], at_once)
    assert applied["status"] == receipt["status"] == "applied"
    assert applied["changes"] == receipt["changes"] == planned["changes"]
    assert applied["undo"]["tool"] == receipt["undo"]["tool"]


@pytest.mark.parametrize("tool", [it for it in CHANGES if it != "delete_persona"])
async def test_what_a_plan_changed_is_taken_back_by_the_call_it_names(
    desk: Desk, store: Store, tool: str
) -> None:
    persona_id, revision = await prepared(desk)
    before = dict(store.get("persona", persona_id) or {})
    planned = await desk.facts(tool, **call_of(tool, persona_id, revision), dry_run=True)
    applied = await desk.facts("apply_plan", plan_id=planned["plan_id"])
    undone = await desk.facts(applied["undo"]["tool"], **applied["undo"]["arguments"])
    if tool == "create_persona":
        assert undone["plan_id"]
        return
    after = dict(store.get("persona", persona_id) or {})
    for row in (before, after):
        row.pop("updated_at")
    if tool in ("configure_llm", "configure_tts"):  # layers that were made stay, keys too
        for row in (before, after):
            row.pop("layers")
    assert after == before


async def test_a_deletion_that_was_planned_is_carried_out_and_can_be_taken_back(
    desk: Desk, store: Store
) -> None:
    persona_id, _ = await prepared(desk)
    planned = await desk.facts("delete_persona", persona_id=persona_id)
    gone = await desk.facts("apply_plan", plan_id=planned["plan_id"])
    assert gone["status"] == "applied"
    assert store.get("persona", persona_id) is None
    back = await desk.facts(gone["undo"]["tool"], **gone["undo"]["arguments"])
    row = store.get("persona", back["persona_id"]) or {}
    assert (row["persona_name"], row["greeting"]) == ("Front desk", "Hello")
    assert row["layers"]["llm"]["tools"][0]["function"]["name"] == "look_up"


async def test_a_plan_to_bring_back_a_deleted_persona_is_carried_out(desk: Desk) -> None:
    persona_id, revision = await prepared(desk)
    planned = await desk.facts("delete_persona", persona_id=persona_id)
    await desk.facts("apply_plan", plan_id=planned["plan_id"])
    asked = {"persona_id": persona_id, "revision": revision, "dry_run": True}
    again = await desk.facts("restore_revision", **asked)
    applied = await desk.facts("apply_plan", plan_id=again["plan_id"])
    assert (await desk.persona(applied["persona_id"]))["persona_name"] == "Front desk"


async def test_a_plan_with_a_key_sends_the_key_and_shows_it_nowhere(desk: Desk) -> None:
    persona_id, revision = await prepared(desk)
    planned = await desk.facts(
        "configure_llm", **call_of("configure_llm", persona_id, revision), dry_run=True
    )
    applied = await desk.facts("apply_plan", plan_id=planned["plan_id"])
    assert desk.wire.writes[-1].content.decode().count(SECRET) == 2
    assert SECRET not in json.dumps([planned, applied])


async def test_a_dry_run_that_changes_nothing_is_no_plan(desk: Desk) -> None:
    persona_id, _ = await prepared(desk)
    same = await desk.facts("update_persona", persona_id=persona_id, greeting="Hello", dry_run=True)
    assert same["status"] == "unchanged"
    assert "plan_id" not in same


async def test_what_is_allowed_when_planned_is_allowed_when_applied(desk: Desk) -> None:
    persona_id, _ = await prepared(desk)
    url = {"model": "m", "base_url": "http://127.0.0.1:8000/v1", "api_key_ref": "openai"}
    planned = await desk.facts(
        "configure_llm", persona_id=persona_id, **url, allow_private_url=True, dry_run=True
    )
    assert (await desk.facts("apply_plan", plan_id=planned["plan_id"]))["status"] == "applied"
    asked = {"persona_id": persona_id, "allow_unknown": True, "dry_run": True}
    patch = [{"op": "add", "path": "/layers/stt", "value": {"hotwords": "Tavus"}}]
    planned = await desk.facts("patch_persona", **asked, patch=patch)
    assert (await desk.facts("apply_plan", plan_id=planned["plan_id"]))["status"] == "applied"


async def test_the_history_names_the_tool_that_made_the_plan(desk: Desk) -> None:
    persona_id, revision = await prepared(desk)
    planned = await desk.facts(
        "edit_prompt", **call_of("edit_prompt", persona_id, revision), dry_run=True
    )
    await desk.facts("apply_plan", plan_id=planned["plan_id"])
    rows = (await desk.facts("list_revisions", persona_id=persona_id))["revisions"]
    assert (rows[0]["tool"], rows[0]["status"]) == ("edit_prompt", "applied")
