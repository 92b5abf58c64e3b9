"""What an undo leaves out because it needs a key is named before; the rest comes back."""

from __future__ import annotations

import pytest
from mcp_client import ToolClient

from tavus_mcp.models.base import JsonObject

pytestmark = pytest.mark.anyio

KEYED: JsonObject = {
    "llm": {
        "model": "m",
        "base_url": "https://llm.example.com/v1",
        "api_key_ref": "openai",
        "headers": {"X-A": "{secret:openai}"},
        "extra_body": {"temperature": 0.5},
    },
    "tts": {"tts_engine": "elevenlabs", "external_voice_id": "abc", "api_key_ref": "openai"},
}
LLM_LOSSES = {
    "/layers/llm/api_key",
    "/layers/llm/base_url",
    "/layers/llm/headers/X-A",
    "/layers/llm/model",
}
TTS_LOSS = "/layers/tts/api_key"
HOSTED: JsonObject = {
    "model": "tavus-gemma-4",
    "unset": ["base_url", "api_key", "headers", "extra_body"],
}
REMOVE_LAYERS = {"patch": [{"op": "remove", "path": "/layers"}]}
CHANGES: dict[str, tuple[str, JsonObject, set[str]]] = {
    "to a hosted model": ("configure_llm", HOSTED, LLM_LOSSES),
    "without the layer": ("configure_llm", {"unset": ["llm"]}, LLM_LOSSES),
    "without the headers": ("configure_llm", {"unset": ["headers"]}, {"/layers/llm/headers/X-A"}),
    "without the voice": ("configure_tts", {"unset": ["tts"]}, {TTS_LOSS}),
    "without layers": ("patch_persona", REMOVE_LAYERS, LLM_LOSSES | {TTS_LOSS}),
}


def losses(result: JsonObject) -> set[str]:
    return {item["path"] for item in result["findings"] if "cannot be restored" in item["message"]}


def without_keys(layers: JsonObject, lost: set[str]) -> JsonObject:
    """Return layers as an undo restores them: without what was lost, and what is then empty."""
    remaining = {
        name: {
            field: value
            for field, value in layer.items()
            if not any(path.startswith(f"/layers/{name}/{field}") for path in lost)
        }
        for name, layer in layers.items()
    }
    return {name: layer for name, layer in remaining.items() if layer}


async def apply_plans(tool_client: ToolClient, planned: JsonObject) -> JsonObject:
    """Apply a plan, and the one that answers it if Tavus refuses to check for edits."""
    receipt = planned
    while receipt["status"] == "planned":
        receipt = await tool_client.expect_result("apply_plan", plan_id=receipt["plan_id"])
    return receipt


@pytest.mark.parametrize(
    ("change", "keys"),
    [*((change, "masked") for change in CHANGES), ("without the layer", "absent")],
)
async def test_the_undo_of_a_change_that_removed_a_key_restores_all_but_what_was_named(
    tool_client: ToolClient, change: str, keys: str
) -> None:
    tool, arguments, lost = CHANGES[change]
    persona_id = await tool_client.create_persona(layers=KEYED)
    await tool_client.set_switches(keys=keys)
    before = await tool_client.read_persona(persona_id)
    planned = await tool_client.expect_result(
        tool, persona_id=persona_id, dry_run=True, **arguments
    )
    receipt = await apply_plans(tool_client, planned)
    hidden = {path for path in lost if keys == "absent" and path.endswith("api_key")}
    named = lost - hidden - {"/layers/llm/model"}  # named with the address
    assert losses(planned) == losses(receipt) == named
    if undo := receipt.get("undo"):
        undone = await tool_client.expect_result(undo["tool"], **undo["arguments"])
        assert (await apply_plans(tool_client, undone))["status"] == "applied"
    else:
        assert change == "without the headers"
    after = await tool_client.read_persona(persona_id)
    restored = {name: layer for name, layer in after["layers"].items() if layer}
    assert restored == without_keys(before["layers"], lost)


async def test_the_address_of_a_language_model_comes_back_while_its_key_is_there(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(layers=KEYED)
    before = await tool_client.read_persona(persona_id)
    await tool_client.set_switches(keys="absent")
    receipt = await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, model="n", base_url="https://b.example.com/v1"
    )
    assert losses(receipt) == set()
    await tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    await tool_client.set_switches(keys="masked")
    assert (await tool_client.read_persona(persona_id))["layers"] == before["layers"]


async def test_a_bulk_deletion_names_all_that_needs_the_key(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(layers=KEYED)
    planned = await tool_client.expect_result(
        "plan_bulk_change", persona_ids=[persona_id], delete=True
    )
    messages = " ".join(item["message"] for item in planned["findings"])
    assert [path for path in (*sorted(LLM_LOSSES), TTS_LOSS) if path not in messages] == []
