"""``get_persona``: whole documents, chosen layers, long texts cut with their length said."""

from __future__ import annotations

import pytest
from mcp_client import Desk, text_of

pytestmark = pytest.mark.anyio


async def test_the_document_comes_with_its_revision(desk: Desk) -> None:
    persona_id = await desk.create(name="Front desk", greeting="Hello!")
    read = await desk.facts("get_persona", persona_id=persona_id)
    assert read["persona"]["persona_id"] == persona_id
    assert read["persona"]["greeting"] == "Hello!"
    assert len(read["revision"]) == 12


async def test_reading_twice_gives_the_same_revision_and_a_change_gives_another(desk: Desk) -> None:
    persona_id = await desk.create()
    first = await desk.facts("get_persona", persona_id=persona_id)
    assert (await desk.facts("get_persona", persona_id=persona_id))["revision"] == first["revision"]
    receipt = await desk.facts("update_persona", persona_id=persona_id, name="Other")
    then = await desk.facts("get_persona", persona_id=persona_id)
    assert then["revision"] == receipt["revision"] != first["revision"]


async def test_only_the_layers_that_were_asked_for_are_shown(desk: Desk) -> None:
    persona_id = await desk.create(
        layers={
            "llm": {"model": "tavus-gpt-oss"},
            "tts": {"tts_engine": "cartesia"},
            "stt": {"stt_engine": "tavus-auto"},
        }
    )
    whole = await desk.facts("get_persona", persona_id=persona_id)
    some = await desk.facts("get_persona", persona_id=persona_id, layers=["llm", "stt"])
    assert set(whole["persona"]["layers"]) == {"llm", "tts", "stt"}
    assert set(some["persona"]["layers"]) == {"llm", "stt"}
    assert some["revision"] == whole["revision"]


async def test_a_layer_the_persona_lacks_is_simply_not_shown(desk: Desk) -> None:
    persona_id = await desk.create(layers={"llm": {"model": "tavus-gpt-oss"}})
    some = await desk.facts("get_persona", persona_id=persona_id, layers=["tts"])
    assert some["persona"]["layers"] == {}


async def test_an_unknown_layer_is_refused_with_the_allowed_ones_and_the_nearest(
    desk: Desk,
) -> None:
    persona_id = await desk.create()
    said = await desk.refusal("get_persona", persona_id=persona_id, layers=["perceptoin"])
    assert "/layers/0" in said
    assert "did you mean 'perception'?" in said
    assert "conversational_flow" in said


@pytest.mark.parametrize("length", [1_500, 1_501, 20_000])
async def test_a_prompt_over_1500_characters_is_cut_with_its_length_said(
    desk: Desk, length: int
) -> None:
    prompt = ("You help people. " * (length // 17 + 1))[:length]
    persona_id = await desk.create(system_prompt=prompt)
    result = await desk.call("get_persona", persona_id=persona_id)
    assert result.structured_content is not None
    shown = result.structured_content["persona"]["system_prompt"]
    if length == 1_500:
        assert shown == prompt
        assert "cut" not in result.structured_content
    else:
        assert shown.startswith(prompt[:1_500])
        assert prompt not in shown
        assert result.structured_content["cut"] == {"/system_prompt": length}
        assert str(length) in shown
        assert f"/system_prompt: {length}" in text_of(result)


async def test_full_prompt_shows_every_character(desk: Desk) -> None:
    prompt = "Line one.\n\n" + "You help people. " * 2_000
    persona_id = await desk.create(system_prompt=prompt)
    read = await desk.facts("get_persona", persona_id=persona_id, full_prompt=True)
    assert read["persona"]["system_prompt"] == prompt
    assert "cut" not in read


async def test_long_texts_inside_layers_are_cut_as_well(desk: Desk) -> None:
    persona_id = await desk.create(
        layers={"perception": {"visual_awareness_queries": ["Short?", "Is it? " * 500]}}
    )
    read = await desk.facts("get_persona", persona_id=persona_id)
    assert read["cut"] == {"/layers/perception/visual_awareness_queries/1": 3_500}


async def test_a_read_is_one_request(desk: Desk) -> None:
    persona_id = await desk.create()
    desk.wire.requests.clear()
    await desk.facts("get_persona", persona_id=persona_id)
    assert desk.wire.lines == [f"GET /v2/personas/{persona_id}"]


async def test_a_stock_persona_can_be_read(desk: Desk) -> None:
    read = await desk.facts("get_persona", persona_id="p1af207b8189")
    assert read["persona"]["persona_name"] == "Sales Coach"


async def test_an_absent_persona_says_what_tavus_said_and_where_to_find_ids(desk: Desk) -> None:
    said = await desk.refusal("get_persona", persona_id="p0000000000")
    assert "Invalid persona_id" in said
    assert "list_personas" in said
    assert "'p0000000000'" in said
