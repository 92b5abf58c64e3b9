"""Mistakes of a JSON Patch: all are reported at once, with a correction."""

from __future__ import annotations

import pytest
from mcp_client import ToolClient

pytestmark = pytest.mark.anyio


async def test_all_mistakes_of_a_patch_are_reported_at_once(tool_client: ToolClient) -> None:
    """Mistakes of the text, paths that are not there, and values that Tavus would refuse."""
    persona_id = await tool_client.create_persona()
    patch = [
        {"op": "replace", "path": "/layers/perception/visual_awareness_queries", "value": ["a?"]},
        {"op": "replace", "path": "/layers/stt/hotwords", "value": "b"},
        {"op": "remove", "path": "/context"},
        {"op": "add", "path": "/greting", "value": "x"},
        {"op": "add", "path": "/greeting"},
        {"op": "replace", "path": "/layers/tts/voice_settings/speed", "value": "fast"},
        {"op": "replace", "path": "/languages", "value": ["en"]},
        {"op": "remove", "path": "/system_promt"},
    ]
    message = await tool_client.expect_error(
        "patch_persona", persona_id=persona_id, patch=patch, dry_run=True
    )
    for expected in (
        "/patch/0 (replace): there is nothing at '/layers/perception/visual_awareness_queries'. "
        'Use "add" with path \'/layers',
        "/patch/1 (replace): there is nothing at '/layers/stt/hotwords'",
        "/patch/2 (remove): there is nothing at '/context'. There is nothing to remove",
        "/patch/3/path: unknown field; did you mean '/greeting'?",
        "/patch/4/value: is required for add.",
        "/patch/5 (replace): there is nothing at '/layers/tts/voice_settings/speed'",
        "/layers/tts/voice_settings/speed: speed must be a number",
        "/patch/6 (replace): there is nothing at '/languages'. Use \"add\": it sets",
        "/patch/7/path: unknown field; did you mean '/system_prompt'?",
    ):
        assert expected in message
    assert len(tool_client.transport.writes) == 1


async def test_the_nearest_path_is_named_for_one_that_is_not_there(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(layers={"stt": {"hotwords": "a"}})
    patch = [{"op": "remove", "path": "/layers/stt/hotword"}]
    message = await tool_client.expect_error("patch_persona", persona_id=persona_id, patch=patch)
    assert "did you mean '/layers/stt/hotwords'?" in message


async def test_the_advised_add_is_accepted(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(layers={"stt": {"stt_engine": "tavus-auto"}})
    patch = [{"op": "replace", "path": "/layers/stt/hotwords", "value": "b"}]
    message = await tool_client.expect_error("patch_persona", persona_id=persona_id, patch=patch)
    assert 'Use "add"' in message
    patch = [{**patch[0], "op": "add"}]
    await tool_client.expect_result("patch_persona", persona_id=persona_id, patch=patch)
    assert (await tool_client.read_persona(persona_id))["layers"]["stt"]["hotwords"] == "b"


async def test_only_a_layer_whose_fields_are_lost_is_reported(tool_client: ToolClient) -> None:
    """Found in use: a warning of removed fields for a layer that was not stored yet."""
    layers = {"stt": {"hotwords": "Acme", "stt_engine": "tavus-parakeet"}}
    target = {"persona_id": await tool_client.create_persona(layers=layers), "dry_run": True}
    for path, value, lost in (
        ("/layers/tts", {"tts_engine": "elevenlabs"}, None),
        ("/layers/stt", {**layers["stt"], "hotwords": "Apex"}, None),
        ("/layers/stt/hotwords", "Apex", None),
        ("/layers/stt", {"hotwords": "Apex"}, "/layers/stt/stt_engine."),
        ("/layers", {"tts": {"tts_engine": "elevenlabs"}}, "/layers/stt."),
    ):
        patch = [{"op": "add", "path": path, "value": value}]
        plan = await tool_client.expect_result("patch_persona", patch=patch, **target)
        found = [item for item in plan["findings"] if "the whole object" in item["message"]]
        assert [item["path"] for item in found] == ([path] if lost else [])
        assert all(item["message"].endswith(f"removes {lost}") for item in found)
