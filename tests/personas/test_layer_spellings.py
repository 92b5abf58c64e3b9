"""Older spellings that the layer tools accept, values that they refuse, and their messages."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient

pytestmark = pytest.mark.anyio
CANARY = "canary-5f1c9e"


def finding_text_at(receipt: dict[str, Any], path: str) -> str:
    return " ".join(
        item["message"] + " " + item.get("hint", "")
        for item in receipt["findings"]
        if item["path"] == path
    )


@pytest.mark.parametrize(
    ("layer", "arguments", "path", "today"),
    [
        ("llm", {"model": "tavus-gpt-4o"}, "/layers/llm/model", "tavus-gemma-4"),
        ("llm", {"model": "tavus-gpt-4o-mini"}, "/layers/llm/model", "configure_llm"),
        ("llm", {"model": "tavus-llama"}, "/layers/llm/model", "tavus-gemma-4"),
        ("tts", {"tts_engine": "playht"}, "/layers/tts/tts_engine", "cartesia"),
        (
            "perception",
            {"perception_model": "raven-0"},
            "/layers/perception/perception_model",
            "raven-1",
        ),
        (
            "perception",
            {"ambient_awareness": True},
            "/layers/perception/ambient_awareness",
            "visual_awareness_queries",
        ),
        (
            "perception",
            {"ambient_awareness_queries": ["Who?"]},
            "/layers/perception/ambient_awareness_queries",
            "visual_awareness_queries",
        ),
        (
            "stt",
            {"smart_turn_detection": True},
            "/layers/stt/smart_turn_detection",
            "conversational_flow",
        ),
        (
            "stt",
            {"participant_pause_sensitivity": "high"},
            "/layers/stt/participant_pause_sensitivity",
            'turn_taking_patience="low"',
        ),
        (
            "stt",
            {"participant_interrupt_sensitivity": "high"},
            "/layers/stt/participant_interrupt_sensitivity",
            'replica_interruptibility="high"',
        ),
        ("stt", {"stt_engine": "tavus-advanced"}, "/layers/stt/stt_engine", "configure_stt"),
    ],
)
async def test_a_legacy_spelling_is_accepted_and_reported_with_the_current_one(
    tool_client: ToolClient, layer: str, arguments: dict[str, Any], path: str, today: str
) -> None:
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        f"configure_{layer}", persona_id=persona_id, **arguments
    )
    assert receipt["status"] == "applied"
    assert today in finding_text_at(receipt, path)


@pytest.mark.parametrize("name", ["pal_interruptibility", "face_interruptibility"])
async def test_interruptibility_is_accepted_under_all_its_names(
    tool_client: ToolClient, name: str
) -> None:
    """Tavus: docs say pal_, the vendor's client face_, older docs replica_."""
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "configure_conversational_flow", persona_id=persona_id, **{name: "high"}
    )
    flow = (await tool_client.read_persona(persona_id))["layers"]["conversational_flow"]
    assert flow["replica_interruptibility"] == "high"
    assert name not in flow


@pytest.mark.parametrize("given", ["timebased", "time-based"])
async def test_both_spellings_of_time_based_are_sent_as_the_same_value(
    tool_client: ToolClient, given: str
) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "configure_conversational_flow", persona_id=persona_id, turn_detection_model=given
    )
    flow = (await tool_client.read_persona(persona_id))["layers"]["conversational_flow"]
    assert flow["turn_detection_model"] == "time-based"


async def test_hot_words_may_come_as_a_list(tool_client: ToolClient) -> None:
    """Tavus: one schema says list, the others text; text is sent."""
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "configure_stt", persona_id=persona_id, hotwords=["Tavus", "Raven"]
    )
    assert (await tool_client.read_persona(persona_id))["layers"]["stt"][
        "hotwords"
    ] == "Tavus, Raven"


async def test_a_providers_voice_id_is_sent_as_external_voice_id_with_a_finding(
    tool_client: ToolClient,
) -> None:
    """Tavus: voice_id names a Tavus Voice today."""
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, tts_engine="cartesia", voice_id="a-cartesia-voice"
    )
    saved = (await tool_client.read_persona(persona_id))["layers"]["tts"]
    assert saved == {"tts_engine": "cartesia", "external_voice_id": "a-cartesia-voice"}
    assert "external_voice_id" in finding_text_at(receipt, "/layers/tts/voice_id")
    assert [item["path"] for item in receipt["changes"]] == [
        "/layers/tts/tts_engine",
        "/layers/tts/external_voice_id",
    ]


async def test_a_tavus_voice_stays_a_voice_id(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, voice_id="v0a1b2c3d4e5f"
    )
    assert (await tool_client.read_persona(persona_id))["layers"]["tts"] == {
        "voice_id": "v0a1b2c3d4e5f"
    }


async def test_a_second_providers_voice_id_replaces_the_first(tool_client: ToolClient) -> None:
    """The spelling of the example document must also work the second time."""
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result("configure_tts", persona_id=persona_id, voice_id="first-voice")
    await tool_client.expect_result("configure_tts", persona_id=persona_id, voice_id="second-voice")
    saved = (await tool_client.read_persona(persona_id))["layers"]["tts"]
    assert saved == {"external_voice_id": "second-voice"}


async def test_a_key_without_its_url_and_a_url_without_its_key_are_refused(
    tool_client: ToolClient,
) -> None:
    """Tavus answers 400: a custom LLM needs both."""
    persona_id = await tool_client.create_persona()
    url = "https://api.example.com/v1"
    error = await tool_client.expect_error(
        "configure_llm", persona_id=persona_id, model="m", base_url=url
    )
    assert "/layers/llm/api_key" in error
    assert "api_key_ref" in error
    error = await tool_client.expect_error(
        "configure_llm", persona_id=persona_id, model="m", api_key=CANARY
    )
    assert "base_url" in error
    assert CANARY not in error
    assert all(item.method == "POST" for item in tool_client.transport.writes)


async def test_an_unhosted_model_is_refused_without_an_endpoint(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    error = await tool_client.expect_error(
        "configure_llm", persona_id=persona_id, model="gpt-4-turbo"
    )
    assert "/layers/llm/model" in error
    assert "base_url" in error


async def test_an_unknown_hosted_model_is_accepted_with_a_warning(
    tool_client: ToolClient,
) -> None:
    """The catalogue is incomplete after mid 2026 (tavus-api.md, section 12, row 18)."""
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, model="tavus-new-9"
    )
    assert finding_text_at(receipt, "/layers/llm/model")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "http://10.0.0.7/v1"])
async def test_a_private_address_is_refused_before_any_request(
    tool_client: ToolClient, url: str
) -> None:
    persona_id = await tool_client.create_persona()
    error = await tool_client.expect_error(
        "configure_llm", persona_id=persona_id, model="m", base_url=url, api_key_ref="openai"
    )
    assert "/layers/llm/base_url" in error


MISTAKES: list[tuple[str, dict[str, Any], str, str]] = [
    ("configure_tts", {"tts_engine": [CANARY]}, "/tts_engine", "cartesia, elevenlabs, azure"),
    ("configure_stt", {"stt_engine": [CANARY]}, "/stt_engine", "tavus-auto"),
    ("configure_stt", {"participant_pause_sensitivity": [CANARY]}, "sensitivity", "superlow"),
    ("configure_perception", {"perception_model": ["raven1"]}, "/perception_model", "raven-1"),
    (
        "configure_conversational_flow",
        {"turn_taking_patience": 7},
        "/turn_taking_patience",
        "low, medium, high",
    ),
    ("configure_tts", {"speed": "normal"}, "/speed", "must be a number, not a word"),
    ("configure_tts", {"stability": CANARY}, "/stability", "must be a number"),
    ("configure_tts", {"stability": 1.5}, "/stability", "must be at most 1"),
    ("configure_llm", {"temperature": CANARY}, "/temperature", "must be a number"),
    ("configure_llm", {"temperature": 3}, "/temperature", "must be at most 2"),
    ("configure_llm", {"top_p": -1}, "/top_p", "must be at least 0"),
    ("update_persona", {"document_tags": [""]}, "/document_tags/0", "must not be empty"),
    ("configure_llm", {"model": [CANARY]}, "/model", "must be text"),
    ("configure_llm", {"speculative_inference": CANARY}, "speculative", "true or false"),
    ("configure_llm", {"modle": CANARY}, "/modle", "did you mean 'model'?"),
    ("configure_llm", {"temprature": CANARY}, "/temprature", "did you mean 'temperature'?"),
    ("configure_llm", {"headers": CANARY}, "/headers", "must be an object"),
    ("configure_llm", {"unset": {"a": CANARY}}, "/unset", "must be a list"),
    (
        "configure_perception",
        {"visual_awareness_queries": [{"q": CANARY}]},
        "/visual_awareness_queries/0",
        "must be text",
    ),
    ("set_function_tool", {"name": "get weather"}, "/name", "must match"),
    ("set_function_tool", {"name": "a", "layer": "tts"}, "/layer", "llm, perception"),
    ("set_function_tool", {"name": "a", "parameters": [CANARY]}, "/parameters", "an object"),
    ("describe_layer", {"layer": "perceptoin"}, "/layer", "did you mean 'perception'?"),
]


@pytest.mark.parametrize(("tool", "arguments", "path", "message"), MISTAKES)
async def test_an_invalid_value_is_refused_with_path_and_allowed_values_and_not_echoed(
    tool_client: ToolClient, tool: str, arguments: dict[str, Any], path: str, message: str
) -> None:
    target = {} if tool == "describe_layer" else {"persona_id": "p1"}
    error = await tool_client.expect_error(tool, **target, **arguments)
    assert path in error
    assert message in error
    assert CANARY not in error
    assert tool_client.transport.requests == []


MISTAKES_INSIDE: list[tuple[dict[str, Any], str, str]] = [
    ({"llm": {"modle": CANARY}}, "/layers/llm/modle", "did you mean 'model'?"),
    ({"lmm": {"model": CANARY}}, "/layers/lmm", "did you mean 'llm'?"),
    ({"tts": {"tts_engine": [CANARY]}}, "/layers/tts/tts_engine", "cartesia"),
    ({"tts": {"voice_settings": {"speed": "slow"}}}, "/layers/tts/voice_settings/speed", "num"),
    ({"tts": {"voice_settings": {"pitch": 1}}}, "/layers/tts/voice_settings/pitch", "Fields of "),
    (
        {"llm": {"tools": [{"type": "function", "function": {"nme": "a"}}]}},
        "/layers/llm/tools/0/function/nme",
        "did you mean 'name'?",
    ),
    ({"stt": {"engine": CANARY}}, "/layers/stt/engine", "stt_engine"),
    ({"knowledge_base": {"rag_n_chunks": "many"}}, "/layers/knowledge_base/rag_n_chunks", "wh"),
]


@pytest.mark.parametrize(("layers", "path", "message"), MISTAKES_INSIDE)
async def test_an_invalid_value_inside_layers_is_refused_with_its_full_path(
    tool_client: ToolClient, layers: dict[str, Any], path: str, message: str
) -> None:
    error = await tool_client.expect_error(
        "create_persona", system_prompt="You help.", layers=layers
    )
    assert f"{path}:" in error
    assert message in error
    assert CANARY not in error
    assert tool_client.transport.requests == []


async def test_a_wrong_value_of_a_union_field_is_reported_at_its_path(
    tool_client: ToolClient,
) -> None:
    flow = {"noise_cancellation": [1]}
    error = await tool_client.expect_error(
        "create_persona", system_prompt="You help.", layers={"conversational_flow": flow}
    )
    assert "/layers/conversational_flow/noise_cancellation:" in error


async def test_a_value_that_is_not_known_here_is_sent_with_a_warning(
    tool_client: ToolClient,
) -> None:
    """One team uses a voice isolation that the docs do not list; Tavus decides."""
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "configure_conversational_flow", persona_id=persona_id, voice_isolation="far"
    )
    assert receipt["status"] == "applied"
    (finding,) = [item for item in receipt["findings"] if item["path"].endswith("/voice_isolation")]
    assert finding["severity"] == "warning"
    assert finding["message"].startswith("'far' is not known here; Tavus decides")


async def test_all_errors_of_a_call_are_reported_together(tool_client: ToolClient) -> None:
    error = await tool_client.expect_error(
        "configure_tts", persona_id="p1", tts_engine=7, stability=7, sped=1
    )
    for path in ("/tts_engine", "/stability", "/sped"):
        assert path in error


async def test_a_speed_that_the_engine_does_not_take_is_refused_with_its_range(
    tool_client: ToolClient,
) -> None:
    """Tavus: ElevenLabs takes 0.7 to 1.2."""
    persona_id = await tool_client.create_persona(layers={"tts": {"tts_engine": "elevenlabs"}})
    error = await tool_client.expect_error("configure_tts", persona_id=persona_id, speed=1.9)
    assert "/layers/tts/voice_settings/speed" in error
    assert "1.2" in error


async def test_a_perception_entry_over_ravens_limit_is_refused(tool_client: ToolClient) -> None:
    """Tavus: 10,000 characters at most, one page says 1,000."""
    persona_id = await tool_client.create_persona()
    error = await tool_client.expect_error(
        "configure_perception", persona_id=persona_id, visual_awareness_queries=["x" * 10_001]
    )
    assert "/visual_awareness_queries/0" in error
    assert "10000" in error.replace(",", "")
    receipt = await tool_client.expect_result(
        "configure_perception", persona_id=persona_id, visual_awareness_queries=["x" * 1_001]
    )
    assert "1,000" in finding_text_at(receipt, "/layers/perception/visual_awareness_queries/0")


async def test_a_refused_name_to_unset_is_not_echoed(tool_client: ToolClient) -> None:
    """Rejected values are never echoed."""
    error = await tool_client.expect_error("configure_llm", persona_id="p1", unset=[CANARY])
    assert CANARY not in error
