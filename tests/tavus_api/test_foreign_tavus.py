"""The same tools on a Tavus that speaks PAL words only, wraps reads and counts pages from 0."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
from foreign_tavus import ForeignTavus, in_pal_words
from mcp_client import Desk, text_of

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio


def face(number: int) -> dict[str, Any]:
    return {"face_id": f"r{number}", "face_name": f"Face {number}", "face_type": "user"}


def without_empty(value: Any) -> Any:
    """Return JSON without objects that hold nothing."""
    if not isinstance(value, dict):
        return value
    inside = {key: without_empty(item) for key, item in value.items()}
    return {key: item for key, item in inside.items() if item != {}}


@pytest.fixture
def pals() -> ForeignTavus:
    """A Tavus that knows only PALs and faces."""
    return ForeignTavus(lists={"faces": [face(number) for number in range(40)]})


@pytest.fixture
async def abroad(opening: Opening, pals: ForeignTavus) -> AsyncIterator[Desk]:
    """A desk on that Tavus."""
    async with opening(pals) as desk:
        yield desk


async def test_a_persona_is_created_read_changed_and_deleted_without_a_difference(
    abroad: Desk, pals: ForeignTavus
) -> None:
    persona_id = await abroad.create(name="Clerk", layers={"stt": {"hotwords": "a"}})
    assert pals.personas[persona_id]["pal_name"] == "Clerk"
    assert pals.personas[persona_id]["default_face_id"] == "rfe12d8b9597"
    read = await abroad.persona(persona_id)
    assert read["persona_id"] == persona_id
    assert read["default_replica_id"] == "rfe12d8b9597"
    await abroad.facts("update_persona", persona_id=persona_id, name="B")
    assert pals.personas[persona_id]["pal_name"] == "B"
    await abroad.delete(persona_id)
    assert pals.personas == {}


async def test_requests_go_to_the_paths_and_words_of_that_tavus_and_never_in_both(
    abroad: Desk, pals: ForeignTavus
) -> None:
    """Tavus answers 400 when one body holds a name and its alias."""
    persona_id = await abroad.create(name="Clerk")
    await abroad.facts(
        "configure_conversational_flow", persona_id=persona_id, replica_interruptibility="high"
    )
    flow = pals.personas[persona_id]["layers"]["conversational_flow"]
    assert flow == {"pal_interruptibility": "high"}
    for name in ("persona_name", "default_replica_id", "replica_interruptibility"):
        assert name not in json.dumps(pals.bodies[1:])
    # the first request shows that there is no such path
    assert [line for line in pals.asked if "/v2/personas" in line] == pals.asked[:1]


async def test_a_name_that_stands_in_a_place_of_other_people_is_not_translated(
    abroad: Desk, pals: ForeignTavus
) -> None:
    """Ours: headers and extra_body belong to the endpoint, whatever its keys are called."""
    persona_id = await abroad.create(layers={"llm": {"model": "tavus-gpt-oss"}})
    await abroad.facts(
        "configure_llm", persona_id=persona_id, default_query={"persona_id": "x", "pal_id": "y"}
    )
    stored = pals.personas[persona_id]["layers"]["llm"]["default_query"]
    assert stored == {"persona_id": "x", "pal_id": "y"}


async def test_a_name_inside_a_new_object_of_other_people_is_not_translated_in_a_raw_patch(
    desk: Desk,
) -> None:
    persona_id = await desk.create(layers={"llm": {"model": "tavus-gpt-oss"}})
    path = "/layers/llm/extra_body"
    patch = [{"op": "add", "path": path, "value": {"pal_id": "y"}}]
    await desk.facts("patch_persona", persona_id=persona_id, patch=patch)
    saved = (await desk.persona(persona_id))["layers"]["llm"]["extra_body"]
    assert saved == {"pal_id": "y"}


async def test_changes_are_undone_there_as_well(abroad: Desk, pals: ForeignTavus) -> None:
    persona_id = await abroad.create(name="Clerk")
    before = without_empty(pals.personas[persona_id])
    for tool, arguments in (
        ("update_persona", {"name": "B", "greeting": "Hi!"}),
        ("configure_tts", {"tts_engine": "elevenlabs", "stability": 0.4}),
        ("configure_conversational_flow", {"replica_interruptibility": "low"}),
        ("patch_persona", {"patch": [{"op": "add", "path": "/persona_name", "value": "C"}]}),
    ):
        receipt = await abroad.facts(tool, persona_id=persona_id, **arguments)
        await abroad.facts(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert without_empty(pals.personas[persona_id]) == before


async def test_a_persona_without_layers_has_none_after_the_undo(
    abroad: Desk, pals: ForeignTavus
) -> None:
    persona_id = await abroad.create()
    receipt = await abroad.facts("configure_tts", persona_id=persona_id, stability=0.4)
    await abroad.facts(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert not pals.personas[persona_id].get("layers")


async def test_the_answer_304_with_an_empty_body_is_unchanged(
    abroad: Desk, pals: ForeignTavus
) -> None:
    persona_id = await abroad.create()

    def forgets_the_greeting(value: Any) -> Any:
        return {key: item for key, item in value.items() if key != "greeting"}

    await abroad.facts("update_persona", persona_id=persona_id, greeting="Hi!")
    pals.speaks = forgets_the_greeting
    receipt = await abroad.facts("update_persona", persona_id=persona_id, greeting="Hi!")
    assert receipt["status"] == "unchanged"
    assert pals.asked.count(f"PATCH /v2/pals/{persona_id}") == 2


async def test_its_lists_are_walked_to_the_end_from_page_0(
    abroad: Desk, pals: ForeignTavus
) -> None:
    for number in range(60):
        await abroad.create(name=f"Bot {number}")
    found = await abroad.facts("list_personas", name_contains="bot", limit=100)
    assert [row["persona_name"] for row in found["personas"]] == [f"Bot {n}" for n in range(60)]
    first = await abroad.facts("list_personas", limit=20)
    then = await abroad.facts("list_personas", limit=20, cursor=first["next_cursor"])
    assert [row["persona_id"] for row in then["personas"]] == list(pals.personas)[20:40]


async def test_faces_are_listed_as_replicas(abroad: Desk) -> None:
    found = await abroad.facts("list_replicas", limit=5)
    assert found["replicas"][0] == {
        "replica_id": "r0",
        "replica_name": "Face 0",
        "replica_type": "user",
    }
    assert found["total_count"] == 40
    named = await abroad.facts("list_replicas", name_contains="face 39")
    assert [row["replica_id"] for row in named["replicas"]] == ["r39"]


async def test_resources_and_checks_work_there_too(abroad: Desk) -> None:
    persona_id = await abroad.create(name="Clerk")
    assert (await abroad.client.read_resource(f"tavus://personas/{persona_id}")).contents
    report = await abroad.facts("check_persona", persona_id=persona_id)
    assert report["persona_name"] == "Clerk"


async def test_an_absent_persona_is_not_found_there(abroad: Desk) -> None:
    said = await abroad.refusal("get_persona", persona_id="p404")
    assert "list_personas" in said


async def test_pal_words_under_the_path_of_personas_are_read_as_well(opening: Opening) -> None:
    """Tavus: a live report; one account answered both vocabularies."""
    mixed = ForeignTavus(
        path="personas", key="persona_id", wrapped=False, first_page=1, speaks=in_pal_words
    )
    async with opening(mixed) as desk:
        persona_id = await desk.create(name="Clerk")
        receipt = await desk.facts(
            "configure_conversational_flow", persona_id=persona_id, replica_interruptibility="high"
        )
        assert not [item for item in receipt["findings"] if "read back" in item["message"]]
        read = await desk.persona(persona_id)
        listed = await desk.facts("list_personas")
    assert read["persona_name"] == "Clerk"
    assert read["layers"]["conversational_flow"] == {"replica_interruptibility": "high"}
    assert listed["personas"][0]["persona_name"] == "Clerk"
    assert not {"pal_name", "default_face_id"} & set(json.dumps(mixed.bodies).split('"'))


FUTURE: dict[str, Any] = {
    "pal_name": "Future",
    "system_prompt": "You help.",
    "default_face_id": "r1",
    "mood_engine": {"version": 3, "levels": [1, 2]},
    "layers": {
        "llm": {"model": "tavus-gpt-oss", "reasoning": {"effort": "low"}},
        "tts": {"tts_engine": "cartesia", "breath": 0.3, "voice_settings": {"pitch": 2}},
        "dreams": {"on": True},
    },
}


@pytest.fixture
def future(pals: ForeignTavus) -> str:
    """A persona with fields that nobody knows yet."""
    pals.personas["pf1"] = {"pal_id": "pf1", **json.loads(json.dumps(FUTURE))}
    return "pf1"


async def test_unknown_fields_are_shown(abroad: Desk, future: str) -> None:
    read = await abroad.persona(future)
    assert read["mood_engine"] == FUTURE["mood_engine"]
    assert read["layers"]["dreams"] == {"on": True}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("update_persona", {"name": "Future", "greeting": "x"}),
        ("edit_prompt", {"find": "help", "replace": "sell"}),
        ("configure_llm", {"model": "tavus-gemma-4", "temperature": 0.1}),
        ("configure_tts", {"tts_engine": "elevenlabs", "stability": 0.4}),
        ("configure_stt", {"hotwords": "a"}),
        ("configure_conversational_flow", {"turn_taking_patience": "low"}),
        ("set_function_tool", {"name": "a", "description": "b"}),
        ("patch_persona", {"patch": {"layers": {"llm": {"model": "tavus-gemma-4"}}}}),
    ],
)
async def test_unknown_fields_survive_every_change_and_its_undo(
    abroad: Desk, pals: ForeignTavus, future: str, tool: str, arguments: dict[str, Any]
) -> None:
    """Ours (design section 5): unknown fields are never dropped."""

    def unknown() -> list[Any]:
        stored = pals.personas[future]
        layers = stored["layers"]
        return [
            stored["mood_engine"],
            layers["llm"]["reasoning"],
            layers["tts"]["breath"],
            layers["tts"]["voice_settings"]["pitch"],
            layers["dreams"],
        ]

    before = json.dumps(unknown())
    receipt = await abroad.facts(tool, persona_id=future, **arguments)
    assert receipt["status"] == "applied"
    assert json.dumps(unknown()) == before
    await abroad.facts(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert json.dumps(unknown()) == before


async def test_a_layer_with_unknown_fields_that_was_unset_is_brought_back_with_them(
    abroad: Desk, pals: ForeignTavus, future: str
) -> None:
    receipt = await abroad.facts("configure_tts", persona_id=future, unset=["tts"])
    assert "tts" not in pals.personas[future]["layers"]
    await abroad.facts(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert pals.personas[future]["layers"]["tts"] == FUTURE["layers"]["tts"]


async def test_a_persona_with_unknown_fields_can_be_copied(
    abroad: Desk, pals: ForeignTavus, future: str
) -> None:
    receipt = await abroad.facts("create_persona", based_on=future)
    copied = pals.personas[receipt["persona_id"]]
    assert copied["mood_engine"] == FUTURE["mood_engine"]
    assert copied["layers"] == FUTURE["layers"]


@pytest.mark.parametrize(
    "path",
    [
        "/layers/llm/mood",
        "/layers/new_layer",
        pytest.param("/new_field"),
    ],
)
async def test_an_unknown_field_is_written_only_when_it_is_allowed_by_name(
    abroad: Desk, pals: ForeignTavus, path: str
) -> None:
    persona_id = await abroad.create(layers={"llm": {"model": "tavus-gpt-oss"}})
    before = json.dumps(pals.personas[persona_id])
    patch = [{"op": "add", "path": path, "value": {"a": 1}}]
    said = await abroad.refusal("patch_persona", persona_id=persona_id, patch=patch)
    assert path in said or "/patch/0/path: a persona has no such field" in said
    assert json.dumps(pals.personas[persona_id]) == before
    result = await abroad.call(
        "patch_persona", persona_id=persona_id, patch=patch, allow_unknown=True
    )
    assert not result.is_error, text_of(result)


@pytest.mark.parametrize("path", ["/layers/llm/reasoning", "/layers/dreams"])
async def test_the_removal_of_an_unknown_field_can_be_undone(
    abroad: Desk, pals: ForeignTavus, future: str, path: str
) -> None:
    receipt = await abroad.facts(
        "patch_persona",
        persona_id=future,
        patch=[{"op": "remove", "path": path}],
        allow_unknown=True,
    )
    await abroad.facts(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert pals.personas[future]["layers"] == FUTURE["layers"]


async def test_a_null_that_was_replaced_by_a_raw_patch_is_put_back(
    abroad: Desk, pals: ForeignTavus
) -> None:
    """Tavus: old personas hold nulls and empty strings."""
    pals.personas["pn1"] = {"pal_id": "pn1", "system_prompt": "x", "greeting": None, "layers": {}}
    patch = [{"op": "replace", "path": "/greeting", "value": "Hi!"}]
    receipt = await abroad.facts("patch_persona", persona_id="pn1", patch=patch)
    await abroad.facts(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert pals.personas["pn1"].get("greeting") is None
