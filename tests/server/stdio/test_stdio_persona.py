"""The life of a persona over a bare pipe, in every revision of the protocol that is spoken.

The persona is the full example of the document this project started from, settings and all.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from rawclient import REVISIONS, SERVER, Session, started

FLOCK = 300
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get current weather for a location",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string", "description": "City and state"}},
            "required": ["location"],
        },
    },
}
SEED: dict[str, Any] = {
    "persona_name": "Technical Interviewer",
    "pipeline_mode": "full",
    "system_prompt": "You are a senior technical interviewer...",
    "context": "Focus on system design and coding problems.",
    "default_replica_id": "rfe12d8b9597",
    "layers": {
        "llm": {"model": "tavus-gpt-4o", "tools": [WEATHER]},
        "tts": {"tts_engine": "cartesia", "voice_id": "your-cartesia-voice-id"},
        "perception": {"perception_model": "raven-0", "ambient_awareness": True},
        "stt": {
            "smart_turn_detection": True,
            "participant_pause_sensitivity": "medium",
            "participant_interrupt_sensitivity": "medium",
        },
    },
}
CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("llm", "configure_llm", {"model": "tavus-gpt-oss"}),
    ("tts", "configure_tts", {"external_voice_id": "a0e99841-438c-4a64-b679-ae501e7d6091"}),
    ("stt", "configure_stt", {"hotwords": "Kubernetes, Raft"}),
    ("perception", "configure_perception", {"perception_model": "raven-1"}),
    (
        "conversational_flow",
        "configure_conversational_flow",
        {"turn_detection_model": "sparrow-1", "turn_taking_patience": "high"},
    ),
]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose sandbox holds 300 personas."""
    folder = tmp_path_factory.mktemp("account")
    with started(folder, *SERVER, "--sandbox") as wire:
        session = Session(wire, REVISIONS[0]).opened()
        body = {"system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}
        for number in range(FLOCK):
            session.call("create_persona", name=f"Clerk {number:03}", **body)
    return folder


@pytest.fixture(scope="module", params=REVISIONS)
def session(request: pytest.FixtureRequest, account: Path) -> Iterator[Session]:
    """A server on that account, spoken to in one revision; its stdout held protocol only."""
    with started(account, *SERVER, "--sandbox", "--toolsets", "all") as wire:
        yield Session(wire, request.param).opened()
        wire.hang_up()
        assert wire.process.returncode == 0
        assert wire.strays == []
        assert wire.said() == ""


@pytest.fixture
def persona_id(session: Session) -> Iterator[str]:
    """The example persona, for one test."""
    made = session.call("create_persona", **SEED)
    yield made["persona_id"]
    asked = {"persona_id": made["persona_id"]}
    answer = session.request("tools/call", name="delete_persona", arguments=asked)
    if not answer["isError"]:
        session.call("apply_plan", plan_id=answer["structuredContent"]["plan_id"])


def document(session: Session, persona_id: str) -> dict[str, Any]:
    read = session.call("get_persona", persona_id=persona_id, full_prompt=True)
    return dict(read["persona"])


def test_the_tools_are_listed_with_titles_and_object_schemas(session: Session) -> None:
    listed = session.request("tools/list")["tools"]
    assert {"list_personas", "get_persona", "create_persona"} <= {tool["name"] for tool in listed}
    for tool in listed:
        assert tool["title"]
        assert tool["description"]
        assert tool["inputSchema"]["type"] == "object"


def test_the_example_is_created_whole_and_read_back(session: Session, persona_id: str) -> None:
    """Required by us: everything the seed shows is accepted; a provider's voice keeps its place."""
    expected = deepcopy(SEED)
    expected["layers"]["tts"]["external_voice_id"] = expected["layers"]["tts"].pop("voice_id")
    shown = document(session, persona_id)
    assert {name: shown[name] for name in expected} == expected


def test_what_the_example_has_that_tavus_moved_on_from_is_said(session: Session) -> None:
    receipt = session.call("create_persona", **SEED, dry_run=True)
    assert receipt["status"] == "planned"
    told = {finding["path"] for finding in receipt["findings"]}
    assert {"/context", "/layers/llm/model", "/layers/perception/ambient_awareness"} <= told


@pytest.mark.parametrize(("layer", "tool", "values"), CHANGES, ids=[it[0] for it in CHANGES])
def test_one_layer_changes_and_the_rest_stays(
    session: Session, persona_id: str, layer: str, tool: str, values: dict[str, Any]
) -> None:
    before = document(session, persona_id)
    receipt = session.call(tool, persona_id=persona_id, **values)
    assert receipt["status"] == "applied"
    assert receipt["revision"] != receipt["previous_revision"]
    after = document(session, persona_id)
    wanted = before["layers"].pop(layer, {}) | values
    changed = after["layers"].pop(layer)
    assert {name: changed[name] for name in wanted} == wanted
    assert {**after, "updated_at": ""} == {**before, "updated_at": ""}


def test_a_receipt_holds_the_call_that_undoes_it(session: Session, persona_id: str) -> None:
    before = document(session, persona_id)["layers"]
    receipt = session.call("configure_llm", persona_id=persona_id, model="tavus-gpt-oss")
    session.call(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert document(session, persona_id)["layers"] == before


def test_it_is_found_by_name_among_three_hundred(session: Session, persona_id: str) -> None:
    found = session.call("list_personas", name_contains="interviewer", persona_type="user")
    assert [row["persona_id"] for row in found["personas"]] == [persona_id]
    last = session.call("list_personas", name_contains=f"clerk {FLOCK - 1}")
    assert [row["persona_name"] for row in last["personas"]] == [f"Clerk {FLOCK - 1}"]


def test_every_one_of_three_hundred_is_reached_by_cursors(session: Session) -> None:
    names: list[str] = []
    asked: dict[str, Any] = {"limit": 100, "persona_type": "user", "name_contains": "clerk"}
    while True:
        page = session.call("list_personas", **asked)
        names += [row["persona_name"] for row in page["personas"]]
        if "next_cursor" not in page:
            break
        asked["cursor"] = page["next_cursor"]
    assert names == [f"Clerk {number:03}" for number in range(FLOCK)]


def test_a_part_of_the_prompt_is_edited(session: Session, persona_id: str) -> None:
    session.call("edit_prompt", persona_id=persona_id, find="senior", replace="kind")
    prompt = document(session, persona_id)["system_prompt"]
    assert prompt == "You are a kind technical interviewer..."


def test_it_is_deleted_only_by_a_plan(session: Session, persona_id: str) -> None:
    planned = session.call("delete_persona", persona_id=persona_id)
    assert planned["status"] == "planned"
    assert document(session, persona_id)["persona_name"] == SEED["persona_name"]
    session.call("apply_plan", plan_id=planned["plan_id"])
    assert persona_id in session.refusal("get_persona", persona_id=persona_id)


def test_a_misspelt_argument_is_refused_with_the_nearest_name(
    session: Session, persona_id: str
) -> None:
    said = session.refusal("configure_llm", persona_id=persona_id, modle="tavus-gpt-oss")
    assert "'model'" in said


def test_a_method_that_does_not_exist_is_answered_as_json_rpc_wants(session: Session) -> None:
    """Required by JSON-RPC 2.0."""
    assert session.error("personas/invent")["code"] == -32601
