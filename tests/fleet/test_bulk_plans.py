"""plan_bulk_change: which personas are in the plan, in a short result, without any write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from account import (
    CURRENT_MODEL,
    DEPRECATED_MODEL,
    RETIRED_MODEL,
    build_model_layers,
    build_persona_row,
    count_bytes,
    create_bulk_plan,
    read_stored_personas,
    store_equal_personas,
    store_personas,
)
from mcp_client import SECRET, ToolClient
from starlette.applications import Starlette

from tavus_mcp.sandbox.faults import Fault
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio

STOCK = "p1af207b8189"
TO_GOOD = {"/layers/llm/model": CURRENT_MODEL}


def list_ids(plan: dict[str, Any]) -> list[str]:
    return [row["persona_id"] for row in plan["personas"]]


async def test_a_bulk_plan_writes_nothing_and_lists_each_change_once(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_personas(
        store,
        *(
            build_persona_row(number, layers=build_model_layers(RETIRED_MODEL))
            for number in range(3)
        ),
        build_persona_row(3, layers=build_model_layers(DEPRECATED_MODEL)),
        build_persona_row(4),
    )
    before = read_stored_personas(store, *ids)
    plan = await create_bulk_plan(
        tool_client, everything=True, values=TO_GOOD | {"/greeting": "Hello."}
    )
    assert read_stored_personas(store, *ids) == before
    assert tool_client.transport.writes == []
    assert list_ids(plan) == ids
    assert plan["totals"] == {"planned": 5, "changes": 9}
    assert plan["changes"] == [
        {"path": "/greeting", "after": "Hello.", "personas": 5},
        {
            "path": "/layers/llm/model",
            "before": "(2 different values)",
            "after": CURRENT_MODEL,
            "personas": 4,
        },
    ]
    assert plan["personas"][4]["paths"] == ["/greeting"]
    assert plan["plan_id"].startswith("plan-")
    assert plan["expires_at"]
    assert plan["skipped"] == []


async def test_selection_criteria_are_combined(tool_client: ToolClient, store: Store) -> None:
    ids = store_personas(
        store,
        build_persona_row(1, persona_name="Front desk", layers=build_model_layers(RETIRED_MODEL)),
        build_persona_row(2, persona_name="Back desk", layers=build_model_layers(RETIRED_MODEL)),
        build_persona_row(3, persona_name="Front office"),
        build_persona_row(4, persona_name="Front door", layers=build_model_layers(RETIRED_MODEL)),
    )
    hello = {"values": {"/greeting": "Hello."}}
    by_name = await create_bulk_plan(tool_client, name_contains="FRONT", **hello)
    assert list_ids(by_name) == [ids[0], ids[2], ids[3]]
    by_finding = await create_bulk_plan(tool_client, finding="llm-model-retired", **hello)
    assert list_ids(by_finding) == [ids[0], ids[1], ids[3]]
    both = await create_bulk_plan(
        tool_client, name_contains="front", finding="llm-model-retired", **hello
    )
    assert list_ids(both) == [ids[0], ids[3]]
    all_three = await create_bulk_plan(
        tool_client,
        persona_ids=ids[:3],
        name_contains="front",
        finding="llm-model-retired",
        **hello,
    )
    assert list_ids(all_three) == [ids[0]]


async def test_a_plan_for_a_finding_that_no_persona_has_explains_that(
    tool_client: ToolClient, store: Store
) -> None:
    """Found in use: the plan was empty, and nothing said why."""
    store_equal_personas(store, 2)
    plan = await tool_client.expect_result(
        "plan_bulk_change", finding="llm-model-retired", values=TO_GOOD
    )
    assert (plan["status"], plan["personas"]) == ("unchanged", [])
    [finding] = plan["findings"]
    assert (finding["path"], finding["severity"]) == ("/finding", "info")
    assert "has the finding llm-model-retired" in finding["message"]


async def test_selecting_by_rule_includes_personas_beyond_those_the_audit_lists(
    tool_client: ToolClient, store: Store
) -> None:
    store_equal_personas(store, 60, layers=build_model_layers(RETIRED_MODEL))
    audit = await tool_client.expect_result("audit_personas")
    assert len(audit["groups"][0]["persona_ids"]) < 60
    plan = await create_bulk_plan(tool_client, finding=audit["groups"][0]["rule"], values=TO_GOOD)
    assert plan["totals"]["planned"] == 60


async def test_ids_are_read_without_walking_the_list(tool_client: ToolClient, store: Store) -> None:
    ids = store_equal_personas(store, 5)
    await create_bulk_plan(
        tool_client, persona_ids=[ids[3], ids[1], ids[3]], values={"/greeting": "Hi."}
    )
    assert tool_client.transport.request_lines == [
        f"GET /v2/personas/{ids[3]}",
        f"GET /v2/personas/{ids[1]}",
    ]


async def test_skipped_personas_are_listed_with_the_reason(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    custom = {"llm": {"model": "mine", "base_url": "https://llm.example.com/v1"}}
    ids = store_personas(
        store,
        build_persona_row(1),
        build_persona_row(
            2, layers={"llm": {"model": CURRENT_MODEL}, "conferencing": {"provider": "zoom"}}
        ),
        build_persona_row(3, layers=build_model_layers("tavus-glm-4.7")),
        build_persona_row(4, layers=custom),
        build_persona_row(5, layers=build_model_layers(RETIRED_MODEL)),
    )
    sandbox.state.faults.plan(Fault(kind="status", path=f"/v2/personas/{ids[2]}", status=500))
    gone = "p00000000099"
    arguments = [*ids, STOCK, gone]
    plan = await create_bulk_plan(
        tool_client, persona_ids=arguments, values={**TO_GOOD, "/layers/llm/base_url": None}
    )
    assert list_ids(plan) == [ids[3], ids[4]]
    reasons = {row["persona_id"]: row["reason"] for row in plan["skipped"]}
    assert reasons.keys() == {ids[2], STOCK, gone}  # totals count those that are so already
    names = {row["persona_id"]: row.get("persona_name") for row in plan["skipped"]}
    assert (names[gone], names[ids[2]], bool(names[STOCK])) == (None, None, True)
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


async def test_changes_that_tavus_would_refuse_are_skipped_with_the_rule_message(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_personas(
        store, build_persona_row(1), build_persona_row(2, pipeline_mode="echo", system_prompt="")
    )
    plan = await create_bulk_plan(
        tool_client, everything=True, values={"/system_prompt": "You listen."}
    )
    assert list_ids(plan) == ids[:1]
    assert "Tavus refuses system_prompt in mode echo" in plan["skipped"][0]["reason"]
    message = await tool_client.expect_error(
        "plan_bulk_change", everything=True, values={"/layers/llm/modle": CURRENT_MODEL}
    )
    assert message.startswith("Nothing can be planned, and nothing was sent.\n")
    assert "'model'" in message
    assert "(2 personas)" in message
    assert message.count("sent") == 1


async def test_a_limit_selects_the_first_personas_and_reports_it(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 40, layers=build_model_layers(RETIRED_MODEL))
    plan = await create_bulk_plan(tool_client, everything=True, values=TO_GOOD, limit=5)
    assert list_ids(plan) == ids[:5]
    assert plan["totals"]["planned"] == 5
    assert "next_cursor" in plan["next"]
    assert len(tool_client.transport.request_lines) < 20


async def test_a_plan_for_a_hundred_personas_stays_readable(
    tool_client: ToolClient, store: Store
) -> None:
    for number in range(100):
        name = f"Technical Interviewer for the Platform Group {number}"
        store_personas(
            store,
            build_persona_row(
                number,
                persona_name=name,
                layers=build_model_layers((RETIRED_MODEL, DEPRECATED_MODEL)[number % 2]),
            ),
        )
    arguments = {"everything": True, "values": {**TO_GOOD, "/greeting": "Hello, and welcome."}}
    result = await tool_client.call("plan_bulk_change", **arguments)
    plan = result.structured_content or {}
    assert (plan["status"], len(plan["personas"])) == ("planned", 100)
    assert count_bytes(plan) <= 12_000
    assert len(result.content[0].text.encode()) <= 12_000  # type: ignore[union-attr]  # it is text
    applied = await tool_client.call("apply_plan", plan_id=plan["plan_id"])
    assert len(applied.content[0].text.encode()) <= 12_000  # type: ignore[union-attr]  # it is text


async def test_a_plan_with_different_changes_stays_short(
    tool_client: ToolClient, store: Store
) -> None:
    store_personas(
        store, *(build_persona_row(number, greeting=f"Hi {number}. " * 30) for number in range(60))
    )
    plan = await create_bulk_plan(tool_client, everything=True, unset=["/greeting"])
    assert plan["changes"] == [
        {"path": "/greeting", "before": "(60 different values)", "personas": 60}
    ]
    assert count_bytes(plan) < 12_000


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"values": {"/greeting": "x"}}, "everything=true"),
    ({"everything": True}, "exactly one"),
    ({"persona_ids": ["p1"], "values": {"/greeting": "x"}, "undo_of": "plan-1-x"}, "exactly one"),
    ({"name_contains": "p1", "undo_of": "plan-1-x"}, "or with persona_ids"),
    ({"everything": True, "values": {"colour": "x"}}, "must start with '/'"),
    ({"everything": True, "values": {"api_key": "x"}}, "must start with '/'"),
    ({"everything": True, "delete": True}, "a deletion needs persona_ids or a filter"),
    ({"find": "x"}, "/replace: give it with find"),
    ({"replace": "x", "everything": True}, "/replace: give it with find"),
    ({"find": "a", "replace": "b", "delete": True}, "exactly one"),
    ({"text_contains": "a", "delete": True, "cursor": "x"}, "/cursor"),
    ({"everything": True, "values": {"/greting": "x"}}, "did you mean '/greeting'"),
    ({"everything": True, "unset": ["/persona_id"]}, "/unset/0: /persona_id is set by Tavus"),
    ({"everything": True, "values": {"": {}}}, "name a field"),
    ({"finding": "llm-model-retird", "unset": ["/greeting"]}, "did you mean 'llm-model-retired'"),
    ({"finding": "deprecated", "unset": ["/greeting"]}, "there are context-deprecated"),
    ({"everything": True, "values": {"/tool_ids/-": "t1", "tool_ids": []}}, "set as well as"),
    ({"everything": True, "values": {"/layers/stt/hotwords/-": "C"}}, "at /layers/stt/hotwords."),
    ({"everything": True, "values": {"/document_ids/0": "d1"}}, "give /document_ids with all"),
    ({"persona_ids": ["../x"], "unset": ["/greeting"]}, "not an id"),
    ({"everything": True, "unset": ["/greeting"], "limit": 0}, "/limit"),
    ({"undo_of": "plan-1-x"}, "no plan of that id"),
    ({"everything": True, "values": {"/layers/tts/api_key_ref": "nope"}}, "TAVUS_SECRET_"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[message for _, message in WRONG])
async def test_invalid_arguments_are_refused_before_any_read(
    tool_client: ToolClient, arguments: dict[str, Any], message: str
) -> None:
    assert message in await tool_client.expect_error("plan_bulk_change", **arguments)
    assert tool_client.transport.requests == []


async def test_a_key_in_a_bulk_plan_is_sent_but_neither_returned_nor_stored(
    tool_client: ToolClient, store: Store
) -> None:
    tts = {"tts": {"tts_engine": "cartesia"}}
    ids = store_personas(store, *(build_persona_row(number, layers=tts) for number in range(3)))
    literal = "canary-6f1e22b9aa"
    values = {
        "/layers/tts/api_key_ref": "openai",
        "/layers/llm": {"model": "m", "base_url": "https://llm.example.com/v1", "api_key": literal},
        "/layers/llm/headers/Authorization": "Bearer {secret:openai}",
    }
    plan = await create_bulk_plan(tool_client, everything=True, values=values)
    assert any("the model has seen it" in row["message"] for row in plan["findings"])
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert applied["status"] == "applied"
    for persona_id in ids:
        layers = (store.get("persona", persona_id) or {})["layers"]
        assert layers["tts"]["api_key"] == SECRET
        assert layers["llm"]["api_key"] == literal
        assert layers["llm"]["headers"] == {"Authorization": f"Bearer {SECRET}"}
    folder = tool_client.server.app.journal.location.parent
    disk = b"".join(path.read_bytes() for path in folder.iterdir())
    for secret in (SECRET, literal):
        assert secret not in json.dumps([plan, applied])
        assert secret.encode() not in disk


async def test_a_plan_with_a_key_is_valid_only_in_the_server_that_created_it(
    open_tool_client: ToolClientFactory, store: Store
) -> None:
    store_equal_personas(store, 2, layers={"tts": {"tts_engine": "cartesia"}})
    async with open_tool_client() as client:
        plan = await create_bulk_plan(
            client, everything=True, values={"/layers/tts/api_key_ref": "openai"}
        )
    async with open_tool_client() as client:
        assert "holds a key" in await client.expect_error("apply_plan", plan_id=plan["plan_id"])
        assert client.transport.requests == []


async def test_a_read_only_server_plans_but_does_not_apply(
    open_tool_client: ToolClientFactory, store: Store
) -> None:
    store_equal_personas(store, 2)
    async with open_tool_client(read_only=True) as client:
        plan = await create_bulk_plan(client, everything=True, values={"/greeting": "Hi."})
        assert "read-only" in await client.expect_error("apply_plan", plan_id=plan["plan_id"])
        assert client.transport.writes == []


async def test_a_plan_in_the_pal_vocabulary_is_understood(
    tool_client: ToolClient, store: Store
) -> None:
    store_equal_personas(store, 1)
    plan = await create_bulk_plan(
        tool_client, everything=True, values={"/default_face_id": "r79e1c033f"}
    )
    assert plan["changes"][0]["path"] == "/default_replica_id"


async def test_planning_reports_progress(tool_client: ToolClient, store: Store) -> None:
    store_equal_personas(store, 30)
    reported: list[float] = []

    async def report(progress: float, _total: float | None, _message: str | None) -> None:
        reported.append(progress)

    arguments = {"everything": True, "values": {"/greeting": "Hi."}}
    result = await tool_client.client.call_tool(
        "plan_bulk_change", arguments, progress_callback=report
    )
    assert (reported, reported[-1]) == (sorted(set(reported)), 30)
    plan_id = (result.structured_content or {})["plan_id"]
    reported.clear()
    await tool_client.client.call_tool("apply_plan", {"plan_id": plan_id}, progress_callback=report)
    assert (reported, reported[-1]) == (sorted(set(reported)), 30)


async def test_a_named_persona_that_another_filter_leaves_out_is_listed_as_skipped(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_personas(
        store,
        build_persona_row(1, persona_name="Front desk"),
        build_persona_row(2, persona_name="Back desk"),
    )
    plan = await create_bulk_plan(
        tool_client, persona_ids=ids, name_contains="front", values={"/greeting": "Hello."}
    )
    assert list_ids(plan) == ids[:1]
    assert [row["persona_id"] for row in plan["skipped"]] == ids[1:]
    assert "does not match" in plan["skipped"][0]["reason"]
    assert plan["totals"] == {"planned": 1, "not_matching": 1, "changes": 1}


async def test_a_finding_about_one_field_of_all_personas_names_the_field(
    tool_client: ToolClient, store: Store
) -> None:
    """It read "2 personas: Already set to this value." without the field."""
    ids = store_equal_personas(store, 2, greeting="Hello.")
    plan = await create_bulk_plan(
        tool_client, persona_ids=ids, values={"/greeting": "Hello.", "/languages": ["en"]}
    )
    [finding] = [item for item in plan["findings"] if "Already set" in item["message"]]
    assert finding["path"] == "/greeting"
    assert finding["message"] == f"2 personas ({ids[0]}, {ids[1]}): Already set to this value."


async def test_findings_name_few_personas_and_count_many(
    tool_client: ToolClient, store: Store
) -> None:
    """Found in use: a finding about one of many personas did not say which."""
    ids = store_personas(
        store,
        build_persona_row(0, greeting="Hello.", context="Be kind."),
        *(build_persona_row(number, greeting="Hello.") for number in range(1, 5)),
    )
    values = {"/greeting": "Hello.", "/context": "Be kind.", "/languages": ["en"]}
    plan = await create_bulk_plan(tool_client, persona_ids=ids, values=values)
    [already_set] = [item["message"] for item in plan["findings"] if "Already" in item["message"]]
    assert already_set.startswith("5 personas: ")
    alone = await create_bulk_plan(tool_client, persona_ids=ids[:1], values=values)
    [already_set] = [item["message"] for item in alone["findings"] if "Already" in item["message"]]
    assert already_set.startswith(f"1 persona ({ids[0]}): ")
