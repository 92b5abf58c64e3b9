"""apply_plan of a bulk plan: exactly what was shown, and one trouble stops no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from account import GOOD, RETIRED, Watched, fill, kept, many, model, persona_of, planned, statuses
from mcp_client import Desk, sent
from starlette.applications import Starlette

from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.sandbox.faults import Fault
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio

HELLO = {"values": {"/greeting": "Hello."}}


def edited(store: Store, persona_id: str, **fields: Any) -> None:
    """Edit a persona behind our back."""
    store.put("persona", persona_id, {**(store.get("persona", persona_id) or {}), **fields})


async def test_what_is_sent_is_what_the_plan_told(desk: Desk, store: Store) -> None:
    stt = {"llm": {"model": RETIRED}, "stt": {"hotwords": "Tavus"}}
    ids = fill(
        store, persona_of(1, layers=model(RETIRED)), persona_of(2), persona_of(3, layers=stt)
    )
    plan = await planned(
        desk,
        everything=True,
        values={"/layers/llm/model": GOOD, "/layers/tts/tts_engine": "cartesia"},
        unset=["/layers/stt/hotwords"],
    )
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    told = {row["persona_id"]: row["paths"] for row in plan["personas"]}
    patches = {request.url.path.rsplit("/", 1)[-1]: sent(request) for request in desk.wire.writes}
    leaves = {
        persona_id: sorted(
            f"{item['path']}/tts_engine" if item["path"].endswith("/tts") else item["path"]
            for item in patch
        )
        for persona_id, patch in patches.items()
    }
    assert leaves == {persona_id: sorted(paths) for persona_id, paths in told.items()}
    assert applied["status"] == "applied"
    assert statuses(applied) == ["applied"] * 3
    assert applied["totals"] == {"applied": 3}
    assert [row["layers"] for row in kept(store, *ids)] == [
        {"llm": {"model": GOOD}, "tts": {"tts_engine": "cartesia"}},
        {"llm": {"model": GOOD}, "tts": {"tts_engine": "cartesia"}},
        {"llm": {"model": GOOD}, "tts": {"tts_engine": "cartesia"}, "stt": {}},
    ]


async def test_each_persona_has_its_own_lines_in_the_journal(desk: Desk, store: Store) -> None:
    ids = many(store, 3)
    plan = await planned(desk, everything=True, **HELLO)
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    for persona_id, row in zip(ids, applied["personas"], strict=True):
        rows = (await desk.facts("list_revisions", persona_id=persona_id))["revisions"]
        assert (rows[0]["tool"], rows[0]["status"]) == ("plan_bulk_change", "applied")
        assert rows[0]["revision"] == row["revision"]
    journal = JournalStore.open(desk.server.app.diary.path)
    kinds = [line.kind for line in journal.entries()]
    assert (kinds.count("plan"), kinds.count("used"), kinds.count("intent")) == (1, 3, 3)
    assert journal.verify() == []
    journal.close()


async def test_one_that_changed_meanwhile_is_reported_and_stops_no_other(
    desk: Desk, store: Store
) -> None:
    ids = many(store, 10)
    plan = await planned(desk, everything=True, **HELLO)
    edited(store, ids[4], system_prompt="You sing.")
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert applied["status"] == "partial"
    assert applied["totals"] == {"applied": 9, "failed": 1}
    row = applied["personas"][4]
    assert (row["persona_id"], row["status"]) == (ids[4], "failed")
    assert "/system_prompt from 'You help people.' to 'You sing.'" in row["error"]
    assert "greeting" not in (store.get("persona", ids[4]) or {})
    assert "apply_plan(plan_id=" in applied["findings"][0]["hint"]


async def test_one_that_vanished_and_one_that_is_refused_are_reported(
    desk: Desk, store: Store, sandbox: Starlette
) -> None:
    ids = many(store, 6)
    plan = await planned(desk, everything=True, **HELLO)
    store.remove("persona", ids[0])
    maker = {"message": "This persona has unpublished changes in PAL Maker."}
    path = f"/v2/personas/{ids[3]}"
    sandbox.state.faults.plan(
        Fault(kind="status", method="PATCH", path=path, status=409, body=maker)
    )
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert statuses(applied) == ["failed", "applied", "applied", "failed", "applied", "applied"]
    assert "no such persona" in applied["personas"][0]["error"]
    assert "unpublished" in applied["personas"][3]["error"]
    again = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert statuses(again) == ["failed", *["done before"] * 2, "applied", *["done before"] * 2]


async def test_what_was_edited_meanwhile_elsewhere_by_others_stays(
    desk: Desk, store: Store, sandbox: Starlette, opening: Opening
) -> None:
    """Between our read and our write: the tests of the patch notice it."""
    ids = many(store, 2, greeting="Hi.")

    async def meanwhile(method: str, path: str) -> None:
        if method == "PATCH" and path.endswith(ids[0]):
            edited(store, ids[0], greeting="Mine.", updated_at="2026-11-02T00:00:00.000000+00:00")

    async with opening(Watched(sandbox, meanwhile)) as other:
        plan = await planned(other, everything=True, **HELLO)
        applied = await other.facts("apply_plan", plan_id=plan["plan_id"])
    assert statuses(applied) == ["failed", "applied"]
    assert [row["greeting"] for row in kept(store, *ids)] == ["Mine.", "Hello."]


async def test_a_plan_that_was_carried_out_is_not_carried_out_again(
    desk: Desk, store: Store
) -> None:
    many(store, 3)
    plan = await planned(desk, everything=True, **HELLO)
    await desk.facts("apply_plan", plan_id=plan["plan_id"])
    sent_so_far = len(desk.wire.requests)
    assert "carried out already" in await desk.refusal("apply_plan", plan_id=plan["plan_id"])
    assert len(desk.wire.requests) == sent_so_far


async def test_an_expired_plan_is_refused(opening: Opening, store: Store) -> None:
    from datetime import UTC, datetime, timedelta

    times = [datetime(2026, 11, 22, 9, tzinfo=UTC)]
    many(store, 2)
    async with opening(clock=lambda: times[0]) as desk:
        plan = await planned(desk, everything=True, **HELLO)
        assert plan["expires_at"] == "2026-11-22T10:00:00+00:00"
        times[0] += timedelta(hours=1, seconds=1)
        assert "expired" in await desk.refusal("apply_plan", plan_id=plan["plan_id"])
        assert desk.wire.writes == []


REFUSED = {"kind": "status", "times": 0}


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"status": 401, "body": {"message": "Invalid access token"}}, "TAVUS_API_KEY"),
        ({"status": 429, "headers": {"retry-after": "0"}}, "Too many requests"),
        ({"status": 503, "headers": {"retry-after": "0"}}, "Tavus answered 503"),
        (None, "No answer from Tavus"),
    ],
    ids=["401", "429", "503", "no connection"],
)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_what_would_hit_all_the_rest_stops_the_run_and_says_how_to_go_on(
    opening: Opening,
    store: Store,
    sandbox: Starlette,
    method: str,
    fault: dict[str, Any] | None,
    word: str,
) -> None:
    ids = many(store, 30)
    trouble = False

    async def meanwhile(sent: str, path: str) -> None:
        if trouble and fault is None and sent == method and len(watched.lines) > 25:
            raise httpx2.ConnectError("unreachable")

    watched = Watched(sandbox, meanwhile)
    async with opening(watched) as desk:
        plan = await planned(desk, everything=True, **HELLO)
        watched.lines.clear()
        trouble = True
        if fault is not None:
            some = {"method": method, "path": "/v2/personas/*", "skip": 12}
            sandbox.state.faults.plan(Fault(**{**REFUSED, **some, **fault}))
        stopped = await desk.facts("apply_plan", plan_id=plan["plan_id"])
        assert stopped["status"] == "partial"
        assert stopped["totals"]["applied"] >= 4
        assert stopped["totals"]["left"] >= 5
        assert word in stopped["findings"][0]["message"]
        assert plan["plan_id"] in stopped["findings"][0]["hint"]
        trouble = False
        sandbox.state.faults.clear()
        resumed = await desk.facts("apply_plan", plan_id=plan["plan_id"])
        assert resumed["status"] == "applied"
        assert resumed["totals"]["done_before"] == stopped["totals"]["applied"]
    assert all(row["greeting"] == "Hello." for row in kept(store, *ids))


async def test_one_persona_that_never_answers_does_not_keep_the_others_waiting(
    desk: Desk, store: Store, sandbox: Starlette
) -> None:
    ids = many(store, 20)
    plan = await planned(desk, everything=True, **HELLO)
    path, at_once = f"/v2/personas/{ids[2]}", {"retry-after": "0"}
    sandbox.state.faults.plan(
        Fault(kind="status", method="PATCH", path=path, status=503, times=0, headers=at_once)
    )
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert applied["totals"] == {"applied": 19, "failed": 1}
    assert "not certain" in applied["personas"][2]["error"]


async def test_what_stands_against_all_from_the_start_is_an_error(
    desk: Desk, store: Store, sandbox: Starlette
) -> None:
    many(store, 5)
    plan = await planned(desk, everything=True, **HELLO)
    sandbox.state.faults.plan(Fault(kind="status", status=401, times=0))
    assert "TAVUS_API_KEY" in await desk.refusal("apply_plan", plan_id=plan["plan_id"])
    assert desk.wire.writes == []


async def test_two_calls_of_one_plan_do_not_run_beside_each_other(
    opening: Opening, store: Store, sandbox: Starlette
) -> None:
    many(store, 5)
    said: list[str] = []

    async def meanwhile(method: str, _path: str) -> None:
        if method == "PATCH" and not said:
            said.append("")
            said[0] = await desk.refusal("apply_plan", plan_id=plan["plan_id"])

    async with opening(Watched(sandbox, meanwhile)) as desk:
        plan = await planned(desk, everything=True, **HELLO)
        applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert "being carried out" in said[0]
    assert statuses(applied) == ["applied"] * 5


async def test_two_servers_share_the_work_and_each_persona_is_written_once(
    opening: Opening, store: Store, sandbox: Starlette
) -> None:
    ids = many(store, 8)
    async with opening() as other:
        answers: list[dict[str, Any]] = []

        async def meanwhile(method: str, _path: str) -> None:
            if method == "PATCH" and not answers:
                answers.append({})
                answers[0] = await other.facts("apply_plan", plan_id=plan["plan_id"])

        watched = Watched(sandbox, meanwhile)
        async with opening(watched) as desk:
            plan = await planned(desk, everything=True, **HELLO)
            await desk.call("apply_plan", plan_id=plan["plan_id"])
        written = [it.url.path for wire in (desk.wire, other.wire) for it in wire.writes]
    assert all(row["greeting"] == "Hello." for row in kept(store, *ids))
    assert sorted(set(written)) == [f"/v2/personas/{persona_id}" for persona_id in ids]


async def test_a_persona_that_is_so_already_by_then_is_no_failure(
    desk: Desk, store: Store, sandbox: Starlette
) -> None:
    """304 is success: Tavus saw nothing to change."""
    ids = many(store, 2)
    plan = await planned(desk, everything=True, **HELLO)
    path = f"/v2/personas/{ids[1]}"
    sandbox.state.faults.plan(Fault(kind="status", method="PATCH", path=path, status=304, body={}))
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert statuses(applied) == ["applied", "unchanged"]
    assert applied["status"] == "applied"


async def test_of_very_many_those_that_need_a_look_are_always_told(
    desk: Desk, store: Store
) -> None:
    ids = many(store, 120)
    plan = await planned(desk, everything=True, **HELLO)
    assert (plan["totals"]["planned"], len(plan["personas"])) == (120, 100)
    edited(store, ids[110], greeting="Mine.")
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert applied["totals"] == {"applied": 119, "failed": 1}
    assert len(applied["personas"]) == 100
    failed = [row for row in applied["personas"] if row["status"] == "failed"]
    assert [row["persona_id"] for row in failed] == [ids[110]]
    assert len(json.dumps(applied, separators=(",", ":"))) < 14_000
