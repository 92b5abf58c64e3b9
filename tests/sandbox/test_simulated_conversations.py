"""Simulated conversations: requested through the controls, read like any other conversation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx2
import pytest

from tavus_mcp.sandbox.simulator import simulate_call
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio
CONTROL = "/_sandbox/conversations"
COACH = "p1af207b8189"
ADA: dict[str, Any] = {
    "persona_name": "Ada",
    "system_prompt": "You are Ada.",
    "default_replica_id": "rfe12d8b9597",
    "layers": {"conversational_flow": {"turn_taking_patience": "low"}},
}
ENTRY = {"role", "content", "timestamp", "seconds_from_start", "duration"}


async def create_persona(tavus: httpx2.AsyncClient, **fields: Any) -> str:
    answer = await tavus.post("/v2/personas", json=ADA | fields)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["persona_id"])


async def create_simulated_conversations(
    tavus: httpx2.AsyncClient, **options: Any
) -> list[dict[str, Any]]:
    """Have calls simulated; return them as a verbose read does."""
    answer = await tavus.post(CONTROL, json=options)
    assert answer.status_code == 200, answer.text
    read = [
        await tavus.get(f"/v2/conversations/{conversation_id}?verbose=true")
        for conversation_id in answer.json()["conversation_ids"]
    ]
    return [answer.json() for answer in read]


def read_transcript(call: dict[str, Any]) -> list[dict[str, Any]]:
    properties = {event["event_type"]: event["properties"] for event in call["events"]}
    return list(properties["application.transcription_ready"]["transcript"])


def comparable_content(call: dict[str, Any]) -> list[Any]:
    """Return the content of a call without ids and without times of its creation."""
    entries = [
        {key: value for key, value in entry.items() if key not in ("timestamp", "inference_id")}
        for entry in read_transcript(call)
    ]
    others = [
        (event["event_type"], event["properties"])
        for event in call["events"]
        if "transcript" not in event["properties"]
    ]
    return [call["conversation_name"], entries, others]


async def test_the_name_of_each_conversation_states_that_it_is_simulated(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    """A simulated conversation must not be mistaken for a real one."""
    names = [
        call["conversation_name"]
        for call in await create_simulated_conversations(sandbox_client, persona_id=COACH, count=3)
    ]
    assert names == [f"Made up by the sandbox (seed 1, call {number})" for number in (1, 2, 3)]


async def test_the_analysis_states_that_it_is_simulated(sandbox_client: httpx2.AsyncClient) -> None:
    seen = [
        event["properties"]["analysis"]
        for call in await create_simulated_conversations(sandbox_client, persona_id=COACH)
        for event in call["events"]
        if event["event_type"] == "application.perception_analysis"
    ]
    assert seen
    assert all(text.startswith("Made up by the sandbox, nobody was seen") for text in seen)


@pytest.mark.parametrize(("options", "count"), [({}, 20), ({"count": 1}, 1), ({"count": 200}, 200)])
async def test_the_requested_number_of_conversations_is_created_20_by_default(
    sandbox_client: httpx2.AsyncClient, options: dict[str, int], count: int
) -> None:
    answer = await sandbox_client.post(CONTROL, json={"persona_id": COACH} | options)
    assert len(answer.json()["conversation_ids"]) == count
    assert (await sandbox_client.get("/v2/conversations")).json()["total_count"] == count


async def test_conversations_are_listed_in_order_with_status_ended(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    answer = await sandbox_client.post(CONTROL, json={"persona_id": COACH, "count": 5})
    page = (await sandbox_client.get("/v2/conversations?status=ended")).json()
    assert [row["conversation_id"] for row in page["data"]] == answer.json()["conversation_ids"]
    assert {row["persona_id"] for row in page["data"]} == {COACH}
    assert {row["replica_id"] for row in page["data"]} == {"rfe12d8b9597"}
    assert not [row for row in page["data"] if "events" in row]


async def test_a_persona_addressed_as_pal_gets_conversations_in_pal_names(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    (call,) = await create_simulated_conversations(sandbox_client, pal_id=COACH, count=1)
    assert (call["pal_id"], call["face_id"]) == (COACH, "rfe12d8b9597")
    assert "persona_id" not in call


async def test_the_events_match_those_of_an_ended_conversation(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    """Tavus: webhooks; the analysis or its absence comes last."""
    for call in await create_simulated_conversations(sandbox_client, persona_id=COACH):
        *first, last = [event["event_type"] for event in call["events"]]
        assert first == [
            "system.replica_joined",
            "system.pal_joined",
            "system.shutdown",
            "application.transcription_ready",
        ]
        assert last in {"application.perception_analysis", "application.perception_unavailable"}
        reason = call["events"][2]["properties"]["shutdown_reason"]
        assert reason in {"participant_left_timeout reached", "end_conversation_endpoint_hit"}


async def test_every_transcript_entry_has_the_documented_fields(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    """Tavus: webhooks, changelog of 22 May 2026; only the replica's turns have an inference."""
    seen: set[str] = set()
    for call in await create_simulated_conversations(sandbox_client, persona_id=COACH):
        for entry in read_transcript(call):
            extra = {"inference_id"} if entry["role"] == "assistant" else set()
            assert set(entry) == ENTRY | extra
            assert entry["role"] in {"user", "assistant"}
            assert entry["content"].strip()
            assert entry["duration"] > 0
            seen |= {entry[name] for name in extra}
    assert len(seen) > 100


async def test_times_are_relative_to_the_creation_of_the_conversation(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    for call in await create_simulated_conversations(sandbox_client, persona_id=COACH):
        begun = datetime.fromisoformat(call["created_at"])
        entries = read_transcript(call)
        for entry in entries:
            start = entry["timestamp"] - begun.timestamp()
            assert start == pytest.approx(entry["seconds_from_start"], abs=0.002)
        at = [datetime.fromisoformat(event["timestamp"]) for event in call["events"]]
        assert at[0] == at[1] == begun
        assert at[2] == at[3] == at[4]
        assert (at[2] - begun).total_seconds() > max(
            entry["seconds_from_start"] + entry["duration"] for entry in entries
        )


async def test_the_same_seed_and_settings_give_the_same_conversations(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    """Of another persona as well: only its settings and its name matter, not its id."""
    first, second = await create_persona(sandbox_client), await create_persona(sandbox_client)
    first_calls, repeated_calls, second_calls = [
        [
            comparable_content(call)
            for call in await create_simulated_conversations(
                sandbox_client, persona_id=persona_id, count=6, seed=7
            )
        ]
        for persona_id in (first, first, second)
    ]
    assert first_calls == repeated_calls == second_calls
    longer = [
        comparable_content(call)
        for call in await create_simulated_conversations(
            sandbox_client, persona_id=first, count=8, seed=7
        )
    ]
    assert longer[:6] == first_calls
    assert [
        comparable_content(call)
        for call in await create_simulated_conversations(
            sandbox_client, persona_id=first, count=6, seed=8
        )
    ] != first_calls


async def test_ids_are_unique(sandbox_client: httpx2.AsyncClient) -> None:
    every = [
        *await create_simulated_conversations(sandbox_client, persona_id=COACH),
        *await create_simulated_conversations(sandbox_client, persona_id=COACH),
    ]
    assert len({call["conversation_id"] for call in every}) == 40
    inferences = [
        entry["inference_id"]
        for call in every
        for entry in read_transcript(call)
        if entry["role"] == "assistant"
    ]
    assert len(set(inferences)) == len(inferences)


async def test_a_read_conversation_matches_the_simulation(
    sandbox_client: httpx2.AsyncClient, store: Store
) -> None:
    persona_id = await create_persona(sandbox_client)
    (call,) = await create_simulated_conversations(
        sandbox_client, persona_id=persona_id, count=1, seed=3
    )
    persona = store.get("persona", persona_id)
    assert persona is not None
    turns = simulate_call(persona, seed=3, number=1).turns
    assert [(entry["role"], entry["content"]) for entry in read_transcript(call)] == [
        (turn.role, turn.content) for turn in turns
    ]


async def test_a_change_of_the_persona_affects_later_conversations(
    sandbox_client: httpx2.AsyncClient,
) -> None:
    persona_id = await create_persona(sandbox_client)
    before = [
        comparable_content(call)
        for call in await create_simulated_conversations(sandbox_client, persona_id=persona_id)
    ]
    path = "/layers/conversational_flow/turn_taking_patience"
    patch = [{"op": "replace", "path": path, "value": "high"}]
    assert (await sandbox_client.patch(f"/v2/personas/{persona_id}", json=patch)).status_code == 200
    after = [
        comparable_content(call)
        for call in await create_simulated_conversations(sandbox_client, persona_id=persona_id)
    ]
    assert [call[0] for call in before] == [call[0] for call in after]
    assert [call[1] for call in before] != [call[1] for call in after]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "persona_id"),
        ({"persona_id": "p000"}, "no persona of this sandbox"),
        ({"persona_id": 7}, "persona_id"),
        ({"persona_id": COACH, "pal_id": COACH}, "not both"),
        ({"persona_id": COACH, "count": 0}, "count"),
        ({"persona_id": COACH, "count": 201}, "count"),
        ({"persona_id": COACH, "count": 1.5}, "count"),
        ({"persona_id": COACH, "seed": "one"}, "seed"),
        ({"persona_id": COACH, "seeds": 1}, "seeds"),
    ],
)
async def test_an_impossible_simulation_is_refused_and_stores_nothing(
    sandbox_client: httpx2.AsyncClient, body: dict[str, Any], named: str
) -> None:
    answer = await sandbox_client.post(CONTROL, json=body)
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert "p000" not in answer.text
    assert (await sandbox_client.get("/v2/conversations")).json()["total_count"] == 0


async def test_a_persona_without_a_replica_is_refused(sandbox_client: httpx2.AsyncClient) -> None:
    body = {"persona_name": "Nobody", "system_prompt": "x"}
    persona_id = (await sandbox_client.post("/v2/personas", json=body)).json()["persona_id"]
    answer = await sandbox_client.post(CONTROL, json={"persona_id": persona_id})
    assert answer.status_code == 400
    assert "default_replica_id" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/v2/_sandbox/conversations", {404, 405}),
        ("/v2/conversations/_sandbox", {404, 405}),
        ("/v2/conversations", {400}),
    ],
)
async def test_conversations_are_not_simulated_under_v2(
    sandbox_client: httpx2.AsyncClient, path: str, statuses: set[int]
) -> None:
    """An addition of the sandbox must not look like a part of the Tavus API."""
    answer = await sandbox_client.post(path, json={"persona_id": COACH, "count": 3})
    assert answer.status_code in statuses
    assert (await sandbox_client.get("/v2/conversations")).json()["total_count"] == 0
