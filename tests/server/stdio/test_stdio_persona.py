"""Creating, changing and deleting a persona over a pipe, in every supported protocol revision.

The persona is the complete example of the document that this project started from.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from forked_processes import ForkServer
from rawclient import PROTOCOL_REVISIONS, Session
from seed_persona import SEED

PERSONA_COUNT = 300
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
def account(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Path:
    """A data folder whose sandbox holds 300 personas."""
    folder = tmp_path_factory.mktemp("account")
    with fork_server.start(folder, "--sandbox") as server:
        session = Session(server, PROTOCOL_REVISIONS[0]).initialize()
        body = {"system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}
        for number in range(PERSONA_COUNT):
            session.expect_result("create_persona", name=f"Clerk {number:03}", **body)
    return folder


@pytest.fixture(scope="module", params=PROTOCOL_REVISIONS)
def session(
    request: pytest.FixtureRequest, account: Path, fork_server: ForkServer
) -> Iterator[Session]:
    """A session with a server on that account, in one revision; stdout carries protocol only."""
    with fork_server.start(account, "--sandbox", "--toolsets", "all") as server:
        yield Session(server, request.param).initialize()
        server.close_stdin()
        assert server.process.returncode == 0
        assert server.non_message_lines == []
        assert server.read_stderr() == ""


@pytest.fixture
def persona_id(session: Session) -> Iterator[str]:
    """The example persona, for one test."""
    made = session.expect_result("create_persona", **SEED)
    yield made["persona_id"]
    arguments = {"persona_id": made["persona_id"]}
    answer = session.request("tools/call", name="delete_persona", arguments=arguments)
    if not answer["isError"]:
        session.expect_result("apply_plan", plan_id=answer["structuredContent"]["plan_id"])


def read_document(session: Session, persona_id: str) -> dict[str, Any]:
    read = session.expect_result("get_persona", persona_id=persona_id, full_prompt=True)
    return dict(read["persona"])


def test_the_tools_are_listed_with_titles_and_object_schemas(session: Session) -> None:
    listed = session.request("tools/list")["tools"]
    assert {"list_personas", "get_persona", "create_persona"} <= {tool["name"] for tool in listed}
    for tool in listed:
        assert tool["title"]
        assert tool["description"]
        assert tool["inputSchema"]["type"] == "object"


def test_the_example_is_created_completely_and_read_back(session: Session, persona_id: str) -> None:
    """All of the seed is accepted; the voice id of a provider is moved to its own field."""
    expected = deepcopy(SEED)
    expected["layers"]["tts"]["external_voice_id"] = expected["layers"]["tts"].pop("voice_id")
    document = read_document(session, persona_id)
    assert {name: document[name] for name in expected} == expected


def test_deprecated_values_of_the_example_are_reported(session: Session) -> None:
    receipt = session.expect_result("create_persona", **SEED, dry_run=True)
    assert receipt["status"] == "planned"
    paths = {finding["path"] for finding in receipt["findings"]}
    assert {"/context", "/layers/llm/model", "/layers/perception/ambient_awareness"} <= paths


@pytest.mark.parametrize(
    ("layer", "tool", "values"), CHANGES, ids=[layer for layer, _, _ in CHANGES]
)
def test_changing_one_layer_leaves_the_rest_unchanged(
    session: Session, persona_id: str, layer: str, tool: str, values: dict[str, Any]
) -> None:
    before = read_document(session, persona_id)
    receipt = session.expect_result(tool, persona_id=persona_id, **values)
    assert receipt["status"] == "applied"
    assert receipt["revision"] != receipt["previous_revision"]
    after = read_document(session, persona_id)
    expected = before["layers"].pop(layer, {}) | values
    changed = after["layers"].pop(layer)
    assert {name: changed[name] for name in expected} == expected
    assert {**after, "updated_at": ""} == {**before, "updated_at": ""}


def test_a_receipt_contains_the_undo_call(session: Session, persona_id: str) -> None:
    before = read_document(session, persona_id)["layers"]
    receipt = session.expect_result("configure_llm", persona_id=persona_id, model="tavus-gpt-oss")
    session.expect_result(receipt["undo"]["tool"], **receipt["undo"]["arguments"])
    assert read_document(session, persona_id)["layers"] == before


def test_a_persona_is_found_by_name_among_three_hundred(session: Session, persona_id: str) -> None:
    first = session.expect_result("list_personas", name_contains="interviewer", persona_type="user")
    assert [row["persona_id"] for row in first["personas"]] == [persona_id]
    last = session.expect_result("list_personas", name_contains=f"clerk {PERSONA_COUNT - 1}")
    assert [row["persona_name"] for row in last["personas"]] == [f"Clerk {PERSONA_COUNT - 1}"]


def test_cursors_reach_every_one_of_three_hundred_personas(session: Session) -> None:
    names: list[str] = []
    arguments: dict[str, Any] = {"limit": 100, "persona_type": "user", "name_contains": "clerk"}
    while True:
        page = session.expect_result("list_personas", **arguments)
        names += [row["persona_name"] for row in page["personas"]]
        if "next_cursor" not in page:
            break
        arguments["cursor"] = page["next_cursor"]
    assert names == [f"Clerk {number:03}" for number in range(PERSONA_COUNT)]


def test_a_part_of_the_prompt_is_edited(session: Session, persona_id: str) -> None:
    session.expect_result("edit_prompt", persona_id=persona_id, find="senior", replace="kind")
    prompt = read_document(session, persona_id)["system_prompt"]
    assert prompt == "You are a kind technical interviewer..."


def test_a_persona_is_deleted_only_by_applying_a_plan(session: Session, persona_id: str) -> None:
    planned = session.expect_result("delete_persona", persona_id=persona_id)
    assert planned["status"] == "planned"
    assert read_document(session, persona_id)["persona_name"] == SEED["persona_name"]
    session.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert persona_id in session.expect_error("get_persona", persona_id=persona_id)


def test_a_misspelt_argument_is_refused_with_the_closest_name(
    session: Session, persona_id: str
) -> None:
    message = session.expect_error("configure_llm", persona_id=persona_id, modle="tavus-gpt-oss")
    assert "'model'" in message


def test_an_unknown_method_gives_the_json_rpc_error(session: Session) -> None:
    """Required by JSON-RPC 2.0."""
    assert session.expect_protocol_error("personas/invent")["code"] == -32601
