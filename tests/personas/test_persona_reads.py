"""``get_persona``: whole documents, chosen layers, and long texts cut with their length."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mcp_client import SECRET, ToolClient, text_of

from tavus_mcp.models.masking import MASK

pytestmark = pytest.mark.anyio


async def test_the_document_comes_with_its_revision(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(name="Front desk", greeting="Hello!")
    read = await tool_client.expect_result("get_persona", persona_id=persona_id)
    assert read["persona"]["persona_id"] == persona_id
    assert read["persona"]["greeting"] == "Hello!"
    assert len(read["revision"]) == 12


async def test_the_revision_is_stable_between_reads_and_differs_after_a_change(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    first = await tool_client.expect_result("get_persona", persona_id=persona_id)
    assert (await tool_client.expect_result("get_persona", persona_id=persona_id))[
        "revision"
    ] == first["revision"]
    receipt = await tool_client.expect_result("update_persona", persona_id=persona_id, name="Other")
    then = await tool_client.expect_result("get_persona", persona_id=persona_id)
    assert then["revision"] == receipt["revision"] != first["revision"]


async def test_only_the_requested_layers_are_returned(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(
        layers={
            "llm": {"model": "tavus-gpt-oss"},
            "tts": {"tts_engine": "cartesia"},
            "stt": {"stt_engine": "tavus-auto"},
        }
    )
    whole = await tool_client.expect_result("get_persona", persona_id=persona_id)
    some = await tool_client.expect_result(
        "get_persona", persona_id=persona_id, layers=["llm", "stt"]
    )
    assert set(whole["persona"]["layers"]) == {"llm", "tts", "stt"}
    assert set(some["persona"]["layers"]) == {"llm", "stt"}
    assert some["revision"] == whole["revision"]


async def test_an_absent_layer_is_omitted_and_its_defaults_are_returned(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(layers={"llm": {"model": "tavus-gpt-oss"}})
    some = await tool_client.expect_result("get_persona", persona_id=persona_id, layers=["tts"])
    assert some["persona"]["layers"] == {}
    assert some["not_set"]["/layers/tts/tts_engine"] == "cartesia (default)"


async def test_chosen_layers_and_fields_come_without_the_prompt(tool_client: ToolClient) -> None:
    """Earlier, ``layers`` returned 1,500 characters of the prompt as well."""
    persona_id = await tool_client.create_persona(
        name="Clerk",
        greeting="Hi!",
        system_prompt="You help people. " * 200,
        layers={
            "tts": {"tts_engine": "cartesia", "voice_settings": {"speed": 0.1}},
            "llm": {"tools": [{"type": "function", "function": {"name": "a", "description": "b"}}]},
        },
    )
    some = await tool_client.call("get_persona", persona_id=persona_id, layers=["tts"])
    assert some.structured_content is not None
    assert set(some.structured_content["persona"]) == {"persona_id", "persona_name", "layers"}
    assert len(text_of(some)) < 400
    fields = ["greeting", "speed", "/layers/llm/tools/0", "llm.model", "wake_phrase"]
    chosen = await tool_client.expect_result("get_persona", persona_id=persona_id, fields=fields)
    assert chosen["persona"] == {
        "persona_id": persona_id,
        "persona_name": "Clerk",
        "greeting": "Hi!",
        "layers": {
            "tts": {"voice_settings": {"speed": 0.1}},
            "llm": {"tools": [{"type": "function", "function": {"name": "a", "description": "b"}}]},
        },
    }
    assert chosen["not_set"] == {
        "/layers/llm/model": "tavus-gemma-4 (default)",
        "/layers/conversational_flow/wake_phrase": "(not set)",
    }
    assert chosen["revision"] == some.structured_content["revision"]


async def test_a_whole_persona_shows_the_models_that_it_leaves_to_tavus(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    text = text_of(await tool_client.call("get_persona", persona_id=persona_id))
    assert "/layers/llm/model: tavus-gemma-4 (default)" in text


async def test_a_layer_that_is_not_used_has_no_defaults(tool_client: ToolClient) -> None:
    """Docs: nothing of conversational_flow is on before its first field; it overrides stt then."""
    persona_id = await tool_client.create_persona()
    model = "/layers/conversational_flow/turn_detection_model"
    whole = await tool_client.expect_result("get_persona", persona_id=persona_id)
    assert model not in whole["not_set"]
    some = await tool_client.expect_result(
        "get_persona", persona_id=persona_id, fields=[model, "participant_pause_sensitivity"]
    )
    assert set(some["not_set"].values()) == {"(not set)"}


async def test_an_unknown_field_is_refused_with_the_nearest(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    for name in ("greetin", "/layers/llm/modl", "llm.modl", ""):
        error = await tool_client.expect_error("get_persona", persona_id=persona_id, fields=[name])
        assert "/fields" in error
        assert "/layers/llm/model" in error
    error = await tool_client.expect_error(
        "get_persona", persona_id=persona_id, fields=["patience"]
    )
    assert "did you mean 'turn_taking_patience'?" in error


async def test_an_unknown_layer_is_refused_with_the_allowed_ones_and_the_closest_match(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    error = await tool_client.expect_error(
        "get_persona", persona_id=persona_id, layers=["perceptoin"]
    )
    assert "/layers/0" in error
    assert "did you mean 'perception'?" in error
    assert "conversational_flow" in error


@pytest.mark.parametrize("length", [1_500, 1_501, 20_000])
async def test_a_prompt_over_1500_characters_is_truncated_with_its_length(
    tool_client: ToolClient, length: int
) -> None:
    prompt = ("You help people. " * (length // 17 + 1))[:length]
    persona_id = await tool_client.create_persona(system_prompt=prompt)
    result = await tool_client.call("get_persona", persona_id=persona_id)
    assert result.structured_content is not None
    preview = result.structured_content["persona"]["system_prompt"]
    if length == 1_500:
        assert preview == prompt
        assert "cut" not in result.structured_content
    else:
        assert preview.startswith(prompt[:1_500])
        assert prompt not in preview
        assert result.structured_content["cut"] == {"/system_prompt": length}
        assert str(length) in preview
        assert text_of(result).count(str(length)) == 1  # once, at the place of the cut


async def test_a_key_at_the_place_of_the_cut_is_not_cut_in_two(tool_client: ToolClient) -> None:
    beginning = ("You help people. " * 100)[: 1_500 - len(SECRET) // 2]
    prompt = f"{beginning}{SECRET} {beginning}"
    persona_id = await tool_client.create_persona(system_prompt=prompt)
    result = await tool_client.call("get_persona", persona_id=persona_id)
    assert result.structured_content is not None
    assert SECRET[: len(SECRET) // 2] not in text_of(result)
    assert f"{beginning}{MASK}" in result.structured_content["persona"]["system_prompt"]
    masked = prompt.replace(SECRET, MASK)
    assert result.structured_content["cut"] == {"/system_prompt": len(masked)}


async def test_full_prompt_returns_every_character(tool_client: ToolClient) -> None:
    prompt = "Line one.\n\n" + "You help people. " * 2_000
    persona_id = await tool_client.create_persona(system_prompt=prompt)
    read = await tool_client.expect_result("get_persona", persona_id=persona_id, full_prompt=True)
    assert read["persona"]["system_prompt"] == prompt
    assert "cut" not in read


async def test_long_texts_inside_layers_are_truncated(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(
        layers={"perception": {"visual_awareness_queries": ["Short?", "Is it? " * 500]}}
    )
    read = await tool_client.expect_result("get_persona", persona_id=persona_id)
    assert read["cut"] == {"/layers/perception/visual_awareness_queries/1": 3_500}


async def test_the_path_of_a_cut_text_is_a_json_pointer(tool_client: ToolClient) -> None:
    await tool_client.set_switches(unknown_fields="accepted")
    persona_id = await tool_client.create_persona()
    await tool_client.edit_in_dashboard(persona_id, "/notes~1of us", "x" * 1_501)
    read = await tool_client.expect_result("get_persona", persona_id=persona_id)
    assert read["cut"] == {"/notes~1of us": 1_501}


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ({"pipeline_mode": "echo"}, ["/layers/llm/model", "stt"]),
        (
            {
                "system_prompt": "You help.",
                "layers": {"llm": {"base_url": "https://a.acme.com/v1", "api_key_ref": "openai"}},
            },
            ["/layers/llm/model"],
        ),
    ],
)
async def test_a_void_value_is_not_called_in_use(
    tool_client: ToolClient, fields: dict[str, Any], chosen: list[str]
) -> None:
    """list_personas showed no model for a persona in mode echo, and get_persona the default."""
    required = {"name": "Bot", "default_replica_id": "rfe12d8b9597"}
    receipt = await tool_client.expect_result("create_persona", **required, **fields)
    read = await tool_client.expect_result(
        "get_persona", persona_id=receipt["persona_id"], fields=chosen
    )
    assert set(read["not_set"].values()) == {"(not set)"}


async def test_a_read_is_one_request(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    tool_client.transport.requests.clear()
    await tool_client.expect_result("get_persona", persona_id=persona_id)
    assert tool_client.transport.request_lines == [f"GET /v2/personas/{persona_id}"]


async def test_a_stock_persona_can_be_read(tool_client: ToolClient) -> None:
    read = await tool_client.expect_result("get_persona", persona_id="p1af207b8189")
    assert read["persona"]["persona_name"] == "Sales Coach"


async def test_a_deleted_persona_is_found_by_name_and_id_with_the_call_that_restores_it(
    tool_client: ToolClient,
) -> None:
    """Found in use: the id of a deleted persona was nowhere to be had."""
    persona_id = await tool_client.create_persona(name="Night desk")
    await tool_client.create_persona(name="Day desk")
    await tool_client.delete_persona(persona_id)
    page = await tool_client.expect_result("list_personas", name_contains="night")
    message = page["findings"][-1]["message"]
    assert message.startswith(f"'Night desk' ({persona_id}) was deleted at ")
    error = await tool_client.expect_error("get_persona", persona_id=persona_id)
    assert error.endswith(message)
    call = re.search(r'restore_revision\(persona_id="(\w+)", revision="(\w+)"\)', message)
    assert call is not None
    restored = await tool_client.expect_result(
        "restore_revision", persona_id=call[1], revision=call[2]
    )
    error = await tool_client.expect_error("get_persona", persona_id=persona_id)
    assert error.endswith(f"brought back as {restored['persona_id']}.")
    assert "findings" not in await tool_client.expect_result("list_personas", name_contains="day")


async def test_an_absent_persona_gives_the_message_of_tavus_and_where_to_find_ids(
    tool_client: ToolClient,
) -> None:
    error = await tool_client.expect_error("get_persona", persona_id="p0000000000")
    assert "Invalid persona_id" in error
    assert "list_personas" in error
    assert "'p0000000000'" in error
