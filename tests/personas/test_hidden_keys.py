"""Keys that reads leave out are set, removed and reported as what they are (switch ``keys``)."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import SECRET, ToolClient

from tavus_mcp.models.base import JsonObject
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

KEYS = pytest.mark.parametrize("keys", ["absent", "masked"])
LLM: JsonObject = {
    "model": "m",
    "base_url": "https://llm.example.com/v1",
    "api_key_ref": "openai",
}
TTS: JsonObject = {"tts_engine": "elevenlabs", "external_voice_id": "abc", "api_key_ref": "openai"}
TTS_KEY = "/layers/tts/api_key"
REMOVALS: dict[str, tuple[str, JsonObject, str]] = {
    "of a voice": ("configure_tts", {"unset": ["api_key"]}, "tts"),
    "of a model": (
        "configure_llm",
        {"model": "tavus-gemma-4", "unset": ["api_key", "base_url"]},
        "llm",
    ),
    "by a patch": ("patch_persona", {"patch": [{"op": "remove", "path": TTS_KEY}]}, "tts"),
}


def messages_of(receipt: JsonObject, path: str) -> str:
    return " ".join(item["message"] for item in receipt["findings"] if item["path"] == path)


def stored_layers(store: Store, persona_id: str) -> JsonObject:
    return dict((store.get("persona", persona_id) or {})["layers"])


async def open_persona(tool_client: ToolClient, keys: str, **layers: Any) -> str:
    """Create a persona with layers, and let reads show keys in one way; return its id."""
    persona_id = await tool_client.create_persona(layers=layers)
    await tool_client.set_switches(keys=keys)
    return persona_id


@KEYS
@pytest.mark.parametrize("removal", REMOVALS)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_key_is_removed_whether_or_not_reads_show_it(
    tool_client: ToolClient, store: Store, keys: str, removal: str, dry_run: bool
) -> None:
    tool, arguments, layer = REMOVALS[removal]
    persona_id = await open_persona(tool_client, keys, llm=LLM, tts=TTS)
    receipt = await tool_client.expect_result(
        tool, persona_id=persona_id, dry_run=dry_run, **arguments
    )
    if dry_run:
        receipt = await tool_client.expect_result("apply_plan", plan_id=receipt["plan_id"])
    assert receipt["status"] == ("applied" if keys == "masked" else "unverified")
    assert f"/layers/{layer}/api_key" in {item["path"] for item in receipt["changes"]}
    assert "cannot be restored" in messages_of(receipt, f"/layers/{layer}/api_key")
    assert f"/layers/{layer}/api_key" not in receipt.get("undo", {}).get("arguments", {}).get(
        "only", []
    )
    assert "api_key" not in stored_layers(store, persona_id)[layer]


async def test_a_key_that_is_not_there_is_removed_without_effect(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(layers={"tts": {"tts_engine": "cartesia"}})
    arguments: JsonObject = {"persona_id": persona_id, "unset": ["api_key"]}
    plan = await tool_client.expect_result("configure_tts", **arguments, dry_run=True)
    assert "It is not known here whether a key is set." in messages_of(plan, TTS_KEY)
    receipt = await tool_client.expect_result("configure_tts", **arguments)
    assert receipt["status"] == "unchanged"
    bare = await tool_client.create_persona()
    receipt = await tool_client.expect_result("configure_tts", **{**arguments, "persona_id": bare})
    assert messages_of(receipt, TTS_KEY) == "Already not set."


@pytest.mark.parametrize("more", [{}, {"stability": 0.3}])
async def test_a_key_that_is_set_and_hidden_is_unverified_and_left_by_the_undo(
    tool_client: ToolClient, store: Store, more: JsonObject
) -> None:
    tts = {"tts_engine": "elevenlabs", "external_voice_id": "abc"}
    persona_id = await open_persona(tool_client, "absent", tts=tts)
    receipt = await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, api_key_ref="openai", **more
    )
    assert receipt["status"] == "unverified"
    assert "An undo leaves it" in messages_of(receipt, TTS_KEY)
    if more:
        undo = receipt["undo"]
        await tool_client.expect_result(undo["tool"], **undo["arguments"])
    assert stored_layers(store, persona_id)["tts"] == {**tts, "api_key": SECRET}
    assert more or "undo" not in receipt


async def test_a_layer_with_a_hidden_key_is_undone_with_a_check_for_edits(
    tool_client: ToolClient, store: Store
) -> None:
    persona_id = await open_persona(tool_client, "absent")
    receipt = await tool_client.expect_result("configure_llm", persona_id=persona_id, **LLM)
    assert receipt["status"] == "unverified"
    undo = receipt["undo"]
    undone = await tool_client.expect_result(undo["tool"], **undo["arguments"])
    assert undone["status"] == "applied"
    assert not stored_layers(store, persona_id).get("llm")
