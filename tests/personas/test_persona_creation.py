"""``create_persona``: every argument, other spellings, copies, previews and the seed's examples."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_client import ToolClient, text_of
from seed_persona import SEED, WEATHER

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio


def read_posted_body(tool_client: ToolClient) -> dict[str, Any]:
    """Return the body of the one POST."""
    (request,) = [item for item in tool_client.transport.writes if item.method == "POST"]
    return dict(json.loads(request.content))


def findings_at(receipt: dict[str, Any], path: str) -> list[dict[str, Any]]:
    return [item for item in receipt["findings"] if item["path"] == path]


async def store_attachments(store: Store) -> None:
    """Store objects in the account to which a persona can refer."""
    store.put("document", "d8-1", {"document_id": "d8-1", "document_name": "Prices"})
    store.put("objectives", "o1", {"objectives_id": "o1", "name": "Qualify"})
    store.put("guardrail", "g1", {"uuid": "g1", "guardrail_name": "polite"})
    store.put("guardrails", "gs1", {"uuid": "gs1", "name": "old set"})
    store.put("tool", "t1", {"tool_id": "t1", "name": "lookup"})


async def test_every_argument_is_sent_under_its_field_name(
    tool_client: ToolClient, store: Store
) -> None:
    await store_attachments(store)
    receipt = await tool_client.expect_result(
        "create_persona",
        name="Clerk",
        system_prompt="You sell.",
        pipeline_mode="full",
        default_replica_id="rfe12d8b9597",
        documents=["d8-1"],
        document_tags=["prices"],
        objectives="o1",
        guardrails=["g1"],
        guardrail_tags=["house"],
        greeting="Hi!",
        context="At the desk.",
        tool_ids=["t1"],
        memories=["Likes tea."],
        languages=["en"],
        disclosure_type="auto",
        verbal_disclosure="I am an AI.",
        visual_disclosure="AI",
        layers={"stt": {"hotwords": "Tavus"}},
    )
    assert receipt["status"] == "unverified"  # reads leave out memories
    assert read_posted_body(tool_client) == {
        "persona_name": "Clerk",
        "system_prompt": "You sell.",
        "pipeline_mode": "full",
        "default_replica_id": "rfe12d8b9597",
        "document_ids": ["d8-1"],
        "document_tags": ["prices"],
        "objectives_id": "o1",
        "guardrail_ids": ["g1"],
        "guardrail_tags": ["house"],
        "greeting": "Hi!",
        "context": "At the desk.",
        "tool_ids": ["t1"],
        "memories": ["Likes tea."],
        "languages": ["en"],
        "disclosure_type": "auto",
        "verbal_disclosure": "I am an AI.",
        "visual_disclosure": "AI",
        "layers": {"stt": {"hotwords": "Tavus"}},
    }


async def test_a_legacy_guardrail_set_can_still_be_attached(
    tool_client: ToolClient, store: Store
) -> None:
    await store_attachments(store)
    await tool_client.create_persona(guardrails_id="gs1")
    assert read_posted_body(tool_client)["guardrails_id"] == "gs1"


@pytest.mark.parametrize(
    ("other", "ours", "value"),
    [
        ("persona_name", "persona_name", "Clerk"),
        ("pal_name", "persona_name", "Clerk"),
        ("document_ids", "document_ids", ["d8-1"]),
        ("objectives_id", "objectives_id", "o1"),
        ("guardrail_ids", "guardrail_ids", ["g1"]),
        ("default_face_id", "default_replica_id", "r90bbd427f71"),
    ],
)
async def test_an_argument_is_accepted_under_its_tavus_field_name(
    tool_client: ToolClient, store: Store, other: str, ours: str, value: Any
) -> None:
    await store_attachments(store)
    await tool_client.expect_result("create_persona", system_prompt="You help.", **{other: value})
    assert read_posted_body(tool_client)[ours] == value


async def test_two_names_of_one_argument_with_two_values_are_refused(
    tool_client: ToolClient,
) -> None:
    error = await tool_client.expect_error(
        "create_persona", name="A", persona_name="B", system_prompt="x"
    )
    assert "given twice" in error
    assert tool_client.transport.requests == []


async def test_the_receipt_contains_id_revision_and_every_leaf_but_no_document(
    tool_client: ToolClient,
) -> None:
    receipt = await tool_client.expect_result(
        "create_persona",
        name="Clerk",
        system_prompt="You sell.",
        default_replica_id="rfe12d8b9597",
        layers={"llm": {"model": "tavus-gpt-oss", "extra_body": {"temperature": 0.2}}},
    )
    read = await tool_client.expect_result("get_persona", persona_id=receipt["persona_id"])
    assert receipt["revision"] == read["revision"]
    assert receipt["persona_name"] == "Clerk"
    assert {item["path"]: item["after"] for item in receipt["changes"]} == {
        "/persona_name": "Clerk",
        "/system_prompt": "You sell.",
        "/default_replica_id": "rfe12d8b9597",
        "/layers/llm/model": "tavus-gpt-oss",
        "/layers/llm/extra_body/temperature": 0.2,
    }
    assert "persona" not in receipt


async def test_findings_about_a_new_persona_hold_calls_and_those_of_a_plan_hold_paths(
    tool_client: ToolClient,
) -> None:
    """Found in use: a creation said "set /layers/...", although the persona was there."""
    names = ["participant_pause_sensitivity", "participant_interrupt_sensitivity"]
    body = {"name": "Clerk", "system_prompt": "You sell.", "greeting": "Hi!"}
    for dry_run, expected in (
        (False, f"configure_stt(persona_id, unset={json.dumps(names)})"),
        (True, f"remove /layers/stt/{names[0]}, remove /layers/stt/{names[1]}"),
    ):
        receipt = await tool_client.expect_result(
            "create_persona", **body, layers={"stt": dict.fromkeys(names, "low")}, dry_run=dry_run
        )
        hints = [item.get("hint", "") for item in receipt["findings"]]
        assert [hint for hint in hints if expected in hint], hints


async def test_a_creation_looks_its_replica_up_writes_once_and_reads_back_once(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    assert tool_client.transport.request_lines == [
        "GET /v2/replicas/rfe12d8b9597",
        "POST /v2/personas",
        f"GET /v2/personas/{persona_id}",
    ]


async def test_undoing_a_creation_deletes_the_persona(tool_client: ToolClient) -> None:
    receipt = await tool_client.expect_result(
        "create_persona", name="Clerk", system_prompt="You sell."
    )
    undo = receipt["undo"]
    assert undo["tool"] == "delete_persona"
    planned = await tool_client.expect_result(undo["tool"], **undo["arguments"])
    await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert "Invalid persona_id" in await tool_client.expect_error(
        "get_persona", persona_id=receipt["persona_id"]
    )


async def test_a_dry_run_sends_no_write_and_reports_the_request(
    tool_client: ToolClient,
) -> None:
    receipt = await tool_client.expect_result(
        "create_persona", name="Clerk", system_prompt="You sell.", dry_run=True
    )
    assert receipt["status"] == "planned"
    assert {item["path"] for item in receipt["changes"]} == {"/persona_name", "/system_prompt"}
    assert "persona_id" not in receipt
    assert "undo" not in receipt
    assert tool_client.transport.writes == []


async def test_all_errors_that_tavus_would_refuse_are_reported_before_any_request(
    tool_client: ToolClient,
) -> None:
    """All errors are reported at once."""
    error = await tool_client.expect_error(
        "create_persona",
        name="Clerk",
        layers={
            "llm": {"model": "gpt-4-turbo", "base_url": "https://api.example.com/v1"},
            "tts": {"tts_engine": "elevenlabs", "voice_settings": {"speed": 2.0}},
        },
    )
    assert "/system_prompt" in error
    assert "/layers/llm/api_key" in error
    assert "/layers/tts/voice_settings/speed" in error
    assert tool_client.transport.requests == []


async def test_echo_mode_needs_no_prompt(tool_client: ToolClient) -> None:
    """Tavus: create-persona."""
    receipt = await tool_client.expect_result("create_persona", name="Parrot", pipeline_mode="echo")
    assert read_posted_body(tool_client) == {"persona_name": "Parrot", "pipeline_mode": "echo"}
    assert receipt["status"] == "applied"


LEGACY_SEED_FIELDS = {
    "/context": "system_prompt",
    "/layers/llm/model": "tavus-gemma-4",
    "/layers/llm/tools": "tool_ids",
    "/layers/tts/voice_id": "external_voice_id",
    "/layers/perception/perception_model": "raven-1",
    "/layers/perception/ambient_awareness": "visual_awareness_queries",
    "/layers/stt/smart_turn_detection": "conversational_flow",
    "/layers/stt/participant_pause_sensitivity": "turn_taking_patience",
    "/layers/stt/participant_interrupt_sensitivity": "replica_interruptibility",
}


@pytest.mark.parametrize(("path", "successor"), LEGACY_SEED_FIELDS.items())
async def test_each_legacy_field_of_the_seed_example_is_reported_with_its_successor(
    tool_client: ToolClient, path: str, successor: str
) -> None:
    receipt = await tool_client.expect_result("create_persona", **SEED)
    hints = " ".join(item["message"] + item.get("hint", "") for item in findings_at(receipt, path))
    assert successor in hints


async def test_the_seed_example_is_accepted(tool_client: ToolClient) -> None:
    receipt = await tool_client.expect_result("create_persona", **SEED)
    assert receipt["status"] == "applied"
    saved = await tool_client.read_persona(receipt["persona_id"])
    assert saved["layers"]["tts"]["external_voice_id"] == SEED["layers"]["tts"]["voice_id"]
    assert saved["layers"]["stt"] == SEED["layers"]["stt"]


@pytest.mark.parametrize("engine", ["elevenlabs", "playht"])
async def test_the_seed_voices_with_keys_are_accepted(tool_client: ToolClient, engine: str) -> None:
    tts = {"tts_engine": engine, "voice_id": "my-voice", "api_key": "voice-key-canary-1"}
    receipt = await tool_client.expect_result(
        "create_persona", name="A", system_prompt="You help.", layers={"tts": tts}
    )
    assert read_posted_body(tool_client)["layers"]["tts"]["external_voice_id"] == "my-voice"
    assert read_posted_body(tool_client)["layers"]["tts"]["api_key"] == "voice-key-canary-1"
    if engine == "playht":
        assert findings_at(receipt, "/layers/tts/tts_engine")[0]["severity"] in ("warning", "error")


async def test_the_retired_model_of_the_seed_is_accepted_and_its_successor_named(
    tool_client: ToolClient,
) -> None:
    receipt = await tool_client.expect_result(
        "create_persona", system_prompt="You help.", layers={"llm": {"model": "tavus-llama"}}
    )
    assert "tavus-gemma-4" in findings_at(receipt, "/layers/llm/model")[0]["hint"]


async def test_audio_only_is_accepted_with_a_finding_and_not_sent(tool_client: ToolClient) -> None:
    """Tavus: audio_only belongs to a conversation."""
    receipt = await tool_client.expect_result(
        "create_persona",
        name="Voice",
        system_prompt="You help.",
        pipeline_mode="full",
        audio_only=True,
    )
    assert "audio_only" not in read_posted_body(tool_client)
    (finding,) = findings_at(receipt, "/audio_only")
    assert "conversation" in finding["hint"]


async def test_documents_inside_layers_are_refused_or_moved_but_never_lost(
    tool_client: ToolClient, store: Store
) -> None:
    """Tavus's own full example has them there (docs: create-persona)."""
    await store_attachments(store)
    result = await tool_client.call(
        "create_persona", system_prompt="You help.", layers={"document_ids": ["d8-1"]}
    )
    if result.is_error:
        assert tool_client.transport.writes == []
    else:
        assert read_posted_body(tool_client)["document_ids"] == ["d8-1"]


async def test_an_inline_tool_is_sent_with_its_type_when_omitted(
    tool_client: ToolClient,
) -> None:
    """Tavus: an inline tool is ``{"type": "function", "function": {...}}``."""
    bare = {"function": WEATHER["function"]}
    await tool_client.create_persona(layers={"llm": {"tools": [bare]}})
    assert read_posted_body(tool_client)["layers"]["llm"]["tools"] == [WEATHER]


async def test_a_pal_name_inside_layers_is_accepted_or_refused_with_the_persona_name(
    tool_client: ToolClient,
) -> None:
    """Tavus says pal_interruptibility today, and once said face_interruptibility."""
    flow = {"pal_interruptibility": "high"}
    result = await tool_client.call(
        "create_persona", system_prompt="You help.", layers={"conversational_flow": flow}
    )
    if result.is_error:
        assert "did you mean 'replica_interruptibility'?" in text_of(result)
    else:
        assert read_posted_body(tool_client)["layers"]["conversational_flow"] == {
            "replica_interruptibility": "high"
        }
