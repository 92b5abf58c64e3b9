"""``create_persona(based_on=...)``: everything is copied but what cannot be, and that is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_client import Desk

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


def posted(desk: Desk) -> dict[str, Any]:
    return dict(json.loads(desk.wire.writes[-1].content))


async def original(desk: Desk, **more: Any) -> str:
    layers = {**LAYERS, "llm": {"model": "tavus-gpt-oss"}}
    return await desk.create(name="Original", greeting="Hi!", layers=layers, **more)


async def test_a_copy_holds_everything_of_the_original_but_its_name(desk: Desk) -> None:
    persona_id = await original(desk)
    receipt = await desk.facts("create_persona", based_on=persona_id)
    old, new = await desk.persona(persona_id), await desk.persona(receipt["persona_id"])
    for server_field in ("persona_id", "persona_name", "created_at", "updated_at"):
        del old[server_field], new[server_field]
    assert new == old
    assert receipt["persona_name"] == "Copy of Original"


async def test_other_arguments_override_what_is_copied_leaf_by_leaf(desk: Desk) -> None:
    persona_id = await original(desk)
    receipt = await desk.facts(
        "create_persona",
        based_on=persona_id,
        name="Variant",
        layers={"tts": {"external_voice_id": "xyz"}},
    )
    new = await desk.persona(receipt["persona_id"])
    assert new["persona_name"] == "Variant"
    assert new["layers"]["tts"] == {"tts_engine": "elevenlabs", "external_voice_id": "xyz"}
    assert new["layers"]["stt"] == LAYERS["stt"]


async def test_a_stock_persona_can_be_copied(desk: Desk) -> None:
    """Tavus: stock personas cannot be changed, so a copy is how people start."""
    receipt = await desk.facts("create_persona", based_on="p1af207b8189", name="Mine")
    new = await desk.persona(receipt["persona_id"])
    assert new["persona_type"] == "user"
    assert "sales coach" in new["system_prompt"]


async def test_masked_keys_are_not_copied_and_that_is_said(desk: Desk) -> None:
    persona_id = await desk.create(
        name="Voice", layers={"tts": {**LAYERS["tts"], "api_key": "tts-key-canary-7"}}
    )
    receipt = await desk.facts("create_persona", based_on=persona_id)
    assert "api_key" not in posted(desk)["layers"]["tts"]
    (finding,) = [item for item in receipt["findings"] if item["path"] == "/layers/tts/api_key"]
    assert "Not copied" in finding["message"]
    assert "canary" not in str(receipt)


async def test_a_custom_llm_whose_key_cannot_be_copied_is_refused_with_the_way_out(
    desk: Desk,
) -> None:
    """Tavus takes base_url and api_key only together."""
    persona_id = await desk.create(name="Own", layers=LAYERS)
    said = await desk.refusal("create_persona", based_on=persona_id)
    assert "/layers/llm/api_key" in said
    receipt = await desk.facts(
        "create_persona", based_on=persona_id, layers={"llm": {"api_key": "llm-key-canary-8"}}
    )
    assert posted(desk)["layers"]["llm"]["api_key"] == "llm-key-canary-8"
    assert "canary" not in str(receipt)


async def test_a_meeting_identity_is_not_copied_and_that_is_said(desk: Desk) -> None:
    persona_id = await original(desk)
    await desk.facts(
        "patch_persona",
        persona_id=persona_id,
        patch=[{"op": "add", "path": "/layers/conferencing", "value": {"username": "front"}}],
    )
    receipt = await desk.facts("create_persona", based_on=persona_id)
    assert "conferencing" not in posted(desk)["layers"]
    assert [item for item in receipt["findings"] if item["path"] == "/layers/conferencing"]


async def test_a_copy_in_a_dry_run_reads_and_writes_nothing(desk: Desk) -> None:
    persona_id = await original(desk)
    desk.wire.requests.clear()
    receipt = await desk.facts("create_persona", based_on=persona_id, dry_run=True)
    assert receipt["status"] == "planned"
    assert desk.wire.lines == [f"GET /v2/personas/{persona_id}"]


async def test_a_copy_of_nothing_is_not_found(desk: Desk) -> None:
    assert "list_personas" in await desk.refusal("create_persona", based_on="p0000000000")
    assert desk.wire.writes == []


async def test_nulls_that_old_personas_carry_are_not_sent(desk: Desk, store: Store) -> None:
    row = store.get("persona", "p1af207b8189")
    assert row is not None
    store.put(
        "persona", "pold1", {**row, "persona_id": "pold1", "context": None, "persona_type": "user"}
    )
    await desk.facts("create_persona", based_on="pold1")
    assert None not in posted(desk).values()
