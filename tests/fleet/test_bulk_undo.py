"""plan_bulk_change(undo_of=...) restores what a bulk plan changed, and nothing else."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from account import (
    CURRENT_MODEL,
    RETIRED_MODEL,
    build_model_layers,
    build_persona_row,
    create_bulk_plan,
    read_stored_personas,
    statuses,
    store_equal_personas,
    store_personas,
)
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio

TOOLS = [
    {"type": "function", "function": {"name": name, "description": "Call it when asked."}}
    for name in ("ask", "tell")
]
OLD_SPELLING = "a0e99841-438c-4a64-b679-ae501e7d6091"
"""A provider's voice id in its legacy field; today it belongs into external_voice_id."""
FLOW = {
    "turn_detection_model": "sparrow-2",
    "turn_taking_patience": "low",
    "replica_interruptibility": "medium",
    "voice_isolation": "near",
    "idle_engagement": "off",
}
"""The layer with the defaults that Tavus adds to one setting."""
KINDS: list[dict[str, Any]] = [
    {"layers": build_model_layers(RETIRED_MODEL)},
    {"layers": {}},
    {"layers": {"llm": {"model": RETIRED_MODEL, "tools": TOOLS, "extra_body": {"top_p": 0.4}}}},
    {"layers": {**build_model_layers(CURRENT_MODEL), "conversational_flow": FLOW}},
    {
        "layers": {**build_model_layers(CURRENT_MODEL), "stt": {"hotwords": "Tavus"}},
        "greeting": "Hi.",
        "context": "c",
    },
    {
        "layers": {
            **build_model_layers(CURRENT_MODEL),
            "tts": {"tts_engine": "cartesia", "voice_id": OLD_SPELLING},
        }
    },
    {"greeting": "Good day.", "languages": ["en", "de"], "document_tags": ["a"]},
]
CHANGE: dict[str, Any] = {
    "everything": True,
    "values": {
        "/layers/llm/model": "tavus-gemma-4",
        "/layers/llm/tools": TOOLS[:1],
        "/layers/conversational_flow/turn_taking_patience": "high",
        "/greeting": "Hello.",
        "/languages": ["en"],
    },
    "unset": ["/layers/stt/hotwords", "/context", "/layers/llm/extra_body", "/layers/tts/voice_id"],
}


async def apply_undo(tool_client: ToolClient, applied: dict[str, Any]) -> dict[str, Any]:
    """Undo a plan with the call in its receipt."""
    plan = await tool_client.expect_result(applied["undo"]["tool"], **applied["undo"]["arguments"])
    return await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])


async def test_all_documents_are_restored_byte_for_byte(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_personas(store, *(build_persona_row(n, **fields) for n, fields in enumerate(KINDS)))
    before = copy.deepcopy(read_stored_personas(store, *ids))
    plan = await create_bulk_plan(tool_client, **CHANGE)
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert statuses(applied) == ["applied"] * len(KINDS)
    assert all(
        old != new for old, new in zip(before, read_stored_personas(store, *ids), strict=True)
    )
    back = await apply_undo(tool_client, applied)
    assert statuses(back) == ["applied"] * len(KINDS)
    assert read_stored_personas(store, *ids) == before
    again = await apply_undo(tool_client, back)
    assert statuses(again) == ["applied"] * len(KINDS)
    assert read_stored_personas(store, *ids)[0]["greeting"] == "Hello."


async def test_the_history_of_a_persona_names_the_bulk_plan_it_was_part_of(
    tool_client: ToolClient, store: Store
) -> None:
    """A later client does not know the plan id."""
    ids = store_equal_personas(store, 2, layers=build_model_layers(RETIRED_MODEL))
    plan = await create_bulk_plan(
        tool_client, everything=True, values={"/layers/llm/model": CURRENT_MODEL}
    )
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    await tool_client.expect_result("update_persona", persona_id=ids[1], greeting="Hi.")
    page = await tool_client.expect_result("list_revisions", persona_id=ids[1])
    assert [row.get("plan_id") for row in page["revisions"]] == [None, plan["plan_id"], None]


async def test_edits_of_others_to_other_fields_are_preserved(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 3, layers=build_model_layers(RETIRED_MODEL))
    before = copy.deepcopy(read_stored_personas(store, *ids))
    plan = await create_bulk_plan(
        tool_client, everything=True, values={"/layers/llm/model": CURRENT_MODEL}
    )
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    await tool_client.expect_result("update_persona", persona_id=ids[1], greeting="Mine.")
    await tool_client.expect_result("configure_llm", persona_id=ids[2], temperature=0.4)
    back = await apply_undo(tool_client, applied)
    assert statuses(back) == ["applied"] * 3
    after = read_stored_personas(store, *ids)
    assert after[0] == before[0]
    assert after[1] == {**before[1], "greeting": "Mine."}
    assert after[2]["layers"]["llm"] == {"model": RETIRED_MODEL, "extra_body": {"temperature": 0.4}}


async def test_a_persona_edited_at_the_same_field_is_skipped_and_reported(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 4)
    plan = await create_bulk_plan(
        tool_client, everything=True, values={"/greeting": "Hello.", "/context": "c"}
    )
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    await tool_client.expect_result("update_persona", persona_id=ids[2], greeting="Mine.")
    undo = await create_bulk_plan(tool_client, undo_of=plan["plan_id"])
    assert [row["persona_id"] for row in undo["personas"]] == [ids[0], ids[1], ids[3]]
    assert undo["skipped"][0]["persona_id"] == ids[2]
    reason = undo["skipped"][0]["reason"]
    assert reason.startswith("/greeting: not as the plan left it")
    assert "restore_revision with after_revision and overwrite" in reason
    assert '"Hello." after our change, "Mine." now; the undo would remove it.' in reason
    await apply_undo(tool_client, applied)
    assert ["greeting" in row for row in read_stored_personas(store, *ids)] == [
        False,
        False,
        True,
        False,
    ]
    assert read_stored_personas(store, ids[2])[0]["context"] == "c"


async def test_the_undo_for_some_personas_leaves_the_others(
    tool_client: ToolClient, store: Store
) -> None:
    """An assistant that was asked to undo it for one persona tried this call, and was refused."""
    ids = store_equal_personas(store, 4)
    plan = await create_bulk_plan(tool_client, persona_ids=ids[:3], values={"/greeting": "Hello."})
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    message = await tool_client.expect_error(
        "plan_bulk_change", undo_of=plan["plan_id"], persona_ids=[ids[1], ids[3]]
    )
    assert f"this plan has not changed '{ids[3]}'" in message
    undo = await create_bulk_plan(
        tool_client, undo_of=plan["plan_id"], persona_ids=[ids[1], ids[1]]
    )
    assert [row["persona_id"] for row in undo["personas"]] == [ids[1]]
    assert undo["skipped"] == []
    await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    rows = read_stored_personas(store, *ids)
    assert ["greeting" in row for row in rows] == [True, False, True, False]
    rest = await create_bulk_plan(tool_client, undo_of=plan["plan_id"])
    assert [row["persona_id"] for row in rest["personas"]] == [ids[0], ids[2]]


async def test_only_changed_personas_are_restored(tool_client: ToolClient, store: Store) -> None:
    ids = store_equal_personas(store, 4)
    plan = await create_bulk_plan(tool_client, everything=True, values={"/greeting": "Hello."})
    store.put("persona", ids[0], build_persona_row(0, greeting="Mine."))
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert statuses(applied)[0] == "failed"
    store.remove("persona", ids[3])
    undo = await create_bulk_plan(tool_client, undo_of=plan["plan_id"])
    assert [row["persona_id"] for row in undo["personas"]] == ids[1:3]
    assert [row["persona_id"] for row in undo["skipped"]] == [ids[3]]
    await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert read_stored_personas(store, ids[0])[0]["greeting"] == "Mine."


async def test_keys_are_not_restored_and_this_is_reported(
    tool_client: ToolClient, store: Store
) -> None:
    tts = {"tts_engine": "cartesia"}
    ids = store_personas(
        store,
        build_persona_row(1, layers={"tts": {**tts, "api_key": "old-key-0123456789"}}),
        build_persona_row(2, layers={"tts": tts}),
    )
    values = {"/layers/tts/api_key_ref": "openai", "/greeting": "Hello."}
    plan = await create_bulk_plan(tool_client, everything=True, values=values)
    applied = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    await apply_undo(tool_client, applied)
    first, second = read_stored_personas(store, *ids)
    assert first["layers"]["tts"]["api_key"] != "old-key-0123456789"
    assert second["layers"]["tts"] == tts
    assert "greeting" not in first
    assert "greeting" not in second


async def test_a_plan_that_expired_or_belongs_to_another_server_can_be_undone(
    open_tool_client: ToolClientFactory, store: Store
) -> None:
    ids = store_equal_personas(store, 2)
    async with open_tool_client() as client:
        plan = await create_bulk_plan(client, everything=True, values={"/greeting": "Hello."})
        applied = await client.expect_result("apply_plan", plan_id=plan["plan_id"])
    async with open_tool_client() as client:
        await apply_undo(client, applied)
    assert all("greeting" not in row for row in read_stored_personas(store, *ids))


async def test_a_plan_that_cannot_be_undone_is_refused_with_the_reason(
    tool_client: ToolClient, store: Store
) -> None:
    ids = store_equal_personas(store, 2)
    plan = await create_bulk_plan(tool_client, everything=True, values={"/greeting": "Hello."})
    message = await tool_client.expect_error("plan_bulk_change", undo_of=plan["plan_id"])
    assert "changed no persona" in message
    dry = await tool_client.expect_result(
        "update_persona", persona_id=ids[0], greeting="x", dry_run=True
    )
    message = await tool_client.expect_error("plan_bulk_change", undo_of=dry["plan_id"])
    assert "restore_revision" in message
