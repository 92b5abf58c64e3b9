"""``create_persona(based_on=...)``: fields that cannot be copied are named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_client import ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

LAYERS: dict[str, Any] = {
    "llm": {
        "model": "gpt-4-turbo",
        "base_url": "https://api.example.com/v1",
        "api_key": "llm-key-canary-7",
        "extra_body": {"temperature": 0.4},
    },
    "tts": {"tts_engine": "elevenlabs", "external_voice_id": "abc"},
    "stt": {"hotwords": "Tavus, Raven"},
    "perception": {"perception_model": "raven-1", "visual_awareness_queries": ["Who is there?"]},
    "conversational_flow": {"turn_taking_patience": "high"},
}


def read_last_body(tool_client: ToolClient) -> dict[str, Any]:
    return dict(json.loads(tool_client.transport.writes[-1].content))


async def create_original(tool_client: ToolClient, **more: Any) -> str:
    layers = {**LAYERS, "llm": {"model": "tavus-gpt-oss"}}
    return await tool_client.create_persona(name="Original", greeting="Hi!", layers=layers, **more)


async def test_a_copy_contains_everything_except_the_name(
    tool_client: ToolClient,
) -> None:
    persona_id = await create_original(tool_client)
    receipt = await tool_client.expect_result("create_persona", based_on=persona_id)
    old, new = (
        await tool_client.read_persona(persona_id),
        await tool_client.read_persona(receipt["persona_id"]),
    )
    for server_field in ("persona_id", "persona_name", "created_at", "updated_at"):
        del old[server_field], new[server_field]
    assert new == old
    assert receipt["persona_name"] == "Copy of Original"
    assert not any("merged" in item["message"] for item in receipt["findings"])


async def test_other_arguments_override_copied_values_leaf_by_leaf(
    tool_client: ToolClient,
) -> None:
    persona_id = await create_original(tool_client)
    receipt = await tool_client.expect_result(
        "create_persona",
        based_on=persona_id,
        name="Variant",
        layers={"tts": {"external_voice_id": "xyz"}},
    )
    new = await tool_client.read_persona(receipt["persona_id"])
    assert new["persona_name"] == "Variant"
    assert new["layers"]["tts"] == {"tts_engine": "elevenlabs", "external_voice_id": "xyz"}
    assert new["layers"]["stt"] == LAYERS["stt"]
    assert any("Given layers were merged" in item["message"] for item in receipt["findings"])


async def test_a_stock_persona_can_be_copied(tool_client: ToolClient) -> None:
    """Tavus: stock personas cannot be changed, so a copy is how people start."""
    receipt = await tool_client.expect_result(
        "create_persona", based_on="p1af207b8189", name="Mine"
    )
    new = await tool_client.read_persona(receipt["persona_id"])
    assert new["persona_type"] == "user"
    assert "sales coach" in new["system_prompt"]


async def test_masked_keys_are_not_copied_and_this_is_reported(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(
        name="Voice", layers={"tts": {**LAYERS["tts"], "api_key": "tts-key-canary-7"}}
    )
    receipt = await tool_client.expect_result("create_persona", based_on=persona_id)
    assert "api_key" not in read_last_body(tool_client)["layers"]["tts"]
    (finding,) = [item for item in receipt["findings"] if item["path"] == "/layers/tts/api_key"]
    assert "Not copied" in finding["message"]
    assert "canary" not in str(receipt)


async def test_a_custom_llm_without_its_key_is_refused_with_advice(
    tool_client: ToolClient,
) -> None:
    """Tavus takes base_url and api_key only together."""
    persona_id = await tool_client.create_persona(name="Own", layers=LAYERS)
    error = await tool_client.expect_error("create_persona", based_on=persona_id)
    assert "/layers/llm/api_key" in error
    receipt = await tool_client.expect_result(
        "create_persona", based_on=persona_id, layers={"llm": {"api_key": "llm-key-canary-8"}}
    )
    assert read_last_body(tool_client)["layers"]["llm"]["api_key"] == "llm-key-canary-8"
    assert "canary" not in str(receipt)


async def test_a_meeting_identity_is_not_copied_and_this_is_reported(
    tool_client: ToolClient,
) -> None:
    persona_id = await create_original(tool_client)
    await tool_client.expect_result(
        "patch_persona",
        persona_id=persona_id,
        patch=[{"op": "add", "path": "/layers/conferencing", "value": {"username": "front"}}],
    )
    receipt = await tool_client.expect_result("create_persona", based_on=persona_id)
    assert "conferencing" not in read_last_body(tool_client)["layers"]
    assert [item for item in receipt["findings"] if item["path"] == "/layers/conferencing"]


async def test_a_dry_run_of_a_copy_reads_and_writes_nothing(tool_client: ToolClient) -> None:
    persona_id = await create_original(tool_client)
    tool_client.transport.requests.clear()
    receipt = await tool_client.expect_result("create_persona", based_on=persona_id, dry_run=True)
    assert receipt["status"] == "planned"
    assert tool_client.transport.request_lines == [f"GET /v2/personas/{persona_id}"]


async def test_a_copy_of_an_absent_persona_is_not_found(tool_client: ToolClient) -> None:
    assert "list_personas" in await tool_client.expect_error(
        "create_persona", based_on="p0000000000"
    )
    assert tool_client.transport.writes == []


async def test_nulls_of_old_personas_are_not_sent(tool_client: ToolClient, store: Store) -> None:
    row = store.get("persona", "p1af207b8189")
    assert row is not None
    store.put(
        "persona", "pold1", {**row, "persona_id": "pold1", "context": None, "persona_type": "user"}
    )
    await tool_client.expect_result("create_persona", based_on="pold1")
    assert None not in read_last_body(tool_client).values()
