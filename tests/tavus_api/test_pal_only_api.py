"""The tools on an API that knows only PAL names, wraps reads and counts pages from 0."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
from mcp_client import ToolClient, text_of
from pal_only_api import PalOnlyApi, rename_to_pal

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio


def build_face(number: int) -> dict[str, Any]:
    return {"face_id": f"r{number}", "face_name": f"Face {number}", "face_type": "user"}


def remove_empty_objects(value: Any) -> Any:
    """Return a value without empty objects."""
    if not isinstance(value, dict):
        return value
    inside = {key: remove_empty_objects(item) for key, item in value.items()}
    return {key: item for key, item in inside.items() if item != {}}


@pytest.fixture
def pal_api() -> PalOnlyApi:
    """An API that knows only PALs and faces."""
    return PalOnlyApi(lists={"faces": [build_face(number) for number in range(40)]})


@pytest.fixture
async def pal_tool_client(
    open_tool_client: ToolClientFactory, pal_api: PalOnlyApi
) -> AsyncIterator[ToolClient]:
    """A client of our server on that API."""
    async with open_tool_client(pal_api) as client:
        yield client


async def test_a_persona_is_created_read_changed_and_deleted_without_a_difference(
    pal_tool_client: ToolClient, pal_api: PalOnlyApi
) -> None:
    persona_id = await pal_tool_client.create_persona(
        name="Clerk", layers={"stt": {"hotwords": "a"}}
    )
    assert pal_api.personas[persona_id]["pal_name"] == "Clerk"
    assert pal_api.personas[persona_id]["default_face_id"] == "rfe12d8b9597"
    read = await pal_tool_client.read_persona(persona_id)
    assert read["persona_id"] == persona_id
    assert read["default_replica_id"] == "rfe12d8b9597"
    await pal_tool_client.expect_result("update_persona", persona_id=persona_id, name="B")
    assert pal_api.personas[persona_id]["pal_name"] == "B"
    await pal_tool_client.delete_persona(persona_id)
    assert pal_api.personas == {}


async def test_requests_use_only_the_paths_and_field_names_of_the_pal_api(
    pal_tool_client: ToolClient, pal_api: PalOnlyApi
) -> None:
    """Tavus answers 400 when one body holds a name and its alias."""
    persona_id = await pal_tool_client.create_persona(name="Clerk")
    await pal_tool_client.expect_result(
        "configure_conversational_flow", persona_id=persona_id, replica_interruptibility="high"
    )
    flow = pal_api.personas[persona_id]["layers"]["conversational_flow"]
    assert flow == {"pal_interruptibility": "high"}
    for name in ("persona_name", "default_replica_id", "replica_interruptibility"):
        assert name not in json.dumps(pal_api.request_bodies[1:])
    # the first request for a persona shows that there is no such path
    persona_lines = [line for line in pal_api.request_lines if "/v2/personas" in line]
    assert persona_lines == ["POST /v2/personas"]


async def test_names_inside_free_form_objects_are_not_translated(
    pal_tool_client: ToolClient, pal_api: PalOnlyApi
) -> None:
    """The keys in headers and extra_body belong to the endpoint, not to Tavus."""
    persona_id = await pal_tool_client.create_persona(layers={"llm": {"model": "tavus-gpt-oss"}})
    await pal_tool_client.expect_result(
        "configure_llm", persona_id=persona_id, default_query={"persona_id": "x", "pal_id": "y"}
    )
    stored = pal_api.personas[persona_id]["layers"]["llm"]["default_query"]
    assert stored == {"persona_id": "x", "pal_id": "y"}


async def test_names_inside_free_form_objects_of_a_raw_patch_are_not_translated(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona(layers={"llm": {"model": "tavus-gpt-oss"}})
    path = "/layers/llm/extra_body"
    patch = [{"op": "add", "path": path, "value": {"pal_id": "y"}}]
    await tool_client.expect_result("patch_persona", persona_id=persona_id, patch=patch)
    saved = (await tool_client.read_persona(persona_id))["layers"]["llm"]["extra_body"]
    assert saved == {"pal_id": "y"}


async def test_changes_can_be_undone_at_the_pal_api(
    pal_tool_client: ToolClient, pal_api: PalOnlyApi
) -> None:
    persona_id = await pal_tool_client.create_persona(name="Clerk")
    before = remove_empty_objects(pal_api.personas[persona_id])
    for tool, arguments in (
        ("update_persona", {"name": "B", "greeting": "Hi!"}),
        ("configure_tts", {"tts_engine": "elevenlabs", "stability": 0.4}),
        ("configure_conversational_flow", {"replica_interruptibility": "low"}),
        ("patch_persona", {"patch": [{"op": "add", "path": "/persona_name", "value": "C"}]}),
    ):
        receipt = await pal_tool_client.expect_result(tool, persona_id=persona_id, **arguments)
        await pal_tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert remove_empty_objects(pal_api.personas[persona_id]) == before


async def test_undo_leaves_a_persona_without_layers_as_it_was(
    pal_tool_client: ToolClient, pal_api: PalOnlyApi
) -> None:
    persona_id = await pal_tool_client.create_persona()
    receipt = await pal_tool_client.expect_result(
        "configure_tts", persona_id=persona_id, stability=0.4
    )
    await pal_tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert not pal_api.personas[persona_id].get("layers")


async def test_a_304_answer_that_the_read_contradicts_gives_the_status_unverified(
    pal_tool_client: ToolClient, pal_api: PalOnlyApi
) -> None:
    persona_id = await pal_tool_client.create_persona()

    def forgets_the_greeting(value: Any) -> Any:
        return {key: item for key, item in value.items() if key != "greeting"}

    await pal_tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Hi!")
    pal_api.render = forgets_the_greeting
    receipt = await pal_tool_client.expect_result(
        "update_persona", persona_id=persona_id, greeting="Hi!"
    )
    assert receipt["status"] == "unverified"
    assert "reads otherwise" in str(receipt["findings"])
    assert pal_api.request_lines.count(f"PATCH /v2/pals/{persona_id}") == 2


async def test_zero_based_pages_are_read_to_the_end(
    pal_tool_client: ToolClient, pal_api: PalOnlyApi
) -> None:
    for number in range(60):
        await pal_tool_client.create_persona(name=f"Bot {number}")
    result = await pal_tool_client.expect_result("list_personas", name_contains="bot", limit=100)
    assert [row["persona_name"] for row in result["personas"]] == [f"Bot {n}" for n in range(60)]
    first = await pal_tool_client.expect_result("list_personas", limit=20)
    then = await pal_tool_client.expect_result(
        "list_personas", limit=20, cursor=first["next_cursor"]
    )
    assert [row["persona_id"] for row in then["personas"]] == list(pal_api.personas)[20:40]


async def test_faces_are_listed_as_replicas(pal_tool_client: ToolClient) -> None:
    result = await pal_tool_client.expect_result("list_replicas", limit=5)
    assert result["replicas"][0] == {
        "replica_id": "r0",
        "replica_name": "Face 0",
        "replica_type": "user",
    }
    assert result["total_count"] == 40
    named = await pal_tool_client.expect_result("list_replicas", name_contains="face 39")
    assert [row["replica_id"] for row in named["replicas"]] == ["r39"]


async def test_resources_and_checks_work_at_the_pal_api(pal_tool_client: ToolClient) -> None:
    persona_id = await pal_tool_client.create_persona(name="Clerk")
    assert (await pal_tool_client.client.read_resource(f"tavus://personas/{persona_id}")).contents
    report = await pal_tool_client.expect_result("check_persona", persona_id=persona_id)
    assert report["persona_name"] == "Clerk"


async def test_an_absent_persona_is_reported_as_not_found_at_the_pal_api(
    pal_tool_client: ToolClient,
) -> None:
    message = await pal_tool_client.expect_error("get_persona", persona_id="p404")
    assert "list_personas" in message


async def test_pal_field_names_under_the_personas_path_are_understood(
    open_tool_client: ToolClientFactory,
) -> None:
    """Tavus: observed on a live account that used both vocabularies."""
    mixed = PalOnlyApi(
        resource_path="personas",
        id_field="persona_id",
        wraps_reads=False,
        first_page=1,
        render=rename_to_pal,
    )
    async with open_tool_client(mixed) as client:
        persona_id = await client.create_persona(name="Clerk")
        receipt = await client.expect_result(
            "configure_conversational_flow", persona_id=persona_id, replica_interruptibility="high"
        )
        assert not [item for item in receipt["findings"] if "read back" in item["message"]]
        read = await client.read_persona(persona_id)
        listed = await client.expect_result("list_personas")
    assert read["persona_name"] == "Clerk"
    assert read["layers"]["conversational_flow"] == {"replica_interruptibility": "high"}
    assert listed["personas"][0]["persona_name"] == "Clerk"
    assert not {"pal_name", "default_face_id"} & set(json.dumps(mixed.request_bodies).split('"'))


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
def newer_persona_id(pal_api: PalOnlyApi) -> str:
    """A persona with fields that no documentation names."""
    pal_api.personas["pf1"] = {"pal_id": "pf1", **json.loads(json.dumps(FUTURE))}
    return "pf1"


async def test_unknown_fields_are_returned(
    pal_tool_client: ToolClient, newer_persona_id: str
) -> None:
    read = await pal_tool_client.read_persona(newer_persona_id)
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
    pal_tool_client: ToolClient,
    pal_api: PalOnlyApi,
    newer_persona_id: str,
    tool: str,
    arguments: dict[str, Any],
) -> None:
    """Unknown fields are never dropped."""

    def unknown() -> list[Any]:
        stored = pal_api.personas[newer_persona_id]
        layers = stored["layers"]
        return [
            stored["mood_engine"],
            layers["llm"]["reasoning"],
            layers["tts"]["breath"],
            layers["tts"]["voice_settings"]["pitch"],
            layers["dreams"],
        ]

    before = json.dumps(unknown())
    receipt = await pal_tool_client.expect_result(tool, persona_id=newer_persona_id, **arguments)
    assert receipt["status"] == "applied"
    assert json.dumps(unknown()) == before
    await pal_tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert json.dumps(unknown()) == before


async def test_undoing_the_unset_of_a_layer_restores_its_unknown_fields(
    pal_tool_client: ToolClient, pal_api: PalOnlyApi, newer_persona_id: str
) -> None:
    receipt = await pal_tool_client.expect_result(
        "configure_tts", persona_id=newer_persona_id, unset=["tts"]
    )
    assert "tts" not in pal_api.personas[newer_persona_id]["layers"]
    await pal_tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert pal_api.personas[newer_persona_id]["layers"]["tts"] == FUTURE["layers"]["tts"]


async def test_a_persona_with_unknown_fields_can_be_copied(
    pal_tool_client: ToolClient, pal_api: PalOnlyApi, newer_persona_id: str
) -> None:
    receipt = await pal_tool_client.expect_result("create_persona", based_on=newer_persona_id)
    copied = pal_api.personas[receipt["persona_id"]]
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
    pal_tool_client: ToolClient, pal_api: PalOnlyApi, path: str
) -> None:
    persona_id = await pal_tool_client.create_persona(layers={"llm": {"model": "tavus-gpt-oss"}})
    before = json.dumps(pal_api.personas[persona_id])
    patch = [{"op": "add", "path": path, "value": {"a": 1}}]
    message = await pal_tool_client.expect_error(
        "patch_persona", persona_id=persona_id, patch=patch
    )
    assert path in message or "/patch/0/path: unknown field of a persona" in message
    assert json.dumps(pal_api.personas[persona_id]) == before
    result = await pal_tool_client.call(
        "patch_persona", persona_id=persona_id, patch=patch, allow_unknown=True
    )
    assert not result.is_error, text_of(result)


@pytest.mark.parametrize("path", ["/layers/llm/reasoning", "/layers/dreams"])
async def test_the_removal_of_an_unknown_field_can_be_undone(
    pal_tool_client: ToolClient, pal_api: PalOnlyApi, newer_persona_id: str, path: str
) -> None:
    receipt = await pal_tool_client.expect_result(
        "patch_persona",
        persona_id=newer_persona_id,
        patch=[{"op": "remove", "path": path}],
        allow_unknown=True,
    )
    await pal_tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert pal_api.personas[newer_persona_id]["layers"] == FUTURE["layers"]


async def test_undo_restores_a_null_that_a_raw_patch_replaced(
    pal_tool_client: ToolClient, pal_api: PalOnlyApi
) -> None:
    """Tavus: old personas hold nulls and empty strings."""
    pal_api.personas["pn1"] = {
        "pal_id": "pn1",
        "system_prompt": "x",
        "greeting": None,
        "layers": {},
    }
    patch = [{"op": "replace", "path": "/greeting", "value": "Hi!"}]
    receipt = await pal_tool_client.expect_result("patch_persona", persona_id="pn1", patch=patch)
    await pal_tool_client.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert pal_api.personas["pn1"].get("greeting") is None
