"""plan_bulk_change: who is in the plan and who is not, told in few words; nothing is changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from account import DEPRECATED, GOOD, RETIRED, fill, kept, many, model, persona_of, planned, weight
from mcp_client import SECRET, Desk
from starlette.applications import Starlette

from tavus_mcp.sandbox.faults import Fault
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio

STOCK = "p1af207b8189"
TO_GOOD = {"/layers/llm/model": GOOD}


def ids_of(plan: dict[str, Any]) -> list[str]:
    return [row["persona_id"] for row in plan["personas"]]


async def test_a_plan_changes_nothing_and_tells_each_change_once(desk: Desk, store: Store) -> None:
    ids = fill(
        store,
        *(persona_of(number, layers=model(RETIRED)) for number in range(3)),
        persona_of(3, layers=model(DEPRECATED)),
        persona_of(4),
    )
    before = kept(store, *ids)
    plan = await planned(desk, everything=True, values=TO_GOOD | {"/greeting": "Hello."})
    assert kept(store, *ids) == before
    assert desk.wire.writes == []
    assert ids_of(plan) == ids
    assert plan["totals"] == {"planned": 5, "changes": 9}
    assert plan["changes"] == [
        {"path": "/greeting", "after": "Hello.", "personas": 5},
        {
            "path": "/layers/llm/model",
            "before": "(2 different values)",
            "after": GOOD,
            "personas": 4,
        },
    ]
    assert plan["personas"][4]["paths"] == ["/greeting"]
    assert plan["plan_id"].startswith("plan-")
    assert plan["expires_at"]
    assert plan["skipped"] == []


async def test_what_says_which_personas_is_combined(desk: Desk, store: Store) -> None:
    ids = fill(
        store,
        persona_of(1, persona_name="Front desk", layers=model(RETIRED)),
        persona_of(2, persona_name="Back desk", layers=model(RETIRED)),
        persona_of(3, persona_name="Front office"),
        persona_of(4, persona_name="Front door", layers=model(RETIRED)),
    )
    hello = {"values": {"/greeting": "Hello."}}
    by_name = await planned(desk, name_contains="FRONT", **hello)
    assert ids_of(by_name) == [ids[0], ids[2], ids[3]]
    by_finding = await planned(desk, finding="llm-model-retired", **hello)
    assert ids_of(by_finding) == [ids[0], ids[1], ids[3]]
    both = await planned(desk, name_contains="front", finding="llm-model-retired", **hello)
    assert ids_of(both) == [ids[0], ids[3]]
    all_three = await planned(
        desk, persona_ids=ids[:3], name_contains="front", finding="llm-model-retired", **hello
    )
    assert ids_of(all_three) == [ids[0]]


async def test_a_finding_takes_all_personas_also_where_the_audit_names_a_few(
    desk: Desk, store: Store
) -> None:
    many(store, 60, layers=model(RETIRED))
    audit = await desk.facts("audit_personas")
    assert len(audit["groups"][0]["persona_ids"]) < 60
    plan = await planned(desk, finding=audit["groups"][0]["rule"], values=TO_GOOD)
    assert plan["totals"]["planned"] == 60


async def test_ids_are_read_without_walking_the_list(desk: Desk, store: Store) -> None:
    ids = many(store, 5)
    await planned(desk, persona_ids=[ids[3], ids[1], ids[3]], values={"/greeting": "Hi."})
    assert desk.wire.lines == [f"GET /v2/personas/{ids[3]}", f"GET /v2/personas/{ids[1]}"]


async def test_who_is_left_out_is_told_with_the_reason(
    desk: Desk, store: Store, sandbox: Starlette
) -> None:
    custom = {"llm": {"model": "mine", "base_url": "https://llm.example.com/v1"}}
    ids = fill(
        store,
        persona_of(1),
        persona_of(2, layers={"llm": {"model": GOOD}, "conferencing": {"provider": "zoom"}}),
        persona_of(3, layers=model("tavus-glm-4.7")),
        persona_of(4, layers=custom),
        persona_of(5, layers=model(RETIRED)),
    )
    sandbox.state.faults.plan(Fault(kind="status", path=f"/v2/personas/{ids[2]}", status=500))
    gone = "p00000000099"
    asked = [*ids, STOCK, gone]
    plan = await planned(desk, persona_ids=asked, values={**TO_GOOD, "/layers/llm/base_url": None})
    assert ids_of(plan) == [ids[3], ids[4]]
    reasons = {row["persona_id"]: row["reason"] for row in plan["skipped"]}
    assert reasons.keys() == {ids[0], ids[1], ids[2], STOCK, gone}
    assert reasons[ids[0]] == "It is so already."
    assert "create_persona(based_on" in reasons[STOCK]
    assert "500" in reasons[ids[2]]
    assert "no such persona" in reasons[gone]
    assert plan["totals"] == {
        "planned": 2,
        "already_so": 2,
        "not_editable": 1,
        "unreadable": 2,
        "changes": 3,
    }


async def test_what_tavus_would_refuse_is_left_out_with_the_words_of_the_rule(
    desk: Desk, store: Store
) -> None:
    ids = fill(store, persona_of(1), persona_of(2, pipeline_mode="echo", system_prompt=""))
    plan = await planned(desk, everything=True, values={"/system_prompt": "You listen."})
    assert ids_of(plan) == ids[:1]
    assert "Mode echo takes no system_prompt" in plan["skipped"][0]["reason"]
    said = await desk.refusal(
        "plan_bulk_change", everything=True, values={"/layers/llm/modle": GOOD}
    )
    assert said.startswith("Nothing can be planned, and nothing was sent.")
    assert "'model'" in said
    assert "(2 personas)" in said


async def test_a_limit_takes_the_first_of_the_list_and_says_so(desk: Desk, store: Store) -> None:
    ids = many(store, 40, layers=model(RETIRED))
    plan = await planned(desk, everything=True, values=TO_GOOD, limit=5)
    assert ids_of(plan) == ids[:5]
    assert plan["totals"]["planned"] == 5
    assert "limit" in plan["next"]
    assert len(desk.wire.lines) < 20


async def test_a_plan_for_a_hundred_personas_stays_readable(desk: Desk, store: Store) -> None:
    for number in range(100):
        name = f"Technical Interviewer for the Platform Group {number}"
        fill(
            store,
            persona_of(number, persona_name=name, layers=model((RETIRED, DEPRECATED)[number % 2])),
        )
    asked = {"everything": True, "values": {**TO_GOOD, "/greeting": "Hello, and welcome."}}
    result = await desk.call("plan_bulk_change", **asked)
    plan = result.structured_content or {}
    assert (plan["status"], len(plan["personas"])) == ("planned", 100)
    assert weight(plan) <= 12_000
    assert len(result.content[0].text.encode()) <= 12_000  # type: ignore[union-attr]  # it is text
    applied = await desk.call("apply_plan", plan_id=plan["plan_id"])
    assert len(applied.content[0].text.encode()) <= 12_000  # type: ignore[union-attr]  # it is text


async def test_personas_that_each_change_in_their_own_way_are_still_few_words(
    desk: Desk, store: Store
) -> None:
    fill(store, *(persona_of(number, greeting=f"Hi {number}. " * 30) for number in range(60)))
    plan = await planned(desk, everything=True, unset=["/greeting"])
    assert plan["changes"] == [
        {"path": "/greeting", "before": "(60 different values)", "personas": 60}
    ]
    assert weight(plan) < 12_000


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"values": {"/greeting": "x"}}, "everything=true"),
    ({"everything": True}, "exactly one"),
    ({"persona_ids": ["p1"], "values": {"/greeting": "x"}, "undo_of": "plan-1-x"}, "exactly one"),
    ({"persona_ids": ["p1"], "undo_of": "plan-1-x"}, "stands alone"),
    ({"everything": True, "values": {"greeting": "x"}}, "must start with '/'"),
    ({"everything": True, "values": {"/greting": "x"}}, "did you mean 'greeting'"),
    ({"everything": True, "unset": ["/persona_id"]}, "/unset/0: /persona_id is set by Tavus"),
    ({"everything": True, "values": {"": {}}}, "name a field"),
    ({"finding": "llm-model-retird", "unset": ["/greeting"]}, "did you mean 'llm-model-retired'"),
    ({"persona_ids": ["../x"], "unset": ["/greeting"]}, "not an id"),
    ({"everything": True, "unset": ["/greeting"], "limit": 0}, "/limit"),
    ({"undo_of": "plan-1-x"}, "no plan of that id"),
    ({"everything": True, "values": {"/layers/tts/api_key_ref": "nope"}}, "TAVUS_SECRET_"),
]


@pytest.mark.parametrize(("asked", "told"), WRONG, ids=[told for _, told in WRONG])
async def test_what_is_asked_wrongly_is_refused_before_anything_is_read(
    desk: Desk, asked: dict[str, Any], told: str
) -> None:
    assert told in await desk.refusal("plan_bulk_change", **asked)
    assert desk.wire.requests == []


async def test_a_key_of_a_bulk_plan_is_sent_and_shown_nowhere_and_not_on_disk(
    desk: Desk, store: Store
) -> None:
    tts = {"tts": {"tts_engine": "cartesia"}}
    ids = fill(store, *(persona_of(number, layers=tts) for number in range(3)))
    literal = "canary-6f1e22b9aa"
    values = {
        "/layers/tts/api_key_ref": "openai",
        "/layers/llm": {"model": "m", "base_url": "https://llm.example.com/v1", "api_key": literal},
        "/layers/llm/headers/Authorization": "Bearer {secret:openai}",
    }
    plan = await planned(desk, everything=True, values=values)
    assert any("conversation with the model" in row["message"] for row in plan["findings"])
    applied = await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert applied["status"] == "applied"
    for persona_id in ids:
        layers = (store.get("persona", persona_id) or {})["layers"]
        assert layers["tts"]["api_key"] == SECRET
        assert layers["llm"]["api_key"] == literal
        assert layers["llm"]["headers"] == {"Authorization": f"Bearer {SECRET}"}
    folder = desk.server.app.diary.path.parent
    disk = b"".join(path.read_bytes() for path in folder.iterdir())
    for secret in (SECRET, literal):
        assert secret not in json.dumps([plan, applied])
        assert secret.encode() not in disk


async def test_a_plan_with_a_key_does_not_outlive_the_server_that_holds_the_key(
    opening: Opening, store: Store
) -> None:
    many(store, 2, layers={"tts": {"tts_engine": "cartesia"}})
    async with opening() as desk:
        plan = await planned(desk, everything=True, values={"/layers/tts/api_key_ref": "openai"})
    async with opening() as desk:
        assert "holds a key" in await desk.refusal("apply_plan", plan_id=plan["plan_id"])
        assert desk.wire.requests == []


async def test_a_read_only_server_plans_but_does_not_apply(opening: Opening, store: Store) -> None:
    many(store, 2)
    async with opening(read_only=True) as desk:
        plan = await planned(desk, everything=True, values={"/greeting": "Hi."})
        assert "read-only" in await desk.refusal("apply_plan", plan_id=plan["plan_id"])
        assert desk.wire.writes == []


async def test_a_plan_of_the_newer_vocabulary_is_understood(desk: Desk, store: Store) -> None:
    many(store, 1)
    plan = await planned(desk, everything=True, values={"/default_face_id": "r79e1c033f"})
    assert plan["changes"][0]["path"] == "/default_replica_id"


async def test_planning_tells_its_progress(desk: Desk, store: Store) -> None:
    many(store, 30)
    told: list[float] = []

    async def hear(progress: float, _total: float | None, _message: str | None) -> None:
        told.append(progress)

    asked = {"everything": True, "values": {"/greeting": "Hi."}}
    result = await desk.client.call_tool("plan_bulk_change", asked, progress_callback=hear)
    assert (told, told[-1]) == (sorted(set(told)), 30)
    plan_id = (result.structured_content or {})["plan_id"]
    told.clear()
    await desk.client.call_tool("apply_plan", {"plan_id": plan_id}, progress_callback=hear)
    assert (told, told[-1]) == (sorted(set(told)), 30)
