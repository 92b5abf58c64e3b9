"""apply_plan of a bulk plan: exactly the planned requests; one failure does not stop the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from account import (
    CURRENT_MODEL,
    RETIRED_MODEL,
    ObservedApp,
    build_model_layers,
    build_persona_row,
    create_bulk_plan,
    read_stored_personas,
    statuses,
    store_equal_personas,
    store_personas,
)
from mcp_client import ToolClient, patch_operations
from starlette.applications import Starlette

from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.sandbox.faults import Fault
from tavus_mcp.sandbox.store import Store
from tavus_mcp.sandbox.switches import Switches

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = [pytest.mark.anyio, pytest.mark.every_database]

HELLO = {"values": {"/greeting": "Hello."}}


def edit_persona(store: Store, persona_id: str, **fields: Any) -> None:
    """Edit a stored persona as another client would."""
    store.put("persona", persona_id, {**(store.get("persona", persona_id) or {}), **fields})


async def test_the_requests_match_the_plan(tool_client: ToolClient, store: Store) -> None:
    stt = {"llm": {"model": RETIRED_MODEL}, "stt": {"hotwords": "Tavus"}}
    ids = store_personas(
        store,
        build_persona_row(1, layers=build_model_layers(RETIRED_MODEL)),
        build_persona_row(2),
        build_persona_row(3, layers=stt),
    )
    plan = await create_bulk_plan(
        tool_client,
        everything=True,
        values={"/layers/llm/model": CURRENT_MODEL, "/layers/tts/tts_engine": "cartesia"},
        unset=["/layers/stt/hotwords"],
    )
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    paths_by_persona = {row["persona_id"]: row["paths"] for row in plan["personas"]}
    patches = {
        request.url.path.rsplit("/", 1)[-1]: patch_operations(request)
        for request in tool_client.transport.writes
    }
    leaves = {
        persona_id: sorted(
            f"{item['path']}/tts_engine" if item["path"].endswith("/tts") else item["path"]
            for item in patch
        )
        for persona_id, patch in patches.items()
    }
    assert leaves == {persona_id: sorted(paths) for persona_id, paths in paths_by_persona.items()}
    assert applied["status"] == "applied"
    assert statuses(applied) == ["applied"] * 3
    assert applied["totals"] == {"applied": 3}
    assert [row["layers"] for row in read_stored_personas(store, *ids)] == [
        {"llm": {"model": CURRENT_MODEL}, "tts": {"tts_engine": "cartesia"}},
        {"llm": {"model": CURRENT_MODEL}, "tts": {"tts_engine": "cartesia"}},
        {"llm": {"model": CURRENT_MODEL}, "tts": {"tts_engine": "cartesia"}, "stt": {}},
    ]


async def test_each_persona_has_its_own_journal_entries(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 3)
    plan = await create_bulk_plan(tool_client, everything=True, **HELLO)
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    for persona_id, row in zip(ids, applied["personas"], strict=True):
        rows = (await tool_client.expect_result("list_revisions", persona_id=persona_id))[
            "revisions"
        ]
        assert (rows[0]["tool"], rows[0]["status"]) == ("plan_bulk_change", "applied")
        assert rows[0]["revision"] == row["revision"]
    journal = JournalStore.open(tool_client.server.app.journal.location)
    kinds = [line.kind for line in journal.entries()]
    assert (kinds.count("plan"), kinds.count("used"), kinds.count("intent")) == (1, 3, 3)
    assert journal.verify() == []
    journal.close()


async def test_a_persona_changed_in_between_is_reported_and_the_others_are_changed(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 10)
    plan = await create_bulk_plan(tool_client, everything=True, **HELLO)
    edit_persona(store, ids[4], greeting="Theirs.")
    edit_persona(store, ids[5], system_prompt="You sing.")
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert applied["status"] == "partial"
    assert applied["totals"] == {"applied": 9, "failed": 1}
    row = applied["personas"][4]
    assert (row["persona_id"], row["status"]) == (ids[4], "failed")
    assert '+ /greeting: "Theirs." (changed outside this journal)' in row["error"]
    assert (store.get("persona", ids[4]) or {})["greeting"] == "Theirs."
    assert "apply_plan(plan_id=" in applied["findings"][0]["hint"]


async def test_personas_whose_edits_cannot_be_checked_get_plans_of_their_own(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    ids = store_equal_personas(store, 2)
    edit_persona(store, ids[0], greeting="Hi.")
    edit_persona(store, ids[1], greeting="Hi.")
    plan = await create_bulk_plan(tool_client, everything=True, **HELLO)
    sandbox.state.switches = Switches(test_operations="refused")
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert applied["totals"] == {"planned": 2}
    [finding] = applied["findings"]
    assert "each row's" in finding["hint"]
    assert plan["plan_id"] not in finding["hint"]
    assert [row["greeting"] for row in read_stored_personas(store, *ids)] == ["Hi.", "Hi."]
    for row in applied["personas"]:
        assert row["plan_id"] in row["error"]
        await tool_client.expect_result("apply_plan", plan_id=row["plan_id"])
    assert [row["greeting"] for row in read_stored_personas(store, *ids)] == ["Hello.", "Hello."]
    again = await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
    assert "carried out already" in again
    undo = await create_bulk_plan(tool_client, undo_of=plan["plan_id"])
    assert [row["persona_id"] for row in undo["personas"]] == ids


async def test_a_deleted_persona_and_a_refused_change_are_reported(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    ids = store_equal_personas(store, 6)
    plan = await create_bulk_plan(tool_client, everything=True, **HELLO)
    store.remove("persona", ids[0])
    maker = {"message": "This persona has unpublished changes in PAL Maker."}
    path = f"/v2/personas/{ids[3]}"
    sandbox.state.faults.plan(
        Fault(kind="status", method="PATCH", path=path, status=409, body=maker)
    )
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert statuses(applied) == ["failed", "applied", "applied", "failed", "applied", "applied"]
    assert "no such persona" in applied["personas"][0]["error"]
    assert "unpublished" in applied["personas"][3]["error"]
    again = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert statuses(again) == ["failed", *["done before"] * 2, "applied", *["done before"] * 2]


async def test_edits_of_others_to_other_fields_are_preserved(
    tool_client: ToolClient, store: Store, sandbox: Starlette, open_tool_client: ToolClientFactory
) -> None:
    """An edit between our read and our write makes the tests of the patch fail."""
    ids = store_equal_personas(store, 2, greeting="Hi.")

    async def meanwhile(method: str, path: str) -> None:
        if method == "PATCH" and path.endswith(ids[0]):
            edit_persona(
                store, ids[0], greeting="Mine.", updated_at="2026-11-02T00:00:00.000000+00:00"
            )

    async with open_tool_client(ObservedApp(sandbox, meanwhile)) as other:
        plan = await create_bulk_plan(other, everything=True, **HELLO)
        applied = await other.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert statuses(applied) == ["failed", "applied"]
    assert [row["greeting"] for row in read_stored_personas(store, *ids)] == ["Mine.", "Hello."]


async def test_a_bulk_plan_is_applied_once(tool_client: ToolClient, store: Store) -> None:
    store_equal_personas(store, 3)
    plan = await create_bulk_plan(tool_client, everything=True, **HELLO)
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    sent_so_far = len(tool_client.transport.requests)
    assert "carried out already" in await tool_client.expect_error(
        "apply_plan", plan_id=plan["plan_id"]
    )
    assert len(tool_client.transport.requests) == sent_so_far


async def test_an_expired_plan_is_refused(
    open_tool_client: ToolClientFactory, store: Store
) -> None:
    from datetime import UTC, datetime, timedelta

    times = [datetime(2026, 11, 22, 9, tzinfo=UTC)]
    store_equal_personas(store, 2)
    async with open_tool_client(clock=lambda: times[0]) as client:
        plan = await create_bulk_plan(client, everything=True, **HELLO)
        assert plan["expires_at"] == "2026-11-22T10:00:00+00:00"
        times[0] += timedelta(hours=1, seconds=1)
        assert "expired" in await client.expect_error("apply_plan", plan_id=plan["plan_id"])
        assert client.transport.writes == []


REFUSED = {"kind": "status", "times": 0}


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"status": 401, "body": {"message": "Invalid access token"}}, "TAVUS_API_KEY"),
        ({"status": 402, "body": {"message": "Payment required"}}, "no credits left"),
        ({"status": 429, "headers": {"retry-after": "0"}}, "Too many requests"),
        ({"status": 503, "headers": {"retry-after": "0"}}, "Tavus answered 503"),
        (None, "No answer from Tavus"),
    ],
    ids=["401", "402", "429", "503", "no connection"],
)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_a_general_failure_stops_the_run_and_explains_how_to_resume(
    open_tool_client: ToolClientFactory,
    store: Store,
    sandbox: Starlette,
    method: str,
    fault: dict[str, Any] | None,
    word: str,
) -> None:
    ids = store_equal_personas(store, 30)
    trouble = False

    async def meanwhile(sent: str, path: str) -> None:
        if trouble and fault is None and sent == method and len(watched.request_lines) > 25:
            raise httpx2.ConnectError("unreachable")

    watched = ObservedApp(sandbox, meanwhile)
    async with open_tool_client(watched) as client:
        plan = await create_bulk_plan(client, everything=True, **HELLO)
        watched.request_lines.clear()
        trouble = True
        if fault is not None:
            some = {"method": method, "path": "/v2/personas/*", "skip": 12}
            sandbox.state.faults.plan(Fault(**{**REFUSED, **some, **fault}))
        stopped = await client.expect_result("apply_plan", plan_id=plan["plan_id"])
        assert stopped["status"] == "partial"
        sent = stopped["totals"].get("applied", 0) + stopped["totals"].get("unverified", 0)
        assert sent >= 4  # those that could not be read back are unverified
        assert stopped["totals"]["left"] >= 5
        assert word in stopped["findings"][0]["message"]
        assert plan["plan_id"] in stopped["findings"][0]["hint"]
        trouble = False
        sandbox.state.faults.clear()
        resumed = await client.expect_result("apply_plan", plan_id=plan["plan_id"])
        assert resumed["status"] == "applied"
        assert resumed["totals"]["done_before"] == sent
    assert all(row["greeting"] == "Hello." for row in read_stored_personas(store, *ids))


async def test_one_unresponsive_persona_does_not_block_the_others(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    ids = store_equal_personas(store, 20)
    plan = await create_bulk_plan(tool_client, everything=True, **HELLO)
    path, at_once = f"/v2/personas/{ids[2]}", {"retry-after": "0"}
    sandbox.state.faults.plan(
        Fault(kind="status", method="PATCH", path=path, status=503, times=0, headers=at_once)
    )
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert applied["totals"] == {"applied": 19, "failed": 1}
    assert "not certain" in applied["personas"][2]["error"]


async def test_a_general_failure_at_the_start_is_an_error(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    store_equal_personas(store, 5)
    plan = await create_bulk_plan(tool_client, everything=True, **HELLO)
    sandbox.state.faults.plan(Fault(kind="status", status=401, times=0))
    assert "TAVUS_API_KEY" in await tool_client.expect_error("apply_plan", plan_id=plan["plan_id"])
    assert tool_client.transport.writes == []


async def test_two_calls_of_one_plan_do_not_run_concurrently(
    open_tool_client: ToolClientFactory, store: Store, sandbox: Starlette
) -> None:
    store_equal_personas(store, 5)
    refusals: list[str] = []

    async def meanwhile(method: str, _path: str) -> None:
        if method == "PATCH" and not refusals:
            refusals.append("")  # only once, and not while the call below is running
            refusals[0] = await client.expect_error("apply_plan", plan_id=plan["plan_id"])

    async with open_tool_client(ObservedApp(sandbox, meanwhile)) as client:
        plan = await create_bulk_plan(client, everything=True, **HELLO)
        applied = await client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert "applying this plan right now" in refusals[0]
    assert statuses(applied) == ["applied"] * 5


async def test_two_servers_applying_one_plan_write_each_persona_once(
    open_tool_client: ToolClientFactory, store: Store, sandbox: Starlette
) -> None:
    ids = store_equal_personas(store, 8)
    async with open_tool_client() as other:
        answers: list[dict[str, Any]] = []

        async def meanwhile(method: str, _path: str) -> None:
            if method == "PATCH" and not answers:
                answers.append({})
                answers[0] = await other.expect_result("apply_plan", plan_id=plan["plan_id"])

        watched = ObservedApp(sandbox, meanwhile)
        async with open_tool_client(watched) as client:
            plan = await create_bulk_plan(client, everything=True, **HELLO)
            await client.call("apply_plan", plan_id=plan["plan_id"])
        written = [
            it.url.path for wire in (client.transport, other.transport) for it in wire.writes
        ]
    assert all(row["greeting"] == "Hello." for row in read_stored_personas(store, *ids))
    assert sorted(set(written)) == [f"/v2/personas/{persona_id}" for persona_id in ids]


async def test_a_304_answer_that_the_read_contradicts_is_unverified_and_not_failed(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    """Tavus: 304 is a success without a change; the persona should then read as requested."""
    ids = store_equal_personas(store, 2)
    plan = await create_bulk_plan(tool_client, everything=True, **HELLO)
    path = f"/v2/personas/{ids[1]}"
    sandbox.state.faults.plan(Fault(kind="status", method="PATCH", path=path, status=304, body={}))
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert statuses(applied) == ["applied", "unverified"]
    assert applied["status"] == "unverified"


async def test_failed_personas_are_always_listed_in_a_truncated_result(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 120)
    plan = await create_bulk_plan(tool_client, everything=True, **HELLO)
    assert (plan["totals"]["planned"], len(plan["personas"])) == (120, 100)
    edit_persona(store, ids[110], greeting="Mine.")
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert applied["totals"] == {"applied": 119, "failed": 1}
    assert len(applied["personas"]) == 100
    failed = [row for row in applied["personas"] if row["status"] == "failed"]
    assert [row["persona_id"] for row in failed] == [ids[110]]
    assert len(json.dumps(applied, separators=(",", ":"))) < 14_000
