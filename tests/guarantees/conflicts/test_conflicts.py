"""Single conflicts: what is on the wire, what is refused, and what is said."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from mcp_client import SECRET, Desk
from scheduler import Between, Picky
from starlette.types import ASGIApp

from tavus_mcp.sandbox.ids import now
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

OTHER_KEY = "el-7c2f1b9e5d"


@pytest.fixture
async def dashboard(sandbox: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody else, with a client of their own."""
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=sandbox),
        base_url="http://127.0.0.1/v2",
        headers={"x-api-key": "any"},
    ) as client:
        yield client


async def patched(client: httpx2.AsyncClient, persona_id: str, path: str, value: Any) -> None:
    answer = await client.patch(
        f"/personas/{persona_id}", json=[{"op": "add", "path": path, "value": value}]
    )
    assert answer.status_code == 200, answer.text


def sent(desk: Desk) -> list[list[dict[str, Any]]]:
    """Return the patches that went out, in order."""
    return [json.loads(item.content) for item in desk.wire.requests if item.method == "PATCH"]


def guards_in(operations: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["path"]: item["value"] for item in operations if item["op"] == "test"}


async def test_a_replaced_leaf_is_tested_for_what_was_read(desk: Desk) -> None:
    persona_id = await desk.create(greeting="Hi.")
    await desk.facts("update_persona", persona_id=persona_id, greeting="Hello.")
    assert guards_in(sent(desk)[0]) == {"/greeting": "Hi."}


async def test_the_tests_stand_before_what_they_guard(desk: Desk) -> None:
    persona_id = await desk.create(greeting="Hi.", layers={"stt": {"hotwords": "Roma"}})
    await desk.facts("update_persona", persona_id=persona_id, greeting="Hello.", name="Eva")
    kinds = [item["op"] for item in sent(desk)[0]]
    assert kinds == sorted(kinds, key=lambda op: op != "test")
    assert guards_in(sent(desk)[0]) == {"/greeting": "Hi.", "/persona_name": "Bot"}


async def test_a_removed_leaf_is_tested(desk: Desk) -> None:
    persona_id = await desk.create(greeting="Hi.")
    await desk.facts("update_persona", persona_id=persona_id, unset=["greeting"])
    assert guards_in(sent(desk)[0]) == {"/greeting": "Hi."}


async def test_a_replaced_secret_is_not_tested_and_not_read_back(desk: Desk) -> None:
    persona_id = await desk.create(layers={"tts": {"tts_engine": "cartesia", "api_key": OTHER_KEY}})
    receipt = await desk.facts("configure_tts", persona_id=persona_id, api_key_ref="openai")
    assert receipt["status"] == "applied"
    (operations,) = sent(desk)
    assert guards_in(operations) == {}
    assert operations == [{"op": "add", "path": "/layers/tts/api_key", "value": SECRET}]


async def test_a_leaf_where_nothing_stood_is_guarded_by_the_time_of_change(
    desk: Desk, store: Store
) -> None:
    persona_id = await desk.create()
    stamp = (store.get("persona", persona_id) or {})["updated_at"]
    await desk.facts("update_persona", persona_id=persona_id, greeting="Hi.")
    assert guards_in(sent(desk)[0]) == {"/updated_at": stamp}


async def test_an_edit_for_another_revision_is_refused_and_sends_nothing(
    desk: Desk, dashboard: httpx2.AsyncClient
) -> None:
    persona_id = await desk.create(greeting="Hi.")
    revision = (await desk.facts("get_persona", persona_id=persona_id))["revision"]
    await patched(dashboard, persona_id, "/greeting", "Ciao.")
    told = await desk.refusal(
        "update_persona", persona_id=persona_id, greeting="Hello.", if_revision=revision
    )
    assert "Nothing was written" in told
    assert "'Hi.'" in told
    assert "'Ciao.'" in told
    assert sent(desk) == []


async def test_an_edit_for_the_revision_that_was_read_is_carried_out(desk: Desk) -> None:
    persona_id = await desk.create(greeting="Hi.")
    revision = (await desk.facts("get_persona", persona_id=persona_id))["revision"]
    receipt = await desk.facts(
        "update_persona", persona_id=persona_id, greeting="Hello.", if_revision=revision
    )
    assert (receipt["status"], receipt["previous_revision"]) == ("applied", revision)
    now = (await desk.facts("get_persona", persona_id=persona_id))["revision"]
    assert receipt["revision"] == now


async def test_a_dry_run_for_another_revision_is_refused(
    desk: Desk, dashboard: httpx2.AsyncClient
) -> None:
    persona_id = await desk.create(greeting="Hi.")
    revision = (await desk.facts("get_persona", persona_id=persona_id))["revision"]
    await patched(dashboard, persona_id, "/greeting", "Ciao.")
    told = await desk.refusal(
        "update_persona", persona_id=persona_id, name="Eva", if_revision=revision, dry_run=True
    )
    assert "Nothing was written" in told


async def test_a_plan_for_a_persona_of_ours_is_refused_after_a_change_and_tells_it(
    desk: Desk, dashboard: httpx2.AsyncClient
) -> None:
    persona_id = await desk.create(greeting="Hi.")
    plan = await desk.facts("update_persona", persona_id=persona_id, name="Eva", dry_run=True)
    await patched(dashboard, persona_id, "/greeting", "Ciao.")
    told = await desk.refusal("apply_plan", plan_id=plan["plan_id"])
    assert "/greeting" in told
    assert "'Ciao.'" in told
    assert (await desk.persona(persona_id))["persona_name"] == "Bot"


async def elsewhere(dashboard: httpx2.AsyncClient) -> str:
    body = {"persona_name": "Ada", "system_prompt": "You are Ada.", "greeting": "Hi."}
    return str((await dashboard.post("/personas", json=body)).json()["persona_id"])


async def test_a_plan_for_a_persona_made_elsewhere_is_refused_after_a_change_and_tells_it(
    desk: Desk, dashboard: httpx2.AsyncClient
) -> None:
    persona_id = await elsewhere(dashboard)
    plan = await desk.facts("update_persona", persona_id=persona_id, name="Eva", dry_run=True)
    await patched(dashboard, persona_id, "/greeting", "Ciao.")
    told = await desk.refusal("apply_plan", plan_id=plan["plan_id"])
    assert "Nothing was written" in told
    assert "'Ciao.'" in told


async def test_a_plan_to_delete_is_refused_after_a_change_and_tells_it(
    desk: Desk, dashboard: httpx2.AsyncClient
) -> None:
    persona_id = await elsewhere(dashboard)
    plan = await desk.facts("delete_persona", persona_id=persona_id)
    await patched(dashboard, persona_id, "/greeting", "Ciao.")
    told = await desk.refusal("apply_plan", plan_id=plan["plan_id"])
    assert "Nothing was written" in told
    assert (await desk.persona(persona_id))["greeting"] == "Ciao."
    assert "'Ciao.'" in told


async def test_a_refused_plan_can_be_made_again_and_carried_out(
    desk: Desk, dashboard: httpx2.AsyncClient
) -> None:
    persona_id = await desk.create(greeting="Hi.")
    plan = await desk.facts("update_persona", persona_id=persona_id, name="Eva", dry_run=True)
    await patched(dashboard, persona_id, "/greeting", "Ciao.")
    await desk.refusal("apply_plan", plan_id=plan["plan_id"])
    again = await desk.facts("update_persona", persona_id=persona_id, name="Eva", dry_run=True)
    receipt = await desk.facts("apply_plan", plan_id=again["plan_id"])
    assert receipt["status"] == "applied"
    now = await desk.persona(persona_id)
    assert (now["persona_name"], now["greeting"]) == ("Eva", "Ciao.")


async def test_what_tavus_refuses_only_for_its_tests_is_sent_once_more_without_and_said(
    opening: Any, sandbox: ASGIApp
) -> None:
    async with opening(Picky(sandbox)) as desk:
        persona_id = await desk.create(greeting="Hi.")
        receipt = await desk.facts("update_persona", persona_id=persona_id, greeting="Hello.")
        assert receipt["status"] == "applied"
        assert any("without" in item["message"] for item in receipt["findings"])
        first, second = sent(desk)
        assert [*guards_in(first)] == ["/greeting"]
        assert second == [item for item in first if item["op"] != "test"]
        assert (await desk.persona(persona_id))["greeting"] == "Hello."


async def test_what_is_refused_for_its_tests_is_not_sent_again_when_somebody_edited(
    opening: Any, sandbox: ASGIApp, store: Store
) -> None:
    persona_id = ""

    def edited_meanwhile() -> None:
        row = store.get("persona", persona_id) or {}
        store.put("persona", persona_id, row | {"persona_name": "Eva"})

    async with opening(Picky(sandbox, edited_meanwhile)) as desk:
        persona_id = await desk.create(greeting="Hi.")
        told = await desk.refusal("update_persona", persona_id=persona_id, greeting="Hello.")
        assert "/persona_name from 'Bot' to 'Eva'" in told
        assert len(sent(desk)) == 1
        assert (store.get("persona", persona_id) or {})["greeting"] == "Hi."


async def test_unpublished_edits_of_the_dashboard_are_shown_and_never_forced(
    desk: Desk, dashboard: httpx2.AsyncClient
) -> None:
    """Required by Tavus: 409 with ``conflict: maker_changes``."""
    persona_id = await desk.create(greeting="Hi.")
    control = dashboard.base_url.join(f"/_sandbox/maker_changes/{persona_id}")
    assert (await dashboard.post(control)).status_code == 204
    told = await desk.refusal("update_persona", persona_id=persona_id, greeting="Hello.")
    assert "409" in told
    assert "unpublished changes in PAL Maker" in told
    assert (await desk.persona(persona_id))["greeting"] == "Hi."
    assert not any("force" in str(item.url.query) for item in desk.wire.requests)
    assert len(sent(desk)) == 1
    (row,) = (await desk.facts("list_revisions", persona_id=persona_id, limit=1))["revisions"]
    assert row["status"] == "failed"


async def test_a_change_that_is_refused_with_and_without_tests_is_told_as_failed(
    desk: Desk, dashboard: httpx2.AsyncClient
) -> None:
    persona_id = await desk.create(greeting="Hi.")
    fault = {"kind": "status", "status": 422, "method": "PATCH", "times": 2}
    await dashboard.post(dashboard.base_url.join("/_sandbox/faults"), json=fault)
    told = await desk.refusal("update_persona", persona_id=persona_id, greeting="Hello.")
    assert "422" in told
    (row,) = (await desk.facts("list_revisions", persona_id=persona_id, limit=1))["revisions"]
    assert row["status"] == "failed"


async def test_an_edit_between_the_second_look_and_the_second_try_is_not_overwritten(
    opening: Any, sandbox: ASGIApp, store: Store
) -> None:
    """Somebody changes a leaf, takes it back, and changes it again, just between our requests."""
    persona_id = ""

    def greets(words: str) -> None:
        row = store.get("persona", persona_id) or {}
        changed = {"greeting": words, "updated_at": now()} if row["greeting"] != words else {}
        store.put("persona", persona_id, row | changed)

    between = Between(sandbox)
    async with opening(between) as desk:
        persona_id = await desk.create(greeting="Hi.")
        words = iter(["Hi.", "Ciao.", "Hi.", "Salve."])
        between.before = lambda: greets(next(words, "Salve."))
        told = await desk.call("update_persona", persona_id=persona_id, greeting="Hello.")
        assert (store.get("persona", persona_id) or {})["greeting"] != "Hello."
        assert told.is_error


@pytest.mark.parametrize("plans", ["update_persona", "delete_persona"])
async def test_a_refused_plan_says_to_make_the_plan_again(
    desk: Desk, dashboard: httpx2.AsyncClient, plans: str
) -> None:
    persona_id = await desk.create(greeting="Hi.")
    change = {"name": "Eva"} if plans == "update_persona" else {}
    plan = await desk.facts(plans, persona_id=persona_id, dry_run=True, **change)
    await patched(dashboard, persona_id, "/greeting", "Ciao.")
    told = await desk.refusal("apply_plan", plan_id=plan["plan_id"])
    assert "call again with if_revision" not in told, "apply_plan has no such argument"
