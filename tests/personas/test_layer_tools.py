"""``configure_*`` and ``describe_layer``: each argument, merging, and removal."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient, text_of

from tavus_mcp.models.layers import LAYER_NAMES

pytestmark = pytest.mark.anyio

LLM: dict[str, Any] = {
    "model": "tavus-gpt-oss",
    "speculative_inference": False,
    "headers": {"X-Team": "a"},
    "extra_body": {"seed": 7},
    "default_query": {"v": "2"},
}
TTS: dict[str, Any] = {
    "tts_engine": "elevenlabs",
    "external_voice_id": "abc",
    "voice_id": "v0a1b2c3d4e5f",
    "tts_model_name": "eleven_flash_v2_5",
    "api_key": "tts-canary-2",
    "tts_emotion_control": False,
    "pronunciation_dictionary_id": "pd_1",
    "playht_user_id": "u1",
}
SETTINGS: dict[str, Any] = {
    "speed": 0.9,
    "stability": 0.4,
    "similarity_boost": 0.3,
    "style": 0.2,
    "use_speaker_boost": True,
}
STT: dict[str, Any] = {
    "stt_engine": "tavus-whisper",
    "hotwords": "Tavus, Raven",
    "participant_pause_sensitivity": "high",
    "participant_interrupt_sensitivity": "verylow",
    "smart_turn_detection": False,
}
PERCEPTION: dict[str, Any] = {
    "perception_model": "raven-0",
    "visual_awareness_queries": ["Who?"],
    "audio_awareness_queries": ["Loud?"],
    "perception_analysis_queries": ["Calm?"],
    "screen_awareness_queries": ["Slides?"],
    "visual_tool_prompt": "When a hat is seen",
    "audio_tool_prompt": "When a dog is heard",
    "emotion_recognition": "auto",
    "ambient_awareness": True,
    "ambient_awareness_queries": ["Where?"],
}
FLOW: dict[str, Any] = {
    "turn_detection_model": "sparrow-1",
    "turn_taking_patience": "high",
    "replica_interruptibility": "low",
    "voice_isolation": "off",
    "idle_engagement": "eager",
    "wake_phrase": "Hey Bot",
    "sleep_phrase": "Bye Bot",
    "turn_commitment": "low",
    "active_listening": "off",
}
ARGUMENTS = {
    "llm": LLM,
    "tts": TTS,
    "stt": STT,
    "perception": PERCEPTION,
    "conversational_flow": FLOW,
}


@pytest.mark.parametrize("layer", list(ARGUMENTS))
async def test_each_argument_sets_its_field(tool_client: ToolClient, layer: str) -> None:
    masked = {"api_key": "********", "headers": {"X-Team": "********"}}
    for name, value in ARGUMENTS[layer].items():
        persona_id = await tool_client.create_persona()
        receipt = await tool_client.expect_result(
            f"configure_{layer}", persona_id=persona_id, **{name: value}
        )
        assert receipt["status"] == "applied", name
        saved = (await tool_client.read_persona(persona_id))["layers"][layer]
        assert saved[name] == masked.get(name, value)


@pytest.mark.parametrize("name", list(SETTINGS))
async def test_a_voice_setting_goes_inside_voice_settings(
    tool_client: ToolClient, name: str
) -> None:
    persona_id = await tool_client.create_persona(layers={"tts": {"tts_engine": "elevenlabs"}})
    await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, **{name: SETTINGS[name]}
    )
    saved = (await tool_client.read_persona(persona_id))["layers"]["tts"]
    assert saved["voice_settings"] == {name: SETTINGS[name]}


async def test_volume_and_emotion_apply_only_to_cartesia(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(
        layers={"tts": {"tts_engine": "cartesia", "tts_model_name": "sonic-2"}}
    )
    await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, emotion=["positivity:high"], volume=1.5
    )
    saved = (await tool_client.read_persona(persona_id))["layers"]["tts"]["voice_settings"]
    assert saved == {"emotion": ["positivity:high"], "volume": 1.5}


@pytest.mark.parametrize(("name", "value"), [("temperature", 0.2), ("top_p", 0.9)])
async def test_sampling_parameters_are_merged_into_extra_body(
    tool_client: ToolClient, name: str, value: float
) -> None:
    persona_id = await tool_client.create_persona(layers={"llm": {"extra_body": {"seed": 7}}})
    await tool_client.expect_result("configure_llm", persona_id=persona_id, **{name: value})
    saved = (await tool_client.read_persona(persona_id))["layers"]["llm"]
    assert saved["extra_body"] == {"seed": 7, name: value}


@pytest.mark.parametrize("name", ["extra_body", "default_query"])
async def test_free_objects_are_merged_by_key_and_null_removes(
    tool_client: ToolClient, name: str
) -> None:
    persona_id = await tool_client.create_persona(
        layers={"llm": {name: {"keep": 1, "drop": 2, "in": {"a": 1}}}}
    )
    await tool_client.expect_result(
        "configure_llm",
        persona_id=persona_id,
        **{name: {"drop": None, "new": [3], "in": {"b": 2}}},
    )
    saved = (await tool_client.read_persona(persona_id))["layers"]["llm"]
    assert saved[name] == {"keep": 1, "new": [3], "in": {"a": 1, "b": 2}}


async def test_headers_are_merged_by_name(tool_client: ToolClient, store: Any) -> None:
    persona_id = await tool_client.create_persona(
        layers={"llm": {"headers": {"X-A": "1", "X-B": "2"}}}
    )
    await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, headers={"X-B": None, "X-C": "3"}
    )
    stored = store.get("persona", persona_id)["layers"]["llm"]["headers"]
    assert stored == {"X-A": "1", "X-C": "3"}


async def test_voice_settings_may_come_as_an_object(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(
        layers={"tts": {"tts_engine": "elevenlabs", "voice_settings": {"style": 0.1}}}
    )
    await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, voice_settings={"stability": 0.4, "speed": 0.9}
    )
    saved = (await tool_client.read_persona(persona_id))["layers"]["tts"]["voice_settings"]
    assert saved == {"style": 0.1, "stability": 0.4, "speed": 0.9}
    message = await tool_client.expect_error(
        "configure_tts", persona_id=persona_id, voice_settings={"speed": 1.1}, speed=1.2
    )
    assert "given twice" in message


async def test_a_wrong_name_inside_voice_settings_is_refused_with_the_closest_match(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    error = await tool_client.expect_error(
        "configure_tts", persona_id=persona_id, voice_settings={"stablity": 0.5}
    )
    assert "did you mean 'stability'?" in error


async def test_only_given_fields_change(tool_client: ToolClient) -> None:
    layers = {
        "llm": {"model": "tavus-gpt-oss"},
        "tts": {"tts_engine": "cartesia"},
        "stt": {"hotwords": "a"},
        "perception": {"perception_model": "raven-1"},
        "conversational_flow": {"turn_taking_patience": "low"},
    }
    persona_id = await tool_client.create_persona(layers=layers)
    before = await tool_client.read_persona(persona_id)
    await tool_client.expect_result("configure_stt", persona_id=persona_id, stt_engine="tavus-auto")
    after = await tool_client.read_persona(persona_id)
    assert after["layers"].pop("stt") == {"hotwords": "a", "stt_engine": "tavus-auto"}
    assert before["layers"].pop("stt") == {"hotwords": "a"}
    del before["updated_at"], after["updated_at"]
    assert after == before


@pytest.mark.parametrize(
    ("layer", "arguments", "name", "left"),
    [
        ("llm", {"model": "tavus-gpt-oss", "temperature": 0.1}, "model", {"extra_body"}),
        ("tts", {"tts_engine": "azure", "external_voice_id": "x"}, "tts_engine", None),
        ("stt", {"hotwords": "a", "stt_engine": "tavus-auto"}, "hotwords", {"stt_engine"}),
        ("perception", {"perception_model": "raven-0"}, "perception_model", set()),
    ],
)
async def test_unset_removes_one_field(
    tool_client: ToolClient, layer: str, arguments: dict[str, Any], name: str, left: set[str] | None
) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(f"configure_{layer}", persona_id=persona_id, **arguments)
    await tool_client.expect_result(f"configure_{layer}", persona_id=persona_id, unset=[name])
    saved = (await tool_client.read_persona(persona_id))["layers"][layer]
    assert name not in saved
    if left is not None:
        assert set(saved) == left


@pytest.mark.parametrize("layer", ["llm", "tts", "stt", "perception", "conversational_flow"])
async def test_unset_of_the_layer_name_removes_the_whole_layer(
    tool_client: ToolClient, layer: str
) -> None:
    field = {"llm": LLM, "tts": TTS, "stt": STT, "perception": PERCEPTION}.get(layer, FLOW)
    name = next(iter(field))
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result(
        f"configure_{layer}", persona_id=persona_id, **{name: field[name]}
    )
    await tool_client.expect_result(f"configure_{layer}", persona_id=persona_id, unset=[layer])
    assert layer not in (await tool_client.read_persona(persona_id))["layers"]


async def test_unset_and_set_of_two_fields_are_one_request(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(layers={"tts": {"voice_id": "v0a1b2c3d4e5f"}})
    count = len(tool_client.transport.writes)
    await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, external_voice_id="abc", unset=["voice_id"]
    )
    assert (await tool_client.read_persona(persona_id))["layers"]["tts"] == {
        "external_voice_id": "abc"
    }
    assert len(tool_client.transport.writes) == count + 1


async def test_unset_knows_fields_by_argument_and_by_inner_name(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(
        layers={
            "llm": {"extra_body": {"temperature": 0.1, "top_p": 0.9}},
            "tts": {"voice_settings": {"speed": 1.0, "style": 0.2}},
        }
    )
    await tool_client.expect_result("configure_llm", persona_id=persona_id, unset=["temperature"])
    await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, unset=["voice_settings"]
    )
    layers = (await tool_client.read_persona(persona_id))["layers"]
    assert layers["llm"]["extra_body"] == {"top_p": 0.9}
    assert "voice_settings" not in layers["tts"]


async def test_setting_one_flow_field_reports_the_defaults_that_tavus_filled_in(
    tool_client: ToolClient,
) -> None:
    """Tavus fills the other fields of the layer with defaults; that is no failure."""
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result(
        "configure_conversational_flow", persona_id=persona_id, turn_taking_patience="low"
    )
    assert [item["path"] for item in receipt["changes"]] == [
        "/layers/conversational_flow/turn_taking_patience"
    ]
    assert not [item for item in receipt["findings"] if "read back" in item["message"]]


async def test_every_layer_is_described_without_a_request(tool_client: ToolClient) -> None:
    for layer in LAYER_NAMES:
        assert (await tool_client.expect_result("describe_layer", layer=layer))["layer"], layer
    assert tool_client.transport.requests == []


async def test_the_llm_layer_is_described_with_models_speed_and_deprecations(
    tool_client: ToolClient,
) -> None:
    """The facts that a language model needs to choose."""
    text = str(await tool_client.expect_result("describe_layer", layer="llm"))
    for word in ("tavus-gemma-4", "recommended", "tavus-gpt-4o", "deprecated", "speed"):
        assert word in text
    models = text_of(await tool_client.call("describe_layer", layer="llm", field="model"))
    assert "models (id | default | best_for | speed" in models
    assert "where 3 is best. Prices of models are not known." in models
    assert len(models) < 2_600


@pytest.mark.parametrize(
    ("layer", "field", "words", "absent"),
    [
        ("llm", "model", ("tavus-gemma-4", "deprecated"), "speculative_inference"),
        ("tts", "tts_engine", ("cartesia", "elevenlabs"), "pronunciation_dictionary_id"),
        ("tts", "stability", ("elevenlabs", "range"), "similarity_boost"),
        ("conversational_flow", "pal_interruptibility", ("hard to interrupt",), "wake_phrase"),
    ],
)
async def test_one_field_is_described_alone(
    tool_client: ToolClient, layer: str, field: str, words: tuple[str, ...], absent: str
) -> None:
    """Earlier, describe_layer returned every field."""
    described = await tool_client.expect_result("describe_layer", layer=layer, field=field)
    assert all(word in str(described) for word in words)
    assert absent not in str(described)


async def test_an_unknown_field_of_a_layer_is_refused_with_the_nearest(
    tool_client: ToolClient,
) -> None:
    error = await tool_client.expect_error("describe_layer", layer="tts", field="stabilty")
    assert "did you mean 'stability'?" in error
    assert "tts_engine" in error
    flow = "conversational_flow"
    error = await tool_client.expect_error("describe_layer", layer=flow, field="patience")
    assert "did you mean 'turn_taking_patience'?" in error
    pointer = f"/layers/{flow}/turn_taking_patience"
    described = await tool_client.expect_result("describe_layer", layer=flow, field=pointer)
    assert [field["name"] for field in described["layer"]["fields"]] == ["turn_taking_patience"]


@pytest.mark.parametrize("layer", ["llm", "tts", "stt", "perception", "conversational_flow"])
async def test_every_field_that_a_tool_sets_is_in_the_catalog(
    tool_client: ToolClient, layer: str
) -> None:
    """Each offered value must be explained, in the same words."""
    tools = {tool.name: tool for tool in (await tool_client.client.list_tools()).tools}
    offered = set(tools[f"configure_{layer}"].input_schema["properties"])
    ours = {"persona_id", "api_key_ref", "allow_private_url", "unset", "dry_run", "if_revision"}
    described = str(await tool_client.expect_result("describe_layer", layer=layer))
    assert [name for name in offered - ours if name not in described] == []
    for name in offered - ours:  # "temperature" is extra_body.temperature in the catalog
        one = await tool_client.expect_result("describe_layer", layer=layer, field=name)
        assert name in str(one)


async def test_a_refused_value_is_answered_with_the_nearest_known_one(
    tool_client: ToolClient,
) -> None:
    """Found in use: only dry_run said it, as Tavus decides on values that are not known here."""
    persona_id = await tool_client.create_persona()
    message = await tool_client.expect_error(
        "configure_conversational_flow", persona_id=persona_id, turn_taking_patience="higher"
    )
    assert "Tavus answered 400" in message
    assert "/layers/conversational_flow/turn_taking_patience: Nearest: high." in message
