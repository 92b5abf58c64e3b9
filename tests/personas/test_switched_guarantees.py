"""Guarantees of writes, with each assumption about Tavus true and false.

In every case, a change of the live persona is reported as such, is undone to the same document,
and never writes back the mask of a key.
"""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store
from tavus_mcp.sandbox.switches import Switches

pytestmark = pytest.mark.anyio

SWITCHES_OF_PARTS = {
    "objective_reads",
    "set_patch_answer",
    "tool_ids_at_creation",
    "guardrail_ids_patches",
    "guardrail_pages",
    "documents",
    "deleted_references",
}
SWITCHES = [
    (name, value)
    for name, field in Switches.model_json_schema()["properties"].items()
    if name not in SWITCHES_OF_PARTS
    for value in field["enum"]
]
EVERY_SWITCH = pytest.mark.parametrize(
    ("switch", "value"), SWITCHES, ids=[f"{name}={value}" for name, value in SWITCHES]
)
KEY = "voice-key-0123456789"
TTS = {"tts_engine": "elevenlabs", "external_voice_id": "abc", "api_key": KEY}
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("update_persona", {"name": "Eve", "greeting": "Hi!", "tool_ids": ["t1"]}),
    ("update_persona", {"unset": ["greeting"], "persona_description": "Tutor"}),
    ("configure_llm", {"model": "tavus-gpt-oss", "temperature": 0.3}),
    ("configure_tts", {"stability": 0.4, "unset": ["external_voice_id"]}),
    ("configure_conversational_flow", {"turn_taking_patience": "high"}),
]


@pytest.fixture(autouse=True)
def _registry_tool(store: Store) -> None:
    store.put("tool", "t1", {"tool_id": "t1", "name": "look_up"})


async def carry_out(tool_client: ToolClient, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool and apply the plans that it answers until the change is live."""
    receipt = await tool_client.expect_result(tool, **arguments)
    while receipt["status"] in ("planned", "drafted"):
        receipt = await tool_client.expect_result("apply_plan", plan_id=receipt["plan_id"])
    return receipt


def read_stored(store: Store, persona_id: str) -> dict[str, Any]:
    """Return a stored persona without its times, and without fields that hold nothing."""
    row = dict(store.get("persona", persona_id) or {})
    del row["updated_at"]
    row["layers"] = {name: layer for name, layer in row["layers"].items() if layer}
    return {name: value for name, value in row.items() if value not in ("", [], {})}


@EVERY_SWITCH
@pytest.mark.parametrize(("tool", "arguments"), CHANGES)
async def test_a_change_that_is_applied_is_live_and_is_undone_to_the_same_document(
    tool_client: ToolClient,
    store: Store,
    switch: str,
    value: str,
    tool: str,
    arguments: dict[str, Any],
) -> None:
    flow = {"turn_taking_patience": "low"}
    persona_id = await tool_client.create_persona(
        greeting="Hello.", layers={"tts": TTS, "conversational_flow": flow}
    )
    before = read_stored(store, persona_id)
    await tool_client.set_switches(**{switch: value})
    receipt = await carry_out(tool_client, tool, persona_id=persona_id, **arguments)
    is_unread = (switch, value) == ("include_settings", "ignored") and "tool_ids" in arguments
    assert receipt["status"] == ("unverified" if is_unread else "applied")
    after = read_stored(store, persona_id)
    assert after != before
    assert after["layers"]["tts"]["api_key"] == KEY
    undo = receipt["undo"]
    await carry_out(tool_client, undo["tool"], **undo["arguments"])
    restored = read_stored(store, persona_id)
    if is_unread:  # what tools it had is not known, so they stay
        assert restored.pop("tool_ids") == ["t1"]
    assert restored == before


@EVERY_SWITCH
async def test_nothing_is_live_while_the_answer_is_a_plan_or_a_draft(
    tool_client: ToolClient, store: Store, switch: str, value: str
) -> None:
    persona_id = await tool_client.create_persona(name="Ada")
    await tool_client.set_switches(**{switch: value})
    receipt = await tool_client.expect_result("update_persona", persona_id=persona_id, name="Eve")
    is_live = (store.get("persona", persona_id) or {})["persona_name"] == "Eve"
    assert is_live is (receipt["status"] == "applied")
    assert is_live is not ("plan_id" in receipt)


@EVERY_SWITCH
async def test_the_mask_of_a_key_is_never_written(
    tool_client: ToolClient, store: Store, switch: str, value: str
) -> None:
    persona_id = await tool_client.create_persona(layers={"tts": TTS})
    await tool_client.set_switches(**{switch: value})
    seen = await tool_client.read_persona(persona_id)
    assert KEY not in str(seen)
    tts = {**seen["layers"]["tts"], "voice_settings": {"stability": 0.4}}
    patch = [{"op": "add", "path": "/layers/tts", "value": tts}]
    await tool_client.call("patch_persona", persona_id=persona_id, patch=patch)
    copied = await tool_client.expect_result("create_persona", based_on=persona_id)
    for stored_id in (persona_id, copied["persona_id"]):
        row = store.get("persona", stored_id) or {}
        assert row["layers"]["tts"].get("api_key") in (KEY, None)


@EVERY_SWITCH
async def test_setting_the_value_of_a_default_is_no_failure(
    tool_client: ToolClient, switch: str, value: str
) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.set_switches(**{switch: value})
    receipt = await carry_out(
        tool_client, "configure_llm", persona_id=persona_id, model="tavus-gemma-4"
    )
    assert receipt["status"] == "unchanged"
